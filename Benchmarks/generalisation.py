#!/usr/bin/env python3
"""How recipes read digits of other writers and other preparation than those they were trained on; nothing is retuned.

    python3 -m venv .build/generalisation && .build/generalisation/bin/pip install numpy==2.3.* pillow==12.* scikit-learn==1.9.*
    .build/generalisation/bin/python Benchmarks/generalisation.py default mnist-robust --mnist DIR

takes the runs that `Benchmarks/accuracy.py` left in `runs/accuracy` (all seeds of each recipe), and the model in the box, through

- MNIST's test set, `t10k-*` in DIR;
- UCI's optical digits, in scikit-learn: 1,797 digits of 43 writers at 8×8 pixels, enlarged to 20×20 and put with their centre of
  mass into 28×28, as MNIST's digits were;
- frames: MNIST's test digits prepared as USPS's were (LeCun et al. 1989) and taken for MNIST's: the ink's box fitted into 16×16,
  enlarged to fill all of 28×28;
- QMNIST's 50,000 test digits that MNIST lacks, with `--qmnist DIR` (`qmnist-test-images-idx3-ubyte`, `-labels-idx2-int`);
- EMNIST's digits, with `--emnist DIR` (`emnist-digits-test-*`).

All by one view, whatever the recipe averages over. Sets that are not at hand are left out, and that is said. The table goes into GENERALISATION.md.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

from support import accuracy_table, idx, machine
from support.project import ROOT

FOLDER = pathlib.Path(__file__).resolve().parent


def centred(digit):
    """A 20×20 digit in 28×28, its centre of mass in the middle."""
    rows, columns = np.indices(digit.shape)
    mass = max(digit.sum(), 1e-9)
    top = int(round(13.5 - (rows * digit).sum() / mass))
    left = int(round(13.5 - (columns * digit).sum() / mass))
    padded = np.zeros((28 + 40, 28 + 40), np.float32)
    padded[20 + top:40 + top, 20 + left:40 + left] = digit
    return padded[20:48, 20:48]


def resized(image, shape, how=Image.BICUBIC):
    return np.asarray(Image.fromarray(image.astype(np.float32)).resize(shape[::-1], how))


def optical_digits():
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.stack([centred(np.clip(resized(image * (255 / 16), (20, 20)), 0, 255)) for image in found.images])
    return images, found.target


def frame(digit):
    rows, columns = np.nonzero(digit)
    box = digit[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    scale = 16 / max(box.shape)
    small = resized(box, [max(1, round(side * scale)) for side in box.shape], Image.BOX if scale < 1 else Image.BILINEAR)
    whole = np.zeros((16, 16), np.float32)
    top, left = (16 - small.shape[0]) // 2, (16 - small.shape[1]) // 2
    whole[top:top + small.shape[0], left:left + small.shape[1]] = small
    return resized(whole, (28, 28), Image.BILINEAR)


def sets(options):
    """Name, images as bytes, labels; and what is left out."""
    images, labels = (idx.read(options.mnist / f"t10k-{part}-ubyte") for part in ("images-idx3", "labels-idx1"))
    yield "MNIST's test set", images, labels
    yield "UCI's optical digits", *optical_digits()
    yield "frames, as USPS's", np.stack([frame(image) for image in images]), labels
    if options.qmnist:
        images = idx.read(options.qmnist / "qmnist-test-images-idx3-ubyte")[10_000:]
        yield "QMNIST's 50,000 others", images, idx.read(options.qmnist / "qmnist-test-labels-idx2-int")[10_000:, 0]
    if options.emnist:
        images = idx.read(options.emnist / "emnist-digits-test-images-idx3-ubyte").transpose(0, 2, 1)
        yield "EMNIST's digits", images, idx.read(options.emnist / "emnist-digits-test-labels-idx1-ubyte")


def write(path, array):
    with open(path, "wb") as file:
        file.write(bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape))
        file.write(np.ascontiguousarray(array, np.uint8).tobytes())


def accuracy(options, model, images, labels):
    """Right and all."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.trainer, "evaluate", "--model", str(model), "--images", str(images), "--labels", str(labels),
                        "--set", "evaluation.testTimeAugmentation=null", "--output", folder, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        (run,) = pathlib.Path(folder).iterdir()
        test = json.loads((run / "metrics.json").read_text())["test"]
        return round(test["accuracy"] * test["count"]), test["count"]


def models(options):
    for name in options.recipes:
        found = sorted(options.runs.glob(f"{name}/seed-*/*/model.safetensors"), key=lambda path: path.parts[-3])
        if not found:
            sys.exit(f"{options.runs / name}: expected the runs of Benchmarks/accuracy.py, found none")
        yield name, found
    yield "in the box", [ROOT + "/Sources/Experiments/Resources/box/mnist.safetensors"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+", help="names of recipes whose runs are there")
    parser.add_argument("--mnist", type=pathlib.Path, required=True, help="folder of MNIST's four IDX files")
    parser.add_argument("--qmnist", type=pathlib.Path, help="folder of QMNIST's test files")
    parser.add_argument("--emnist", type=pathlib.Path, help="folder of EMNIST's digits")
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path(ROOT, "runs", "accuracy"))
    parser.add_argument("--trainer", default=os.path.join(ROOT, ".build", "debug", "trainer"))
    parser.add_argument("--output", type=pathlib.Path, default=FOLDER / "GENERALISATION.md")
    options = parser.parse_args()
    columns = list(models(options))
    lines = ["# Other writers, other preparation", "",
             "Written by `Benchmarks/generalisation.py`, which says what the sets are: accuracy in %, mean of the seeds, with the 95 % "
             "interval of the mean (Student's t); of one model alone Wilson's. No recipe was changed for any of them; all by one view.", "",
             "| | images | " + " | ".join(f"{name} ({len(found)})" for name, found in columns) + " |",
             "|---|--:|" + "--:|" * len(columns)]
    with tempfile.TemporaryDirectory() as folder:
        for name, images, labels in sets(options):
            files = os.path.join(folder, "images"), os.path.join(folder, "labels")
            write(files[0], np.clip(np.rint(np.asarray(images, np.float32)), 0, 255))
            write(files[1], np.asarray(labels))
            cells = []
            for _, found in columns:
                right = [accuracy(options, model, *files) for model in found]
                rates = [100 * good / count for good, count in right]
                if len(rates) > 1:
                    mean, _, half = accuracy_table.interval(rates)
                    cells.append(f"{mean:.2f} ({mean - half:.2f}–{mean + half:.2f})")
                else:
                    low, high = accuracy_table.wilson(right[0][1] - right[0][0], right[0][1])
                    cells.append(f"{statistics.mean(rates):.2f} ({low:.2f}–{high:.2f})")
            lines.append(f"| {name} | {len(labels):,} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    missing = [name for name, given in (("QMNIST", options.qmnist), ("EMNIST", options.emnist)) if not given]
    if missing:
        lines += ["", " and ".join(missing) + ": not at hand, left out."]
    options.output.write_text("\n".join(lines + ["", machine.table(machine.describe()), ""]) + "\n")


if __name__ == "__main__":
    main()
