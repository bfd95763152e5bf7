#!/usr/bin/env python3
"""Trains a recipe with several seeds, prints their figures and writes the recipe's row in ACCURACY.md.

    Benchmarks/accuracy.py config/mnist-sprint.json                    # seeds 0 to 4
    Benchmarks/accuracy.py config/mnist-best.json --ensemble 5         # and the five together
    Benchmarks/accuracy.py config/default.json --ablation              # one ingredient less at a time
    Benchmarks/accuracy.py config/mnist-robust.json --robustness       # and on spoilt images

A recipe is one configuration. Every seed is a run of its own: `trainer --config RECIPE --seed N`. The test set is looked
at once a run, after the last epoch; nothing is chosen here. With --retrain the validation split is given back to training
and early stopping is off, for recipes whose choices were made on that split. Seeds that are done already, in the folder
--runs, are taken from there if their configuration and commit are the same, so that a broken-off measurement goes on.
Beside the seconds stands what the machine did meanwhile with the network of `config/reference.json`, images a second in
training, by which seconds of other machines compare; and with --tried how many configurations were tried before this one was chosen.

Figures are kept in accuracy.json, from which ACCURACY.md is written. Python's standard library is all it needs.
"""

import argparse
import copy
import json
import os
import statistics
import sys

from support import accuracy_table, machine, processes, recipes, training
from support.project import ROOT, Project

FOLDER = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print(text, flush=True)


def train(project, options, config, label, seed):
    """One run; answers its figures."""
    folder = os.path.join(options.runs, label, f"seed-{seed}")
    found = recipes.finished(folder, config, seed, options.commit)
    if found is None and options.test_anew:
        found = tested_anew(project, options, config, folder, seed)
    if found is None:
        recipes.begin(folder, config, options.commit)
        training.train(project, options, config, folder, ["--seed", str(seed)])
        found = recipes.finished(folder, config, seed, options.commit)
        if found is None:
            raise processes.Failed(f"{folder}: no finished run")
    say(f"  seed {seed}: {100 * found['accuracy']:.2f} %  ({found['errors']} wrong, loss {found['loss']:.4f}), "
        f"{found['seconds']:.1f} s of training")
    return found


def tested_anew(project, options, config, folder, seed):
    """A run that is there, tested as the recipe now says; None where there is none."""
    run = recipes.trained(folder, config)
    if run is None:
        return None
    settings = [f"evaluation.{key}={json.dumps(value)}" for key, value in config.get("evaluation", {}).items()]
    arguments = [argument for setting in settings for argument in ("--set", setting)]
    before, found = recipes.figures(run), recipes.figures(training.evaluate(project, options, [run], arguments))
    kept = {key: before[key] for key in ("folder", "seconds", "epochs", "threads")}
    return {"seed": seed, "trainedBy": recipes.commit(folder), **found, **kept}


def measure(project, options, config, label, seeds):
    say(f"{label}: {len(seeds)} seeds")
    runs = [train(project, options, config, label, seed) for seed in seeds]
    accuracies = [100 * run["accuracy"] for run in runs]
    mean, deviation, half = accuracy_table.interval(accuracies)
    say(f"  mean {mean:.3f} %, standard deviation {deviation:.3f}, 95 % interval of the mean "
        f"{mean - half:.3f} to {mean + half:.3f}; {statistics.mean(r['seconds'] for r in runs):.1f} s")
    return runs


def evaluate_together(project, options, runs, label):
    """Groups of `--ensemble` runs, each evaluated with its probabilities averaged."""
    results = []
    for start in range(0, len(runs) - options.ensemble + 1, options.ensemble):
        group = runs[start : start + options.ensemble]
        found = recipes.figures(training.evaluate(project, options, [run["folder"] for run in group]))
        found["members"] = [run["seed"] for run in group]
        found["seconds"] = sum(run["seconds"] for run in group)
        say(f"  together, seeds {', '.join(map(str, found['members']))}: {100 * found['accuracy']:.2f} % "
            f"({found['errors']} wrong)")
        results.append(found)
    return results


def spoilt(project, options, runs):
    """Each run's accuracy on spoilt images: the areas under the curves of `robustness.json`."""
    results = []
    for run in runs:
        folder = training.evaluate(project, options, [run["folder"]], ["--robustness"])
        with open(os.path.join(folder, "robustness.json"), encoding="utf-8") as file:
            record = json.load(file)
        areas = {curve["corruption"]: curve["area"] for curve in record["curves"]}
        results.append({"seed": run["seed"], "graded": record["meanArea"], "mnistC": record["mnistCMeanArea"], "areas": areas})
        say(f"  spoilt, seed {run['seed']}: graded {100 * record['meanArea']:.2f} %, MNIST-C's kinds "
            f"{100 * record['mnistCMeanArea']:.2f} %")
    return results


def reference_speed(project, options):
    """Images a second of the reference network in training."""
    return project.profile(128, 128, options.threads or len(processes.available_cpus()))[0]["trainingImagesPerSecond"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="the recipe, a configuration")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (default 5)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (default 0)")
    parser.add_argument("--ensemble", type=int, metavar="K", help="also average the probabilities of each K seeds")
    parser.add_argument("--test-anew", action="store_true",
                        help="runs that are there, of whatever commit, are tested by the recipe's section evaluation, not trained again")
    parser.add_argument("--robustness", action="store_true", help="also on spoilt images: mean areas")
    parser.add_argument("--tried", type=int, metavar="N",
                        help="how many configurations were tried, on validation images, before this one was chosen")
    parser.add_argument("--ablation", action="store_true", help="also without each ingredient, one at a time")
    parser.add_argument("--ablation-seeds", type=int, metavar="N",
                        help="of an ablation: the first N seeds alone (default: all)")
    parser.add_argument("--without", action="append", metavar="INGREDIENT",
                        help="of an ablation: these alone (as often as you like)")
    parser.add_argument("--retrain", action="store_true",
                        help="on the whole training set: validationFraction 0, no early stopping")
    parser.add_argument("--set", action="append", default=[], metavar="key.path=value", dest="settings",
                        help="override one key of the recipe; the row then says so")
    parser.add_argument("--name", help="the row's name, instead of the recipe's")
    training.add_options(parser)
    parser.add_argument("--runs", default=os.path.join(ROOT, "runs", "accuracy"), help="where runs are kept")
    parser.add_argument("--output", default=os.path.join(FOLDER, "ACCURACY.md"))
    parser.add_argument("--dry-run", action="store_true", help="print the figures, write no table")
    options = parser.parse_args()
    if options.seeds < 1 or options.ensemble is not None and not 2 <= options.ensemble <= options.seeds:
        parser.error("--seeds must be at least 1, --ensemble in 2 to --seeds")
    if options.ablation_seeds is not None and not 1 <= options.ablation_seeds <= options.seeds:
        parser.error("--ablation-seeds must be in 1 to --seeds")
    options.seeds = list(range(options.first_seed, options.first_seed + options.seeds))
    options.data = os.path.abspath(options.data) if options.data else None
    options.runs = os.path.abspath(options.runs)
    os.makedirs(options.runs, exist_ok=True)
    processes.end_on_sigterm()

    project = Project(options.trainer, keep_environment=False)
    project.build()
    description = machine.describe()
    options.commit = description["commit"]
    with open(options.config, encoding="utf-8") as file:
        config = json.load(file)
    config.pop("$schema", None)
    if options.retrain:
        options.settings += ["data.validationFraction=0", "training.earlyStopping=null"]
    for setting in options.settings:
        recipes.override(config, setting)
    name = options.name or config["name"]
    config["name"] = name
    store = accuracy_table.Store(os.path.join(os.path.dirname(os.path.abspath(options.output)), "accuracy.json"))

    variants = {}
    if options.ablation or options.without:
        variants = recipes.ablations(config)
        unknown = set(options.without or []) - set(variants)
        if unknown:
            parser.error(f"--without {sorted(unknown)[0]}: expected one of {', '.join(variants)}")
        if options.without:
            variants = {key: variants[key] for key in options.without}
    speeds = [reference_speed(project, options) for _ in range(2)]
    runs = measure(project, options, config, name, options.seeds)
    speeds.append(reference_speed(project, options))
    row = {
        "tried": options.tried,
        "referenceImagesPerSecond": statistics.median(speeds),
        "command": "Benchmarks/accuracy.py " + training.portable(sys.argv[1:], options), "runs": runs, "settings": options.settings,
        "machine": description, **recipes.size(project, config),
    }
    if options.ensemble:
        row["ensembles"] = evaluate_together(project, options, runs, name)
    if options.robustness:
        row["robustness"] = spoilt(project, options, runs)
    before = store.row(name)
    row["ablation"] = before.get("ablation", {}) if before.get("settings") == options.settings else {}
    if row["ablation"] and not options.ablation:
        # What it is compared with are runs of its own seeds.
        row["ablationBase"] = before.get("ablationBase", before["runs"])
    for ingredient, changed in variants.items():
        changed = copy.deepcopy(changed)
        changed["name"] = name
        row["ablation"][ingredient] = measure(
            project, options, changed, f"{name}-without-{ingredient}", options.seeds[: options.ablation_seeds])
        if not options.dry_run:
            store.put(name, row, options.output)
    if not options.dry_run:
        store.put(name, row, options.output)
        say(f"Wrote {options.output}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.Failed as failure:
        sys.exit(f"accuracy.py: {failure}")
