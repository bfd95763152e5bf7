#!/usr/bin/env python3
"""Measures Numeral and its peers on the reference network, side by side, and writes RESULTS.md and results.json (on a CPU without
AVX-512 a section and a file of their own).

Every measurement is a process of its own, on as many CPUs as it has threads, with a warm-up and several timed blocks,
whose median counts. Competitors alternate: each round visits every (batch, threads) and lets all competitors have their
turn there, in an order that changes from round to round. A cell of the report is the median over the rounds.

Peers run at their best: a short probe tries each peer's few settings (peers/*.py) and the fastest is used. Data are
synthetic and lie in memory. A training step is forward, loss, backward and Adam, with dropout and batch statistics;
inference is evaluation mode, one batch done before the next begins. Both in float32, and each peer's inference is
checked against the same network in float64 (relative error below 1e-4). The mode int8 is inference by bytes: ours as `trainer quantize`
makes it, the peers' as ONNX Runtime's static quantization does (QDQ, per channel), checked more coarsely; all layers are in bytes even where
`trainer quantize` would leave them in float32 as faster (CPUs without VNNI). In the peers' processes glibc keeps freed
memory and uses huge pages, which helps them (peers/__init__.py).

The peers live in a virtual environment, Benchmarks/.venv or --venv, made from requirements.txt at the first run.
"""

import argparse
import importlib
import json
import os
import statistics
import sys

import peers
from support import machine, report, venv
from support.comparison import Comparison, say
from support.processes import DISTURBED, Failed, available_cpus, end_on_sigterm
from support.project import Project

FOLDER = os.path.dirname(os.path.abspath(__file__))
REFERENCE_PARAMETERS = 871_082


def write(comparison, options, description, versions, starts, build):
    # A kind of CPU keeps its figures when another is measured.
    kind, title = ("", "") if "avx512f" in description["features"] else ("-avx2", ", on a CPU without AVX-512")
    data_path = os.path.join(os.path.dirname(options.output), f"results{kind}.json")
    loads = [entry["otherLoad"] for entry in comparison.measurements if entry["otherLoad"] is not None]
    busy = sum(load > DISTURBED for load in loads)
    blas = comparison.blas
    cleared = "kept as it was" if options.keep_blas_environment else "cleared of what bends a BLAS or a framework"
    extra = [
        ("BLAS of Numeral", f"{blas['version'] or blas['backend']}, core **{blas['core']}**" if blas else "unknown"),
        ("peers", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("environment", cleared),
        ("command", "`Benchmarks/compare.py" + "".join(" " + text for text in options.arguments) + "`"),
        ("rounds", f"{comparison.rounds}, in {comparison.minutes():.0f} minutes"),
        ("others on the machine",
         f"at most {max(loads):.2f} CPUs during a measurement; {busy} of {len(loads)} measurements "
         f"and {len(comparison.disturbed_probes)} probes above {DISTURBED} even when repeated" if loads else "unknown"),
    ]
    text = ["## Numeral and its peers" + title, "",
            "Reference network (`config/reference.json`), float32 unless said. Median over the rounds (least–greatest); the ratio "
            "is of medians, in brackets its least and greatest in one round, then the fastest peer.", "",
            machine.table(description, extra), "", report.throughput_tables(comparison.results, comparison.titles)]
    if starts:
        text += ["### Start", "", "Seconds from process start to the end of the first training step, batch 128, "
                 f"{max(options.threads)} threads, nothing compiled before. For Numeral the whole run: data files, one "
                 "step, evaluation, report.", "", "| | seconds | |", "|---|--:|---|"]
        text += [f"| {name} | {statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f}) | {setting} |"
                 for name, (setting, seconds) in starts.items()]
        text.append("")
    if build is not None:
        text += ["### Build", "", f"`swift build --product trainer` from nothing, packages fetched: {build:.0f} s.",
                 ""]
    chosen = {key: comparison.setting_used(*key) or "none" for key in comparison.chosen}
    if chosen:
        text += ["### Settings of the peers", "", "All are probed at batch 128, those within 30 % of the best at the "
                 "other sizes too; the fastest is used. Where others disturbed a probe, each round tries its setting.",
                 "",
                 report.settings_table(chosen, comparison.probes, comparison.titles), ""]
    if comparison.failures:
        text += ["### Failed", ""] + [f"- {line}" for line in comparison.failures]
    report.replace_section(options.output, "peers" + kind, "\n".join(text))

    def flat(keyed, name):
        return [{"competitor": key[0], "mode": key[1], "batch": key[2], "threads": key[3],
                 **({"setting": key[4]} if len(key) > 4 else {}), name: value} for key, value in keyed.items()]

    ratios = [{"mode": key[0], "batch": key[1], "threads": key[2], "fastestPeer": found[0], "ratio": found[1],
               "least": found[2], "greatest": found[3]}
              for key, found in report.ratios(comparison.results).items() if found]
    with open(data_path, "w", encoding="utf-8") as file:
        json.dump({"machine": description, "blas": blas, "versions": versions, "arguments": options.arguments,
                   "rounds": comparison.rounds, "ratios": ratios, "settings": flat(chosen, "setting"),
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
    competitors, modes = ["numeral", *peers.NAMES], ["training", "inference", "int8"]
    parser.add_argument("--quick", action="store_true", help="few cells, 2 rounds, no build time; within 8 minutes")
    parser.add_argument("--rounds", type=int, help="rounds at most (default 4, quick 2)")
    parser.add_argument("--minutes", type=float, help="no further round that would end later (default 40, quick 8)")
    parser.add_argument("--only", type=names_of(competitors), default=competitors, metavar="NAME,…",
                        help="of " + ", ".join(competitors))
    parser.add_argument("--modes", type=names_of(modes), default=modes, metavar="MODE,…",
                        help="of training, inference, int8")
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
    if not os.path.isdir(os.path.dirname(options.output)):
        parser.error(f"--output: expected a file in a folder that is there · received {options.output}")
    options.arguments = list(arguments)
    return options


def main():
    options = parse(sys.argv[1:])
    end_on_sigterm()
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
        parameters = project.inspect()["parameters"]
        if parameters != REFERENCE_PARAMETERS:
            raise Failed(f"config/reference.json: expected {REFERENCE_PARAMETERS} parameters, received {parameters}")
    comparison = Comparison(options, python, project)
    reserve = (0.5 if options.quick else 2) + (4 if ours and not (options.quick or options.no_build_time) else 0)
    comparison.export()
    comparison.choose()
    comparison.all_rounds(reserve)
    if comparison.blas:
        blas = comparison.blas
        say(f"Numeral ran on {blas['version'] or blas['backend']}, core {blas['core']}")
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
