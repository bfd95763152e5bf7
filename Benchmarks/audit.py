#!/usr/bin/env python3
"""What `trainer audit` finds of what was planted, and what `predict` does not know.

    python3 -m venv .build/audit && .build/audit/bin/pip install numpy==2.* pillow==12.* scikit-learn==1.*
    swift build --product trainer
    .build/audit/bin/python Benchmarks/audit.py labels  --mnist DIR      # 5 % of the training labels wrong, three seeds
    .build/audit/bin/python Benchmarks/audit.py known   --mnist DIR      # the wrong labels of MNIST's test half
    .build/audit/bin/python Benchmarks/audit.py copies  --mnist DIR      # 160 near copies, half of them in the test half, three seeds
    .build/audit/bin/python Benchmarks/audit.py strangers --mnist DIR    # clothes, letters, noise, digits on their side
    .build/audit/bin/python Benchmarks/audit.py lines --mnist DIR        # words and scribbles beside lines of digits

DIR holds MNIST's four IDX files, gzip or not. Clothes are Fashion-MNIST's test half (Debian's dataset-fashion-mnist), letters are set
in handwriting fonts (fonts-dkg-handwriting fonts-breip fonts-bwht fonts-femkeklaver fonts-humor-sans fonts-rufscript fonts-kristi
fonts-dancingscript fonts-kaushanscript fonts-klee fonts-tomsontalks), slanted, turned, blurred and brought into MNIST's
form; those that are written like a digit are left out.
"""
import argparse
import csv
import io
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import canvases
from support import idx

# Northcutt, Athalye, Mueller, "Pervasive label errors in test sets", 2021: at most two of five people gave the label (labelerrors.com).
KNOWN = [947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729]
LETTERS = "acdefhjkmnprtuvwxyACEFHJKLMNPQRTUVWXY"
COPIES = ["moved", "turned", "scaled", "darker", "blurred", "JPEG", "noise 6", "noise 15"]


def mnist(folder):
    return [idx.read(folder / name) for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                            "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")]


def write(folder, *arrays):
    folder.mkdir(parents=True, exist_ok=True)
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    for name, array in zip(names, arrays):
        head = struct.pack(">I", 0x800 + array.ndim) + b"".join(struct.pack(">I", n) for n in array.shape)
        (folder / name).write_bytes(head + array.astype(np.uint8).tobytes())
    (folder / "classes.txt").write_text("".join(f"{k}\n" for k in range(10)))


def audit(options, output, *arguments):
    subprocess.run([options.trainer, "audit", "--quiet", "--output", str(output), *arguments], check=True,
                   stdout=subprocess.DEVNULL)
    return sorted(output.glob("*-audit-*"))[-1]


def rows(folder, name):
    with open(folder / name, newline="") as file:
        return list(csv.DictReader(file))


def labels(options, folder):
    x, y, xt, yt = mnist(options.mnist)
    for seed in range(1, options.seeds + 1):
        rng = np.random.default_rng(seed)
        wrong = rng.permutation(len(y))[:len(y) // 20]
        noisy = y.copy()
        noisy[wrong] = (noisy[wrong] + rng.integers(1, 10, len(wrong))) % 10
        write(folder / f"noisy-{seed}", x, noisy, xt, yt)
        found = audit(options, folder / f"audit-{seed}", "--config", options.config, "--data", str(folder / f"noisy-{seed}"))
        named = {int(row["index"]) for row in rows(found, "labels.csv") if row["part"] == "train" and row["issue"] == "1"}
        hits = len(named & set(wrong.tolist()))
        print(f"seed {seed}: {len(wrong)} labels made wrong, {len(named)} named: {hits / len(wrong):.2%} of the wrong ones found, "
              f"{hits / len(named):.2%} of the named ones wrong", flush=True)


def known(options, folder):
    write(folder / "mnist", *mnist(options.mnist))
    found = audit(options, folder / "audit", "--config", options.config, "--data", str(folder / "mnist"))
    order = [int(row["index"]) for row in rows(found, "labels.csv") if row["part"] == "test"]
    ranks = sorted(order.index(k) + 1 if k in order else 10**9 for k in KNOWN)
    print(f"ranks of the {len(KNOWN)} wrong labels among 10,000: {ranks}; {sum(r <= 60 for r in ranks)} among the first 60")


def copied(image, kind, rng):
    pixels = image.astype(np.float32)
    if kind == "moved":
        pixels = np.roll(pixels, (rng.integers(-1, 2) or 1, rng.integers(-1, 2)), (0, 1))
    elif kind in ("turned", "scaled"):
        angle = np.deg2rad(rng.uniform(2, 5) * rng.choice([-1, 1])) if kind == "turned" else 0
        scale = rng.uniform(0.92, 1.08) if kind == "scaled" else 1
        c, s = np.cos(angle) / scale, np.sin(angle) / scale
        pixels = np.asarray(Image.fromarray(image).transform(
            (28, 28), Image.AFFINE, (c, -s, 14 - 14 * (c - s), s, c, 14 - 14 * (c + s)), Image.BILINEAR), np.float32)
    elif kind == "darker":
        pixels = pixels * rng.uniform(0.7, 0.9)
    elif kind == "blurred":
        pixels = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    elif kind == "JPEG":
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=50)
        pixels = np.asarray(Image.open(file), np.float32)
    else:
        pixels = pixels + rng.normal(0, float(kind.split()[1]), pixels.shape)
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def copies(options, folder):
    for seed in range(1, options.seeds + 1):
        copies_of(seed, options, folder / f"copies-{seed}")


def copies_of(seed, options, folder):
    x, y, xt, yt = mnist(options.mnist)
    rng = np.random.default_rng(seed)
    sources = rng.permutation(len(x))[:20 * len(COPIES)]
    made = np.stack([copied(x[source], COPIES[n % len(COPIES)], rng) for n, source in enumerate(sources)])
    half = len(made) // 2
    write(folder / "planted", np.concatenate([x, made[:half]]), np.concatenate([y, y[sources[:half]]]),
          np.concatenate([xt, made[half:]]), np.concatenate([yt, y[sources[half:]]]))
    found = audit(options, folder / "audit", "--model", "box", "--unseen", "--data", str(folder / "planted"))
    groups = {}
    for row in rows(found, "duplicates.csv"):
        groups.setdefault(row["group"], set()).add((row["part"], int(row["index"])))
    place = [("train", len(x) + n) if n < half else ("test", len(xt) + n - half) for n in range(len(made))]
    hits = [any({place[n], ("train", int(sources[n]))} <= group for group in groups.values()) for n in range(len(made))]
    others = sum(not group & set(place) for group in groups.values())
    kinds = ", ".join(f"{kind} {sum(hits[k::len(COPIES)])}" for k, kind in enumerate(COPIES))
    print(f"seed {seed}: found {sum(hits)} of {len(hits)} ({kinds}, of {len(hits) // len(COPIES)} each); groups of other images: {others}",
          flush=True)


def fitted(pixels):
    """Ink brought into a box of 20 pixels and centred on its mass, as MNIST's was."""
    ys, xs = np.nonzero(pixels > 40)
    if len(ys) == 0:
        return np.zeros((28, 28), np.uint8)
    pixels = pixels[ys.min():ys.max() + 1, xs.min():xs.max() + 1]
    scale = 20 / max(pixels.shape)
    small = Image.fromarray(pixels).resize([max(1, round(side * scale)) for side in pixels.shape[::-1]], Image.LANCZOS)
    canvas = np.zeros((56, 56), np.float32)
    y, x = 28 - small.size[1] // 2, 28 - small.size[0] // 2
    canvas[y:y + small.size[1], x:x + small.size[0]] = np.asarray(small)
    sides = [int(np.clip(round((canvas.sum(1 - axis) * np.arange(56)).sum() / canvas.sum() - 13.5), 0, 28)) for axis in (0, 1)]
    return np.clip(canvas[sides[0]:sides[0] + 28, sides[1]:sides[1] + 28], 0, 255).astype(np.uint8)


def handwriting():
    listing = subprocess.run(["fc-list"], capture_output=True, text=True).stdout
    pattern = "dkg|breip|bwht|femkeklaver|humor-sans|rufscript|kristi|dancingscript|kaushanscript|klee|tomsontalks"
    fonts = sorted({line.split(":")[0] for line in listing.splitlines() if re.search(pattern, line.split(":")[0], re.I)})
    if not fonts:
        sys.exit("letters: expected handwriting fonts, as the head of this file names them · received none")
    return fonts


def letters(count, seed=0):
    fonts, chance, result = handwriting(), random.Random(seed), []
    while len(result) < count:
        font = ImageFont.truetype(chance.choice(fonts), 80)
        image = Image.new("L", (160, 160))
        ImageDraw.Draw(image).text((50, 30), chance.choice(LETTERS), font=font, fill=255, stroke_width=chance.choice([0, 1, 2, 3]))
        image = image.transform(image.size, Image.AFFINE, (1, chance.uniform(-0.2, 0.2), 0, 0, 1, 0), Image.BICUBIC)
        image = image.rotate(chance.uniform(-10, 10), Image.BICUBIC).filter(ImageFilter.GaussianBlur(chance.uniform(0.5, 2)))
        result.append(fitted(np.asarray(image)))
    return np.stack(result)


def strangers(options, folder):
    from sklearn.metrics import roc_auc_score

    def familiarity(name, images):
        path = folder / f"{name}.csv"
        np.savetxt(path, images.reshape(len(images), -1), fmt="%d", delimiter=",",
                   header=",".join(f"pixel{i}" for i in range(784)), comments="")
        said = subprocess.run([options.trainer, "predict", "--raw", "--csv", "--quiet", *options.model, str(path)],
                              capture_output=True, text=True, check=True).stdout
        return np.array([float(row["familiarity"]) for row in csv.DictReader(io.StringIO(said))])

    _, _, digits, classes = mnist(options.mnist)
    known = familiarity("digits", digits)
    print(f"digits of the test half taken for unknown: {(known < 0.05).mean():.2%}")
    others = {
        "clothes": idx.read(pathlib.Path("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte")), "letters": letters(2000),
        "noise": np.random.default_rng(0).integers(0, 256, (1000, 28, 28)),
        "2, 4, 7 on their side": np.rot90(digits[np.isin(classes, [2, 4, 7])], axes=(1, 2)),
    }
    for name, images in others.items():
        score = familiarity(re.sub(r"\W", "", name), images)
        area = roc_auc_score(np.r_[np.zeros(len(known)), np.ones(len(score))], -np.r_[known, score])
        print(f"{name:22} {(score < 0.05).mean():.1%} unknown, area under the ROC curve {area:.4f}")


def word(chance, fonts):
    """Four to seven letters, so near that they touch."""
    font = ImageFont.truetype(chance.choice(fonts), chance.randint(60, 110))
    image, x = Image.new("L", (900, 260), 255), 40
    for letter in (chance.choice("acdefhkmnprtuvwxy") for _ in range(chance.randint(4, 7))):
        ImageDraw.Draw(image).text((x, 60), letter, font=font, fill=20, stroke_width=chance.choice([0, 1, 2]))
        x += font.getlength(letter) * chance.uniform(0.78, 0.95)
    return image.crop((0, 0, int(x) + 60, 260)).filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.2)))


def scribble(chance):
    image, x, y = Image.new("L", (500, 200), 255), chance.randint(40, 460), chance.randint(40, 160)
    places = [(x, y)]
    for _ in range(12):
        x = min(max(x + chance.gauss(30, 60), 30), 470)
        y = min(max(y + chance.gauss(0, 60), 30), 170)
        places.append((x, y))
    ImageDraw.Draw(image).line(places, fill=20, width=chance.randint(4, 8), joint="curve")
    return image


def lines(options, folder):
    digits, labels = canvases.digits(options.mnist, "test")
    fonts, chance = handwriting(), random.Random(1)

    def digit_line(kind, rng):
        some = rng.choice(len(digits), rng.integers(4, 9), replace=False)
        return canvases.line(rng, digits[some], kind), "".join(map(str, labels[some]))

    for number, kind in enumerate(("digits apart", "digits touching", "words", "scribbles")):
        rng, truth = np.random.default_rng([1, number]), {}
        for n in range(options.lines):
            path = folder / f"{number}-{n:03}.png"
            if kind.startswith("digits"):
                image, truth[str(path)] = digit_line(kind.split()[1], rng)
            else:
                image, truth[str(path)] = word(chance, fonts) if kind == "words" else scribble(chance), None
            image.save(path)
        # 1: a line without writing is no failure of the others.
        done = subprocess.run([options.trainer, "predict", "--segment", "--csv", "--quiet", *truth], capture_output=True, text=True,
                              check=False)
        if done.returncode not in (0, 1):
            sys.exit(f"predict: exit code {done.returncode}: {done.stderr}")
        found = {path: [] for path in truth}
        for row in csv.DictReader(io.StringIO(done.stdout)):
            found[row["file"]].append((row["class"], row["unknown"] == "1"))
        strange = [isStrange for row in found.values() for _, isStrange in row]
        touched = sum(any(isStrange for _, isStrange in row) for row in found.values())
        text = f"{kind:16} {len(strange)} characters in {len(found)} lines: {np.mean(strange):.1%} unknown, in {touched} lines"
        if kind.startswith("digits"):
            wrong = [f for f, row in found.items() if "".join(c for c, _ in row) != truth[f]]
            text += f"; {len(wrong)} lines read wrong, {sum(any(s for _, s in found[f]) for f in wrong)} of them with an unknown"
        print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["labels", "known", "copies", "strangers", "lines"])
    parser.add_argument("--mnist", type=pathlib.Path, required=True)
    parser.add_argument("--trainer", default=".build/debug/trainer")
    parser.add_argument("--config", default="config/default.json")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=300, help="of each kind")
    parser.add_argument("--model", default=[], type=lambda path: ["--model", path], help="of strangers: instead of the box")
    parser.add_argument("--work", type=pathlib.Path, help="a folder that is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.work or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        globals()[options.what](options, folder)


if __name__ == "__main__":
    main()
