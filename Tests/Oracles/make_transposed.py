#!/usr/bin/env python3
"""PyTorch's numbers for a network of transposed and grouped convolutions and PReLU: probabilities, and the gradients of one step.

    python Tests/Oracles/make_transposed.py Tests/NeuralNetworkTests/Fixtures

Writes transposed.json. Everything is computed in float64 from data that float32 holds exactly. Layouts are the engine's:
images NHWC, kernels [kH, kW, in, out] (transposed [kH, kW, out, in]), dense kernels [in, out], features flattened NHWC.
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F

SEED = 20261129
COMMAND = "python Tests/Oracles/make_transposed.py Tests/NeuralNetworkTests/Fixtures"
generator = torch.Generator().manual_seed(SEED)


def data(*shape, scale=1.0):
    """Multiples of 2^-10 of `scale` in [-scale, scale]."""
    return torch.randint(-1024, 1025, shape, generator=generator).double() / 1024 * scale


def flat(tensor):
    return [float(f"{v:.12g}") for v in tensor.detach().double().reshape(-1).tolist()]


def kernel(tensor):
    """OIHW to [kH, kW, I, O], IOHW (transposed) to [kH, kW, O, I] alike; [out, in] to [in, out]."""
    return flat(tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor.t())


class Network(torch.nn.Module):
    """5×4×2; transposed 3×3 to 4, strides 2, doubled (10×8); PReLU; grouped 3×3 same, 2 groups, 6; transposed 2×2 to 2 without
    bias, dilated by 2 (12×10); PReLU; dense 3."""

    def __init__(self):
        super().__init__()
        self.up = torch.nn.ConvTranspose2d(2, 4, 3, stride=2, padding=0, output_padding=0)
        self.slope = torch.nn.PReLU(4)
        self.grouped = torch.nn.Conv2d(4, 6, 3, padding=1, groups=2)
        self.wide = torch.nn.ConvTranspose2d(6, 2, 2, dilation=2, bias=False)
        self.slope2 = torch.nn.PReLU(2)
        self.out = torch.nn.Linear(12 * 10 * 2, 3)
        self.double()
        with torch.no_grad():
            for module in (self.up, self.grouped, self.wide, self.out):
                module.weight.copy_(data(*module.weight.shape, scale=0.5))
                if module.bias is not None:
                    module.bias.copy_(data(*module.bias.shape, scale=0.125))
            for module in (self.slope, self.slope2):
                module.weight.copy_(0.25 + data(*module.weight.shape, scale=0.25))

    def forward(self, x):
        # TensorFlow's "same" takes the odd row and column away behind: 11×9 to 10×8.
        x = self.slope(self.up(x)[:, :, :10, :8])
        x = self.slope2(self.wide(self.grouped(x)))
        return self.out(x.permute(0, 2, 3, 1).flatten(1))

    def flat_of(self, pick):
        """Parameters or gradients in the engine's order."""
        result = []
        for module in (self.up, self.slope, self.grouped, self.wide, self.slope2, self.out):
            weight = pick(module.weight)
            result += kernel(weight) if weight.dim() > 1 else flat(weight)
            if getattr(module, "bias", None) is not None:
                result += flat(pick(module.bias))
        return result


def main():
    network = Network()
    images, labels = data(7, 2, 5, 4), torch.randint(0, 3, (7,), generator=generator)
    logits = network(images)
    loss = F.cross_entropy(logits, labels, reduction="none")
    loss.mean().backward()
    content = {
        "provenance": {
            "tool": "PyTorch", "version": torch.__version__, "seed": SEED, "command": COMMAND, "precision": "float64",
        },
        "images": flat(images.permute(0, 2, 3, 1)), "labels": labels.tolist(),
        "parameters": network.flat_of(lambda t: t), "gradients": network.flat_of(lambda t: t.grad),
        "lossSum": float(f"{loss.sum().item():.12g}"), "probabilities": flat(F.softmax(logits, dim=1)),
    }
    path = pathlib.Path(sys.argv[1]) / "transposed.json"
    path.write_text(json.dumps(content) + "\n")


main()
