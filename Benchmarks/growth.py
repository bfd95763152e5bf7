#!/usr/bin/env python3
"""Shows how Numeral's time and memory grow with batch size, image side, channels and depth, and that a network of
ResNet-18's size trains on 224×224×3 images; writes the section "Growth" of RESULTS.md.

Every row is `trainer profile` in a process of its own, on synthetic images. Effective GFLOP/s count two operations for
each multiply-add of the direct convolution: forward, and for training also the gradients of weights and of inputs (the
first layer has no input gradient). A lowering that saves multiplications shows as more GFLOP/s. Memory is the peak of
the process, training and inference networks together.
"""

import argparse
import json
import os
import sys
import tempfile

from support import machine, report
from support.processes import DISTURBED, Failed, Patience, available_cpus, end_on_sigterm
from support.project import REFERENCE, ROOT, Project

FOLDER = os.path.dirname(os.path.abspath(__file__))
RESNET = os.path.join("Benchmarks", "resnet18.json")
MEMORY_LIMIT = 24 * 2**30
CLIFF = 0.7
"""A row whose GFLOP/s fall below this share of the row before is marked."""

PATIENCE_SECONDS = 120
"""What may go into waiting for a quiet machine, about."""


def block(filters):
    return [{"type": "conv2d", "filters": filters, "kernelSize": 3, "padding": "same", "useBias": False},
            {"type": "batchNormalization"}, {"type": "relu"}]


def configuration(name, side, layers):
    return {"name": name, "model": {"inputShape": [side, side, 1], "layers": [
        *layers, {"type": "globalAveragePooling2d"}, {"type": "dense", "units": 10}]}}


def sweeps(quick):
    """Title, what grows, and rows of (value, configuration or its path, batch size)."""
    pool = [{"type": "maxPooling2d", "poolSize": 2}]
    batches = [8, 128, 1024] if quick else [8, 16, 32, 64, 128, 256, 512, 1024]
    sides = [28, 224] if quick else [28, 56, 112, 224]
    widths = [32, 256] if quick else [32, 64, 128, 256, 512]
    depths = [2, 16] if quick else [2, 4, 8, 16]
    return [
        ("Batch size, reference network", "batch", [(batch, REFERENCE, batch) for batch in batches]),
        ("Image side: conv 32 twice, pool, conv 64 twice, pool, global average, batch 32", "side",
         [(side, configuration("side", side, block(32) + block(32) + pool + block(64) + block(64) + pool), 32)
          for side in sides]),
        ("Channels: three 3×3 convolutions of that many filters on 14×14, batch 64", "channels",
         [(width, configuration("channels", 14, block(width) * 3), 64) for width in widths]),
        ("Depth: that many 3×3 convolutions of 32 filters on 28×28, batch 64", "convolutions",
         [(depth, configuration("depth", 28, block(32) * depth), 64) for depth in depths]),
        ("ResNet-18 on 224×224×3 (`Benchmarks/resnet18.json`)", "batch", [(16, RESNET, 16)]),
    ]


def first_layer_multiply_adds(model):
    """Of the first layer, a convolution; it takes no input gradient."""
    height, width, channels = model["inputShape"]
    first = model["layers"][0]
    stride, size = first.get("strides", 1), first["kernelSize"]
    rows, columns = -(-height // stride), -(-width // stride)
    return rows * columns * size * size * channels * first["filters"]


def measure(project, config, batch, threads, patience):
    """One row: images/s and effective GFLOP/s for training and inference, multiply-adds, memory."""
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(config, str):
            path = config
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                model = json.load(file)["model"]
        else:
            path, model = os.path.join(folder, "config.json"), config["model"]
            with open(path, "w", encoding="utf-8") as file:
                json.dump(config, file)
        cost = project.inspect(path, batch)

        def take():
            found, finished = project.profile(batch, batch, threads, path, limit=900)
            return (found, finished), finished.other_load

        (found, finished), load = patience.undisturbed(take)
    forward = 2 * cost["multiplyAdds"]
    step = 3 * forward - 2 * first_layer_multiply_adds(model)
    training, inference = found["trainingImagesPerSecond"], found["inferenceImagesPerSecond"]
    return {
        "batch": batch, "threads": threads, "multiplyAdds": cost["multiplyAdds"], "parameters": cost["parameters"],
        "trainingImagesPerSecond": training, "inferenceImagesPerSecond": inference,
        "trainingGflops": training * step / 1e9, "inferenceGflops": inference * forward / 1e9,
        "stepMilliseconds": 1000 * batch / training, "workspaceBytes": cost["workspaceBytes"],
        "peakBytes": finished.peak_bytes, "otherLoad": load, "blas": found["blas"],
    }


def mib(value):
    return "–" if value is None else f"{value / 2**20:,.0f}"


def table(grows, rows):
    lines = [f"| {grows} | parameters | M mult-adds / image | ms / step | training images/s | GFLOP/s "
             "| inference images/s | GFLOP/s | workspace MiB | peak MiB |", "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    before = None
    for value, row in rows:
        if isinstance(row, str):
            lines.append(f"| {value} | {row} |" + " |" * 8)
            continue
        marks = {key: " (cliff)" if before and row[key] < CLIFF * before[key] else ""
                 for key in ("trainingGflops", "inferenceGflops")}
        lines.append(
            f"| {value} | {row['parameters']:,} | {row['multiplyAdds'] / 1e6:,.1f} | {row['stepMilliseconds']:,.1f} "
            f"| {report.number(row['trainingImagesPerSecond'])} | {row['trainingGflops']:.0f}{marks['trainingGflops']} "
            f"| {report.number(row['inferenceImagesPerSecond'])} "
            f"| {row['inferenceGflops']:.0f}{marks['inferenceGflops']} "
            f"| {mib(row['workspaceBytes'])} | {mib(row['peakBytes'])} |")
        before = row
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cpus = len(available_cpus())
    parser.add_argument("--quick", action="store_true", help="only the ends of each sweep")
    parser.add_argument("--threads", type=int, default=cpus, help=f"default: all CPUs, here {cpus}")
    parser.add_argument("--only", type=int, action="append", metavar="K",
                        help="sweep K, 1…5, instead of all; as often as you like")
    parser.add_argument("--output", default=os.path.join(FOLDER, "RESULTS.md"), help="the report")
    parser.add_argument("--trainer", help="measure this program instead of building .build/debug/trainer")
    parser.add_argument("--keep-blas-environment", action="store_true",
                        help="let OPENBLAS_CORETYPE and the like reach the program")
    options = parser.parse_args()
    end_on_sigterm()
    if not 1 <= options.threads <= cpus:
        parser.error(f"--threads: expected 1…{cpus}")
    project = Project(options.trainer, options.keep_blas_environment)
    description = machine.describe()
    project.build()
    sections, failures, blas, loads, patience = [], [], None, [], Patience(PATIENCE_SECONDS)
    for index, (title, grows, rows) in enumerate(sweeps(options.quick), 1):
        if options.only and index not in options.only:
            continue
        print(title, file=sys.stderr, flush=True)
        done = []
        for value, config, batch in rows:
            try:
                row = measure(project, config, batch, options.threads, patience)
                if row["peakBytes"] > MEMORY_LIMIT:
                    failures.append(f"{title}, {value}: {mib(row['peakBytes'])} MiB pass 24 GiB")
                blas = row["blas"]
                loads.append(row["otherLoad"] or 0)
                rates = "; ".join(f"{mode} {report.number(row[mode + 'ImagesPerSecond'])} images/s, "
                                  f"{row[mode + 'Gflops']:.0f} GFLOP/s" for mode in ("training", "inference"))
                print(f"  {value}: {rates}; peak {mib(row['peakBytes'])} MiB", file=sys.stderr, flush=True)
            except Failed as error:
                row = "failed"
                failures.append(f"{title}, {value}: {error}")
                print(f"  {failures[-1]}", file=sys.stderr, flush=True)
            done.append((value, row))
        sections += [f"### {title}", "", table(grows, done), ""]
    arguments = "".join(" " + text for text in sys.argv[1:])
    extra = [("BLAS", f"{blas['version'] or blas['backend']}, core **{blas['core']}**" if blas else "not measured"),
             ("threads", str(options.threads)), ("command", f"`Benchmarks/growth.py{arguments}`"),
             ("others on the machine", f"at most {max(loads):.2f} CPUs during a row; "
              f"{sum(load > DISTURBED for load in loads)} of {len(loads)} rows above {DISTURBED} even when repeated"
              if loads else "unknown")]
    text = ["## Growth", "", *__doc__.strip().split("\n\n")[1:], "",
            f"A row whose GFLOP/s fall under {CLIFF:.0%} of the row before is marked as a cliff.", "",
            machine.table(description, extra), "", *sections]
    if failures:
        text += ["### Failed", "", *(f"- {line}" for line in failures), ""]
    report.replace_section(os.path.abspath(options.output), "growth", "\n".join(text))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
