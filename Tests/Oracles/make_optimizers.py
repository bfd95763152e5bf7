"""Ten steps of PyTorch's optimizers, in float64, on given gradients: the oracle of OptimizerTests.

    python make_optimizers.py > ../TrainingTests/Fixtures/optimizers.json

Two tensors: `weight` (13 elements) takes L2 or weight decay, `bias` (6) does not. The learning rate changes every
step, so that conventions which agree at a constant rate are told apart. Gradients are float32 values, written in full.
"""
import json
import sys

import numpy
import torch

SEED, STEPS, WEIGHTS, BIASES = 20240607, 10, 13, 6

generator = numpy.random.default_rng(SEED)
start = generator.normal(0, 0.5, WEIGHTS + BIASES).astype(numpy.float32)
gradients = (generator.normal(0, 1, (STEPS, WEIGHTS + BIASES)) * numpy.logspace(-3, 2, WEIGHTS + BIASES)).astype(
    numpy.float32)
momenta = [0.95, 0.9, 0.85, 0.8, 0.85, 0.9, 0.95, 0.95, 0.9, 0.6]
factors = [1.0, 0.5, 0.75, 1.0, 0.25, 0.1, 0.9, 1.0, 0.6, 0.3]

# name: (class, peak rate, options, decay of `weight` in PyTorch's words, max norm, max value)
CASES = {
    "sgd": (torch.optim.SGD, 0.1, {}, 0.0, None, None),
    "sgd-l2": (torch.optim.SGD, 0.1, {}, 0.01, None, None),
    "momentum": (torch.optim.SGD, 0.05, {"momentum": 0.9}, 0.0, None, None),
    "nesterov": (torch.optim.SGD, 0.05, {"momentum": 0.9, "nesterov": True}, 0.01, None, None),
    "rmsprop": (torch.optim.RMSprop, 0.01, {"alpha": 0.9, "eps": 1e-7}, 0.0, None, None),
    "rmsprop-momentum": (torch.optim.RMSprop, 0.01, {"alpha": 0.9, "eps": 1e-7, "momentum": 0.8}, 0.0, None, None),
    "adam": (torch.optim.Adam, 0.01, {"betas": (0.9, 0.999), "eps": 1e-8}, 0.0, None, None),
    "adam-l2": (torch.optim.Adam, 0.01, {"betas": (0.9, 0.999), "eps": 1e-8}, 0.02, None, None),
    "adamw": (torch.optim.AdamW, 0.01, {"betas": (0.8, 0.99), "eps": 1e-6}, 0.1, None, None),
    "adagrad": (torch.optim.Adagrad, 0.1, {"lr_decay": 0.1, "eps": 1e-8}, 0.0, None, None),
    "adagrad-l2": (
        torch.optim.Adagrad, 0.1, {"initial_accumulator_value": 0.25, "eps": 1e-8}, 0.02, None, None),
    # With momentum (beta1) changed at every step, as a one-cycle schedule does.
    "nesterov-cycled": (torch.optim.SGD, 0.05, {"momentum": 0.9, "nesterov": True}, 0.0, None, None),
    "adamw-cycled": (torch.optim.AdamW, 0.01, {"betas": (0.9, 0.99), "eps": 1e-6}, 0.1, None, None),
    "clip-norm": (torch.optim.SGD, 0.1, {"momentum": 0.9}, 0.01, 20.0, None),
    "clip-value": (torch.optim.SGD, 0.1, {"momentum": 0.9}, 0.0, None, 0.5),
}


def run(kind, rate, options, decay, norm, value, cycled):
    weight = torch.tensor(start[:WEIGHTS], dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(start[WEIGHTS:], dtype=torch.float64, requires_grad=True)
    groups = [{"params": [weight], "weight_decay": decay}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = kind(groups, lr=rate, **options)
    trace = []
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rate * factors[step]
            if cycled and "momentum" in group:
                group["momentum"] = momenta[step]
            elif cycled:
                group["betas"] = (momenta[step], group["betas"][1])
        weight.grad = torch.tensor(gradients[step, :WEIGHTS], dtype=torch.float64)
        bias.grad = torch.tensor(gradients[step, WEIGHTS:], dtype=torch.float64)
        if norm is not None:
            torch.nn.utils.clip_grad_norm_([weight, bias], norm)
        if value is not None:
            torch.nn.utils.clip_grad_value_([weight, bias], value)
        optimizer.step()
        trace.append([float(x) for x in torch.cat([weight, bias]).detach()])
    return trace


json.dump({
    "provenance": {
        "tool": "PyTorch", "version": torch.__version__, "numpy": numpy.__version__, "seed": SEED,
        "command": "python Tests/Oracles/make_optimizers.py > Tests/TrainingTests/Fixtures/optimizers.json",
    },
    "weights": WEIGHTS,
    "start": [float(x) for x in start],
    "gradients": [[float(x) for x in row] for row in gradients],
    "factors": factors,
    "momenta": momenta,
    "cases": {name: run(*case, name.endswith("-cycled")) for name, case in CASES.items()},
}, sys.stdout, indent=0)
print()
