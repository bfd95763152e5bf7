#!/usr/bin/env python3
"""What a perfect training step would cost on this machine, and where the real one is beyond it; writes the section "Roofline" of
RESULTS.md.

One `trainer profile` of the reference network. For each layer and direction: the operations that its lowering really does (Winograd's
F(4×4) a quarter of the direct convolution's, its rows of tiles filled up), at the best rate that GEMM was measured to have; the bytes
that it reads and writes of activations and gradients, at the rate that main memory was measured to have (STREAM's add, all threads).
The perfect layer takes the longer of the two. Bytes that stay in a cache cost less than that, so that a layer can be below its memory's
time; what is beyond both is transforms, latency and waiting.

    python3 Benchmarks/roofline.py [--config config/reference.json] [--batch 128]
"""

import argparse
import math
import os
import re
import sys

from support import machine, processes, report
from support.processes import Failed, available_cpus
from support.project import REFERENCE, ROOT, Project

FOLDER = os.path.dirname(os.path.abspath(__file__))


def outputs(project, config):
    """Height and width of each layer's output, as `trainer inspect` shows them."""
    text = processes.run([project.trainer, "inspect", "--config", config], project.environment(), folder=ROOT).output
    found = {}
    for line in text.splitlines():
        sides = re.search(r"(\d+)×(\d+)×\d+", line)
        if sides and line.split():
            found[line.split()[0]] = (int(sides.group(1)), int(sides.group(2)))
    return found


def saving(lowering, sides):
    """The share of the direct convolution's operations that a lowering does."""
    tile = re.match(r"Winograd F\((\d)×\d\)", lowering)
    if not tile or not sides:
        return 1.0
    side = int(tile.group(1))
    filled = math.prod(math.ceil(extent / side) * side / extent for extent in sides)
    return (side + 2) ** 2 / (9 * side**2) * filled


def rows(profile, sides):
    peak, memory = profile["peakGflops"] * 1e9, profile["memoryGigabytesPerSecond"] * 1e9
    for row in profile["layers"]:
        milliseconds = row["milliseconds"]
        operations = (row["gflops"] or 0) * 1e6 * milliseconds
        # One lowering's text stands for a layer's directions; another one is named after a semicolon.
        compute = operations * saving(row["lowering"], sides.get(row["name"])) / peak * 1e3
        yield (row["name"] + " " + ("fwd" if row["direction"] == "forward" else "bwd"), row["type"], milliseconds,
               compute, row["bytes"] / memory * 1e3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default=REFERENCE)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=len(available_cpus()))
    parser.add_argument("--output", default=os.path.join(FOLDER, "RESULTS.md"))
    parser.add_argument("--trainer", help="measure this program instead of building .build/debug/trainer")
    options = parser.parse_args()
    project = Project(options.trainer, False)
    project.build()
    profile, _ = project.profile(options.batch, options.batch, options.threads, config=options.config)
    found = list(rows(profile, outputs(project, options.config)))
    totals = {}
    lines = ["| | ms | operations | memory | perfect | beyond |", "|---|--:|--:|--:|--:|--:|"]
    for name, kind, measured, compute, memory in found:
        perfect = max(compute, memory)
        kind = {"conv2d": "convolutions", "batchNormalization": "batch-norms, their ReLU and pooling", "dense": "dense layers"}.get(
            kind, "dropout and loss")
        entry = totals.setdefault(kind, [0.0] * 4)
        for index, value in enumerate((measured, compute, memory, perfect)):
            entry[index] += value
        if measured >= 0.1:
            lines.append(f"| {name} | {measured:.2f} | {compute:.2f} | {memory:.2f} | {perfect:.2f} | {measured - perfect:+.2f} |")
    others, idle = profile["totals"]["other"], profile["totals"]["idle"]
    summary = ["| | ms | operations | memory | perfect | beyond |", "|---|--:|--:|--:|--:|--:|"]
    for kind, (measured, compute, memory, perfect) in sorted(totals.items(), key=lambda item: -item[1][0]):
        summary.append(f"| {kind} | {measured:.2f} | {compute:.2f} | {memory:.2f} | {perfect:.2f} | {measured - perfect:+.2f} |")
    summary.append(f"| weights, reductions, optimizer | {others:.2f} | | | | |")
    summary.append(f"| waiting at barriers | {idle:.2f} | | | | |")
    step, perfect = profile["totals"]["wall"], sum(entry[3] for entry in totals.values())
    summary.append(f"| **step** | **{step:.2f}** | {sum(e[1] for e in totals.values()):.2f} | {sum(e[2] for e in totals.values()):.2f} "
                   f"| **{perfect:.2f}** | {step - perfect:+.2f} |")
    text = ["## Roofline", "",
            f"A training step of {options.batch} images of `{os.path.relpath(options.config)}`, with instruments: milliseconds measured, and at the least by "
            f"operations (GEMM's peak, {profile['peakGflops']:.0f} GFLOP/s) and by memory ({profile['memoryGigabytesPerSecond']:.0f} GB/s). "
            "`Benchmarks/roofline.py` says how it is counted.", "",
            machine.table(machine.describe(), [("BLAS", f"{profile['blas']['version'] or profile['blas']['backend']}, core {profile['blas']['core']}")]),
            "", *summary, "", "Each layer that takes 0.1 ms or more:", "", *lines]
    report.replace_section(options.output, "roofline", "\n".join(text))
    print("\n".join(summary))


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"Failed: {error}")
