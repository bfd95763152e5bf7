"""Probes the peers' settings and lets the competitors take turns."""

import importlib
import json
import os
import random
import sys
import tempfile
import time

import peers

from . import report
from .processes import DISTURBED, Failed, Patience, clean_environment, run
from .project import ROOT

BENCHMARKS = os.path.join(ROOT, "Benchmarks")
PATIENCE_SHARE = 0.1
"""Share of the run's time limit that may go into waiting for a quiet machine."""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Comparison:
    """One run of compare.py: its competitors, the settings chosen for the peers, and all that was measured."""

    def __init__(self, options, python, project):
        self.options, self.python, self.project = options, python, project
        self.names = options.only
        self.peers = {name: importlib.import_module("peers." + name) for name in self.names if name != "numeral"}
        self.titles = {"numeral": "Numeral", **{name: peer.TITLE for name, peer in self.peers.items()}}
        self.started = time.monotonic()
        self.temporary = tempfile.TemporaryDirectory(prefix="numeral-compare-")
        self.folder = self.temporary.name
        self.patience = Patience(PATIENCE_SHARE * 60 * options.minutes)
        self.results, self.chosen, self.probes, self.failures, self.measurements = {}, {}, {}, [], []
        self.blas, self.rounds, self.disturbed_probes = None, 0, set()
        self.quantized = None

    def minutes(self):
        return (time.monotonic() - self.started) / 60

    def batches(self, mode):
        return [batch for batch in self.options.batches if mode != "training" or batch > 1]

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
        finished = run([self.python, "-m", "peers.worker", json.dumps(job)], environment, threads, folder=BENCHMARKS)
        return json.loads(finished.output)

    def fail(self, place, error):
        say(f"FAILED {place}: {error}")
        self.failures.append(f"{place}: {error}")

    # Settings.

    def export(self):
        modes = {"inference", "int8"} & set(self.options.modes)
        if "int8" in modes and "numeral" in self.names:
            say("Quantizing the network")
            self.quantized = self.project.quantized(self.folder)
        if not modes or not {"onnxruntime", "openvino"} & set(self.names):
            return
        say("Exporting the network from PyTorch to ONNX")
        run([self.python, "-m", "peers.export", self.folder, ",".join(sorted(modes)),
             *map(str, self.batches("inference"))],
            clean_environment(self.options.keep_blas_environment, {}), folder=BENCHMARKS)

    def probe(self, name, mode, setting, batches, threads):
        place = f"probe of {name}, {mode}, {setting!r}, {threads} threads"

        def take():
            found = self.worker(name, mode, setting, batches, threads, warmup=0.3, block=0.2, blocks=3, check=True)
            return found, max(answer["otherLoad"] or 0 for answer in found)

        try:
            answers, load = self.patience.undisturbed(take)
        except Failed as error:
            self.fail(place, error)
            for batch in batches:
                self.probes[name, mode, batch, threads, setting] = "failed"
            return
        if load > DISTURBED:
            say(f"Note: others used {load:.2f} CPUs during the {place}")
            self.disturbed_probes |= {(name, mode, batch, threads, setting) for batch in batches}
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
                    # A quick run takes the middle's choice for training, where sizes hardly differ.
                    others = [batch for batch in batches if batch != middle]
                    if self.options.quick and mode == "training" and len(settings) > 1:
                        settings, others = self.near(name, mode, middle, threads, settings, 1.0), []
                    if len(settings) > 1 and others:
                        for setting in settings:
                            self.probe(name, mode, setting, others, threads)
                    for batch in batches if settings else []:
                        fastest = self.near(name, mode, batch, threads, settings, 1.0)
                        if fastest:
                            self.chosen[name, mode, batch, threads] = fastest
                    used = {setting for batch in batches for setting in
                            self.chosen.get((name, mode, batch, threads), ["none"])}
                    say(f"{self.minutes():5.1f} min  {self.titles[name]}, {mode}, {threads} threads: "
                        + "; ".join(sorted(used)))

    def near(self, name, mode, batch, threads, settings, share):
        """The settings that reach `share` of the fastest. One whose probe others disturbed is not judged by it: it
        stays, and the rounds decide."""
        if len(settings) <= 1:
            return settings
        keys = {setting: (name, mode, batch, threads, setting) for setting in settings}
        speeds = {setting: self.probes[key] for setting, key in keys.items() if isinstance(self.probes.get(key), float)}
        best = max(speeds.values(), default=0)
        return [setting for setting, value in speeds.items()
                if value >= share * best or keys[setting] in self.disturbed_probes]

    # Rounds.

    def record(self, index, name, mode, batch, threads, rate, load, **more):
        self.results.setdefault((name, mode, batch, threads), {})[index] = rate
        self.measurements.append({"round": index, "competitor": name, "mode": mode, "batch": batch,
                                  "threads": threads, "imagesPerSecond": rate, "otherLoad": load, **more})

    def measure_numeral(self, index, batch, threads):
        def take(training, **what):
            def measure():
                found, finished = self.project.profile(training, batch, threads, **what)
                return found, finished.other_load

            found, load = self.patience.undisturbed(measure)
            if found["threads"] != threads or found["batchSize"] != training or found["inferenceBatchSize"] != batch:
                raise Failed("trainer profile measured something else than was asked for")
            return found, load

        def record(mode, found, load):
            key = "inferenceImagesPerSecond" if batch > 1 else "inferenceBatch1ImagesPerSecond"
            self.record(index, "numeral", mode, batch, threads,
                        found["trainingImagesPerSecond" if mode == "training" else key], load)

        if {"training", "inference"} & set(self.options.modes):
            found, load = take(batch if batch > 1 else 32)
            self.blas = found["blas"]
            for mode in ("inference", "training"):
                if mode in self.options.modes and batch in self.batches(mode):
                    record(mode, found, load)
        if self.quantized:
            found, load = take(8, model=self.quantized)
            self.blas = self.blas or found["blas"]
            record("int8", found, load)

    def measure_peer(self, index, name, mode, batch, threads):
        """With the setting chosen; where the probes left several, the fastest of them counts."""
        best = None
        for setting in self.chosen[name, mode, batch, threads]:
            def take(setting=setting):
                answer = self.worker(name, mode, setting, [batch], threads, check=index == 0)[0]
                return answer, answer["otherLoad"]

            answer, load = self.patience.undisturbed(take)
            if best is None or answer["imagesPerSecond"] > best[1]["imagesPerSecond"]:
                best = setting, answer, load
        setting, answer, load = best
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
                rates = ", ".join(f"{self.titles[name]} {report.number(rate)}"
                                  for name, rate in sorted(found.items(), key=lambda item: -item[1]))
                say(f"{self.minutes():5.1f} min  round {index + 1}, {mode}, batch {batch}, {threads} threads: {rates}")

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

    def setting_used(self, *key):
        """The setting that most of a cell's rounds were taken with; None without any."""
        used = [entry["setting"] for entry in self.measurements
                if (entry["competitor"], entry["mode"], entry["batch"], entry["threads"]) == key]
        return max(used, key=used.count, default=None)

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
            setting = self.setting_used(name, "training", 128, threads)
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
