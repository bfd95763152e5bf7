#!/usr/bin/env python3
"""Training on lines of text with connectionist temporal classification, Numeral beside PyTorch: the network of `config/lines.json`,
the same batch, cores and shape of data, in turns.

    python3 -m venv .build/lines && .build/lines/bin/pip install numpy torch
    swift build -c release --product trainer
    .build/lines/bin/python Benchmarks/lines_speed.py --trainer .build/release/trainer

Both take a batch of 64 lines 192 pixels wide from memory, forward, CTC loss, backward and AdamW; medians of several rounds that take
turns. PyTorch is given channels_last, which is the faster layout here.
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

import torch
from torch import nn


def network(config):
    layers, channels = [], 1
    for layer in config["model"]["layers"]:
        kind = layer["type"]
        pair = lambda value: tuple(value) if isinstance(value, list) else (value, value)
        if kind == "conv2d":
            size = pair(layer["kernelSize"])
            padding = tuple((s - 1) // 2 for s in size) if layer.get("padding") == "same" else 0
            layers.append(nn.Conv2d(channels, layer["filters"], size, padding=padding, bias=layer.get("useBias", True)))
            channels = layer["filters"]
        elif kind == "batchNormalization":
            layers.append(nn.BatchNorm2d(channels))
        elif kind == "relu":
            layers.append(nn.ReLU(inplace=True))
        elif kind == "maxPooling2d":
            layers.append(nn.MaxPool2d(pair(layer["poolSize"])))
        elif kind == "dropout":
            layers.append(nn.Dropout(layer["rate"]))
        else:
            sys.exit(f"no layer {kind} here")
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def numeral(trainer, config, arguments, key):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "p.json"
        result = subprocess.run([trainer, "profile", "--config", config, "--json", str(file), "--quiet", *arguments],
                                capture_output=True, text=True)
        if result.returncode:
            sys.exit(result.stderr)
        record = json.loads(file.read_text())
        return record[key]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trainer", default=".build/release/trainer")
    options.add_argument("--config", default="config/lines.json")
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--rounds", type=int, default=5)
    options = options.parse_args()
    config = json.loads(pathlib.Path(options.config).read_text())
    height, width, _ = config["model"]["inputShape"]
    batch = config["training"]["batchSize"]
    torch.set_num_threads(options.threads)
    net = network(config)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
    x = torch.rand(batch, 1, height, width).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        columns = net(x).shape[3]
    targets = torch.randint(0, 10, (batch * 6,))
    lengths, columns = torch.full((batch,), 6), torch.full((batch,), columns)
    loss = nn.CTCLoss(blank=10)

    def step():
        y = net(x)[:, :, 0].permute(2, 0, 1).log_softmax(2)
        optimizer.zero_grad()
        loss(y, targets, columns, lengths).backward()
        optimizer.step()

    def rate(body, items, seconds=2.0):
        body()
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            body()
            count += 1
        return items * count / (time.perf_counter() - start)

    rates = {"Numeral": [], "PyTorch": []}
    for _ in range(options.rounds):
        rates["Numeral"].append(
            numeral(options.trainer, options.config, ["--threads", str(options.threads), "--inference-batch", "1"], "trainingImagesPerSecond"))
        net.train()
        rates["PyTorch"].append(rate(step, batch))
    print(f"training, batch {batch}, {height}×{width}, {options.threads} threads: "
          + ", ".join(f"{name} {statistics.median(r):.0f} lines/s" for name, r in rates.items())
          + f": {statistics.median(rates['Numeral']) / statistics.median(rates['PyTorch']):.2f} times")


main()
