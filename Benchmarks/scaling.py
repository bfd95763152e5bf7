#!/usr/bin/env python3
"""How training with several processes scales: measured on this machine, between two hosts joined by a slow link, and from
that a model for up to 1,024 ranks. Writes SCALING.md and scaling.json.

    Benchmarks/scaling.py local     processes and threads against each other on this machine
    Benchmarks/scaling.py links     two hosts (network namespaces, see support/link.py; needs root) over slow links
    Benchmarks/scaling.py exchange  ways of adding up gradients over ranks (support/exchange.c, with mpicc.openmpi)
    Benchmarks/scaling.py networks  what the model needs of each network, by trainer inspect and profile
    Benchmarks/scaling.py report    SCALING.md anew from scaling.json

It needs a trainer built with Open MPI: NUMERAL_MPI=openmpi swift build --scratch-path .build/openmpi --product trainer
Every figure is of whole training runs on the bundled sample, the median over their epochs but the first; runs that are
compared take turns.
"""

import argparse
import csv
import glob
import json
import os
import statistics
import subprocess
import tempfile

from support import machine, scaling_report
from support.link import Link
from support.processes import available_cpus, end_on_sigterm
from support.project import ROOT
from support.scaling_model import Network

FOLDER = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(FOLDER, "scaling.json")
TRAINER = os.path.join(ROOT, ".build", "openmpi", "debug", "trainer")
NETWORKS = {"default": "config/default.json", "reference": "config/reference.json"}
IMAGES, STEPS = 3500, 28
"""Of an epoch of the sample at batch 128."""


def epoch_seconds(launcher, trainer, config, threads, epochs, settings=()):
    """Seconds of each epoch but the first of one run: the training part, as history.csv has it."""
    with tempfile.TemporaryDirectory() as output:
        command = [*launcher, trainer, "--config", config, "--quiet", "--output", output, "--threads", str(threads)]
        for setting in ["data.source=sample", f"training.epochs={epochs}", "training.batchSize=128",
                        "training.earlyStopping=null", "training.checkpoints=null", "output.tensorBoard=false",
                        "output.events=false", *settings]:
            command += ["--set", setting]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}\n{done.stderr[-2000:]}")
        with open(glob.glob(output + "/*/history.csv")[0], encoding="utf-8") as file:
            seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
            return seconds[1:] or seconds


def local_launcher(ranks):
    """Ranks on this machine, each on a core of its own."""
    if ranks == 1:
        return []
    return ["mpirun.openmpi", "--allow-run-as-root", "-n", str(ranks), "--bind-to", "core"]


def measure_local(arguments, results):
    cases = [(1, 1), (1, 2), (2, 1)]
    cpus = available_cpus()
    found = {}
    for name, config in list(NETWORKS.items())[:arguments.networks]:
        times = {case: [] for case in cases}
        for _ in range(arguments.rounds):
            for ranks, threads in cases:
                launcher = local_launcher(ranks)
                if ranks == 1:
                    launcher = ["taskset", "-c", ",".join(map(str, cpus[:threads]))]
                times[ranks, threads] += epoch_seconds(launcher, arguments.trainer, config, threads, arguments.epochs)
        found[name] = [{"ranks": ranks, "threads": threads, "seconds": statistics.median(values),
                        "quartiles": statistics.quantiles(values, n=4)[::2], "best": min(values),
                        "epochs": len(values)}
                       for (ranks, threads), values in times.items()]
        print(name, {case: round(IMAGES / statistics.median(values)) for case, values in times.items()}, flush=True)
        results["local"] = {"networks": found, "rounds": arguments.rounds, "load": os.getloadavg()[0]}
        save(results)


def measure_links(arguments, results):
    """Step time over links of several rates and delays; each run beside one without the link."""
    points = []
    # Megabit/s and milliseconds one way.
    links = [(1000, 0), (1000, 5), (100, 0), (300, 0), (1000, 0.5), (1000, 2), (100, 2)][:arguments.links]
    for name, config in list(NETWORKS.items())[:arguments.networks]:
        for megabits, milliseconds in links:
            with Link(megabits, milliseconds, seconds=240) as link:
                trip, rate = link.probe()
                before = link.bytes_sent()
                seconds = epoch_seconds(link.mpirun([]), arguments.trainer, config, 1, arguments.epochs)
                sent = [(after - first) / (STEPS * arguments.epochs) for after, first in zip(link.bytes_sent(), before)]
            base = epoch_seconds(local_launcher(2), arguments.trainer, config, 1, arguments.epochs)
            points.append({
                "network": name, "megabits": megabits, "milliseconds": milliseconds, "roundTrip": trip,
                "bytesPerSecond": rate, "step": statistics.median(seconds) / STEPS, "sent": sent,
                "localStep": statistics.median(base) / STEPS})
            print(points[-1], flush=True)
            results["links"] = points
            save(results)


def measure_exchange(arguments, results):
    """Ways of adding up gradients between two ranks (support/exchange.c), on this machine and over links."""
    rows = []

    def take(where, command):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
        for line in done.stdout.splitlines():
            way, size, microseconds = line.split()
            rows.append({"where": where, "way": way, "bytes": int(size), "microseconds": float(microseconds)})
            print(rows[-1], flush=True)

    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "exchange")
        subprocess.run(["mpicc.openmpi", "-O2", os.path.join(FOLDER, "support", "exchange.c"), "-o", program], check=True)
        take("this machine", [*local_launcher(2), program, "1"])
        for megabits, milliseconds in [(1000, 0), (100, 0), (1000, 1)]:
            with Link(megabits, milliseconds, seconds=240) as link:
                take(f"{megabits:,} Mb/s + {milliseconds} ms", [*link.mpirun([]), program, "3"])
    results["exchange"] = rows


def save(results):
    with open(RESULTS, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)


QUIET_STEPS = {"default": 128 / 10361, "reference": 128 / 3926, "resnet18": 0.7428}
"""Seconds of a step of two threads, the fastest seen when the model was written; RESULTS.md has later ones."""


def describe_networks(arguments, results):
    """What the model needs of each network: its exchanges by its configuration, the parts of its step by `trainer profile`,
    as shares of a step on the quiet machine."""
    networks = results["networks"] = {}
    for name, config in {**NETWORKS, "resnet18": "Benchmarks/resnet18.json"}.items():
        batch = 16 if name == "resnet18" else 128
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "profile.json")
            subprocess.run(
                [arguments.trainer, "profile", "--config", config, "--batch", str(batch), "--threads", "2", "--json", path,
                 "--quiet"], cwd=ROOT, check=True, capture_output=True, timeout=600)
            with open(path, encoding="utf-8") as file:
                profile = json.load(file)
        inspection = subprocess.run([arguments.trainer, "inspect", "--config", config], cwd=ROOT, check=True,
                                    capture_output=True, text=True, timeout=600).stdout
        networks[name] = Network.describe(inspection, profile, batch, QUIET_STEPS[name])
        save(results)
    doctor = subprocess.run([arguments.trainer, "doctor"], cwd=ROOT, check=True, capture_output=True, text=True,
                            timeout=600).stdout
    results["library"] = next(line[3:].strip().split(",")[0] for line in doctor.splitlines() if line.startswith("MPI"))


def main():
    end_on_sigterm()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=["local", "links", "exchange", "networks", "report"])
    parser.add_argument("--trainer", default=TRAINER)
    parser.add_argument("--rounds", type=int, default=5, help="turns that each case takes (default: 5)")
    parser.add_argument("--epochs", type=int, default=6, help="epochs of a run (default: 6)")
    parser.add_argument("--links", type=int, default=7, help="so many of the links (default: 7)")
    parser.add_argument("--networks", type=int, default=2, help="so many of the networks (default: 2)")
    arguments = parser.parse_args()
    try:
        with open(RESULTS, encoding="utf-8") as file:
            results = json.load(file)
    except FileNotFoundError:
        results = {}
    for part in arguments.parts:
        if part != "report":
            {"local": measure_local, "links": measure_links, "exchange": measure_exchange,
             "networks": describe_networks}[part](arguments, results)
            results["machine"] = machine.describe()
            save(results)
    scaling_report.write(os.path.join(FOLDER, "SCALING.md"), results)


if __name__ == "__main__":
    main()
