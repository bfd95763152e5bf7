"""Trains every configuration briefly, exports each model to ONNX and compares ONNX Runtime with Numeral on the whole
test set: onnx.checker's full check, the same class for every image, the largest difference of a probability.

    python -m venv .build/onnx && .build/onnx/bin/pip install onnx==1.22.0 onnxruntime numpy
    .build/onnx/bin/python Tests/Oracles/check_onnx.py .build/debug/trainer --mnist FOLDER --fashion FOLDER [RUN…]

FOLDER holds the four IDX files, plain or gzip. RUN: folders of finished runs to check instead of training. Exit code 1
where a model fails.
"""
import argparse
import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Brief training: on the sample, Fashion-MNIST (which has none) for one epoch.
BRIEF = {
    "mnist": ["data.source=sample", "training.epochs=2"],
    "fashion-mnist": ["training.epochs=1", "training.batchSize=500"],
}
# An exported graph looks at the image alone.
ONE_VIEW = "evaluation.testTimeAugmentation=null"
LIMIT = 1e-5


def images(folder):
    for path in (folder / "t10k-images-idx3-ubyte", folder / "t10k-images-idx3-ubyte.gz"):
        if path.exists():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            magic, count, rows, columns = numpy.frombuffer(data, ">u4", 4)
            assert magic == 0x803
            return numpy.frombuffer(data, numpy.uint8, offset=16).reshape(count, 1, rows, columns)
    sys.exit(f"{folder}: no t10k-images-idx3-ubyte")


def run(trainer, *arguments):
    done = subprocess.run([trainer, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"trainer {' '.join(map(str, arguments))}\n{done.stderr}")


def only(folder):
    (path,) = folder.iterdir()
    return path


def predictions(run_folder):
    with open(run_folder / "predictions.csv") as file:
        rows = list(csv.reader(file))[1:]
    table = numpy.array(rows, dtype=numpy.float64)
    return table[:, 2].astype(int), table[:, 3:].astype(numpy.float32)


def check(path, pixels, classes, probabilities, config):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    values = {name for node in model.graph.node for name in node.output}
    silent = {"dropout"} | ({"softmax"} if config["model"]["layers"][-1]["type"] == "softmax" else set())
    missing = [l["name"] for l in config["model"]["layers"] if l["type"] not in silent and l["name"] not in values]
    assert not missing, f"layers that the graph does not name: {missing}"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert len(json.loads(metadata["classes"])) == probabilities.shape[1]
    assert json.loads(metadata["numeral.config"])["name"] == config["name"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0], session.get_outputs()[0]
    assert name.shape[0] == output.shape[0] == "N"
    results = []
    # Batches of different sizes, a short one last.
    start = 0
    for size in [1, 7, 512] + [1000] * 10:
        batch = pixels[start:start + size]
        if len(batch):
            results.append(session.run([output.name], {name.name: batch})[0])
        start += size
    result = numpy.concatenate(results)
    assert result.shape == probabilities.shape
    difference = float(numpy.abs(result.astype(numpy.float64) - probabilities).max())
    return int((result.argmax(1) != classes).sum()), difference


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trainer")
    parser.add_argument("--mnist", type=pathlib.Path, required=True)
    parser.add_argument("--fashion", type=pathlib.Path, required=True)
    parser.add_argument("runs", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    folders = {"mnist": options.mnist, "fashion-mnist": options.fashion}
    failed = False
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}; every test image")
    print(f"{'model':<20}{'input':<8}{'images':>8}{'other class':>13}{'largest difference':>20}")
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        runs = list(options.runs)
        for path in [] if runs else sorted((ROOT / "config").glob("*.json")):
            config = json.loads(path.read_text())
            if path.name == "schema.json":
                continue
            dataset = config.get("data", {}).get("dataset", "mnist")
            sets = [word for setting in [*BRIEF[dataset], ONE_VIEW] for word in ("--set", setting)]
            output = temporary / path.stem
            run(options.trainer, "--config", path, "--data", folders[dataset], "--output", output, *sets)
            runs.append(only(output))
        for number, folder in enumerate(runs):
            config = json.loads((folder / "config.json").read_text())
            dataset = config["data"]["dataset"]
            output = temporary / f"evaluation{number}"
            run(options.trainer, "evaluate", "--model", folder, "--data", folders[dataset], "--source", "full",
                "--output", output)
            classes, probabilities = predictions(only(output))
            pixels = images(folders[dataset])
            for kind, batch in (("float", pixels.astype(numpy.float32) / numpy.float32(255)), ("uint8", pixels)):
                file = temporary / f"model{number}.onnx"
                run(options.trainer, "export", "--model", folder, "--format", "onnx", "--input", kind, file)
                others, difference = check(str(file), batch, classes, probabilities, config)
                bad = others > 0 or difference > LIMIT
                failed = failed or bad
                print(f"{config['name']:<20}{kind:<8}{len(pixels):>8,}{others:>13}{difference:>20.2e}"
                      + ("   FAILED" if bad else ""))
    sys.exit(1 if failed else 0)


main()
