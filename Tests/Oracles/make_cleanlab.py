"""Cases for AuditTests from cleanlab (2.9): joints, issues by every way of pruning, scores.

    pip install cleanlab==2.9.0 && python Tests/Oracles/make_cleanlab.py > Tests/AuditTests/Fixtures/cleanlab.json
"""

import json
import sys

import numpy as np
from cleanlab.count import compute_confident_joint, estimate_joint, get_confident_thresholds, num_label_issues
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

FILTERS = {
    "byNoiseRate": "prune_by_noise_rate", "byClass": "prune_by_class", "both": "both",
    "confident": "confident_learning", "predicted": "predicted_neq_given",
}
SCORES = {
    "selfConfidence": "self_confidence", "normalizedMargin": "normalized_margin",
    "confidenceWeightedEntropy": "confidence_weighted_entropy",
}


def case(seed, n, k, noise, sharpness, missing=False):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    if missing:  # a class that nobody was given
        truth[truth == k - 1] = 0
    labels = truth.copy()
    flipped = rng.random(n) < noise
    labels[flipped] = (labels[flipped] + rng.integers(1, k - 1 if missing else k, flipped.sum())) % (k - 1 if missing else k)
    logits = rng.normal(0, 1, (n, k))
    logits[np.arange(n), truth] += sharpness * rng.random(n)
    p = np.exp(logits)
    p /= p.sum(1, keepdims=True)
    p = np.array([[float(f"{v:.9g}") for v in row] for row in p])
    result = {
        "labels": labels.tolist(), "probabilities": p.ravel().tolist(), "classes": k,
        "thresholds": np.asarray(get_confident_thresholds(labels, p)).tolist(),
        "counts": compute_confident_joint(labels, p, calibrate=False).tolist(),
        "calibrated": compute_confident_joint(labels, p, calibrate=True).tolist(),
        "joint": estimate_joint(labels, p).tolist(),
        "issues": {}, "scores": {},
    }
    for ours, theirs in FILTERS.items():
        result["issues"][ours] = np.flatnonzero(find_label_issues(labels, p, filter_by=theirs, n_jobs=1)).tolist()
    # What cleanlab recommends for a cut-off of a ranking.
    wrong = int(num_label_issues(labels, p, estimation_method="off_diagonal_calibrated"))
    lowest = np.argsort(get_label_quality_scores(labels, p, method="self_confidence"), kind="stable")[:wrong]
    result["issues"]["bySelfConfidence"] = sorted(int(i) for i in lowest if p[i].argmax() != labels[i])
    for ours, theirs in SCORES.items():
        result["scores"][ours] = get_label_quality_scores(labels, p, method=theirs).tolist()
    return result


cases = [
    case(1, 120, 3, 0.1, 5), case(2, 200, 10, 0.05, 7), case(3, 60, 2, 0.3, 3), case(4, 150, 5, 0.2, 1),
    case(7, 97, 4, 0.15, 6, missing=True), case(6, 40, 10, 0.4, 4),
]
json.dump({"cleanlab": "2.9.0", "cases": cases}, sys.stdout)
