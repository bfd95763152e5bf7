#!/usr/bin/env python3
"""Time to a test accuracy of 99.5 and 99.6 %: Numeral and PyTorch with the identical recipe, side by side.

    Benchmarks/time_to_accuracy.py config/default.json --data FOLDER

Both sides read the same configuration (`peers/recipe.py` is PyTorch's) and train on all 60,000 images. The clock covers
training alone: batches, augmentation, steps, averaging; it stops while the test set is classified after each epoch. Sides
alternate, seed by seed; PyTorch also runs compiled by Inductor with the first seed, and the faster setting is used for
the others. A side reaches an accuracy at the end of the first epoch whose test accuracy is at least that. The figure of a
side is the mean over seeds of the seconds it took; seeds that never got there are counted apart.

The table goes into TIME_TO_ACCURACY.md. The machine should be quiet: nothing else running. PyTorch comes from the
virtual environment of compare.py (Benchmarks/.venv or --venv).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

from support import accuracy_table, machine, processes, recipes, venv
from support.project import ROOT, Project

FOLDER = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print(text, flush=True)


class Sides:
    def __init__(self, project, options, config, python):
        self.project, self.options, self.config, self.python = project, options, config, python
        self.program = options.program or os.path.join(ROOT, ".build", "debug", "time-to-accuracy")

    def numeral(self, seed):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(self.config, file)
            file.flush()
            command = [self.program, "--config", file.name, "--seed", str(seed), "--data", self.options.data,
                       "--threads", str(self.options.threads)]
            return self._run(command, self.project.environment())

    def pytorch(self, seed, compiled):
        job = {"config": self.config, "seed": seed, "threads": self.options.threads, "data": self.options.data,
               "compiled": compiled}
        from peers import MEMORY

        environment = processes.clean_environment(False, {**MEMORY, "OMP_NUM_THREADS": str(self.options.threads)})
        return self._run([self.python, "-m", "peers.recipe", json.dumps(job)], environment, FOLDER)

    def _run(self, command, environment, folder=ROOT):
        finished = processes.run(command, environment, self.options.threads, self.options.limit, folder)
        outcome = json.loads(finished.output)
        outcome["otherLoad"] = finished.other_load
        return outcome


def reached(outcome, accuracy):
    """Seconds at the end of the first epoch that is good enough; None where none was."""
    return next((epoch["seconds"] for epoch in outcome["epochs"] if epoch["accuracy"] >= accuracy), None)


def show(name, seed, outcome, goals):
    times = ", ".join(f"{100 * goal:.1f} % in " + (f"{reached(outcome, goal):.1f} s" if reached(outcome, goal)
                                                  else "no epoch") for goal in goals)
    last = outcome["epochs"][-1]
    say(f"  {name}, seed {seed}: {times}; at the end {100 * last['accuracy']:.2f} % after {last['seconds']:.1f} s")


def markdown(results, goals, options, description, versions, setting):
    recipe = ", ".join([f"`{options.config}`"] + [f"`{setting}`" for setting in options.settings])
    lines = ["# Time to accuracy", "", "Written by `Benchmarks/time_to_accuracy.py`: the same recipe on both sides, all "
             "60,000 training images, clocks stopped while testing; seconds of training until the first epoch's end with "
             "that test accuracy, mean over seeds (least–greatest).", "",
             machine.table(description, [("PyTorch", f"{versions['torch']}, {setting}"),
                                         ("threads", str(options.threads)),
                                         ("recipe", recipe + f", {len(options.seeds)} seeds")]), "",
             "| | " + " | ".join(f"{100 * goal:.1f} %" for goal in goals) + " | last epoch: seconds | accuracy, mean |",
             "|---|" + "--:|" * (len(goals) + 2)]
    means = {}
    for side, outcomes in results.items():
        cells = []
        for goal in goals:
            times = [reached(outcome, goal) for outcome in outcomes]
            good = [value for value in times if value is not None]
            means[side, goal] = statistics.mean(good) if len(good) == len(times) else None
            cells.append((f"{statistics.mean(good):.1f} ({min(good):.1f}–{max(good):.1f})" if good else "–")
                         + (f", {len(times) - len(good)} of {len(times)} never" if len(good) < len(times) else ""))
        ends = [outcome["epochs"][-1] for outcome in outcomes]
        mean, _, half = accuracy_table.interval([100 * end["accuracy"] for end in ends])
        cells += [f"{statistics.mean(end['seconds'] for end in ends):.1f}", f"{mean:.3f} ± {half:.3f}"]
        lines.append(f"| {side} | " + " | ".join(cells) + " |")
    ratios = []
    for goal in goals:
        ours, theirs = means["Numeral", goal], means["PyTorch", goal]
        ratios.append(f"{ours / theirs:.2f}" if ours and theirs else "–")
    lines.append("| Numeral's part of PyTorch's time | " + " | ".join(ratios) + " | | |")
    loads = [outcome["otherLoad"] for outcomes in results.values() for outcome in outcomes
             if outcome["otherLoad"] is not None]
    lines += ["", f"Others on the machine: at most {max(loads, default=0):.2f} CPUs during a run.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="the recipe")
    parser.add_argument("--set", action="append", default=[], metavar="key.path=value", dest="settings",
                        help="override one key of the recipe, on both sides")
    parser.add_argument("--data", required=True, help="folder of the data set's four IDX files, plain or gzip")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--goals", default="99.5,99.6", help="test accuracies, per cent")
    parser.add_argument("--threads", type=int, default=len(processes.available_cpus()))
    parser.add_argument("--venv", default=os.environ.get("NUMERAL_PEERS_VENV", venv.DEFAULT))
    parser.add_argument("--program", help="time-to-accuracy, instead of building .build/debug/time-to-accuracy")
    parser.add_argument("--eager", action="store_true", help="do not try PyTorch compiled")
    parser.add_argument("--limit", type=float, default=3600, help="seconds a run may take")
    parser.add_argument("--output", default=os.path.join(FOLDER, "TIME_TO_ACCURACY.md"))
    options = parser.parse_args()
    options.seeds = list(range(options.seeds))
    options.data, options.config = os.path.abspath(options.data), os.path.abspath(options.config)
    processes.end_on_sigterm()
    goals = [float(text) / 100 for text in options.goals.split(",")]
    project = Project(None, keep_environment=False)
    if not options.program:
        processes.run(["swift", "build", "--product", "time-to-accuracy"], project.environment(), limit=1800, folder=ROOT)
    python, versions = venv.python(options.venv, ["torch", "numpy"])
    with open(options.config, encoding="utf-8") as file:
        config = json.load(file)
    config.pop("$schema", None)
    for setting in options.settings + ["data.validationFraction=0", "training.earlyStopping=null"]:
        recipes.override(config, setting)
    sides = Sides(project, options, config, python)
    description = machine.describe()
    if description["loadAverage"] > 0.5:
        say(f"Note: load average {description['loadAverage']:.1f}; for figures to keep, leave the machine alone")

    results, compiled = {"Numeral": [], "PyTorch": []}, False
    for seed in options.seeds:
        results["Numeral"].append(sides.numeral(seed))
        show("Numeral", seed, results["Numeral"][-1], goals)
        outcome = sides.pytorch(seed, compiled)
        if seed == options.seeds[0] and not options.eager:
            try:
                other = sides.pytorch(seed, True)
                show("PyTorch, eager", seed, outcome, goals)
                if other["epochs"][-1]["seconds"] < outcome["epochs"][-1]["seconds"]:
                    compiled, outcome = True, other
            except processes.Failed as failure:
                say(f"  PyTorch could not be compiled: {failure}")
        results["PyTorch"].append(outcome)
        show("PyTorch" + (", compiled" if compiled else ""), seed, outcome, goals)
        counts = {side: found[-1]["parameters"] for side, found in results.items()}
        if len(set(counts.values())) != 1:
            raise processes.Failed(f"parameters differ: {counts}")
    setting = "channels-last, " + ("compiled" if compiled else "eager")
    text = markdown(results, goals, options, description, versions, setting)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(text.replace(ROOT + os.sep, ""))
    say(text.split("\n\n")[-2])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.Failed as failure:
        sys.exit(f"time_to_accuracy.py: {failure}")
