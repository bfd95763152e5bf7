#!/usr/bin/env python3
"""ONNX Runtime's numbers for a network of bytes: every step an operator of whole numbers, none left to a graph optimiser.

    python Tests/Oracles/make_quantized.py Tests/NeuralNetworkTests/Fixtures

Writes quantized.json: the logits of ten images. Weights, scales and zero points are made up. Layouts are the engine's: images NHWC,
kernels [kH, kW, in, out], dense kernels [in, out], features flattened NHWC.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

COMMAND = "python Tests/Oracles/make_quantized.py Tests/NeuralNetworkTests/Fixtures"
random = np.random.default_rng(20261129)

# Name, kernel, filters, strides, (scale, zero point) of what it reads.
CONVOLUTIONS = [("one", 3, 8, 1, (1 / 255, 0)), ("two", 3, 20, 2, (0.02, 0)), ("three", 1, 7, 1, (0.05, 118))]
DENSE = [("four", 24, (0.04, 0)), ("five", 5, (0.06, 0))]
IMAGES, SIDE = 10, 12


def main(folder):
    nodes, initialisers, layers = [], [], []

    def constant(name, value):
        initialisers.append(numpy_helper.from_array(value, name))
        return name

    def scales(name, scale, zero, kind):
        return [constant(f"{name}/scale", np.asarray(scale, np.float32)), constant(f"{name}/zero", np.asarray(zero, kind))]

    def layer(name, shape, scale, zero):
        """Weights of bytes, their scales, the bias in units of the sum."""
        filters = shape[-1]
        weights = random.integers(-127, 128, shape).astype(np.int8)
        factors = (random.uniform(0.5, 1.5, filters) / np.sqrt(np.prod(shape[:-1])) / 60).astype(np.float32)
        unit = np.float32(scale) * factors
        bias = random.integers(-3000, 3000, filters).astype(np.int32)
        layers.append({"name": name, "shape": list(shape), "weights": weights.reshape(-1).tolist(),
                       "scales": [float(v) for v in factors], "bias": [float(np.float32(b) * u) for b, u in zip(bias, unit)],
                       "inputScale": float(np.float32(scale)), "inputZeroPoint": zero})
        return weights, factors, bias

    nodes.append(helper.make_node("QuantizeLinear", ["images", *scales("images", 1 / 255, 0, np.uint8)], ["x0"]))
    value, channels, side = "x0", 2, SIDE
    following = [c[4] for c in CONVOLUTIONS[1:]] + [DENSE[0][2]]
    for (name, kernel, filters, stride, (scale, zero)), (next_scale, next_zero) in zip(CONVOLUTIONS, following):
        weights, factors, bias = layer(name, (kernel, kernel, channels, filters), scale, zero)
        # "same": what TensorFlow pads.
        out = -(-side // stride)
        total = max(0, (out - 1) * stride + kernel - side)
        before = total // 2
        nodes.append(helper.make_node(
            "QLinearConv", [value, *scales(f"{name}/in", scale, zero, np.uint8),
                            constant(f"{name}/w", weights.transpose(3, 2, 0, 1).copy()), *scales(f"{name}/w", factors, [0] * filters, np.int8),
                            *scales(f"{name}/out", next_scale, next_zero, np.uint8), constant(f"{name}/b", bias)],
            [f"{name}/y"], strides=[stride, stride], pads=[before, before, total - before, total - before]))
        value, channels, side = f"{name}/y", filters, out
        if name == "one":  # pooled after its rectifier, which is the cut at the zero point 0
            nodes.append(helper.make_node("MaxPool", [value], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]))
            value, side = "pooled", side // 2
    nodes += [helper.make_node("Transpose", [value], ["nhwc"], perm=[0, 2, 3, 1]), helper.make_node("Flatten", ["nhwc"], ["flat"])]
    value, features = "flat", side * side * channels
    for index, (name, units, (scale, zero)) in enumerate(DENSE):
        weights, factors, bias = layer(name, (features, units), scale, zero)
        inputs = [value, *scales(f"{name}/in", scale, zero, np.uint8), constant(f"{name}/w", weights),
                  *scales(f"{name}/w", factors, [0] * units, np.int8), constant(f"{name}/b", bias)]
        if index + 1 < len(DENSE):
            inputs += scales(f"{name}/out", *DENSE[index + 1][2], np.uint8)
        nodes.append(helper.make_node("QGemm", inputs, [f"{name}/y"], domain="com.microsoft"))
        value, features = f"{name}/y", units
    graph = helper.make_graph(
        nodes, "quantized", [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 2, SIDE, SIDE])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["N", DENSE[-1][1]])], initialisers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    pixels = random.integers(0, 256, (IMAGES, SIDE, SIDE, 2)).astype(np.float32)
    images = pixels / np.float32(255)
    logits = session.run(None, {"images": images.transpose(0, 3, 1, 2).copy()})[0]
    written = {"tool": f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}", "command": COMMAND, "layers": layers,
               "pixels": [int(v) for v in pixels.reshape(-1)], "logits": [float(v) for v in logits.reshape(-1)]}
    with open(pathlib.Path(folder) / "quantized.json", "w", encoding="utf-8") as file:
        json.dump(written, file, separators=(",", ":"))
        file.write("\n")
    print(logits[:2])


if __name__ == "__main__":
    main(sys.argv[1])
