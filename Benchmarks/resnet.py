#!/usr/bin/env python3
"""Training a residual network on images of CIFAR-10's shape (`config/cifar10.json`), Numeral beside PyTorch: the same layers, batch,
cores and shape of data, in turns.

    python3 -m venv .build/resnet && .build/resnet/bin/pip install numpy torch
    swift build --product trainer
    .build/resnet/bin/python Benchmarks/resnet.py

Both take a batch from memory, forward, cross-entropy, backward and Adam; medians of several rounds that take turns, each side in a
process of its own. PyTorch is measured channels-last, contiguous, and channels-last compiled by Inductor; the fastest counts.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

SETTINGS = ["channels-last", "contiguous", "channels-last, compiled"]


def peer(config, setting, threads, seconds):
    """Images a second of one setting of PyTorch."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    config = json.loads(pathlib.Path(config).read_text())
    height, width, channels = config["model"]["inputShape"]
    batch = config.get("training", {}).get("batchSize", 128)
    last = torch.channels_last if setting.startswith("channels-last") else torch.contiguous_format

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps, widths, before = nn.ModuleList(), {}, "input"
            widths[before] = channels
            self.names = []
            for number, layer in enumerate(config["model"]["layers"]):
                sources = layer.get("inputs", [before])
                wide, kind = widths[sources[0]], layer["type"]
                if kind == "conv2d":
                    step = nn.Conv2d(wide, layer["filters"], layer["kernelSize"], layer.get("strides", 1),
                                     layer.get("padding", 0), bias=layer.get("useBias", True))
                    wide = layer["filters"]
                elif kind == "batchNormalization":
                    step = nn.BatchNorm2d(wide)
                elif kind == "relu":
                    step = nn.ReLU()
                elif kind == "add":
                    step = nn.Identity()
                elif kind == "globalAveragePooling2d":
                    step = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
                elif kind == "dense":
                    step = nn.Linear(wide, layer["units"])
                    wide = layer["units"]
                else:
                    sys.exit(f"no layer {kind} here")
                before = layer.get("name", f"#{number}")
                widths[before] = wide
                self.steps.append(step)
                self.names.append((before, sources))

        def forward(self, x):
            values = {"input": x}
            for step, (name, sources) in zip(self.steps, self.names):
                inputs = [values[source] for source in sources]
                values[name] = step(inputs[0] if len(inputs) == 1 else inputs[0] + inputs[1])
            return values[name]

    net = Network().to(memory_format=last).train()
    images = torch.rand(batch, channels, height, width).contiguous(memory_format=last)
    labels = torch.randint(0, 10, (batch,))
    optimizer = torch.optim.Adam(net.parameters(), fused=True)

    def loss(x, y):
        return nn.functional.cross_entropy(net(x), y)

    run = torch.compile(loss, dynamic=False) if "compiled" in setting else loss

    def step():
        optimizer.zero_grad(set_to_none=True)
        run(images, labels).backward()
        optimizer.step()

    for _ in range(3):
        step()
    rates = []
    for _ in range(3):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / 3:
            step()
            count += 1
        rates.append(batch * count / (time.perf_counter() - start))
    print(json.dumps({"parameters": sum(p.numel() for p in net.parameters()), "rate": statistics.median(rates)}))


def numeral(options):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "profile.json"
        command = [options.trainer, "profile", "--config", options.config, "--threads", str(options.threads), "--json",
                   str(file), "--quiet"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
        result = subprocess.run(command, capture_output=True, text=True, env=environment)
        if result.returncode:
            sys.exit(result.stderr)
        return json.loads(file.read_text())["trainingImagesPerSecond"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trainer", default=".build/debug/trainer")
    options.add_argument("--config", default="config/cifar10.json")
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=6, help="for each setting of PyTorch in each round")
    options.add_argument("--peer", choices=SETTINGS, help=argparse.SUPPRESS)
    options = options.parse_args()
    if options.peer:
        return peer(options.config, options.peer, options.threads, options.seconds)
    rates = {"Numeral": [], **{setting: [] for setting in SETTINGS}}
    for _ in range(options.rounds):
        rates["Numeral"].append(numeral(options))
        for setting in SETTINGS:
            command = [sys.executable, __file__, "--config", options.config, "--threads", str(options.threads), "--seconds",
                       str(options.seconds), "--peer", setting]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                sys.exit(result.stderr)
            rates[setting].append(json.loads(result.stdout.splitlines()[-1])["rate"])
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        print(f"{name if name == 'Numeral' else 'PyTorch, ' + name:34} {medians[name]:8.0f} images/s "
              f"({min(values):.0f}–{max(values):.0f})")
    print(f"{medians['Numeral'] / max(medians[s] for s in SETTINGS):.2f} times the fastest, {options.threads} threads")


if __name__ == "__main__":
    main()
