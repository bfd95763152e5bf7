#!/usr/bin/env python3
"""PyTorch's numbers for a network of depthwise convolutions, group and layer normalisation, swish, hard swish,
squeeze-and-excitation, upsampling and global max pooling: one step with several losses, weights of classes, and frozen layers.

    python Tests/Oracles/make_modern.py Tests/NeuralNetworkTests/Fixtures

Writes modern.json. Everything is computed in float64 from data that float32 holds exactly. Layouts are the engine's:
images NHWC, convolution kernels [kH, kW, in, out] (depthwise [kH, kW, 1, C]), dense kernels [in, out].
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F

SEED = 20261128
COMMAND = "python Tests/Oracles/make_modern.py Tests/NeuralNetworkTests/Fixtures"
generator = torch.Generator().manual_seed(SEED)


def data(*shape, scale=1.0):
    """Multiples of 2^-10 of `scale` in [-scale, scale]."""
    return torch.randint(-1024, 1025, shape, generator=generator).double() / 1024 * scale


def flat(tensor):
    return [float(f"{v:.12g}") for v in tensor.detach().double().reshape(-1).tolist()]


def kernel(tensor):
    """OIHW to [kH, kW, in, out]; [out, in] to [in, out]."""
    return flat(tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor.t())


class Network(torch.nn.Module):
    """6×5×2; conv 3×3 same 6, group norm of 3, swish; depthwise 3×3 same, BN, hard swish; times sigmoid(dense 6(swish(dense
    3(mean)))); up 2; conv 1×1 4, layer norm; global max; dense 4."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(2, 6, 3, padding=1)
        self.group = torch.nn.GroupNorm(3, 6, eps=1e-3)
        self.depthwise = torch.nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False)
        self.batch = torch.nn.BatchNorm2d(6, eps=1e-5, momentum=0.1)
        self.reduce = torch.nn.Linear(6, 3)
        self.excite = torch.nn.Linear(3, 6)
        self.narrow = torch.nn.Conv2d(6, 4, 1)
        self.layer = torch.nn.LayerNorm(4, eps=1e-5)
        self.out = torch.nn.Linear(4, 4)
        self.double()
        with torch.no_grad():
            for module in (self.stem, self.depthwise, self.reduce, self.excite, self.narrow, self.out):
                module.weight.copy_(data(*module.weight.shape, scale=0.5))
                if module.bias is not None:
                    module.bias.copy_(data(*module.bias.shape, scale=0.125))
            for module in (self.group, self.batch, self.layer):
                module.weight.copy_(1 + data(*module.weight.shape, scale=0.25))
                module.bias.copy_(data(*module.bias.shape, scale=0.25))
            self.batch.running_mean.copy_(data(6, scale=0.25))
            self.batch.running_var.copy_(1 + data(6, scale=0.5))

    def forward(self, x):
        x = F.silu(self.group(self.stem(x)))
        x = F.hardswish(self.batch(self.depthwise(x)))
        share = torch.sigmoid(self.excite(F.silu(self.reduce(x.mean(dim=(2, 3))))))
        x = F.interpolate(x * share[:, :, None, None], scale_factor=2, mode="nearest")
        x = self.layer(self.narrow(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.out(x.amax(dim=(2, 3)))

    def modules_in_order(self):
        return (
            self.stem, self.group, self.depthwise, self.batch, self.reduce, self.excite, self.narrow, self.layer, self.out,
        )

    def flat_of(self, pick):
        """Parameters or gradients in the engine's order."""
        result = []
        for module in self.modules_in_order():
            weight = pick(module.weight)
            result += kernel(weight) if weight.dim() > 1 else flat(weight)
            if module.bias is not None:
                result += flat(pick(module.bias))
        return result


def losses(z, labels, weights):
    p, one = F.softmax(z, dim=1), F.one_hot(labels, 4).double()
    own = p.gather(1, labels[:, None])[:, 0]
    return {
        "crossEntropy": F.cross_entropy(z, labels, reduction="none"),
        "smoothed": F.cross_entropy(z, labels, reduction="none", label_smoothing=0.1),
        "weighted": F.cross_entropy(z, labels, weight=weights, reduction="none"),
        "focal": -((1 - own) ** 2) * torch.log(own),
        "meanSquaredError": ((p - one) ** 2).mean(dim=1),
    }


def step(network, images, labels, weights, name, frozen):
    network.zero_grad()
    network.train()
    if frozen:
        # Keras's trainable = False: running statistics, which stay.
        network.batch.eval()
    before = [t.clone() for t in (network.batch.running_mean, network.batch.running_var, network.batch.num_batches_tracked)]
    loss = losses(network(images), labels, weights)[name]
    loss.mean().backward()
    result = {
        "loss": name, "frozen": frozen, "lossSum": float(f"{loss.sum().item():.12g}"),
        "gradients": network.flat_of(lambda t: t.grad),
        "state": flat(network.batch.running_mean) + flat(network.batch.running_var),
    }
    with torch.no_grad():
        for t, old in zip((network.batch.running_mean, network.batch.running_var, network.batch.num_batches_tracked), before):
            t.copy_(old)
    return result


def main():
    network = Network()
    images, labels = data(7, 2, 6, 5), torch.randint(0, 4, (7,), generator=generator)
    weights = torch.tensor([2.0, 0.5, 1.0, 3.0], dtype=torch.float64)
    cases = [
        step(network, images, labels, weights, name, frozen)
        for name, frozen in [
            ("crossEntropy", False), ("smoothed", False), ("weighted", False), ("focal", False),
            ("meanSquaredError", False), ("crossEntropy", True),
        ]
    ]
    network.eval()
    content = {
        "provenance": {
            "tool": "PyTorch", "version": torch.__version__, "seed": SEED, "command": COMMAND, "precision": "float64",
        },
        "images": flat(images.permute(0, 2, 3, 1)), "labels": labels.tolist(), "classWeights": weights.tolist(),
        "parameters": network.flat_of(lambda t: t),
        "state": flat(network.batch.running_mean) + flat(network.batch.running_var),
        "probabilities": flat(F.softmax(network(images), dim=1)), "cases": cases,
    }
    path = pathlib.Path(sys.argv[1]) / "modern.json"
    path.write_text(json.dumps(content) + "\n")


main()
