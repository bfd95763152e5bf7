#!/usr/bin/env python3
"""scikit-learn's figures for images with several labels, and PyTorch's binary cross-entropy.

    python3 -m venv .build/oracles && .build/oracles/bin/pip install numpy scikit-learn torch
    .build/oracles/bin/python Tests/Oracles/make_multilabel.py Tests/EvaluationTests/Fixtures

Writes multilabel.json. Some images have no label, one class is never predicted, and probabilities repeat. Logits are multiples of 1/64,
which float32 holds exactly; losses and gradients are computed in float64.
"""
import json
import pathlib
import sys

import numpy as np
import sklearn
import torch
from sklearn import metrics

SEED = 20261130
generator = np.random.default_rng(SEED)
n, k = 60, 5
logits = generator.integers(-256, 257, (n, k)) / 64
truth = (generator.random((n, k)) < 1 / (1 + np.exp(-logits * 0.7))).astype(int)
logits[:, 4] = -np.abs(logits[:, 4]) - 1 / 64
truth[7] = 0
probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
found = (probabilities >= 0.5).astype(int)


def averages(function, *arguments, **options):
    return {name: float(function(*arguments, average=name, **options)) for name in ("macro", "micro", "weighted")}


zero = {"zero_division": 0}
result = {
    "provenance": {"tool": "scikit-learn, PyTorch", "version": f"{sklearn.__version__}, {torch.__version__}", "seed": SEED,
                   "command": "python Tests/Oracles/make_multilabel.py Tests/EvaluationTests/Fixtures", "precision": "float64"},
    "truth": truth.tolist(),
    "probabilities": [float(p) for p in probabilities.reshape(-1)],
    "precision": averages(metrics.precision_score, truth, found, **zero),
    "recall": averages(metrics.recall_score, truth, found, **zero),
    "f1": averages(metrics.f1_score, truth, found, **zero),
    "classF1": metrics.f1_score(truth, found, average=None, **zero).tolist(),
    "sampleF1": float(metrics.f1_score(truth, found, average="samples", **zero)),
    "exactMatch": float(metrics.accuracy_score(truth, found)),
    "hammingLoss": float(metrics.hamming_loss(truth, found)),
    "averagePrecision": averages(metrics.average_precision_score, truth, probabilities),
    "rocAuc": float(metrics.roc_auc_score(truth, probabilities, average="macro")),
    "logLoss": float(np.mean([metrics.log_loss(truth[:, c], probabilities[:, c].astype(np.float64), labels=[0, 1]) for c in range(k)])),
}
z = torch.tensor(logits, requires_grad=True)
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(truth, dtype=torch.float64))
loss.backward()
result["logits"] = [float(x) for x in logits.reshape(-1)]
result["loss"] = float(loss.detach())
result["gradients"] = [float(f"{x:.12g}") for x in z.grad.reshape(-1).tolist()]
(pathlib.Path(sys.argv[1]) / "multilabel.json").write_text(json.dumps(result) + "\n")
