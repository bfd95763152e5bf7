#!/usr/bin/env python3
"""Training on lines of text with connectionist temporal classification, Numeral beside PyTorch: the network of `config/lines.json`,
the same batch, cores and shape of data, in turns.

    python3 -m venv .build/lines && .build/lines/bin/pip install numpy torch
    swift build -c release --product trainer
    .build/lines/bin/python Benchmarks/lines_speed.py

Both take a batch of lines of the network's width and up to four characters from memory, forward, CTC loss, backward, clipping and AdamW; medians
of several rounds that take turns (`support/side_by_side.py` says how).
"""
import sys

from support import side_by_side


def network(config):
    from torch import nn

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
    return nn.Sequential(*layers)


def prepare(config, setting):
    import torch
    from torch import nn

    height, width, _ = config["model"]["inputShape"]
    batch, last = config["training"]["batchSize"], side_by_side.memory_format(setting)
    net = network(config).to(memory_format=last).train()
    lines = torch.rand(batch, 1, height, width).contiguous(memory_format=last)
    with torch.no_grad():
        columns = net(lines).shape[3]
    length = min(4, columns // 2)
    targets, lengths = torch.randint(0, 10, (batch * length,)), torch.full((batch,), length)
    columns, loss, parameters = torch.full((batch,), columns), nn.CTCLoss(blank=10), list(net.parameters())

    def compute():
        return loss(net(lines)[:, :, 0].permute(2, 0, 1).log_softmax(2), targets, columns, lengths)

    return compute, parameters, torch.optim.AdamW(parameters, lr=1e-4, fused=True), batch


side_by_side.main(__file__, __doc__, "config/lines.json", "lines", prepare)
