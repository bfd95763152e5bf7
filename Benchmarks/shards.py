#!/usr/bin/env python3
"""Trains the network of `config/cifar10.json` from shards on disk, and from memory: speed, memory and bits.

    python3 -m venv .build/shards && .build/shards/bin/pip install numpy safetensors
    swift build --product trainer
    .build/shards/bin/python Benchmarks/shards.py --gigabytes 20 --folder /tmp/shards

First synthetic images of 32×32×3 are written as shards, --gigabytes of them. Then, in turns, training runs on them and on the images of
the first shards in memory, each until --seconds after its first step, when it is interrupted; the rate is of the steps between. Resident
memory is the largest value of VmRSS while it runs. At last a small set is trained on to the end from shards and from memory: the weights
must be the same bits.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

SIDE, CHANNELS, CLASSES = 32, 3, 10
IMAGE = SIDE * SIDE * CHANNELS


def idx(extents):
    return bytes([0, 0, 8, len(extents)]) + b"".join(struct.pack(">I", extent) for extent in extents)


def make(folder, shards, per_shard, test):
    """Writes shards of random images; those of a class have a colour in common."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(1)
    colours = generator.integers(0, 256, (CLASSES, CHANNELS))
    parts = {"train": [per_shard] * shards, "test": [test]}
    manifest = {"version": 1, "classNames": [str(c) for c in range(CLASSES)], "height": SIDE, "width": SIDE, "channels": CHANNELS}
    for part, counts in parts.items():
        manifest[part] = []
        for number, count in enumerate(counts):
            labels = generator.integers(0, CLASSES, count).astype(np.uint8)
            noise = generator.integers(0, 256, (count, SIDE, SIDE, CHANNELS), dtype=np.uint8)
            images = ((noise.astype(np.uint16) + colours[labels][:, None, None].astype(np.uint16)) >> 1).astype(np.uint8)
            entry = {"count": count}
            for kind, extents, data in (("images", [count, SIDE, SIDE, CHANNELS], images), ("labels", [count], labels)):
                name, content = f"{part}-{number:05}-{kind}-idx{len(extents)}-ubyte", idx(extents) + data.tobytes()
                (folder / name).write_bytes(content)
                entry[kind], entry[kind + "SHA256"] = name, hashlib.sha256(content).hexdigest()
            manifest[part].append(entry)
    (folder / "shards.json").write_text(json.dumps(manifest))


def in_memory(shards, folder, count):
    """The first `count` shards as one pair of IDX files, which are read into memory."""
    folder.mkdir()
    manifest = json.loads((shards / "shards.json").read_text())
    for part, name, entries in (("train", "train", manifest["train"][:count]), ("test", "t10k", manifest["test"])):
        total = sum(entry["count"] for entry in entries)
        for kind, extents in (("images", [total, SIDE, SIDE, CHANNELS]), ("labels", [total])):
            with open(folder / f"{name}-{kind}-idx{len(extents)}-ubyte", "wb") as file:
                file.write(idx(extents))
                for entry in entries:
                    file.write((shards / entry[kind]).read_bytes()[4 + 4 * len(extents):])
    (folder / "classes.txt").write_text("".join(f"{c}\n" for c in range(CLASSES)))


def configuration(options, folder):
    config = json.loads(pathlib.Path(options.config).read_text())
    config.pop("$schema", None)
    config["data"] = {"prepare": False, "validationFraction": 0.01}
    config.setdefault("training", {}).update({"epochs": 1, "batchSize": 128})
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def train(options, config, data, output, seconds=None):
    """Trains, for `seconds` after the first step if given. Returns images a second, the peak of memory in MiB, the seconds before the
    first step, and the run's folder."""
    command = [options.trainer, "train", "--config", str(config), "--data", str(data), "--output", str(output), "--quiet",
               "--threads", str(options.threads)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak, first = 0, None
    while process.poll() is None:
        time.sleep(0.2)
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")))
        except (OSError, TypeError, ValueError):
            pass
        if first is None and any('"event":"step"' in path.read_text() for path in output.glob("*/events.jsonl")):
            first = time.monotonic()
        if seconds and first and time.monotonic() - first > seconds:
            process.send_signal(signal.SIGINT)
            process.wait()
    run = next(output.glob("*/"))
    steps = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines() if '"event":"step"' in line]
    if process.returncode not in (0, 130, 2) and not seconds:
        sys.exit(process.stderr.read())
    a, b = steps[len(steps) // 5], steps[-1]
    return (b["images"] - a["images"]) / (b["seconds"] - a["seconds"]), peak / 1024, (first or began) - began, run


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trainer", default=".build/debug/trainer")
    options.add_argument("--config", default="config/cifar10.json")
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--gigabytes", type=float, default=2)
    options.add_argument("--seconds", type=float, default=40)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=pathlib.Path, help="where the shards are put, and kept; default: a temporary folder")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        shards = options.folder or temporary / "shards"
        per_shard = (128 << 20) // IMAGE
        count = max(2, round(options.gigabytes * 1e9 / (per_shard * IMAGE)))
        if not shards.exists():
            make(shards, count, per_shard, 1000)
        size = sum(path.stat().st_size for path in shards.iterdir())
        in_memory(shards, temporary / "memory", 2)
        config = configuration(options, temporary)
        found = {"shards": [], "memory": []}
        for number in range(options.rounds):
            for name, data in (("shards", shards), ("memory", temporary / "memory")):
                output = temporary / f"{name}-{number}"
                output.mkdir()
                found[name].append(train(options, config, data, output, options.seconds)[:3])
                shutil.rmtree(output)
        rates = {name: statistics.median(rate for rate, _, _ in values) for name, values in found.items()}
        for name, values in found.items():
            print(f"{name:7} {rates[name]:7.0f} images/s ({min(v[0] for v in values):.0f}–{max(v[0] for v in values):.0f}), "
                  f"at most {max(v[1] for v in values):.0f} MiB resident, {statistics.median(v[2] for v in values):.1f} s before the first step")
        print(f"{size / 1e9:.1f} GB of shards: {100 * rates['shards'] / rates['memory']:.1f} % of the speed from memory")

        from safetensors.numpy import load_file

        make(temporary / "few", 3, 2000, 500)
        in_memory(temporary / "few", temporary / "few-memory", 3)
        digests = {}
        for name in ("few", "few-memory"):
            output = temporary / f"run-{name}"
            output.mkdir()
            run = train(options, config, temporary / name, output)[3]
            weights = load_file(run / "model.safetensors")
            digests[name] = hashlib.sha256(b"".join(weights[key].tobytes() for key in sorted(weights))).hexdigest()
        same = digests["few"] == digests["few-memory"]
        print(f"weights after training on 6,000 images: {'the same bits' if same else 'DIFFERENT'} ({digests['few'][:16]})")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
