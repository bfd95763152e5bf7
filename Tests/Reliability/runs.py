"""What the reliability checks share: a small run that uses everything a checkpoint must hold, and comparing its files.

Needs Python 3 and nothing else. The trainer is built once, before: swift build
"""

import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH, CLASSES = 12, 3

# Equal byte for byte after any interruption. Not compared: what holds times (the last two columns of history.csv, seconds
# and images/s in metrics.json, environment.json) or the folder (config.json).
EXACT = [
    "model.safetensors", "predictions.csv", "classification_report.txt", "confusion_matrix.csv",
    "precision_recall.csv", "roc.csv", "calibration.csv", "learning_curves.svg",
]


def trainer():
    given = os.environ.get("NUMERAL_TRAINER")
    if given:
        return given
    folder = subprocess.run(
        ["swift", "build", "--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    path = Path(folder) / "trainer"
    if not path.exists():
        sys.exit(f"{path} is not there: swift build first")
    return str(path)


def write_idx(path, values, extents):
    head = struct.pack(">BBBB", 0, 0, 8, len(extents)) + b"".join(struct.pack(">I", e) for e in extents)
    path.write_bytes(head + bytes(values))


def write_data(folder, seed=1):
    """Stripes in one of three directions under noise, as four IDX files."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    for half, count in [("train", 600), ("test", 120)]:
        pixels, labels = [], []
        for index in range(count):
            label = index % CLASSES
            phase = draw.randrange(6)
            for y in range(WIDTH):
                for x in range(WIDTH):
                    stripe = (x, y, x + y)[label] + phase
                    pixels.append(min(255, max(0, int((160 if stripe % 6 < 3 else 40) + draw.gauss(0, 60)))))
            labels.append(label)
        write_idx(folder / f"{half}-images", pixels, [count, WIDTH, WIDTH])
        write_idx(folder / f"{half}-labels", labels, [count])
    return folder


def configuration(data, epochs=60, checkpoints=None):
    return {
        "name": "small", "seed": 3,
        "data": {
            "files": {
                "trainImages": str(data / "train-images"), "trainLabels": str(data / "train-labels"),
                "testImages": str(data / "test-images"), "testLabels": str(data / "test-labels"),
            },
            "validationFraction": 0.1, "normalization": "standardize",
        },
        "augmentation": {"rotation": 8, "translation": 1},
        "model": {
            "inputShape": [WIDTH, WIDTH, 1],
            "layers": [
                {"type": "conv2d", "filters": 8, "kernelSize": 3, "padding": "same", "useBias": False},
                {"type": "batchNormalization"}, {"type": "relu"}, {"type": "maxPooling2d", "poolSize": 2},
                {"type": "conv2d", "filters": 16, "kernelSize": 3, "padding": "same"}, {"type": "relu"},
                {"type": "dropout", "rate": 0.2}, {"type": "flatten"}, {"type": "dense", "units": CLASSES},
            ],
        },
        "training": {
            "epochs": epochs, "batchSize": 32, "optimizer": {"type": "adamW", "learningRate": 0.002},
            "schedule": {"type": "cosine"}, "labelSmoothing": 0.05, "gradientClipping": {"norm": 1},
            "averaging": {"decay": 0.97}, "earlyStopping": {"patience": 100},
            "checkpoints": checkpoints or {"everySteps": 5, "everyEpoch": True, "keep": 2},
        },
    }


def write_configuration(path, *arguments, **options):
    path.write_text(json.dumps(configuration(*arguments, **options), indent=2))
    return path


class Session:
    """One process of the trainer; its messages go to a file."""

    def __init__(self, binary, arguments, log, **options):
        self.log = log
        self.file = open(log, "wb")
        self.began = time.monotonic()
        self.process = subprocess.Popen([binary, *arguments], stdout=self.file, stderr=self.file, **options)

    def wait(self, timeout=120):
        code = self.process.wait(timeout)
        self.file.close()
        return code

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.wait()

    @property
    def messages(self):
        return self.log.read_text(errors="replace")


def the_run(folder):
    """The only run folder in `folder`; None where there is none yet."""
    runs = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.exists() else []
    assert len(runs) <= 1, f"several runs: {runs}"
    return runs[0] if runs else None


def going_on_from(messages):
    match = re.search(r"Going on from epoch (\d+), step (\d+)", messages)
    return (int(match[1]), int(match[2])) if match else None


def differences(run, reference):
    """Names of the files of `run` that are not those of `reference`."""
    found = [name for name in EXACT if (run / name).read_bytes() != (reference / name).read_bytes()]
    columns = [
        [line.split(",")[:-2] for line in (folder / "history.csv").read_text().splitlines()]
        for folder in (run, reference)
    ]
    if columns[0] != columns[1]:
        found.append("history.csv")
    stray = [p.name for p in run.rglob(".*")]
    return found + stray


def uninterrupted(binary, folder, config, *arguments):
    session = Session(binary, ["--config", str(config), "--output", str(folder), *arguments], folder.with_suffix(".log"))
    code = session.wait()
    if code != 0:
        sys.exit(f"the uninterrupted run ended with {code}:\n{session.messages}")
    return the_run(folder), time.monotonic() - session.began
