"""Writes Tests/EvaluationTests/Fixtures/mcnemar.json: McNemar's tests and Holm's correction by statsmodels and SciPy.

    pip install statsmodels scipy
    python3 Tests/Oracles/make_mcnemar.py
"""
import json
import sys
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from scipy.stats import binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

PAIRS = [(0, 0), (1, 0), (0, 1), (1, 1), (5, 0), (10, 2), (2, 14), (25, 25), (30, 12), (100, 60), (480, 520), (499, 501),
         (1000, 0), (501, 500), (600, 500), (1200, 1000), (5000, 5321), (700, 300)]
COUNT = 20_000
EXACT_LIMIT = 1000


def agresti_min(b, c, n):
    """Half a sample added to each cell, then Wald's interval of a matched difference."""
    total, b, c = n + 2, b + 0.5, c + 0.5
    difference = (c - b) / total
    reach = norm.ppf(0.975) * np.sqrt(b + c - (c - b) ** 2 / total) / total
    return difference - reach, difference + reach


def main():
    tests = []
    for b, c in PAIRS:
        exact = b + c <= EXACT_LIMIT
        result = mcnemar([[COUNT - b - c, b], [c, 0]], exact=exact, correction=True)
        p = float(result.pvalue) if b + c else 1.0
        if exact and b + c:
            assert abs(p - binomtest(b, b + c, 0.5).pvalue) < 1e-12
        lower, upper = agresti_min(b, c, COUNT)
        tests.append({"onlyFirst": b, "onlySecond": c, "method": "exact" if exact else "chiSquare",
                      "statistic": float(result.statistic) if b + c else 0.0, "pValue": p,
                      "lower": float(lower), "upper": float(upper)})
    generator = np.random.default_rng(4)
    holm = []
    for size in (1, 2, 3, 10, 28):
        values = generator.random(size) ** 4
        if size == 10:
            values[3] = values[7]
        holm.append({"pValues": values.tolist(), "adjusted": multipletests(values, method="holm")[1].tolist()})
    fixture = {
        "provenance": {"tool": "statsmodels", "version": f"{statsmodels.__version__} (SciPy {scipy.__version__})",
                       "command": "python3 Tests/Oracles/make_mcnemar.py", "seed": 4},
        "count": COUNT, "tests": tests, "holm": holm}
    path = Path(__file__).parent.parent / "EvaluationTests/Fixtures/mcnemar.json"
    path.write_text(json.dumps(fixture, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
