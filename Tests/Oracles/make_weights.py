"""One small network with the same layers in PyTorch and in Keras: their weight files, and their logits for four images.
Oracles of InterchangeTests.

    KERAS_BACKEND=torch python Tests/Oracles/make_weights.py Tests/InterchangeTests/Fixtures

Writes torch.safetensors, keras.safetensors, torch.npz (compressed), keras.npz (without names), arrays.npz (types,
orders and ranks) and weights.json.
"""
import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from keras import layers
from torch import nn

SEED = 20261123
EPSILON = 1e-5


class Network(nn.Module):
    """8×7×2; conv 3×3 same 4, BN, ReLU, max-pool 2; conv 2×3 5 without bias, GELU; flatten to 3·1·5 → 15 with BN, tanh;
    dense 15 (as many as features come in); dense 4."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.wide = nn.Conv2d(4, 5, (2, 3), bias=False)
        self.flat_norm = nn.BatchNorm1d(15)
        self.fc1 = nn.Linear(15, 15)
        self.fc2 = nn.Linear(15, 4)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.norm(self.stem(x))), 2)
        x = torch.flatten(nn.functional.gelu(self.wide(x)), 1)
        return self.fc2(self.fc1(torch.tanh(self.flat_norm(x))))


def keras_network():
    return keras.Sequential([
        keras.Input((8, 7, 2)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(epsilon=EPSILON),
        layers.ReLU(), layers.MaxPooling2D(2), layers.Conv2D(5, (2, 3), use_bias=False),
        layers.Activation(keras.activations.gelu), layers.Flatten(), layers.BatchNormalization(epsilon=EPSILON),
        layers.Activation("tanh"), layers.Dense(15), layers.Dense(4)])


def main(folder):
    torch.manual_seed(SEED)
    keras.utils.set_random_seed(SEED)
    random = numpy.random.default_rng(SEED)
    images = random.uniform(-1, 1, (4, 8, 7, 2)).astype(numpy.float32)

    network = Network().eval()
    state = {}
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value = torch.from_numpy(random.uniform(0.5, 1.5, value.shape).astype(numpy.float32))
        elif value.dim() == 1:
            value = torch.from_numpy(random.uniform(-1, 1, value.shape).astype(numpy.float32))
        elif value.dim() == 0:
            value = torch.tensor(7)
        state[name] = value
    network.load_state_dict(state)
    with torch.no_grad():
        torch_logits = network.double()(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).double()).numpy()
    metadata = {"provenance": f"torch {torch.__version__}, safetensors {safetensors.__version__}, seed {SEED}"}
    safetensors.torch.save_file(state, folder / "torch.safetensors", metadata=metadata)
    numpy.savez_compressed(folder / "torch.npz", **{k: v.numpy() for k, v in state.items()})

    model = keras_network()
    model.set_weights([
        random.uniform(0.5, 1.5, w.shape).astype(numpy.float32) if w.ndim == 1 else w for w in model.get_weights()])
    # gelu of Keras 3 is the tanh approximation unless told; exact here, as PyTorch's.
    model.layers[5].activation = lambda x: keras.activations.gelu(x, approximate=False)
    keras_logits = keras.ops.convert_to_numpy(model(images, training=False))
    metadata = {"provenance": f"keras {keras.__version__}, safetensors {safetensors.__version__}, seed {SEED}"}
    arrays = {w.path: keras.ops.convert_to_numpy(w.value) for w in model.weights}
    safetensors.numpy.save_file(arrays, folder / "keras.safetensors", metadata=metadata)
    numpy.savez(folder / "keras.npz", *model.get_weights())

    base = numpy.array([[0, 1.5, -2], [3, 100, 65504]])
    kinds = {kind: base.astype(kind) for kind in ("f2", "f4", "f8", "i4", "i8", "u4", "u8")}
    small = numpy.array([[0, 1, 2], [3, 100, 127]])
    kinds |= {kind: small.astype(kind) for kind in ("i1", "u1", "i2", "u2")}
    kinds |= {
        "bool": small > 1, "fortran": numpy.asfortranarray(numpy.arange(24, dtype="f4").reshape(2, 3, 4)),
        "scalar": numpy.float32(2.5), "empty": numpy.zeros((0, 3), "f4"), "a/b é": numpy.arange(3, dtype="f4")}
    kinds["u4"], kinds["u8"] = abs(base).astype("u4"), abs(base).astype("u8")
    numpy.savez_compressed(folder / "arrays.npz", **kinds)
    json.dump(
        {
            "provenance": {
                "tools": {"torch": torch.__version__, "keras": keras.__version__, "numpy": numpy.__version__,
                          "safetensors": safetensors.__version__, "KERAS_BACKEND": keras.backend.backend()},
                "seed": SEED, "command": "python Tests/Oracles/make_weights.py Tests/InterchangeTests/Fixtures"},
            "images": images.reshape(-1).tolist(), "torchLogits": torch_logits.reshape(-1).tolist(),
            "kerasLogits": keras_logits.astype(float).reshape(-1).tolist(),
            "arrays": {
                name: {"shape": list(value.shape), "values": value.astype("f4").reshape(-1).astype(float).tolist()}
                for name, value in kinds.items()},
        }, (folder / "weights.json").open("w"), indent=1)


main(pathlib.Path(sys.argv[1]))
