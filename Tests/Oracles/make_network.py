#!/usr/bin/env python3
"""PyTorch's numbers for layers and for ten steps of plain gradient descent.

    python Tests/Oracles/make_network.py Tests/NeuralNetworkTests/Fixtures

Writes network.json and layers.json. Everything is computed in float64 from data that float32 holds exactly, so that
what differs in the engine is the engine's own rounding. Layouts are the engine's: images NHWC, convolution kernels
[kH, kW, in, out], dense kernels [in, out].
"""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F

SEED = 20240817
COMMAND = "python Tests/Oracles/make_network.py Tests/NeuralNetworkTests/Fixtures"
generator = torch.Generator().manual_seed(SEED)


def data(*shape, scale=1.0):
    """Multiples of 2^-10 of `scale` in [-scale, scale]."""
    return torch.randint(-1024, 1025, shape, generator=generator).double() / 1024 * scale


def flat(tensor):
    return [float(f"{v:.12g}") for v in tensor.detach().double().reshape(-1).tolist()]


def nhwc(tensor):
    return flat(tensor.permute(0, 2, 3, 1))


def kernel(tensor):
    """OIHW to [kH, kW, in, out]; [out, in] to [in, out]."""
    return flat(tensor.permute(2, 3, 1, 0) if tensor.dim() == 4 else tensor.t())


def provenance():
    return {"tool": "PyTorch", "version": torch.__version__, "seed": SEED, "command": COMMAND, "precision": "float64"}


class Network(torch.nn.Module):
    """12×12×2; conv 5×5 same 6, BN, ReLU, max-pool 2; conv 3×3 stride 2 padding 1 8, GELU; + conv 3×3 same of it;
    global average; dense 5."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(2, 6, 5, padding=2)
        self.norm = torch.nn.BatchNorm2d(6, eps=1e-5, momentum=0.1)
        self.conv2 = torch.nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.conv3 = torch.nn.Conv2d(8, 8, 3, padding=1)
        self.dense = torch.nn.Linear(8, 5)
        self.double()
        with torch.no_grad():
            for module, scale in ((self.conv1, 0.25), (self.conv2, 0.25), (self.conv3, 0.25), (self.dense, 0.5)):
                module.weight.copy_(data(*module.weight.shape, scale=scale))
                module.bias.copy_(data(*module.bias.shape, scale=0.125))
            self.norm.weight.copy_(1 + data(6, scale=0.25))
            self.norm.bias.copy_(data(6, scale=0.25))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv1(x))), 2)
        a = F.gelu(self.conv2(x))
        return self.dense((self.conv3(a) + a).mean(dim=(2, 3)))

    def parameters_flat(self):
        """In the engine's order."""
        result = []
        for module in (self.conv1, self.norm, self.conv2, self.conv3, self.dense):
            result += flat(module.weight) if module is self.norm else kernel(module.weight)
            result += flat(module.bias)
        return result

    def state_flat(self):
        return flat(self.norm.running_mean) + flat(self.norm.running_var)


def network():
    model, rate, batches = Network(), 0.05, 2
    images = [data(6, 2, 12, 12) for _ in range(batches)]
    labels = [torch.randint(0, 5, (6,), generator=generator) for _ in range(batches)]
    start = model.parameters_flat()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[step % batches]), labels[step % batches])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    probabilities = F.softmax(model(images[0]), dim=1)
    return {
        "provenance": provenance(), "learningRate": rate, "images": [nhwc(x) for x in images],
        "labels": [y.tolist() for y in labels], "parameters": start, "losses": losses,
        "finalParameters": model.parameters_flat(), "finalState": model.state_flat(),
        "probabilities": flat(probabilities),
    }


def gradients(y, *inputs):
    dy = data(*y.shape)
    y.backward(dy)
    return dy, [x.grad for x in inputs]


def convolution(name, shape, filters, size, stride, dilation, padding):
    """`padding` is (top, bottom, left, right)."""
    x = data(*shape).requires_grad_()
    w = data(filters, shape[1], *size).requires_grad_()
    b = data(filters).requires_grad_()
    top, bottom, left, right = padding
    y = F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride=stride, dilation=dilation)
    dy, (dx, dw, db) = gradients(y, x, w, b)
    return {
        "name": name, "shape": [shape[0], shape[2], shape[3], shape[1]], "filters": filters, "size": size,
        "stride": stride, "dilation": dilation, "padding": padding, "x": nhwc(x), "w": kernel(w), "b": flat(b),
        "y": nhwc(y), "dy": nhwc(dy), "dx": nhwc(dx), "dw": kernel(dw), "db": flat(db),
    }


def pooling(name, shape, size, stride, padding, average):
    x = data(*shape).requires_grad_()
    if average:
        y = F.avg_pool2d(x, size, stride, padding, count_include_pad=False)
    else:
        y = F.max_pool2d(x, size, stride, padding)
    dy, (dx,) = gradients(y, x)
    return {
        "name": name, "shape": [shape[0], shape[2], shape[3], shape[1]], "size": size, "stride": stride,
        "padding": [padding[0], padding[0], padding[1], padding[1]], "average": average, "x": nhwc(x), "y": nhwc(y),
        "dy": nhwc(dy), "dx": nhwc(dx),
    }


def batch_norm():
    x = data(3, 5, 3, 2, scale=2).requires_grad_()
    gamma, beta = (1 + data(5, scale=0.5)).requires_grad_(), data(5).requires_grad_()
    mean, variance = data(5), 1 + data(5, scale=0.5)
    start = flat(mean) + flat(variance)
    inference = F.batch_norm(x, mean, variance, gamma, beta, False, 0.25, 1e-3)
    y = F.batch_norm(x, mean, variance, gamma, beta, True, 0.25, 1e-3)
    dy, (dx, dgamma, dbeta) = gradients(y, x, gamma, beta)
    return {
        "momentum": 0.25, "epsilon": 1e-3, "x": nhwc(x), "gamma": flat(gamma), "beta": flat(beta), "state": start,
        "inference": nhwc(inference), "y": nhwc(y), "newState": flat(mean) + flat(variance), "dy": nhwc(dy),
        "dx": nhwc(dx), "dgamma": flat(dgamma), "dbeta": flat(dbeta),
    }


def nonlinearity(name, function):
    x = data(37, scale=5).requires_grad_()
    y = function(x)
    dy, (dx,) = gradients(y, x)
    return {"name": name, "x": flat(x), "y": flat(y), "dy": flat(dy), "dx": flat(dx)}


def cross_entropy(smoothing):
    z = data(4, 7, scale=6).requires_grad_()
    labels = torch.tensor([0, 6, 3, 3])
    loss = F.cross_entropy(z, labels, reduction="sum", label_smoothing=smoothing)
    loss.backward()
    return {"smoothing": smoothing, "z": flat(z), "labels": labels.tolist(), "loss": loss.item(), "dz": flat(z.grad)}


def layers():
    return {
        "provenance": provenance(),
        "convolutions": [
            convolution("plain", (2, 3, 5, 6), 4, [3, 3], [1, 1], [1, 1], [0, 0, 0, 0]),
            convolution("stride and padding", (2, 2, 7, 6), 3, [3, 2], [2, 3], [1, 1], [1, 1, 1, 1]),
            convolution("dilation, asymmetric padding", (1, 2, 6, 7), 5, [2, 3], [1, 1], [2, 2], [2, 0, 1, 3]),
            convolution("dilation, stride, cropping", (1, 3, 8, 7), 2, [3, 2], [2, 1], [2, 3], [-1, 2, 0, -1]),
        ],
        "poolings": [
            pooling("max", (2, 3, 6, 5), [2, 2], [2, 2], [0, 0], False),
            pooling("max, overlapping, padded", (1, 2, 5, 6), [3, 3], [2, 1], [1, 1], False),
            pooling("average", (2, 3, 6, 5), [2, 2], [2, 2], [0, 0], True),
            pooling("average, overlapping, padded", (1, 2, 5, 6), [3, 2], [1, 2], [1, 1], True),
        ],
        "batchNorm": batch_norm(),
        "nonlinearities": [
            nonlinearity("relu", F.relu), nonlinearity("leakyRelu", lambda x: F.leaky_relu(x, 0.125)),
            nonlinearity("gelu", F.gelu), nonlinearity("tanh", torch.tanh), nonlinearity("sigmoid", torch.sigmoid),
        ],
        "crossEntropies": [cross_entropy(0.0), cross_entropy(0.125)],
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, content in (("network", network()), ("layers", layers())):
        (folder / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")


main()
