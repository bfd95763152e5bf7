"""Writes the metric fixtures of EvaluationTests and ReportsTests with scikit-learn and SciPy.

    pip install numpy scipy scikit-learn
    python3 Tests/Oracles/make_metrics.py

Every case is seeded; running it again with the versions named inside the files gives the same files.
"""
import json
import platform
import warnings
from pathlib import Path

import numpy as np
import scipy
import scipy.stats
import sklearn
from sklearn import metrics as m

from bootstrap import FIGURES, draws, interval, macro_precision_recall, macro_roc

warnings.filterwarnings("ignore")
SEED = 20240611
ROOT = Path(__file__).resolve().parent.parent / "EvaluationTests" / "Fixtures"
BINS = 15
RESAMPLES = 100


def number(x):
    x = float(x)
    return x if np.isfinite(x) else None


def numbers(xs):
    return [number(x) for x in xs]


def averages(metric, y, k, predicted):
    return {a: number(metric(y, predicted, labels=range(k), average=a, zero_division=0))
            for a in ("macro", "micro", "weighted")}


def calibration_error(y, p):
    """Expected calibration error over bins (b/B, (b+1)/B] of the confidence, written down independently."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.digitize(confidence, np.linspace(0, 1, BINS + 1), right=True) - 1
    gaps = [np.sum(bins == b) / len(y) * abs(right[bins == b].mean() - confidence[bins == b].mean())
            for b in range(BINS) if np.any(bins == b)]
    return float(np.sum(gaps))


def wilson(hits, count):
    if count == 0:
        return None
    found = scipy.stats.binomtest(int(hits), int(count)).proportion_ci(0.95, "wilson")
    return [found.low, found.high]


def class_intervals(y, predicted, k):
    """Wilson's intervals of precision, recall and, through Jaccard's index, F1."""
    result = {"precision": [], "recall": [], "f1": []}
    for c in range(k):
        hits, truth, said = np.sum((y == c) & (predicted == c)), np.sum(y == c), np.sum(predicted == c)
        result["precision"].append(wilson(hits, said))
        result["recall"].append(wilson(hits, truth))
        jaccard = wilson(hits, truth + said - hits)
        result["f1"].append(jaccard and [2 * j / (1 + j) for j in jaccard])
    return result


def figures(y, p):
    """What the bootstrap resamples, by scikit-learn, in the order of FIGURES."""
    k = p.shape[1]
    predicted, hot, labels = p.argmax(axis=1), np.eye(k, dtype=int)[y], range(k)
    scores = [metric(y, predicted, labels=labels, average="macro", zero_division=0)
              for metric in (m.precision_score, m.recall_score, m.f1_score)]
    return np.array([*scores, m.average_precision_score(hot, p, average="macro"),
                     np.mean([m.roc_auc_score(hot[:, c], p[:, c]) for c in labels]),
                     m.log_loss(y, p, labels=labels), m.brier_score_loss(y, p, labels=labels, scale_by_half=False),
                     calibration_error(y, p), m.cohen_kappa_score(y, predicted, labels=labels),
                     m.matthews_corrcoef(y, predicted)])


def bootstrap(y, p):
    whole = figures(y, p)
    members = [np.flatnonzero(y == c) for c in range(p.shape[1])]
    drawn = [draws(SEED, r, members) for r in range(RESAMPLES)]
    values = np.array([figures(y[i], p[i]) for i in drawn])
    found = {name: interval(values[:, j], whole[j]) for j, name in enumerate(FIGURES)}
    return {"seed": SEED, "resamples": RESAMPLES, "intervals": {k: v for k, v in found.items() if v}}


def curve(hot, score, average_precision):
    precision, recall, thresholds = m.precision_recall_curve(hot, score)
    dropped = m.precision_recall_curve(hot, score, drop_intermediate=True)
    fpr, tpr, roc_thresholds = m.roc_curve(hot, score, pos_label=1)
    return {
        "averagePrecision": number(average_precision),
        "precision": numbers(precision), "recall": numbers(recall), "thresholds": numbers(thresholds),
        "droppedThresholds": numbers(dropped[2]),
        "falsePositiveRate": numbers(fpr), "truePositiveRate": numbers(tpr),
        "rocThresholds": numbers(roc_thresholds),
    }


def case(name, labels, probabilities, curves=True):
    y = np.asarray(labels)
    p32 = np.asarray(probabilities, dtype=np.float32)
    p = p32.astype(np.float64)
    n, k = p.shape
    predicted = p.argmax(axis=1)
    hot = np.eye(k, dtype=int)[y]
    scores = m.precision_recall_fscore_support(y, predicted, labels=range(k), zero_division=0)
    ap = [m.average_precision_score(hot[:, c], p[:, c]) for c in range(k)]
    auc = [m.roc_auc_score(hot[:, c], p[:, c]) for c in range(k)]
    interval = scipy.stats.binomtest(int(np.sum(predicted == y)), n).proportion_ci(0.95, "wilson")
    names = [f"class {c}" for c in range(k)]
    expected = {
        "accuracy": m.accuracy_score(y, predicted),
        "accuracyInterval": [interval.low, interval.high],
        "confusionMatrix": m.confusion_matrix(y, predicted, labels=range(k)).tolist(),
        "perClass": {"precision": numbers(scores[0]), "recall": numbers(scores[1]), "f1": numbers(scores[2]),
                     "support": scores[3].tolist(), "averagePrecision": numbers(ap), "area": numbers(auc)},
        "precision": averages(m.precision_score, y, k, predicted),
        "recall": averages(m.recall_score, y, k, predicted),
        "f1": averages(m.f1_score, y, k, predicted),
        "averagePrecision": {a: number(m.average_precision_score(hot, p, average=a))
                             for a in ("macro", "micro", "weighted")},
        "rocArea": {a: number(m.roc_auc_score(hot, p, average=a)) for a in ("macro", "micro", "weighted")},
        "logLoss": number(m.log_loss(y, p, labels=range(k))),
        "brier": number(m.brier_score_loss(y, p, labels=range(k), scale_by_half=False)),
        # With two classes no k but 1 lies below K, and scikit-learn then wants one column: left out.
        "topK": {str(t): number(m.top_k_accuracy_score(y, p, k=t, labels=range(k))) for t in (1, 2, 3, 5)
                 if t < k and k > 2},
        "kappa": number(m.cohen_kappa_score(y, predicted)),
        "matthews": number(m.matthews_corrcoef(y, predicted)),
        "calibrationError": calibration_error(y, p),
        "classIntervals": class_intervals(y, predicted, k),
        "bootstrap": bootstrap(y, p),
        "macroPrecisionRecall": macro_precision_recall([(hot[:, c], p[:, c]) for c in range(k)]).tolist(),
        "macroROC": macro_roc([m.roc_curve(hot[:, c], p[:, c], pos_label=1)[:2] for c in range(k)]).tolist(),
        "report": m.classification_report(y, predicted, labels=range(k), target_names=names, digits=4,
                                          zero_division=0),
        "curves": [curve(hot[:, c], p[:, c], ap[c]) for c in range(k if curves else 1)],
        "micro": curve(hot.ravel(), p.ravel(), m.average_precision_score(hot, p, average="micro"))
        if curves else None,
    }
    content = {
        "provenance": {
            "command": "python3 Tests/Oracles/make_metrics.py", "seed": SEED,
            "versions": {"python": platform.python_version(), "numpy": np.__version__,
                         "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}},
        "classNames": names, "labels": y.tolist(),
        # Exactly the float32 values, as doubles.
        "probabilities": p.ravel().tolist(), "expected": expected,
    }
    (ROOT / f"{name}.json").write_text(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def scored(rng, n, k, strength, present=None):
    """Labels and probabilities of a classifier that is right more often the larger `strength` is."""
    y = rng.choice(k if present is None else present, size=n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), y] += strength
    return y, softmax(logits)


def main():
    ROOT.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    y, p = scored(rng, 120, 10, 2.5)
    case("normal", y, p, curves=False)
    y, p = scored(rng, 40, 5, 2.0, present=[0, 1, 3, 4])
    case("absent-class", y, np.round(p, 5))
    y, p = scored(rng, 20, 4, 1.0, present=[2])
    case("one-class", y, np.round(p, 5))
    y, p = scored(rng, 30, 4, 0.0)
    case("all-wrong", (p.argmax(axis=1) + 1 + y % 3) % 4, np.round(p, 5))
    # Multiples of 1/8: ties within rows and between samples; zeros and ones meet the clip of the log loss.
    y = rng.integers(0, 4, size=60)
    p = rng.multinomial(8, [0.25] * 4, size=60) / 8
    p[:5] = 0.25
    p[5:8] = [0, 0, 0, 1]
    case("ties", y, p)
    case("one-sample", [1], [[0.2, 0.5, 0.3]])
    y, p = scored(rng, 80, 62, 3.0)
    case("many-classes", y, np.round(p * 1024) / 1024, curves=False)
    y, p = scored(rng, 50, 2, 1.0)
    case("binary", y, np.round(p, 3))
    # Every score of every class the same.
    y = np.arange(14) % 4
    case("equal-scores", y, np.full((14, 4), 0.25))
    # Certain of everything, and right.
    y = np.arange(12) % 3
    case("perfect", y, np.eye(3)[y])


if __name__ == "__main__":
    main()
