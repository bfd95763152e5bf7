#!/usr/bin/env python3
"""Digits in pictures, and what MNIST's preparation makes of them by SciPy and NumPy.

    python3 -m venv .build/oracles && .build/oracles/bin/pip install numpy==2.3.* pillow==12.* scipy==1.16.*
    .build/oracles/bin/python Tests/Oracles/make_preparation.py

Takes digits of the bundled sample that are one piece when cut at half of their ink, enlarges them to any size without new
levels, and puts them into pictures, dark on light or light on dark. Writes the pictures and expected.json with the 28×28
levels of each into Tests/RecognitionTests/Fixtures/preparation: the digit's box by scipy.ndimage, fitted into 20×20 by
exact area means (the integral of the picture, interpolated), its centre of mass by scipy.ndimage moved to the middle.
Digits whose centre is within 0.02 of where rounding turns are left out.
"""
import gzip
import json
import pathlib

import numpy as np
import PIL
import scipy
from PIL import Image
from scipy import ndimage

root = pathlib.Path(__file__).resolve().parent.parent.parent
sample = root / "Sources/Datasets/Resources/sample"
out = root / "Tests/RecognitionTests/Fixtures/preparation"
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(20261124)
images = np.frombuffer(gzip.open(sample / "images-idx3-ubyte.gz").read(), np.uint8, offset=16).reshape(-1, 28, 28)
EIGHT = np.ones((3, 3))


def means(values, count):
    """Area means along the last axis, over `count` equal parts: differences of the interpolated integral."""
    n = values.shape[-1]
    integral = np.concatenate([np.zeros(values.shape[:-1] + (1,)), values.cumsum(-1)], -1)
    edges = np.linspace(0, n, count + 1)
    at = np.apply_along_axis(lambda row: np.interp(edges, np.arange(n + 1), row), -1, integral)
    return np.diff(at, axis=-1) * count / n


def prepared(mask):
    """None where rounding could go either way."""
    rows, columns = ndimage.find_objects(mask.astype(int))[0]
    crop = mask[rows, columns].astype(float)
    scale = 20 / max(crop.shape)
    height, width = (max(1, int(np.floor(scale * side + 0.5))) for side in crop.shape)
    block = means(means(crop, width).T, height).T
    corner = 14 - np.array(ndimage.center_of_mass(block))
    if (np.abs(np.abs(corner - np.floor(corner)) - 0.5) < 0.02).any():
        return None
    y, x = np.rint(corner).astype(int)
    result = np.zeros((28, 28))
    result[y:y + height, x:x + width] = block
    return np.rint(255 * result).astype(np.uint8)


cases = []
while len(cases) < 24:
    digit = images[rng.integers(len(images))] > 127
    if ndimage.label(digit, EIGHT)[1] != 1:
        continue
    size = int(rng.integers(45, 180))
    rows, columns = ndimage.find_objects(digit.astype(int))[0]
    crop = digit[rows, columns]
    height, width = (max(1, round(side * size / max(crop.shape))) for side in crop.shape)
    big = crop[np.ix_(np.arange(height) * crop.shape[0] // height, np.arange(width) * crop.shape[1] // width)]
    canvas = np.zeros((200 + int(rng.integers(60)), 220 + int(rng.integers(60))), bool)
    y, x = rng.integers(3, canvas.shape[0] - height - 2), rng.integers(3, canvas.shape[1] - width - 2)
    canvas[y:y + height, x:x + width] = big
    expected = prepared(canvas)
    if expected is None:
        continue
    paper, ink = ((230, 20), (30, 240))[len(cases) % 2]
    name = f"digit-{len(cases):02}.png"
    Image.fromarray(np.where(canvas, ink, paper).astype(np.uint8)).save(out / name, optimize=True)
    cases.append({
        "file": name, "levels": expected.tobytes().hex(),
        "box": [int(v) for v in (x, y, width, height)]})

made_by = (f"Tests/Oracles/make_preparation.py, SciPy {scipy.__version__}, NumPy {np.__version__}, "
           f"Pillow {PIL.__version__}, seed 20261124")
(out / "expected.json").write_text(json.dumps({"madeBy": made_by, "cases": cases}, indent=1) + "\n")
print(f"{len(cases)} digits in {out}")
