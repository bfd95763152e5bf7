#!/usr/bin/env python3
"""What `trainer quantize` costs in accuracy, and whether ONNX Runtime says the same of the exported network.

    python3 -m venv .build/quantize && .build/quantize/bin/pip install numpy==2.* onnx==1.* onnxruntime==1.*
    swift build --product trainer
    .build/quantize/bin/python Benchmarks/quantize.py --mnist DIR [--config config/default.json] [--seeds 1,2,3,4,5]

For each seed: trains, quantizes (ranges and choices by the validation images), tests both models on the 10,000 test images, exports the
quantized one and asks ONNX Runtime about the same images. DIR holds MNIST's four IDX files, gzip or not.
"""
import argparse
import csv
import pathlib
import re
import statistics
import subprocess
import tempfile

import numpy as np
import onnx
import onnxruntime

from support import idx


def run(options, *arguments):
    return subprocess.run([options.trainer, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def probabilities(options, model, folder):
    """What `trainer evaluate` says of the test images, and their labels."""
    run(options, "evaluate", "--model", model, "--data", options.mnist, "--output", folder, "--quiet")
    with open(next(folder.glob("*/predictions.csv")), newline="") as file:
        rows = list(csv.reader(file))[1:]
    table = np.array(rows, dtype=np.float64)
    return table[:, 3:], table[:, 1].astype(int)


def runtime(path, images):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = (images[:, None] / np.float32(255)).astype(np.float32)
    return np.concatenate([session.run(None, {"input": pixels[i:i + 500]})[0] for i in range(0, len(pixels), 500)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", required=True, type=pathlib.Path)
    parser.add_argument("--config", default="config/default.json")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--trainer", default=".build/debug/trainer")
    options = parser.parse_args()
    images = idx.read(options.mnist / "t10k-images-idx3-ubyte")
    print(f"onnxruntime {onnxruntime.__version__}, {options.config}")
    print("seed  floats   int8     differ  only floats/int8 right  ONNX Runtime agrees  largest difference  layers  images/s")
    losses = []
    for seed in map(int, options.seeds.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            run(options, "--config", options.config, "--seed", seed, "--data", options.mnist, "--output", folder / "runs", "--quiet")
            trained = next((folder / "runs").iterdir())
            text = run(options, "quantize", "--model", trained, "--data", options.mnist, "--quiet")
            quantized = trained / "model-int8.safetensors"
            run(options, "export", "--model", quantized, "--format", "onnx", folder / "model.onnx")
            floats, labels = probabilities(options, trained, folder / "floats")
            ours, _ = probabilities(options, quantized, folder / "int8")
            theirs = runtime(folder / "model.onnx", images)
            right = [table.argmax(1) == labels for table in (floats, ours)]
            rates = re.findall(r"batch \d+\s+([\d,]+) images/s with floats, ([\d,]+) with int8", text)[0]
            losses.append(100 * (right[0].mean() - right[1].mean()))
            print(f"{seed:4}  {100 * right[0].mean():.2f} %  {100 * right[1].mean():.2f} %  {(floats.argmax(1) != ours.argmax(1)).sum():6}"
                  f"  {(right[0] & ~right[1]).sum():11}/{(right[1] & ~right[0]).sum()}"
                  f"  {100 * (ours.argmax(1) == theirs.argmax(1)).mean():26.2f} %  {np.abs(ours - theirs).max():18.1e}"
                  f"  {len(re.findall('  int8$', text, re.MULTILINE)):6}  {' → '.join(rates)}", flush=True)
    print(f"points lost: {statistics.mean(losses):.3f} (mean of {len(losses)}; {min(losses):.2f} to {max(losses):.2f})")


if __name__ == "__main__":
    main()
