#!/usr/bin/env python3
"""Temperatures that SciPy finds for random logits.

    python3 -m venv .build/oracles && .build/oracles/bin/pip install numpy==2.3.* scipy==1.16.*
    .build/oracles/bin/python Tests/Oracles/make_temperature.py

writes Tests/EvaluationTests/Fixtures/temperature.json: logits, labels, and the T that minimises the negative log-likelihood
of softmax(z / T) and of the prior of 1 / T, by scipy.optimize.minimize_scalar in float64, with that minimum.
"""
import json
import pathlib

import numpy as np
import scipy
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

rng = np.random.default_rng(20261124)
cases = []
for count, classes, spread, truth in [(40, 3, 2, 1.0), (60, 10, 6, 2.5), (80, 10, 1.5, 0.4), (60, 2, 3, 1.3), (40, 62, 4, 1.7), (4, 5, 9, 8),
                                     (30, 10, 9, 0.1)]:
    logits = rng.normal(0, spread, (count, classes)).round(3).astype(np.float32)
    # Labels drawn from the softmax at a temperature of its own, so that a finite one is best.
    p = np.exp(log_softmax(logits.astype(float) / truth, axis=1))
    labels = np.array([rng.choice(classes, p=row) for row in p])
    nll = lambda beta: -log_softmax(beta * logits.astype(float), axis=1)[np.arange(count), labels].sum() + 4 * (beta - np.log(beta))
    best = minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-12})
    cases.append({
        "classes": classes, "logits": [round(float(v), 3) for v in logits.reshape(-1)], "labels": labels.tolist(),
        "temperature": 1 / best.x, "loss": best.fun})
path = pathlib.Path(__file__).resolve().parent.parent / "EvaluationTests/Fixtures/temperature.json"
path.write_text(json.dumps({
    "madeBy": f"Tests/Oracles/make_temperature.py, SciPy {scipy.__version__}, NumPy {np.__version__}, seed 20261124",
    "cases": cases}) + "\n")
print([round(c["temperature"], 4) for c in cases])
