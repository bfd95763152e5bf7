#!/usr/bin/env python3
"""Training a residual network on images of CIFAR-10's shape (`config/cifar10.json`), Numeral beside PyTorch: the same layers, batch,
cores and shape of data, in turns.

    python3 -m venv .build/resnet && .build/resnet/bin/pip install numpy torch
    swift build -c release --product trainer
    .build/resnet/bin/python Benchmarks/resnet.py

Both take a batch from memory, forward, cross-entropy, backward and Adam; medians of several rounds that take turns (`support/side_by_side.py`
says how).
"""
import sys

from support import side_by_side


def prepare(config, setting):
    import torch
    from torch import nn

    height, width, channels = config["model"]["inputShape"]
    batch, last = config.get("training", {}).get("batchSize", 128), side_by_side.memory_format(setting)

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
    parameters = list(net.parameters())
    return lambda: nn.functional.cross_entropy(net(images), labels), parameters, torch.optim.Adam(parameters, fused=True), batch


side_by_side.main(__file__, __doc__, "config/cifar10.json", "images", prepare)
