#!/usr/bin/env python3
"""The pictures in docs/examples: digits of MNIST's training set (of the part that config/box.json keeps for validation).

    python3 -m venv .build/oracles && .build/oracles/bin/pip install numpy==2.3.* pillow==12.*
    .build/oracles/bin/python Tests/Oracles/make_examples.py MNIST_FOLDER
"""
import pathlib
import sys

import numpy as np
from PIL import Image

root = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(root / "Benchmarks"))
import canvases  # noqa: E402

images, labels = canvases.digits(pathlib.Path(sys.argv[1]), "validation")
out = root / "docs/examples"
out.mkdir(parents=True, exist_ok=True)


def some(rng, text):
    return [images[rng.choice(np.flatnonzero(labels == int(c)))] for c in text]


def one(seed, digit):
    rng = np.random.default_rng(seed)
    return canvases.canvas(rng, some(rng, digit)[0])


one(12, "3").save(out / "three.png", optimize=True)
one(16, "7").save(out / "seven.jpg", quality=85)
rng = np.random.default_rng(14)
canvases.line(rng, some(rng, "20261"), "boxes").resize((640, 146)).save(out / "form.jpg", quality=88)
rng = np.random.default_rng(17)
page = canvases.Page(rng, 640, 300)
for row, text in enumerate(["31415926", "2718281"]):
    x = 40
    for digit in some(rng, text):
        ink, _ = canvases.enlarged(digit, int(70 * rng.uniform(0.9, 1.1)))
        page.put(ink, x, 40 + 120 * row + int(rng.integers(-5, 6)))
        x += ink.shape[1] + int(rng.integers(0, 18))
page.rendered().save(out / "page.jpg", quality=88)
rng = np.random.default_rng(18)
canvases.line(rng, some(rng, "4058"), "touching").resize((330, 130)).save(out / "touching.png", optimize=True)
