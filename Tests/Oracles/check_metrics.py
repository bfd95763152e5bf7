"""Recomputes a run's figures and curves from its predictions with scikit-learn, and compares.

    pip install numpy scipy scikit-learn        (scikit-learn 1.8 or newer)
    python3 Tests/Oracles/check_metrics.py RUN_FOLDER

Reads predictions.csv, and checks every figure and interval of `test` in metrics.json, confusion_matrix.csv and its
normalised twin, class_scores.csv, classification_report.txt, every point of precision_recall.csv and roc.csv, every bin of
calibration.csv and every row of mistakes.csv against it. The bootstrap is drawn again from its seed. Prints one line per file; exit code 1 where anything differs by more than 1e-9.
"""
import argparse
import csv
import json
import math
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import scipy.stats
from sklearn import metrics as m

import bootstrap

TOLERANCE = 1e-9
BINS = 15
# A curve with more points is stored without those inside vertical lines.
POINT_LIMIT = 250_000

warnings.filterwarnings("ignore")


class Checker:
    def __init__(self):
        self.compared = 0
        self.failures = []

    def number(self, place, found, expected):
        self.compared += 1
        expected = None if expected is None or not math.isfinite(expected) else float(expected)
        if found is None or expected is None:
            if found is not expected:
                self.failures.append(f"{place}: scikit-learn {expected} · file {found}")
        elif not abs(found - expected) <= TOLERANCE:
            self.failures.append(f"{place}: scikit-learn {expected!r} · file {found!r}")

    def array(self, place, found, expected):
        found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
        self.compared += expected.size
        if found.shape != expected.shape:
            self.failures.append(f"{place}: scikit-learn has {expected.shape} · file {found.shape}")
            return
        same = (found == expected) | (np.abs(found - expected) <= TOLERANCE) | (np.isnan(found) & np.isnan(expected))
        if not same.all():
            i = int(np.argmin(same.ravel()))
            self.failures.append(
                f"{place}[{i}]: scikit-learn {expected.ravel()[i]!r} · file {found.ravel()[i]!r}"
                f" ({int((~same).sum())} differ)")

    def interval(self, place, found, expected):
        if found is None or expected is None:
            self.same(place, found, expected)
            return
        self.number(place + ".lower", found["lower"], expected[0])
        self.number(place + ".upper", found["upper"], expected[1])

    def same(self, place, found, expected):
        self.compared += 1
        if found != expected:
            self.failures.append(f"{place}: expected {expected!r} · file {found!r}")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def field(text):
    return math.nan if text == "" else float(text)


def read_predictions(folder):
    table = rows(folder / "predictions.csv")
    k = len(table[0]) - 3
    assert table[0] == ["index", "label", "prediction"] + [f"p{c}" for c in range(k)], table[0]
    values = np.array(table[1:], dtype=np.float64)
    assert (values[:, 0] == np.arange(len(values))).all(), "indices out of order"
    p = values[:, 3:]
    assert (p == p.astype(np.float32)).all(), "a probability is no float32"
    return values[:, 1].astype(int), values[:, 2].astype(int), p


def check_metrics(check, test, y, predicted, p):
    n, k = p.shape
    hot = np.eye(k, dtype=int)[y]
    labels = range(k)
    check.number("count", test["count"], n)
    check.number("accuracy", test["accuracy"], m.accuracy_score(y, predicted))
    interval = scipy.stats.binomtest(int((y == predicted).sum()), n).proportion_ci(0.95, "wilson")
    check.number("accuracyInterval.lower", test["accuracyInterval"]["lower"], interval.low)
    check.number("accuracyInterval.upper", test["accuracyInterval"]["upper"], interval.high)
    loss = m.log_loss(y, p, labels=labels)
    check.number("loss", test["loss"], loss)
    check.number("logLoss", test["logLoss"], loss)
    for name, metric in (("precision", m.precision_score), ("recall", m.recall_score), ("f1", m.f1_score)):
        for average in ("macro", "micro", "weighted"):
            check.number(f"{name}.{average}", test[name][average],
                         metric(y, predicted, labels=labels, average=average, zero_division=0))
    for average in ("macro", "micro", "weighted"):
        check.number(f"averagePrecision.{average}", test["averagePrecision"][average],
                     m.average_precision_score(hot, p, average=average))
        check.number(f"rocAuc.{average}", test["rocAuc"][average], m.roc_auc_score(hot, p, average=average))
    check.same("topK", sorted(test["topK"]), [str(t) for t in (2, 3, 5) if t < k])
    for t, value in test["topK"].items():
        check.number(f"topK.{t}", value, m.top_k_accuracy_score(y, p, k=int(t), labels=labels))
    check.number("brier", test["brier"], m.brier_score_loss(y, p, labels=labels, scale_by_half=False))
    check.number("kappa", test["kappa"], m.cohen_kappa_score(y, predicted))
    check.number("matthews", test["matthews"], m.matthews_corrcoef(y, predicted))
    check.number("calibrationError", test["calibrationError"],
                 sum(b[2] / n * abs(b[4] - b[3]) for b in calibration(y, p) if b[2]))
    check.same("perClass", len(test["perClass"]), k)
    scores = m.precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    for c, entry in enumerate(test["perClass"]):
        check.same(f"perClass[{c}].index", entry["index"], c)
        for i, name in enumerate(("precision", "recall", "f1", "support")):
            check.number(f"perClass[{c}].{name}", entry[name], scores[i][c])
        check.number(f"perClass[{c}].averagePrecision", entry["averagePrecision"],
                     m.average_precision_score(hot[:, c], p[:, c]))
        check.number(f"perClass[{c}].rocAuc", entry["rocAuc"], m.roc_auc_score(hot[:, c], p[:, c]))
        for name, expected in class_intervals(y, predicted, c).items():
            check.interval(f"perClass[{c}].{name}Interval", entry[f"{name}Interval"], expected)
    if test["bootstrap"] is not None:
        check_bootstrap(check, test["bootstrap"], y, p)
    return {"bootstrap", "perClass", "topK", "precision", "recall", "f1", "averagePrecision", "rocAuc", "count", "accuracy",
            "accuracyInterval", "loss", "logLoss", "brier", "kappa", "matthews", "calibrationError"}


def wilson(hits, count):
    if count == 0:
        return None
    found = scipy.stats.binomtest(int(hits), int(count)).proportion_ci(0.95, "wilson")
    return [found.low, found.high]


def class_intervals(y, predicted, c):
    """Wilson's intervals of precision and recall, and of F1 through Jaccard's index J: F1 = 2J / (1 + J)."""
    hits, truth, said = np.sum((y == c) & (predicted == c)), np.sum(y == c), np.sum(predicted == c)
    jaccard = wilson(hits, truth + said - hits)
    return {"precision": wilson(hits, said), "recall": wilson(hits, truth),
            "f1": jaccard and [2 * j / (1 + j) for j in jaccard]}


def check_bootstrap(check, record, y, p):
    """Draws every resample again and compares the intervals; on three resamples also the figures with scikit-learn's."""
    figures, n = bootstrap.Figures(y, p), len(y)
    members = [np.flatnonzero(y == c) for c in range(p.shape[1])]
    values = []
    for r in range(record["resamples"]):
        drawn = bootstrap.draws(record["seed"], r, members)
        values.append(figures(np.bincount(drawn, minlength=n)))
        if r < 3:
            check.array(f"resample {r}", values[-1], sklearn_figures(y[drawn], p[drawn]))
    values, whole = np.array(values), figures(np.ones(n))
    expected = {name: bootstrap.interval(values[:, j], whole[j]) for j, name in enumerate(bootstrap.FIGURES)}
    check.same("bootstrap.intervals", sorted(record["intervals"]), sorted(k for k, v in expected.items() if v))
    for name, found in record["intervals"].items():
        check.interval(f"bootstrap.{name}", found, expected[name])


def sklearn_figures(y, p):
    k = p.shape[1]
    predicted, hot, labels = p.argmax(axis=1), np.eye(k, dtype=int)[y], range(k)
    n = len(y)
    return [*(f(y, predicted, labels=labels, average="macro", zero_division=0)
              for f in (m.precision_score, m.recall_score, m.f1_score)),
            m.average_precision_score(hot, p, average="macro"),
            np.mean([m.roc_auc_score(hot[:, c], p[:, c]) for c in labels]), m.log_loss(y, p, labels=labels),
            m.brier_score_loss(y, p, labels=labels, scale_by_half=False),
            sum(b[2] / n * abs(b[4] - b[3]) for b in calibration(y, p) if b[2]),
            m.cohen_kappa_score(y, predicted, labels=labels), m.matthews_corrcoef(y, predicted)]


def calibration(y, p):
    """lower, upper, count, mean confidence, accuracy of each bin (b/B, (b+1)/B] of the confidence."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    index = np.clip(np.digitize(confidence, np.linspace(0, 1, BINS + 1), right=True) - 1, 0, BINS - 1)
    table = []
    for b in range(BINS):
        here = index == b
        any_here = bool(here.any())
        table.append([b / BINS, (b + 1) / BINS, int(here.sum()),
                      confidence[here].mean() if any_here else math.nan,
                      right[here].mean() if any_here else math.nan])
    return table


def check_curves(check, table, names, y, p, compute, mean):
    """`table` holds the curves one after another: each class's, the micro-averaged one, then the macro-averaged one."""
    hot = np.eye(p.shape[1], dtype=int)[y]
    pairs = [(name, hot[:, c], p[:, c]) for c, name in enumerate(names)] + [("micro", hot.ravel(), p.ravel())]
    start = 1
    for name, truth, score in pairs:
        expected = compute(truth, score)
        end = start + len(expected)
        check.same(f"class of row {start}", {row[0] for row in table[start:end]}, {name})
        check.array(name, [[field(x) for x in row[1:]] for row in table[start:end]], expected)
        start = end
    check.same("class of the last rows", {row[0] for row in table[start:]} | {"macro"}, {"macro"})
    check.same("thresholds of the last rows", {row[1] for row in table[start:]} | {""}, {""})
    check.array("macro", np.reshape([[field(x) for x in row[2:]] for row in table[start:]], (-1, 2)), mean([pair[1:] for pair in pairs[:-1]]))


def precision_recall(truth, score):
    curve = m.precision_recall_curve(truth, score)
    if len(curve[0]) > POINT_LIMIT:
        curve = m.precision_recall_curve(truth, score, drop_intermediate=True)
    precision, recall, thresholds = curve
    return np.column_stack([np.append(thresholds, math.nan), precision, recall])


def roc(truth, score):
    fpr, tpr, thresholds = m.roc_curve(truth, score, pos_label=1)
    return np.column_stack([thresholds, fpr, tpr])


def macro_precision_recall(pairs):
    return bootstrap.macro_precision_recall(pairs)[:, ::-1]


def macro_roc(pairs):
    return bootstrap.macro_roc([m.roc_curve(truth, score, pos_label=1)[:2] for truth, score in pairs])


def figures(report):
    """All decimals of a report and the integer that ends each line, names aside."""
    return [(re.findall(r"\d\.\d{4}", line[-40:]), line.split()[-1].removesuffix(".0"))
            for line in report.splitlines() if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    folder = parser.parse_args().run
    y, predicted, p = read_predictions(folder)
    test = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["test"]
    names = [entry["name"] for entry in test["perClass"]]
    failed = False

    def report(name, work):
        nonlocal failed
        check = Checker()
        work(check)
        failed |= bool(check.failures)
        print(f"{name}: {check.compared} values, {len(check.failures)} differ")
        for failure in check.failures[:20]:
            print("  " + failure)

    report("predictions.csv", lambda c: c.array("prediction", predicted, p.argmax(axis=1)))
    report("metrics.json", lambda c: c.same("keys of test", set(test), check_metrics(c, test, y, predicted, p)))
    matrix = rows(folder / "confusion_matrix.csv")

    def check_matrix(c):
        c.same("names", (matrix[0][1:], [row[0] for row in matrix[1:]]), (names, names))
        c.array("counts", [row[1:] for row in matrix[1:]], m.confusion_matrix(y, predicted, labels=range(len(names))))

    report("confusion_matrix.csv", check_matrix)

    normal = rows(folder / "confusion_matrix_normalized.csv")

    def check_normal(c):
        c.same("names", (normal[0][1:], [row[0] for row in normal[1:]]), (names, names))
        with np.errstate(invalid="ignore"):
            counts = m.confusion_matrix(y, predicted, labels=range(len(names)))
            c.array("shares", [[field(x) for x in row[1:]] for row in normal[1:]],
                    counts / counts.sum(axis=1, keepdims=True))

    report("confusion_matrix_normalized.csv", check_normal)

    def check_scores(c):
        table = rows(folder / "class_scores.csv")
        c.same("columns", table[0], ["class", "support"] + [
            n + s for n in ("precision", "recall", "f1") for s in ("", "Lower", "Upper")] + ["averagePrecision", "rocAuc"])
        scores = m.precision_recall_fscore_support(y, predicted, labels=range(len(names)), zero_division=0)
        for i, (row, name) in enumerate(zip(table[1:], names, strict=True)):
            expected = [scores[3][i]]
            for j, interval in enumerate(class_intervals(y, predicted, i).values()):
                expected += [scores[j][i], *(interval or [math.nan, math.nan])]
            expected += [m.average_precision_score(y == i, p[:, i]), m.roc_auc_score(y == i, p[:, i])]
            c.same("name", row[0], name)
            c.array(name, [field(x) for x in row[1:]], expected)

    report("class_scores.csv", check_scores)

    def check_mistakes(c):
        truth = p[np.arange(len(y)), y]
        wrong = np.flatnonzero(predicted != y)
        wrong = wrong[np.lexsort((wrong, truth[wrong]))]
        expected = np.column_stack([wrong, y[wrong], predicted[wrong], p.max(axis=1)[wrong], truth[wrong]])
        found = [[field(x) for x in row] for row in rows(folder / "mistakes.csv")[1:]]
        c.array("rows", np.reshape(found, (-1, 5)), expected)

    report("mistakes.csv", check_mistakes)

    def check_report(c):
        found = (folder / "classification_report.txt").read_text(encoding="utf-8")
        # Where nothing was right scikit-learn prints the support with a decimal.
        expected = re.sub(r"(?m)(\d+)\.0$", lambda match: "  " + match[1], m.classification_report(
            y, predicted, labels=range(len(names)), target_names=names, digits=4, zero_division=0))
        if all(name.isascii() and name.isprintable() and len(name) <= 39 for name in names):
            c.same("text", found, expected)
        else:
            # Names were cut or padded by their width on a terminal: only the figures can be compared.
            plain = m.classification_report(y, predicted, labels=range(len(names)), digits=4, zero_division=0)
            c.same("figures", figures(found), figures(plain))

    report("classification_report.txt", check_report)
    report("precision_recall.csv",
           lambda c: check_curves(c, rows(folder / "precision_recall.csv"), names, y, p, precision_recall,
                                  macro_precision_recall))
    report("roc.csv", lambda c: check_curves(c, rows(folder / "roc.csv"), names, y, p, roc, macro_roc))
    bins = [[field(x) for x in row] for row in rows(folder / "calibration.csv")[1:]]
    report("calibration.csv", lambda c: c.array("bins", bins, calibration(y, p)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
