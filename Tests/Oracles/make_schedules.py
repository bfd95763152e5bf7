"""Factors of torch.optim.lr_scheduler, stepped once per batch: the oracle of ScheduleTests.

    python make_schedules.py > ../TrainingTests/Fixtures/schedules.json
"""
import json
import sys
import warnings

import torch
from torch.optim import lr_scheduler as schedulers

STEPS_PER_EPOCH, EPOCHS = 7, 6
TOTAL = STEPS_PER_EPOCH * EPOCHS
warnings.simplefilter("ignore")


def factors(make, warmup=0):
    """Rates at a base rate of 1. Warm-up: LinearLR from 1/(W+1) to 1 over W steps, then the scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer, TOTAL - warmup)
    if warmup:
        rise = schedulers.LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
        scheduler = schedulers.SequentialLR(optimizer, [rise, scheduler], milestones=[warmup])
    rates = []
    for _ in range(TOTAL):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def one_cycle(fraction, initial, final):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = schedulers.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=TOTAL, pct_start=fraction, div_factor=initial, final_div_factor=final,
        anneal_strategy="cos", cycle_momentum=False)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(TOTAL - 1):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def one_cycle_momentum(fraction, low, high):
    """beta1 of AdamW, where the cycle moves it."""
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=1.0, betas=(0.9, 0.999))
    scheduler = schedulers.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=TOTAL, pct_start=fraction, anneal_strategy="cos", cycle_momentum=True,
        base_momentum=low, max_momentum=high)
    momenta = [optimizer.param_groups[0]["betas"][0]]
    for _ in range(TOTAL - 1):
        optimizer.step()
        scheduler.step()
        momenta.append(optimizer.param_groups[0]["betas"][0])
    return momenta


step = lambda o, n: schedulers.StepLR(o, step_size=2 * STEPS_PER_EPOCH, gamma=0.3)
exponential = lambda o, n: schedulers.ExponentialLR(o, gamma=0.8 ** (1 / STEPS_PER_EPOCH))
restarts = lambda o, n: schedulers.CosineAnnealingWarmRestarts(o, T_0=2 * STEPS_PER_EPOCH, eta_min=0.05)
cosine = lambda o, n: schedulers.CosineAnnealingLR(o, T_max=n, eta_min=0.05)

json.dump({
    "provenance": {
        "tool": "PyTorch", "version": torch.__version__, "seed": None,
        "command": "python Tests/Oracles/make_schedules.py > Tests/TrainingTests/Fixtures/schedules.json",
    },
    "stepsPerEpoch": STEPS_PER_EPOCH,
    "epochs": EPOCHS,
    "warmupSteps": 10,
    "cases": {
        "step": factors(step), "exponential": factors(exponential), "cosine": factors(cosine),
        "cosine-cycles": factors(restarts),
        "step-warmup": factors(step, 10), "exponential-warmup": factors(exponential, 10),
        "cosine-warmup": factors(cosine, 10),
        "one-cycle": one_cycle(0.3, 25.0, 1e4),
        "one-cycle-other": one_cycle(0.45, 10.0, 100.0),
    },
    "momenta": {
        "one-cycle": one_cycle_momentum(0.3, 0.85, 0.95),
        "one-cycle-other": one_cycle_momentum(0.45, 0.5, 0.9),
    },
}, sys.stdout, indent=0)
print()
