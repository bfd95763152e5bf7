"""ONNX Runtime and onnx.checker on the export of every sample network of the tests (every layer type, every way layers
meet, odd padding), against the Double reference's probabilities.

    NUMERAL_ONNX_SAMPLES=FOLDER swift test --filter ONNXExportTests
    python Tests/Oracles/check_onnx_samples.py FOLDER

Exit code 1 where a model is refused or a probability differs by more than 1e-5.
"""
import pathlib
import sys

import numpy
import onnx
import onnxruntime

worst = 0.0
paths = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
for path in paths:
    onnx.checker.check_model(onnx.load(path), full_check=True)
    expected = numpy.load(path.with_suffix(".npz"))
    pixels = expected["bytes"]
    if pixels.ndim == 4:
        pixels = pixels.transpose(0, 3, 1, 2)
    pixels = pixels.astype(numpy.uint8) if path.stem.endswith("uint8") else pixels / numpy.float32(255)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: pixels})
    difference = float(numpy.abs(found - expected["probabilities"]).max())
    worst = max(worst, difference)
    if not difference <= 1e-5:
        print(f"{path.stem}: {difference:.2e}")
print(f"{len(paths)} models, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: "
      f"largest difference {worst:.2e}")
sys.exit(0 if paths and worst <= 1e-5 else 1)
