"""The reference network of this project (`config/reference.json`), for every peer the same weights and data.

Layouts are those of TensorFlow and JAX: images [N, H, W, C], filters [kH, kW, inC, outC], dense weights [in, out], the
inputs of the first dense layer in the order (H, W, C).
"""

import os

import numpy as np

EPSILON = 1e-5
"""Added to the variance by batch normalization."""

MOMENTUM = 0.1
"""Weight of the new batch in batch normalization's running statistics."""

LEARNING_RATE = 1e-3
CLASSES = 10
CONVOLUTIONS = [(1, 32), (32, 32), (32, 64), (64, 64)]
"""Input and output channels; a 2×2 max-pooling and a dropout follow the second and the fourth."""

HIDDEN = (7 * 7 * 64, 256)
CONVOLUTION_DROPOUT = 0.25
HIDDEN_DROPOUT = 0.5
TRAINABLE = 871_082
"""Trainable parameters; every peer's count must be this one."""


def weights():
    """All arrays by name, float32, from a fixed seed: `conv1…4.{w,gamma,beta,mean,variance}`, `hidden.{…}`,
    `output.{w,b}`. The statistics are not trivial, so that a wrongly folded batch normalization shows."""
    generator = np.random.default_rng(20240229)
    arrays = {}

    def normalization(name, width):
        arrays[name + ".gamma"] = generator.uniform(0.5, 1.5, width)
        arrays[name + ".beta"] = generator.normal(0, 0.1, width)
        arrays[name + ".mean"] = generator.normal(0, 0.1, width)
        arrays[name + ".variance"] = generator.uniform(0.5, 1.5, width)

    for index, (inputs, outputs) in enumerate(CONVOLUTIONS, 1):
        name = f"conv{index}"
        arrays[name + ".w"] = generator.normal(0, (2 / (9 * inputs)) ** 0.5, (3, 3, inputs, outputs))
        normalization(name, outputs)
    arrays["hidden.w"] = generator.normal(0, (2 / HIDDEN[0]) ** 0.5, HIDDEN)
    normalization("hidden", HIDDEN[1])
    arrays["output.w"] = generator.normal(0, (2 / HIDDEN[1]) ** 0.5, (HIDDEN[1], CLASSES))
    arrays["output.b"] = generator.normal(0, 0.1, CLASSES)
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def data(count):
    """Images [count, 28, 28, 1], uniform in [0, 1), and labels [count], int32, from a fixed seed."""
    generator = np.random.default_rng(7)
    images = generator.random((count, 28, 28, 1), dtype=np.float32)
    return images, generator.integers(0, CLASSES, count, dtype=np.int32)


def logits(images, arrays):
    """The network in evaluation mode, in float64, by plain formulas: what every peer's inference is checked against."""
    arrays = {name: array.astype(np.float64) for name, array in arrays.items()}

    def normalize_relu(x, name):
        scale = arrays[name + ".gamma"] / np.sqrt(arrays[name + ".variance"] + EPSILON)
        return np.maximum((x - arrays[name + ".mean"]) * scale + arrays[name + ".beta"], 0)

    x = images.astype(np.float64)
    for index in range(1, 5):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        x = normalize_relu(np.einsum("nhwcij,ijco->nhwo", windows, arrays[f"conv{index}.w"], optimize=True),
                           f"conv{index}")
        if index % 2 == 0:
            n, h, w, c = x.shape
            x = x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))
    x = normalize_relu(x.reshape(len(x), -1) @ arrays["hidden.w"], "hidden")
    return x @ arrays["output.w"] + arrays["output.b"]


def exported(folder, mode, batch):
    """Where `peers.export` put the network."""
    return os.path.join(folder, f"{'int8' if mode == 'int8' else 'reference'}-{batch}.onnx")


def require_logits(found, mode="inference", count=8):
    """Throws unless the first rows of `found` are the logits of `data`: to float32's rounding, of which bfloat16's is 100
    times coarser; in the mode int8 to that of bytes, and no nearer."""
    count = min(count, len(found))
    expected = logits(data(count)[0], weights())
    difference = float(np.abs(np.asarray(found)[:count] - expected).max() / np.abs(expected).max())
    if mode == "int8":
        if not 1e-4 < difference < 0.1:
            raise ValueError(f"logits differ from the reference by {difference:.1e} of the largest: not the same network, "
                             "or not by bytes")
        return difference
    if not difference < 1e-4:
        raise ValueError(f"logits differ from the reference by {difference:.1e} of the largest: not the same network, "
                         "or not in float32")
    return difference


def require_training(parameters, loss, statistics_before, statistics_after):
    """Throws unless a training step had the right parameters and a finite loss, and moved the running statistics."""
    if parameters != TRAINABLE:
        raise ValueError(f"trainable parameters: expected {TRAINABLE}, received {parameters}")
    if not np.isfinite(loss):
        raise ValueError(f"the training loss is {loss}")
    if np.array_equal(np.asarray(statistics_before), np.asarray(statistics_after)):
        raise ValueError("training did not move batch normalization's statistics")
