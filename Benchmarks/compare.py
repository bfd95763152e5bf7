#!/usr/bin/env python3
"""Measures Numeral and its peers on the reference network, side by side, and writes RESULTS.md and results.json.

Every measurement is a process of its own, on as many CPUs as it has threads, with a warm-up and several timed blocks,
whose median counts. Competitors alternate: each round visits every (batch, threads) and lets all competitors have their
turn there, in an order that changes from round to round. A cell of the report is the median over the rounds.

Peers run at their best: a short probe tries each peer's few settings (peers/*.py) and the fastest is used. Data are
synthetic and lie in memory. A training step is forward, loss, backward and Adam, with dropout and batch statistics;
inference is evaluation mode, one batch done before the next begins. All in float32, and each peer's inference is checked
against the same network in float64 (relative error below 1e-4). Before the peers' processes start, glibc is told to keep
freed memory and to use huge pages, which helps them (peers/__init__.py).

The peers live in a virtual environment, Benchmarks/.venv or --venv, made from requirements.txt at the first run.
"""

import argparse
import importlib
import json
import os
import random
import statistics
import sys
import tempfile
import time

import peers
from support import machine, report, venv
from support.processes import DISTURBED, Failed, available_cpus, clean_environment, run, undisturbed
from support.project import Project

FOLDER = os.path.dirname(os.path.abspath(__file__))


def say(text):
    print(text, file=sys.stderr, flush=True)


class Comparison:
    def __init__(self, options, python, project):
        self.options, self.python, self.project = options, python, project
        self.names = options.only
        self.peers = {name: importlib.import_module("peers." + name) for name in self.names if name != "numeral"}
        self.titles = {"numeral": "Numeral", **{name: peer.TITLE for name, peer in self.peers.items()}}
        self.started = time.monotonic()
        self.folder = tempfile.mkdtemp(prefix="numeral-compare-")
        self.results, self.chosen, self.probes, self.failures, self.measurements = {}, {}, {}, [], []
        self.blas, self.rounds, self.disturbed_probes = None, 0, 0

    def minutes(self):
        return (time.monotonic() - self.started) / 60

    def batches(self, mode):
        return [batch for batch in self.options.batches if mode == "inference" or batch > 1]

    # One measurement.

    def worker(self, name, mode, setting, batches, threads, home=None, **job):
        """What peers/worker.py answers, a list with an entry for each batch."""
        caches = home or os.path.join(self.folder, "caches")
        os.makedirs(caches, exist_ok=True)
        extra = {**peers.MEMORY, **self.peers[name].environment(setting, threads),
                 "TORCHINDUCTOR_CACHE_DIR": os.path.join(caches, "inductor"), "PYTHONDONTWRITEBYTECODE": "1"}
        if home:
            extra["HOME"] = extra["XDG_CACHE_HOME"] = home
        environment = clean_environment(self.options.keep_blas_environment, extra)
        job = {"peer": name, "mode": mode, "setting": setting, "batches": batches, "threads": threads,
               "folder": self.folder, "warmup": 0.5, "block": 0.3, "blocks": 7, "check": False, **job,
               "spawned": time.monotonic()}
        finished = run([self.python, "-m", "peers.worker", json.dumps(job)], environment, threads, folder=FOLDER)
        return json.loads(finished.output)

    def fail(self, place, error):
        say(f"FAILED {place}: {error}")
        self.failures.append(f"{place}: {error}")

    # Settings.

    def export(self):
        if not {"onnxruntime", "openvino"} & set(self.names):
            return
        say("Exporting the network from PyTorch to ONNX")
        run([self.python, "-m", "peers.export", self.folder, *map(str, self.batches("inference"))],
            clean_environment(self.options.keep_blas_environment, {}), folder=FOLDER)

    def probe(self, name, mode, setting, batches, threads):
        place = f"probe of {name}, {mode}, {setting!r}, {threads} threads"

        def take():
            found = self.worker(name, mode, setting, batches, threads, warmup=0.3, block=0.2, blocks=3, check=True)
            return found, max(answer["otherLoad"] or 0 for answer in found)

        try:
            answers, load = undisturbed(take)
        except Failed as error:
            self.fail(place, error)
            for batch in batches:
                self.probes[name, mode, batch, threads, setting] = "failed"
            return
        if load > DISTURBED:
            say(f"Note: others used {load:.2f} CPUs during the {place}")
            self.disturbed_probes += 1
        for batch, answer in zip(batches, answers):
            self.probes[name, mode, batch, threads, setting] = answer["imagesPerSecond"]

    def choose(self):
        """All settings at one batch size, those within 30 % of the best at the others too; the fastest is used."""
        for mode in self.options.modes:
            batches = self.batches(mode)
            if not batches:
                continue
            middle = 128 if 128 in batches else batches[len(batches) // 2]
            for threads in self.options.threads:
                for name, peer in self.peers.items():
                    settings = list(peer.SETTINGS.get(mode, []))
                    if not settings:
                        continue
                    if len(settings) > 1:
                        for setting in settings:
                            self.probe(name, mode, setting, [middle], threads)
                        settings = self.near(name, mode, middle, threads, settings, 0.7)
                    others = [batch for batch in batches if batch != middle]
                    if len(settings) > 1 and others:
                        for setting in settings:
                            self.probe(name, mode, setting, others, threads)
                    for batch in batches if settings else []:
                        fastest = self.near(name, mode, batch, threads, settings, 1.0)
                        if fastest:
                            self.chosen[name, mode, batch, threads] = fastest[0]
                    used = {self.chosen.get((name, mode, batch, threads)) for batch in batches}
                    say(f"{self.minutes():5.1f} min  {self.titles[name]}, {mode}, {threads} threads: "
                        + "; ".join(sorted(map(str, used))))

    def near(self, name, mode, batch, threads, settings, share):
        """The settings that reach `share` of the fastest; all that were not probed there are kept."""
        if len(settings) <= 1:
            return settings
        found = {setting: self.probes.get((name, mode, batch, threads, setting)) for setting in settings}
        speeds = {setting: value for setting, value in found.items() if isinstance(value, float)}
        best = max(speeds.values(), default=0)
        return [setting for setting, value in speeds.items() if value >= share * best]

    # Rounds.

    def record(self, index, name, mode, batch, threads, rate, load, **more):
        self.results.setdefault((name, mode, batch, threads), {})[index] = rate
        self.measurements.append({"round": index, "competitor": name, "mode": mode, "batch": batch,
                                  "threads": threads, "imagesPerSecond": rate, "otherLoad": load, **more})

    def measure_numeral(self, index, batch, threads):
        training = batch if batch > 1 else 32

        def take():
            found, finished = self.project.profile(training, batch, threads)
            return found, finished.other_load

        found, load = undisturbed(take)
        self.blas = found["blas"]
        if found["threads"] != threads or found["batchSize"] != training or found["inferenceBatchSize"] != batch:
            raise Failed("trainer profile measured something else than was asked for")
        if "inference" in self.options.modes:
            key = "inferenceImagesPerSecond" if batch > 1 else "inferenceBatch1ImagesPerSecond"
            self.record(index, "numeral", "inference", batch, threads, found[key], load)
        if "training" in self.options.modes and batch > 1:
            self.record(index, "numeral", "training", batch, threads, found["trainingImagesPerSecond"], load)

    def measure_peer(self, index, name, mode, batch, threads):
        setting = self.chosen[name, mode, batch, threads]

        def take():
            answer = self.worker(name, mode, setting, [batch], threads, check=index == 0)[0]
            return answer, answer["otherLoad"]

        answer, load = undisturbed(take)
        self.record(index, name, mode, batch, threads, answer["imagesPerSecond"], load, setting=setting,
                    blocks=answer["blocks"])

    def round(self, index):
        groups = [(batch, threads) for threads in self.options.threads for batch in self.options.batches]
        for batch, threads in groups:
            turns = [("numeral", None)] if "numeral" in self.names else []
            turns += [(name, mode) for name, mode, *rest in self.chosen if tuple(rest) == (batch, threads)]
            random.Random(f"{index} {batch} {threads}").shuffle(turns)
            for name, mode in turns:
                try:
                    if name == "numeral":
                        self.measure_numeral(index, batch, threads)
                    else:
                        self.measure_peer(index, name, mode, batch, threads)
                except Failed as error:
                    self.fail(f"{name}, {mode or 'both modes'}, batch {batch}, {threads} threads", error)
            self.show(index, batch, threads)

    def show(self, index, batch, threads):
        for mode in self.options.modes:
            found = {name: rounds[index] for (name, *place), rounds in self.results.items()
                     if place == [mode, batch, threads] and index in rounds}
            if found:
                say(f"{self.minutes():5.1f} min  round {index + 1}, {mode}, batch {batch}, {threads} threads: " + ", ".join(
                    f"{self.titles[name]} {report.number(rate)}"
                    for name, rate in sorted(found.items(), key=lambda item: -item[1])))

    def all_rounds(self, reserve):
        """Rounds while they fit into the time limit, `reserve` minutes kept back."""
        longest = 0.0
        for index in range(self.options.rounds):
            begun = self.minutes()
            if index and begun + longest + reserve > self.options.minutes:
                say(f"Stopping after {index} rounds: another would pass {self.options.minutes} minutes")
                break
            self.round(index)
            longest = max(longest, self.minutes() - begun)
            self.rounds = index + 1

    # Start and build.

    def starts(self):
        """Seconds from process start to the end of the first training step, {title: (setting, seconds…)}."""
        threads, found = max(self.options.threads), {}
        repeats = 1 if self.options.quick else 3
        if "training" not in self.options.modes:
            return found
        if "numeral" in self.names:
            cold, warm = self.project.start_seconds(threads, repeats)
            found["Numeral, nothing cached"] = ("whole run of one step, to its end", cold)
            found["Numeral, again"] = ("whole run of one step, to its end", warm)
        for name in self.peers:
            setting = self.chosen.get((name, "training", 128, threads))
            if not setting:
                continue
            try:
                seconds = []
                for _ in range(repeats):
                    with tempfile.TemporaryDirectory(dir=self.folder) as home:
                        answer = self.worker(name, "training", setting, [128], threads, home=home, blocks=0)
                        seconds.append(answer[0]["secondsToFirstStep"])
                found[self.titles[name]] = (setting, seconds)
            except Failed as error:
                self.fail(f"start of {name}", error)
        return found


def write(comparison, options, description, versions, starts, build):
    data_path = os.path.join(os.path.dirname(options.output), "results.json")
    loads = [entry["otherLoad"] for entry in comparison.measurements if entry["otherLoad"] is not None]
    busy = sum(load > DISTURBED for load in loads)
    blas = comparison.blas
    cleared = "kept as it was" if options.keep_blas_environment else "cleared of what bends a BLAS or a framework"
    extra = [
        ("BLAS of Numeral", f"{blas['version'] or blas['backend']}, core **{blas['core']}**" if blas else "not measured"),
        ("peers", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("environment", cleared),
        ("command", "`Benchmarks/compare.py" + "".join(" " + text for text in options.arguments) + "`"),
        ("rounds", f"{comparison.rounds}, in {comparison.minutes():.0f} minutes"),
        ("others on the machine", f"at most {max(loads):.2f} CPUs during a measurement; {busy} of {len(loads)} measurements "
         f"and {comparison.disturbed_probes} probes above {DISTURBED} even when repeated" if loads else "unknown"),
    ]
    text = ["## Numeral and its peers", "",
            "Reference network (`config/reference.json`), float32. Median over the rounds (least–greatest); the ratio is "
            "of medians, in brackets its least and greatest in one round, then the fastest peer.", "",
            machine.table(description, extra), "", report.throughput_tables(comparison.results, comparison.titles)]
    if starts:
        text += ["### Start", "", "Seconds from process start to the end of the first training step, batch 128, "
                 f"{max(options.threads)} threads, nothing compiled before. For Numeral the whole run: data files, one "
                 "step, evaluation, report.", "", "| | seconds | |", "|---|--:|---|"]
        text += [f"| {name} | {statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f}) | {setting} |"
                 for name, (setting, seconds) in starts.items()]
        text.append("")
    if build is not None:
        text += ["### Build", "", f"`swift build --product trainer` from nothing (packages fetched): {build:.0f} s.", ""]
    if comparison.chosen:
        text += ["### Settings of the peers", "", "All are probed at batch 128, those within 30 % of the best at the other "
                 "sizes too; the fastest is used.", "",
                 report.settings_table(comparison.chosen, comparison.probes, comparison.titles), ""]
    if comparison.failures:
        text += ["### Failed", ""] + [f"- {line}" for line in comparison.failures]
    report.replace_section(options.output, "peers", "\n".join(text))

    def flat(keyed, name):
        return [{"competitor": key[0], "mode": key[1], "batch": key[2], "threads": key[3],
                 **({"setting": key[4]} if len(key) > 4 else {}), name: value} for key, value in keyed.items()]

    ratios = [{"mode": key[0], "batch": key[1], "threads": key[2], "fastestPeer": found[0], "ratio": found[1],
               "least": found[2], "greatest": found[3]}
              for key, found in report.ratios(comparison.results).items() if found]
    with open(data_path, "w", encoding="utf-8") as file:
        json.dump({"machine": description, "blas": blas, "versions": versions, "arguments": options.arguments,
                   "rounds": comparison.rounds, "ratios": ratios, "settings": flat(comparison.chosen, "setting"),
                   "probes": flat(comparison.probes, "imagesPerSecond"), "measurements": comparison.measurements,
                   "start": {name: {"setting": setting, "seconds": seconds}
                             for name, (setting, seconds) in starts.items()},
                   "buildSeconds": build, "failures": comparison.failures}, file, indent=1)
        file.write("\n")
    say(f"Wrote {options.output} and {data_path}")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def integers(text):
        values = [int(part) for part in text.split(",")]
        if not values or min(values) < 1:
            raise argparse.ArgumentTypeError("expected positive integers with commas")
        return values

    def names_of(allowed):
        def convert(text):
            values = text.split(",")
            for value in values:
                if value not in allowed:
                    raise argparse.ArgumentTypeError(f"{value!r} is none of {', '.join(allowed)}")
            return values
        return convert

    cpus = len(available_cpus())
    competitors, modes = ["numeral", *peers.NAMES], ["training", "inference"]
    parser.add_argument("--quick", action="store_true", help="few cells, 2 rounds, no build time; within 8 minutes")
    parser.add_argument("--rounds", type=int, help="rounds at most (default 4, quick 2)")
    parser.add_argument("--minutes", type=float, help="no further round that would end later (default 40, quick 8)")
    parser.add_argument("--only", type=names_of(competitors), default=competitors, metavar="NAME,…",
                        help="of " + ", ".join(competitors))
    parser.add_argument("--modes", type=names_of(modes), default=modes, metavar="MODE,…", help="of training, inference")
    parser.add_argument("--batches", type=integers, metavar="N,…",
                        help="batch sizes, 1 being for inference only (default 1,32,128,512, quick 1,128,512)")
    parser.add_argument("--threads", type=integers, metavar="N,…",
                        help=f"default: 1 and all CPUs, here {cpus}; quick: all")
    parser.add_argument("--output", default=os.path.join(FOLDER, "RESULTS.md"),
                        help="the report; results.json is written beside it")
    parser.add_argument("--venv", default=os.environ.get("NUMERAL_PEERS_VENV", venv.DEFAULT),
                        help="the peers' virtual environment (or NUMERAL_PEERS_VENV)")
    parser.add_argument("--trainer", help="measure this program instead of building .build/debug/trainer")
    parser.add_argument("--no-build-time", action="store_true", help="do not time a build from nothing")
    parser.add_argument("--keep-blas-environment", action="store_true",
                        help="let OPENBLAS_CORETYPE and the like reach the competitors")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (2 if options.quick else 4)
    options.minutes = options.minutes or (8 if options.quick else 40)
    options.batches = options.batches or ([1, 128, 512] if options.quick else [1, 32, 128, 512])
    options.threads = options.threads or ([cpus] if options.quick else sorted({1, cpus}))
    if max(options.threads) > cpus:
        parser.error(f"--threads: expected at most {cpus}, the CPUs this process may use")
    options.output = os.path.abspath(options.output)
    options.arguments = list(arguments)
    return options


def main():
    options = parse(sys.argv[1:])
    project = Project(options.trainer, options.keep_blas_environment)
    packages = [package for name in options.only if name != "numeral"
                for package in importlib.import_module("peers." + name).PACKAGES]
    python, versions = venv.python(options.venv, packages) if packages else (None, {})
    description = machine.describe()
    if description["loadAverage"] > 0.5:
        say(f"Note: load average {description['loadAverage']:.1f}; for figures to keep, leave the machine alone")
    build, ours = None, "numeral" in options.only
    if ours:
        say("Building")
        project.build()
        project.inspect()["parameters"] == 871_082 or sys.exit("config/reference.json is not the reference network")
    comparison = Comparison(options, python, project)
    reserve = (0.5 if options.quick else 2) + (4 if ours and not (options.quick or options.no_build_time) else 0)
    comparison.export()
    comparison.choose()
    comparison.all_rounds(reserve)
    if comparison.blas:
        say(f"Numeral ran on {comparison.blas['version'] or comparison.blas['backend']}, core {comparison.blas['core']}")
    starts = comparison.starts()
    if ours and not (options.quick or options.no_build_time):
        say("Timing a build from nothing")
        build = project.build_seconds()
    write(comparison, options, description, versions, starts, build)
    sys.exit(1 if comparison.failures else 0)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"Failed: {error}")
