"""Numeral's bootstrap, written down again in NumPy: its draws, its figures and its intervals.

The draws are those of `Sources/Evaluation/Intervals/BootstrapIntervals.swift`: each class's samples are drawn from among
themselves, class after class, by Lemire's unbiased integers below the class's size from the Philox 4x32-10 stream with
key = seed and counter = (block, 0, resample, 6 << 24). Used by make_metrics.py, which computes
every figure with scikit-learn, and by check_metrics.py, which needs more speed and compares with it on a few resamples.
"""
import numpy as np
from scipy.stats import norm

FIGURES = ["precision.macro", "recall.macro", "f1.macro", "averagePrecision.macro", "rocAuc.macro", "logLoss", "brier",
           "calibrationError", "kappa", "matthews"]
PURPOSE = 6
BINS = 15
MASK = np.uint64(0xFFFFFFFF)


def philox(counters, seed):
    """The words of Philox 4x32-10 (Salmon et al. 2011) at `counters` [blocks, 4] under the 64-bit key `seed`."""
    c = [counters[:, i].astype(np.uint64) for i in range(4)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & MASK,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & MASK]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, axis=1)


def draws(seed, resample, members):
    """The samples that resample `resample` takes; `members` are each class's samples, ascending."""
    blocks = sum(len(own) for own in members) // 4 + 64
    counters = np.zeros((blocks, 4), dtype=np.uint64)
    counters[:, 0] = np.arange(blocks)
    counters[:, 2] = resample
    counters[:, 3] = PURPOSE << 24
    words = philox(counters, seed).ravel()
    taken, at = [], 0
    for own in members:
        n = len(own)
        if n == 0:
            continue
        # A few more than wanted: some are rejected.
        product = words[at:at + n + 32] * np.uint64(n)
        fair = np.flatnonzero((product & MASK) >= np.uint64((1 << 32) % n))[:n]
        assert len(fair) == n
        taken.append(own[(product[fair] >> np.uint64(32)).astype(np.int64)])
        at += fair[-1] + 1
    return np.concatenate(taken)


def interval(values, figure, level=0.95):
    """The bias-corrected percentile interval (Efron 1981); None where the figure or half of the values are undefined."""
    drawn = len(values)
    values = np.sort(values[~np.isnan(values)])
    if np.isnan(figure) or 2 * len(values) <= drawn:
        return None
    # What differs by rounding alone is the same.
    rounding = 1e-12 * max(1, abs(figure))
    share = (np.sum(values < figure - rounding) + 0.5 * np.sum(np.abs(values - figure) <= rounding)) / len(values)
    share = np.clip(share, 0.5 / len(values), 1 - 0.5 / len(values))
    bias, reach = norm.ppf(share), norm.ppf((1 + level) / 2)
    return [float(np.quantile(values, norm.cdf(2 * bias + side * reach))) for side in (-1, 1)]


class Figures:
    """The figures of a weighted test set, fast: what does not depend on the weights is computed once."""

    def __init__(self, y, p):
        self.n, self.k = p.shape
        predicted = p.argmax(axis=1)
        self.y, self.cell = y, y * self.k + predicted
        eps = np.finfo(np.float64).eps
        self.loss = -np.log(np.clip(p[np.arange(self.n), y], eps, 1 - eps))
        self.brier = ((p - np.eye(self.k)[y]) ** 2).sum(axis=1)
        self.confidence, self.right = p.max(axis=1), (predicted == y).astype(float)
        self.bin = np.clip(np.digitize(self.confidence, np.linspace(0, 1, BINS + 1), right=True) - 1, 0, BINS - 1)
        self.orders = []
        for c in range(self.k):
            order = np.argsort(-p[:, c], kind="stable")
            score = p[order, c]
            self.orders.append((order, (y[order] == c).astype(float), np.append(score[1:] != score[:-1], True)))

    def ranked(self, c, w):
        """Average precision and area under the ROC curve of class c."""
        order, positive, last = self.orders[c]
        w = w[order]
        hits, misses = np.cumsum(w * positive)[last], np.cumsum(w * (1 - positive))[last]
        if hits[-1] == 0:
            return 0.0, np.nan
        gained = np.diff(hits, prepend=0)
        with np.errstate(invalid="ignore"):
            precision = np.where(gained > 0, hits / (hits + misses), 0)
        area = np.nan
        if misses[-1] > 0:
            area = np.sum(np.diff(misses, prepend=0) * (hits - gained / 2)) / (hits[-1] * misses[-1])
        return np.sum(gained * precision) / hits[-1], area

    def __call__(self, w):
        """In the order of FIGURES; NaN where undefined."""
        w = w.astype(float)
        n, k = self.n, self.k
        matrix = np.bincount(self.cell, weights=w, minlength=k * k).reshape(k, k)
        hits, rows, columns = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
        ratio = lambda a, b: np.divide(a, b, out=np.zeros_like(a, dtype=float), where=b > 0)
        ranked = np.array([self.ranked(c, w) for c in range(k)])
        gaps = np.bincount(self.bin, weights=w * (self.right - self.confidence), minlength=BINS)
        chance = rows @ columns
        spread = (n * n - columns @ columns) * (n * n - rows @ rows)
        kappa = np.nan if chance == n * n else 1 - (n - hits.sum()) / (n - chance / n)
        matthews = 0.0 if spread == 0 else (hits.sum() * n - chance) / np.sqrt(spread)
        return np.array([
            ratio(hits, columns).mean(), ratio(hits, rows).mean(), ratio(2 * hits, rows + columns).mean(),
            ranked[:, 0].mean(), ranked[:, 1].mean(), self.loss @ w / n, self.brier @ w / n, np.abs(gaps).sum() / n,
            kappa, matthews])


def macro_precision_recall(pairs):
    """recall, precision of the mean over `pairs` (truth, score): at each recall some class reaches, falling; then (0, 1)."""
    steps = []
    for truth, score in pairs:
        order = np.argsort(-score, kind="stable")
        last = np.append(np.diff(score[order]) != 0, True)
        hits = np.cumsum(truth[order])[last].astype(float)
        count = (np.flatnonzero(last) + 1).astype(float)
        rises = np.diff(hits, prepend=0) > 0
        total = truth.sum()
        steps.append((hits[rises] / max(total, 1), (hits / count)[rises]))
    recalls = np.unique(np.concatenate([recall for recall, _ in steps]))
    mean = np.zeros(len(recalls))
    for recall, precision in steps:
        if len(recall):
            mean += precision[np.searchsorted(recall, recalls, side="left")]
    return np.column_stack([np.append(recalls[::-1], 0), np.append((mean / len(pairs))[::-1], 1)])


def macro_roc(curves):
    """False and true positive rate of the mean over `curves` (fpr, tpr); empty where one is undefined."""
    if any(np.isnan(fpr).any() or np.isnan(tpr).any() for fpr, tpr in curves):
        return np.zeros((0, 2))
    rates = np.unique(np.concatenate([fpr for fpr, _ in curves]))
    low, high = np.zeros(len(rates)), np.zeros(len(rates))
    for fpr, tpr in curves:
        first, after = np.searchsorted(fpr, rates, side="left"), np.searchsorted(fpr, rates, side="right")
        here = after > first
        between = np.interp(rates, fpr, tpr)
        low += np.where(here, tpr[np.minimum(first, len(tpr) - 1)], between)
        high += np.where(here, tpr[after - 1], between)
    points = []
    for rate, a, b in zip(rates, low, high):
        points.append((rate, a / len(curves)))
        if b > a:
            points.append((rate, b / len(curves)))
    return np.array(points)
