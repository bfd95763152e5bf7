"""A network's training in Numeral beside PyTorch: in turns, each measurement in a process of its own on the same CPUs.

PyTorch is measured channels-last, contiguous, and channels-last compiled by Inductor, with the memory settings of the other
comparisons (`peers.MEMORY`); the fastest counts."""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time

from peers import MEMORY

from . import processes
from .project import ROOT

SETTINGS = ["channels-last", "contiguous", "channels-last, compiled"]


def main(file, description, config, items, prepare):
    """Runs the benchmark `file`. `prepare(config, setting)` answers the loss to descend (a function of no arguments), its
    parameters, the optimizer, and how many items a step takes; it runs in PyTorch's process."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainer", default=os.path.join(ROOT, ".build/release/trainer"))
    parser.add_argument("--config", default=os.path.join(ROOT, config))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="for each setting of PyTorch in each round")
    parser.add_argument("--peer", choices=SETTINGS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(options, prepare)
    processes.end_on_sigterm()
    rates = {"Numeral": [], **{setting: [] for setting in SETTINGS}}
    for _ in range(options.rounds):
        rates["Numeral"].append(numeral(options))
        for setting in SETTINGS:
            command = [sys.executable, os.path.abspath(file), "--config", options.config, "--threads",
                       str(options.threads), "--seconds", str(options.seconds), "--peer", setting]
            environment = processes.clean_environment(False, {**MEMORY, "OMP_NUM_THREADS": str(options.threads)})
            found = processes.run(command, environment, options.threads, limit=600)
            rates[setting].append(json.loads(found.output.splitlines()[-1])["rate"])
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        print(f"{name:24} {medians[name]:8.1f} {items}/s  ({min(values):.1f}–{max(values):.1f})")
    fastest = max(SETTINGS, key=medians.get)
    ratios = [a / b for a, b in zip(rates["Numeral"], rates[fastest])]
    print(f"{medians['Numeral'] / medians[fastest]:.2f} times PyTorch, {fastest} ({min(ratios):.2f}–{max(ratios):.2f} in one "
          f"round), medians of {options.rounds} rounds, {options.threads} threads")


def numeral(options):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "profile.json")
        command = [os.path.abspath(options.trainer), "profile", "--config", options.config, "--threads",
                   str(options.threads), "--inference-batch", "1", "--json", file, "--quiet"]
        processes.run(command, processes.clean_environment(False, {}), options.threads, limit=600)
        with open(file, encoding="utf-8") as text:
            return json.load(text)["trainingImagesPerSecond"]


def peer(options, prepare):
    """Prints items a second of one setting of PyTorch: the median of three blocks."""
    import torch

    torch.set_num_threads(options.threads)
    with open(options.config, encoding="utf-8") as file:
        config = json.load(file)
    compute, parameters, optimizer, items = prepare(config, options.peer)
    run = torch.compile(compute, dynamic=False) if "compiled" in options.peer else compute
    norm = (config.get("training", {}).get("gradientClipping") or {}).get("norm")

    def step():
        optimizer.zero_grad(set_to_none=True)
        run().backward()
        if norm:
            torch.nn.utils.clip_grad_norm_(parameters, norm)
        optimizer.step()

    for _ in range(3):
        step()
    rates = []
    for _ in range(3):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < options.seconds / 3:
            step()
            count += 1
        rates.append(items * count / (time.perf_counter() - start))
    print(json.dumps({"rate": statistics.median(rates)}))


def memory_format(setting):
    import torch

    return torch.channels_last if setting.startswith("channels-last") else torch.contiguous_format
