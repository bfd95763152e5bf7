#!/usr/bin/env python3
"""Who reads lines of handwritten digits: `trainer predict --segment` beside Tesseract, RapidOCR and ddddocr, on the same pictures.

    apt-get install tesseract-ocr
    python3 -m venv .build/readers
    .build/readers/bin/pip install numpy==2.3.* pillow==12.* pytesseract rapidocr-onnxruntime ddddocr
    swift build --product trainer
    .build/readers/bin/python Benchmarks/readers.py --mnist DIR --trainer .build/debug/trainer

The pictures are those of `canvases.py`: lines of 4 to 8 digits of MNIST's test set, apart, in the boxes of a form, touching. Every
reader is told what it can be told: Tesseract that it is one line (`--psm 7`) of digits, ddddocr that there are digits alone (its other classes are left out);
RapidOCR's recognition is given the picture as one line. Of what they say only digits are counted. A reader that is not installed is
left out, and that is said. Prints the share of lines that is read right as a whole, with Wilson's 95 % interval, and the time a line.
"""
import argparse
import pathlib
import sys
import tempfile
import time

import numpy as np
from PIL import Image

import canvases


def digits_of(text):
    return [c for c in text if c.isdigit() and c.isascii()]


def tesseract():
    import pytesseract
    config = "--psm 7 -c tessedit_char_whitelist=0123456789"
    return lambda file: pytesseract.image_to_string(Image.open(file), config=config)


def rapidocr():
    from rapidocr_onnxruntime import RapidOCR
    engine = RapidOCR()

    def read(file):
        result, _ = engine(np.asarray(Image.open(file).convert("RGB")), use_det=False, use_cls=False, use_rec=True)
        return result[0][0] if result else ""
    return read


def ddddocr():
    import ddddocr
    engine = ddddocr.DdddOcr(show_ad=False)

    def read(file):
        result = engine.classification(pathlib.Path(file).read_bytes(), probability=True)
        charset = result["charset"]
        probabilities = np.asarray(result["probabilities"]).reshape(-1, len(charset))
        # Digits and the blank alone; its own way to ask for digits gives nothing in 1.6.
        kept = [k for k, c in enumerate(charset) if c == "" or c.isdigit() and c.isascii()]
        best = [charset[kept[int(np.argmax(row[kept]))]] for row in probabilities]
        return "".join(c for t, c in enumerate(best) if t == 0 or best[t - 1] != c)
    return read


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mnist", type=pathlib.Path, required=True)
    options.add_argument("--trainer", default=".build/debug/trainer")
    options.add_argument("--lines", type=int, default=300)
    options.add_argument("--seed", type=int, default=20261124)
    options = options.parse_args()
    images, labels = canvases.digits(options.mnist, "test")
    readers = {}
    for name, make in (("Tesseract", tesseract), ("RapidOCR", rapidocr), ("ddddocr", ddddocr)):
        try:
            reader = make()
            blank = pathlib.Path(tempfile.gettempdir()) / "blank.png"
            Image.new("L", (64, 32), 255).save(blank)
            reader(str(blank))
            readers[name] = reader
        except Exception as error:  # not installed, in one of many ways
            print(f"{name} is left out: {type(error).__name__}: {error}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        for number_of_kind, kind in enumerate(("apart", "boxes", "touching"), start=1):
            rng = np.random.default_rng([options.seed, number_of_kind])
            truth = {}
            for number in range(options.lines):
                some = rng.choice(len(images), rng.integers(4, 9), replace=False)
                file = pathlib.Path(temporary) / f"{kind}-{number:03}.png"
                canvases.line(rng, images[some], kind).save(file)
                truth[str(file)] = [str(label) for label in labels[some]]
            start = time.perf_counter()
            said = {"Numeral": canvases.read(options.trainer, ["--segment"], list(truth))}
            seconds = {"Numeral": time.perf_counter() - start}
            for name, reader in readers.items():
                start = time.perf_counter()
                said[name] = {file: digits_of(reader(file)) for file in truth}
                seconds[name] = time.perf_counter() - start
            for name in said:
                right = sum(said[name][file] == expected for file, expected in truth.items())
                low, high = canvases.wilson(right, len(truth))
                print(f"{kind:9} {name:10} {100 * right / len(truth):6.2f} %  ({100 * low:.2f} to {100 * high:.2f})  "
                      f"{1000 * seconds[name] / len(truth):7.1f} ms a line", flush=True)


if __name__ == "__main__":
    main()
