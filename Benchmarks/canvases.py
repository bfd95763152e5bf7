#!/usr/bin/env python3
"""How well `trainer predict` reads pictures: MNIST digits drawn into canvases, and lines of them.

    python3 -m venv .build/canvases && .build/canvases/bin/pip install numpy==2.3.* pillow==12.*
    swift build --product trainer
    .build/canvases/bin/python Benchmarks/canvases.py --mnist DIR --trainer .build/debug/trainer

DIR holds MNIST's four IDX files, gzip or not. 2,000 canvases of 300×200 pixels, each with one digit of MNIST's test set:
dark on light or light on dark, its longer side 40 to 160 pixels, anywhere, on grey paper whose brightness changes by up to
20 % across it, slightly blurred, with noise. 1,000 such canvases by a thin pen, eroded to less than half their ink, and 1,000 faint
ones: 12 to 30 grey levels of ink on noise of a deviation of 3 to 8, blurred by up to 2.5 pixels. 300 lines of 4 to 8 such digits, their sizes and baselines varying a
little; the same again in the boxes of a form; and with digits that touch, which no target is set for. Prints the share
that is read right, with Wilson's 95 % interval. The same seed draws the same pictures.

No choice was made on the test digits: `--split validation` draws from the 6,000 images that `config/box.json` keeps from
training, which is what the reader was developed on.
"""
import argparse
import csv
import io
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageFilter

from support import idx
from support.split import stratified_validation


def digits(folder, split):
    if split == "test":
        return idx.read(folder / "t10k-images-idx3-ubyte"), idx.read(folder / "t10k-labels-idx1-ubyte")
    images, labels = idx.read(folder / "train-images-idx3-ubyte"), idx.read(folder / "train-labels-idx1-ubyte")
    kept = stratified_validation(labels, 0.1, seed=0)
    return images[kept], labels[kept]


def enlarged(digit, size):
    """The digit's own box, its longer side `size` pixels, as ink from 0 to 1."""
    ys, xs = np.nonzero(digit)
    box = digit[ys.min():ys.max() + 1, xs.min():xs.max() + 1].astype(np.float32) / 255
    scale = size / max(box.shape)
    shape = [max(1, round(side * scale)) for side in box.shape]
    # The edge fades into paper.
    padded = np.pad(box, 1)
    big = Image.fromarray(padded).resize(
        (round(padded.shape[1] * scale), round(padded.shape[0] * scale)), Image.BICUBIC)
    return np.clip(np.asarray(big), 0, 1), shape


class Page:
    """Ink on paper, both without light yet."""

    def __init__(self, rng, width, height):
        self.rng = rng
        self.ink = np.zeros((height, width), np.float32)

    def put(self, ink, x, y):
        h, w = ink.shape
        view = self.ink[y:y + h, x:x + w]
        np.maximum(view, ink[:view.shape[0], :view.shape[1]], out=view)

    def rendered(self, faint=False):
        rng, (h, w) = self.rng, self.ink.shape
        dark_on_light = bool(rng.integers(2))
        paper = rng.uniform(170, 212) if dark_on_light else rng.uniform(35, 75)
        pen = rng.uniform(10, 70) if dark_on_light else rng.uniform(185, 250)
        if faint:
            pen = paper + rng.uniform(12, 30) * (-1 if dark_on_light else 1)
        # Brightness from −20 % to +20 %: a gradient in any direction and a slow wave.
        angle, phase = rng.uniform(0, 2 * math.pi, 2)
        ys, xs = np.mgrid[-1:1:h * 1j, -1:1:w * 1j]
        field = np.cos(angle) * xs + np.sin(angle) * ys + 0.5 * np.sin(2.5 * xs + 2 * ys + phase)
        light = 1 + 0.2 * rng.uniform(0.3, 1) * field / np.abs(field).max()
        image = paper * light * (1 - self.ink) + pen * self.ink
        blurred = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(rng.uniform(0.3, 2.5 if faint else 1.2)))
        noisy = np.asarray(blurred, np.float32) + rng.normal(0, rng.uniform(*((3, 8) if faint else (1, 6))), (h, w))
        return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def thinned(ink):
    """Eroded by a pixel at a time until less than half of it is left."""
    whole = ink.sum()
    while ink.sum() > whole / 2:
        ink = np.asarray(Image.fromarray(ink).filter(ImageFilter.MinFilter(3)))
    return ink


def canvas(rng, digit, kind=""):
    page = Page(rng, 300, 200)
    ink, _ = enlarged(digit, rng.integers(40, 161))
    if kind == "thin":
        ink = thinned(ink)
    h, w = ink.shape
    page.put(ink, rng.integers(2, 300 - w - 1), rng.integers(2, max(3, 200 - h - 1)))
    return page.rendered(faint=kind == "faint")


def line(rng, some, kind):
    size = int(rng.integers(40, 161))
    inks = [enlarged(digit, max(40, round(size * rng.uniform(0.88, 1.12))))[0] for digit in some]
    if kind == "boxes":
        return boxes(rng, inks, size)
    gaps = []
    for _ in inks:
        # The glyphs' own soft margins, a twentieth of the size on either side, are part of the gap.
        gaps.append(round(size * (rng.uniform(-0.16, -0.06) if kind == "touching" else rng.uniform(0.0, 0.4))))
    width = sum(ink.shape[1] for ink in inks) + sum(gaps) + size
    height = round(size * 1.7)
    page = Page(rng, max(width, 300), max(height, 200))
    x, top = round(size * 0.4), (page.ink.shape[0] - size) // 2
    for ink, gap in zip(inks, gaps):
        y = top + size - ink.shape[0] + round(size * rng.uniform(-0.07, 0.07))
        page.put(ink, x, min(max(y, 0), page.ink.shape[0] - ink.shape[0]))
        x += ink.shape[1] + gap
    return page.rendered()


def boxes(rng, inks, size):
    """A form field: a box for each digit, ruled in ink, its digit anywhere inside."""
    side = round(size * 1.45)
    rule = max(2, round(size * rng.uniform(0.015, 0.035)))
    page = Page(rng, side * len(inks) + 40, side + 40)
    left, top = 20, 20
    strength = rng.uniform(0.6, 1)
    for k in range(len(inks) + 1):
        x = left + k * side
        page.ink[top:top + side + rule, x:x + rule] = strength
    page.ink[top:top + rule, left:left + side * len(inks) + rule] = strength
    page.ink[top + side:top + side + rule, left:left + side * len(inks) + rule] = strength
    for k, ink in enumerate(inks):
        h, w = ink.shape
        free_x, free_y = side - rule - w, side - rule - h
        x = left + k * side + rule + max(0, round(free_x * rng.uniform(0.15, 0.85)))
        y = top + rule + max(0, round(free_y * rng.uniform(0.15, 0.85)))
        page.put(ink, x, y)
    return page.rendered()


def wilson(right, count):
    z = 1.959963984540054
    share = right / count
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (centre - spread) / (1 + z * z / count), (centre + spread) / (1 + z * z / count)


def read(trainer, arguments, files):
    """What `trainer predict` says, by file: the classes in reading order."""
    said = {str(file): [] for file in files}
    for start in range(0, len(files), 500):
        part = [str(file) for file in files[start:start + 500]]
        result = subprocess.run([trainer, "predict", "--csv", *arguments, *part], capture_output=True, text=True)
        if result.returncode not in (0, 2):
            sys.exit(f"{trainer} ended with {result.returncode}: {result.stderr}")
        for row in csv.DictReader(io.StringIO(result.stdout)):
            said[row["file"]].append(row["class"])
    return said


def report(name, truth, said, verbose):
    right = sum(said[file] == expected for file, expected in truth.items())
    low, high = wilson(right, len(truth))
    print(f"{name:34} {100 * right / len(truth):6.2f} %  ({100 * low:.2f} to {100 * high:.2f}; {right} of {len(truth)})",
          flush=True)
    if verbose:
        for file, expected in truth.items():
            if said[file] != expected:
                print(f"    {file}: {''.join(expected)} read as {''.join(said[file]) or 'nothing'}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mnist", type=pathlib.Path, required=True)
    options.add_argument("--trainer", default=".build/debug/trainer")
    options.add_argument("--split", choices=["test", "validation"], default="test")
    options.add_argument("--model", help="instead of the model in the box")
    options.add_argument("--canvases", type=int, default=2000)
    options.add_argument("--lines", type=int, default=300)
    options.add_argument("--seed", type=int, default=20261124)
    options.add_argument("--keep", type=pathlib.Path, help="a folder for the pictures")
    options.add_argument("--verbose", action="store_true", help="name what was read wrong")
    options = options.parse_args()
    images, labels = digits(options.mnist, options.split)
    model = ["--model", options.model] if options.model else []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for number_of_kind, kind in enumerate(("", "thin", "faint")):
            rng = np.random.default_rng([options.seed, 10 + number_of_kind] if kind else options.seed)
            count = options.canvases // 2 if kind else options.canvases
            truth = {}
            for number, index in enumerate(rng.choice(len(images), count, replace=False)):
                file = folder / f"canvas-{kind}{number:04}.png"
                canvas(rng, images[index], kind).save(file)
                truth[str(file)] = [str(labels[index])]
            if truth:
                name = {"": f"canvases ({options.split} digits)", "thin": "canvases, a thin pen", "faint": "canvases, faint"}[kind]
                report(name, truth, read(options.trainer, model, list(truth)), options.verbose)
        for number_of_kind, kind in enumerate(("apart", "boxes", "touching"), start=1):
            rng = np.random.default_rng([options.seed, number_of_kind])
            truth = {}
            for number in range(options.lines):
                some = rng.choice(len(images), rng.integers(4, 9), replace=False)
                file = folder / f"line-{kind}-{number:03}.png"
                line(rng, images[some], kind).save(file)
                truth[str(file)] = [str(label) for label in labels[some]]
            if truth:
                said = read(options.trainer, ["--segment", *model], list(truth))
                report({"apart": "lines", "boxes": "lines in a form's boxes", "touching": "lines of touching digits"}[kind],
                       truth, said, options.verbose)


if __name__ == "__main__":
    main()
