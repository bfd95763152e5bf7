"""Ten steps of Muon and LAMB, in float64, on given gradients: the oracle of TensorRuleTests.

    python make_matrix_optimizers.py > ../TrainingTests/Fixtures/matrix-optimizers.json

Muon is torch.optim.Muon (its bfloat16 cast taken out, so that it computes in float64), LAMB is timm.optim.Lamb without its
clipping of gradients. Needs torch and timm. Four tensors: a convolution kernel [3, 3, 2, 5] (this project's order: kH, kW,
in, out; PyTorch's matrix is its transpose, [out, kH*kW*in]), dense weights [4, 9] and [12, 3] and a bias [5]. The bias is
Adam's under Muon. The rate changes every step.
"""
import json
import sys

import numpy
import timm
import timm.optim
import torch

# Muon asks for this type by name.
torch.bfloat16 = torch.float64

SEED, STEPS = 20241124, 10
SHAPES = [[3, 3, 2, 5], [4, 9], [12, 3], [5]]
generator = numpy.random.default_rng(SEED)
sizes = [int(numpy.prod(shape)) for shape in SHAPES]
start = generator.normal(0, 0.5, sum(sizes)).astype(numpy.float32)
gradients = generator.normal(0, 1, (STEPS, sum(sizes))).astype(numpy.float32)
factors = [1.0, 0.5, 0.75, 1.0, 0.25, 0.1, 0.9, 1.0, 0.6, 0.3]


def parts(flat):
    """The tensors as PyTorch has them: matrices as [out, in]."""
    result, offset = [], 0
    for shape, size in zip(SHAPES, sizes):
        tensor = torch.tensor(flat[offset : offset + size], dtype=torch.float64)
        result.append(tensor.reshape(-1, shape[-1]).T.contiguous() if len(shape) > 1 else tensor)
        offset += size
    return result


def run(make):
    parameters = [part.clone().requires_grad_() for part in parts(start)]
    optimizers = make(parameters)
    trace = []
    for step in range(STEPS):
        for parameter, gradient in zip(parameters, parts(gradients[step])):
            parameter.grad = gradient.clone()
        for optimizer, rate in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * factors[step]
            optimizer.step()
        flat = [p.detach().T.reshape(-1) if p.dim() > 1 else p.detach() for p in parameters]
        trace.append([float(x) for x in torch.cat(flat)])
    return trace


def muon(nesterov, decay):
    return lambda p: [
        (torch.optim.Muon(p[:3], lr=0.02, momentum=0.9, nesterov=nesterov, weight_decay=decay), 0.02),
        (torch.optim.Adam(p[3:], lr=0.005, betas=(0.9, 0.95), eps=1e-8), 0.005),
    ]


def lamb(parameters):
    groups = [{"params": parameters[:3], "weight_decay": 0.1}, {"params": parameters[3:], "weight_decay": 0.0}]
    return [(timm.optim.Lamb(groups, lr=0.05, betas=(0.8, 0.99), eps=1e-6, max_grad_norm=None), 0.05)]


json.dump({
    "provenance": {
        "tool": "PyTorch", "version": torch.__version__, "timm": timm.__version__, "numpy": numpy.__version__,
        "seed": SEED,
        "command": "python Tests/Oracles/make_matrix_optimizers.py > Tests/TrainingTests/Fixtures/matrix-optimizers.json",
    },
    "shapes": SHAPES,
    "start": [float(x) for x in start],
    "gradients": [[float(x) for x in row] for row in gradients],
    "factors": factors,
    "cases": {"muon": run(muon(True, 0.1)), "muon-plain": run(muon(False, 0.0)), "lamb": run(lamb)},
}, sys.stdout, indent=0)
print()
