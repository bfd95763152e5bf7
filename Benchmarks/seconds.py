#!/usr/bin/env python3
"""What a second of training buys: a recipe with one ingredient changed at a time, at several lengths, on the validation split.

    Benchmarks/seconds.py config/mnist-sprint.json --data DATA            # 1, 2 and 4 epochs, seeds 1 to 3

Each ingredient is a `trainer sweep` over its values and the epochs; the test set is never read. A row is one value: validation
accuracy (mean of the seeds) and seconds of training for each number of epochs, and the seconds to the `--goals`, between two
lengths by interpolation. The budget, trainings and seconds, is written down with them. The table goes into SECONDS.md.
"""

import argparse
import copy
import csv
import json
import os
import sys
import tempfile
import time

from support import machine, processes, recipes, training
from support.project import Project

FOLDER = os.path.dirname(os.path.abspath(__file__))


def scaled(config, factor):
    """The layers with their widths multiplied, to multiples of four; the last one stays."""
    layers = copy.deepcopy(config["model"]["layers"])
    last = max(index for index, layer in enumerate(layers) if "units" in layer)
    for index, layer in enumerate(layers):
        for key in ("filters", "units"):
            if key in layer and index != last:
                layer[key] = max(4, round(layer[key] * factor / 4) * 4)
    return layers


def ingredients(config):
    """Name: key and values with what they are called; the first value of each is another than the recipe's own."""
    rate = config["training"]["optimizer"].get("learningRate", 0.001)
    optimizer = config["training"]["optimizer"]
    schedule = {"type": "oneCycle"}
    return {
        "batch size": ("training.batchSize", [(str(size), size) for size in (32, 64, 256)]),
        "learning rate": ("training.optimizer", [
            (f"{factor}×", {**optimizer, "learningRate": rate * factor}) for factor in (0.5, 2)]),
        "optimizer": ("training.optimizer", [
            ("sgd, Nesterov", {"type": "sgd", "learningRate": 0.1, "momentum": 0.9, "nesterov": True}),
            ("adamW", {"type": "adamW", "learningRate": rate}),
            ("muon", {"type": "muon", "learningRate": 0.02, "adam": {"learningRate": rate}})]),
        "schedule": ("training.schedule", [
            ("constant", {"type": "constant"}), ("cosine", {"type": "cosine"}),
            ("warm-up 10 %", {**schedule, "warmupFraction": 0.1}), ("warm-up 50 %", {**schedule, "warmupFraction": 0.5})]),
        "width": ("model.layers", [(f"{factor}×", scaled(config, factor)) for factor in (0.5, 1.5, 2)]),
        "averaging": ("training.averaging", [(f"decay {decay}", {"decay": decay}) for decay in (0.9, 0.98)]),
        "label smoothing": ("training.labelSmoothing", [(str(value), value) for value in (0, 0.1)]),
        "augmentation": ("augmentation", [
            ("none", {}), ("shift alone", {"translation": 1}), ("turn alone", {"rotation": 5}),
            ("stronger", {"rotation": 10, "translation": 2, "scale": 0.1, "shear": 0.1})]),
    }


def sweep(project, options, base, key, values, folder):
    """Rows of a sweep over the epochs and one key's values."""
    parameters = {"training.epochs": options.epochs}
    if key:
        parameters[key] = [value for _, value in values]
    plan = {"name": "seconds", "base": base, "parameters": parameters, "search": "grid", "seeds": options.seeds,
            "monitor": "validationAccuracy", "output": folder}
    path = os.path.join(folder, "plan.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(plan, file)
    training.run(project, options, ["sweep", "--config", path])
    with open(os.path.join(folder, "seconds", "sweep.csv"), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def curve(rows, key, value, seeds):
    """By epochs: accuracy, its deviation and seconds of one run."""
    found = {}
    for row in rows:
        if row["failure"] or (key and json.loads(row[key]) != value):
            continue
        found[int(row["epochs"])] = (float(row["validation_accuracy"]), float(row["validation_accuracy_sd"] or 0),
                                     float(row["seconds"]) / seeds)
    return dict(sorted(found.items()))


def reached(points, goal):
    """Seconds to an accuracy; between two lengths by interpolation of the error; None where no length is enough."""
    before = None
    for accuracy, _, seconds in points.values():
        if accuracy >= goal:
            if before is None:
                return seconds
            part = (goal - before[0]) / (accuracy - before[0])
            return before[1] + part * (seconds - before[1])
        before = (accuracy, seconds)
    return None


def parts(project, options, base):
    """Where the seconds of the recipe go: without validation, without augmentation, and the whole process."""
    def run(changes):
        config = copy.deepcopy(base)
        for setting in changes:
            recipes.override(config, setting)
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            training.train(project, options, config, folder)
            whole = time.monotonic() - begin
            return recipes.figures(recipes.only_folder(folder))["seconds"], whole
    def least(changes):
        return tuple(map(min, zip(*(run(changes) for _ in range(3)))))
    whole, process = least([])
    still, _ = least(["augmentation={}"])
    alone, _ = least(["data.validationFraction=0", "training.earlyStopping=null"])
    images = 1 - base["data"].get("validationFraction", 0.1)
    # Without a validation split more images are trained on.
    validation = whole - alone * images
    return {"whole process": process, "training": whole, "of which augmentation": whole - still,
            "of which validation": validation, "start, test, figures and files": process - whole}


def markdown(results, options, description):
    lines = ["# What a second buys", "",
             "Written by `Benchmarks/seconds.py`: a recipe with one ingredient changed at a time, trained for several numbers of "
             "epochs. Accuracy in % of the 6,000 validation images, mean of the seeds (deviation), and seconds of training; then "
             "seconds to an accuracy, between two lengths by interpolation. The test set was not read. Differences below 0.1 points are "
             "chance: the mean of two or three seeds has a deviation of some 0.05.", "",
             machine.table(description, [("threads", str(options.threads or "all"))]), ""]
    for name, result in results.items():
        lengths = result["epochs"]
        goals = result["goals"]
        lines += [f"## `{name}`", "", f"Budget: {result['trainings']} trainings, {result['seconds']:.0f} s; seeds "
                  + ", ".join(map(str, result["seeds"])) + ".", "",
                  "| | " + " | ".join(f"{length} epoch{'s' if length > 1 else ''}" for length in lengths) + " | "
                  + " | ".join(f"to {goal} %" for goal in goals) + " |",
                  "|---|" + "--:|" * (len(lengths) + len(goals))]
        for row in result["rows"]:
            points = {int(key): value for key, value in row["curve"].items()}
            cells = [f"{100 * points[length][0]:.2f} ({100 * points[length][1]:.2f}), {points[length][2]:.1f} s"
                     if length in points else "failed" for length in lengths]
            times = [reached(points, goal / 100) for goal in goals]
            cells += [f"{seconds:.1f} s" if seconds is not None else "–" for seconds in times]
            lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
        lines += ["", "Where the seconds go (least of three runs, the recipe with a validation split):", "",
                  "| | seconds |", "|---|--:|"]
        lines += [f"| {part} | {seconds:.2f} |" for part, seconds in result["parts"].items()]
        lines += ["", f"`{result['command']}`", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="the recipe, a configuration")
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2, 4], help="the lengths (default 1 2 4)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="(default 1 2 3)")
    parser.add_argument("--goals", type=float, nargs="+", default=[98.9, 99.2], help="accuracies, %% (default 98.9 99.2)")
    parser.add_argument("--only", action="append", metavar="INGREDIENT", help="these alone (as often as you like)")
    training.add_options(parser)
    parser.add_argument("--output", default=os.path.join(FOLDER, "SECONDS.md"))
    options = parser.parse_args()
    options.data = os.path.abspath(options.data) if options.data else None
    options.epochs.sort()
    processes.end_on_sigterm()
    project = Project(options.trainer, keep_environment=False)
    project.build()
    with open(options.config, encoding="utf-8") as file:
        config = json.load(file)
    config.pop("$schema", None)
    config["data"]["validationFraction"] = config["data"].get("validationFraction") or 0.1
    config["training"]["earlyStopping"] = None
    config.pop("evaluation", None)
    choices = ingredients(config)
    unknown = set(options.only or []) - set(choices)
    if unknown:
        parser.error(f"--only {sorted(unknown)[0]}: expected one of {', '.join(choices)}")
    if options.only:
        choices = {name: choices[name] for name in options.only}

    begin = time.monotonic()
    result = {"epochs": options.epochs, "seeds": options.seeds, "goals": options.goals, "rows": [], "trainings": 0}
    plans = [("as it is", None, [("", None)])] + [(name, key, values) for name, (key, values) in choices.items()]
    for name, key, values in plans:
        with tempfile.TemporaryDirectory() as folder:
            rows = sweep(project, options, config, key, values, folder)
        for title, value in values:
            row = {"name": f"{name} {title}".strip(), "curve": curve(rows, key, value, len(options.seeds))}
            result["rows"].append(row)
            result["trainings"] += len(options.epochs) * len(options.seeds)
            print(f"{row['name']}: " + "; ".join(
                f"{length}: {100 * point[0]:.2f} % in {point[2]:.1f} s" for length, point in row["curve"].items()),
                flush=True)
    result["seconds"] = time.monotonic() - begin
    result["parts"] = parts(project, options, config)
    result["command"] = "Benchmarks/seconds.py " + training.portable(sys.argv[1:], options)

    store = os.path.join(os.path.dirname(os.path.abspath(options.output)), "seconds.json")
    results = {}
    if os.path.exists(store):
        with open(store, encoding="utf-8") as file:
            results = json.load(file)
    results[config["name"]] = result
    with open(store, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    # As JSON has it: keys are text.
    results = json.loads(json.dumps(results))
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(markdown(results, options, machine.describe()))
    print(f"Wrote {options.output}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.Failed as failure:
        sys.exit(f"seconds.py: {failure}")
