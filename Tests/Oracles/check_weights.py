"""The reference network in PyTorch and in Keras, weights exchanged with Numeral both ways, as safetensors and as NPZ:
logits on MNIST test images agree to 1e-4 (compared after log-softmax, which takes out the one constant an image that
no probability depends on).

    python -m venv .build/weights
    .build/weights/bin/pip install torch keras safetensors numpy
    KERAS_BACKEND=torch .build/weights/bin/python Tests/Oracles/check_weights.py .build/debug/trainer --mnist FOLDER

FOLDER holds MNIST's four IDX files, plain or gzip. Exit code 1 where anything differs.
"""
import argparse
import csv
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config" / "reference.json"
LIMIT = 1e-4
EPSILON = 1e-5


class Reference(nn.Module):
    """config/reference.json as one would write it in PyTorch."""

    def __init__(self):
        super().__init__()

        def block(inputs, outputs):
            return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

        self.features = nn.Sequential(
            *block(1, 32), *block(32, 32), nn.MaxPool2d(2), nn.Dropout(0.25),
            *block(32, 64), *block(64, 64), nn.MaxPool2d(2), nn.Dropout(0.25))
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(64 * 49, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(256, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


def named(layers):
    """A plain PyTorch network whose parts are called like the configuration's layers."""
    kinds = {
        "conv2d": lambda l, c: nn.Conv2d(c, l["filters"], 3, padding=1, bias=False),
        "batchNormalization": lambda l, c: (nn.BatchNorm2d if c <= 64 else nn.BatchNorm1d)(c),
        "relu": lambda l, c: nn.ReLU(), "maxPooling2d": lambda l, c: nn.MaxPool2d(2),
        "dropout": lambda l, c: nn.Dropout(l["rate"]), "flatten": lambda l, c: nn.Flatten(),
        "dense": lambda l, c: nn.Linear(c, l["units"], bias=l["useBias"]),
    }
    network = nn.Sequential()
    channels = 1
    for layer in layers:
        network.add_module(layer["name"], kinds[layer["type"]](layer, channels))
        channels = layer.get("filters", layer.get("units", channels))
        if layer["type"] == "flatten":
            channels *= 49
    return network


def keras_reference():
    from keras import layers

    def block(filters):
        return [layers.Conv2D(filters, 3, padding="same", use_bias=False),
                layers.BatchNormalization(epsilon=EPSILON), layers.ReLU()]

    return keras.Sequential([
        keras.Input((28, 28, 1)), *block(32), *block(32), layers.MaxPooling2D(2), layers.Dropout(0.25),
        *block(64), *block(64), layers.MaxPooling2D(2), layers.Dropout(0.25), layers.Flatten(),
        layers.Dense(256, use_bias=False), layers.BatchNormalization(epsilon=EPSILON), layers.ReLU(),
        layers.Dropout(0.5), layers.Dense(10)])


def images(folder):
    for path in (folder / "t10k-images-idx3-ubyte", folder / "t10k-images-idx3-ubyte.gz"):
        if path.exists():
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            return numpy.frombuffer(data, numpy.uint8, offset=16).reshape(-1, 28, 28).astype(numpy.float32) / 255
    sys.exit(f"{folder}: no t10k-images-idx3-ubyte")


class Check:
    def __init__(self, options, temporary):
        self.options, self.temporary, self.failed, self.count = options, temporary, False, 0
        self.pixels = images(options.mnist)

    def trainer(self, *arguments):
        done = subprocess.run([self.options.trainer, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"trainer {' '.join(map(str, arguments))}\n{done.stderr}")

    def ours(self, model):
        """Numeral's log-probabilities."""
        self.count += 1
        output = self.temporary / f"evaluation{self.count}"
        self.trainer("evaluate", "--model", model, "--data", self.options.mnist, "--source", "full", "--output", output)
        (run,) = output.iterdir()
        with open(run / "predictions.csv") as file:
            return numpy.log(numpy.array(list(csv.reader(file))[1:], dtype=numpy.float64)[:, 3:])

    def compare(self, what, ours, logits):
        logits = logits.astype(numpy.float64)
        theirs = logits - numpy.log(numpy.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) \
            - logits.max(1, keepdims=True)
        difference = float(numpy.abs(theirs - ours).max())
        self.failed = self.failed or not difference <= LIMIT
        print(f"{what:<64}{difference:>10.2e}  logits to {numpy.abs(logits).max():.1f}"
              + ("" if difference <= LIMIT else "  FAILED"), flush=True)

    def torch_logits(self, network):
        network.eval()
        with torch.no_grad():
            return numpy.concatenate(
                [network(torch.from_numpy(self.pixels[i:i + 1000, None])).numpy() for i in range(0, 10_000, 1000)])

    def keras_logits(self, network):
        return numpy.concatenate([
            keras.ops.convert_to_numpy(network(self.pixels[i:i + 1000, ..., None], training=False))
            for i in range(0, 10_000, 1000)])

    def import_weights(self, path, *more):
        model = self.temporary / "imported.safetensors"
        self.trainer("import", "--config", CONFIG, path, model, *more)
        return self.ours(model)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trainer")
    parser.add_argument("--mnist", type=pathlib.Path, required=True)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, keras {keras.__version__} on {keras.backend.backend()}, "
          f"safetensors {safetensors.__version__}, numpy {numpy.__version__}; 10,000 MNIST test images")
    torch.manual_seed(0)
    keras.utils.set_random_seed(0)
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        check = Check(options, temporary)

        # PyTorch → Numeral; a few training steps move batch-norm's statistics away from where they begin.
        network = Reference()
        optimizer = torch.optim.Adam(network.parameters(), 1e-3)
        for step in range(20):
            batch = torch.from_numpy(check.pixels[step * 64:(step + 1) * 64, None])
            loss = nn.functional.cross_entropy(network(batch), torch.arange(64) % 10)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.classifier[5].weight.data *= 10
        path = temporary / "torch.safetensors"
        safetensors.torch.save_file(network.state_dict(), path)
        check.compare("PyTorch's state dictionary as safetensors", check.import_weights(path), check.torch_logits(network))
        path = temporary / "torch.npz"
        numpy.savez_compressed(path, **{k: v.numpy() for k, v in network.state_dict().items()})
        check.compare("PyTorch's state dictionary as compressed NPZ", check.import_weights(path),
                      check.torch_logits(network))

        # Keras → Numeral.
        model = keras_reference()
        random = numpy.random.default_rng(0)
        model.set_weights([
            w + random.uniform(0, 0.2, w.shape).astype(numpy.float32) if w.ndim == 1 else w * 1.7 for w in model.get_weights()])
        path = temporary / "keras.safetensors"
        safetensors.numpy.save_file({w.path: keras.ops.convert_to_numpy(w.value) for w in model.weights}, path)
        check.compare("Keras's weights as safetensors", check.import_weights(path), check.keras_logits(model))
        path = temporary / "keras.npz"
        numpy.savez(path, *model.get_weights())
        check.compare("Keras's get_weights() as NPZ", check.import_weights(path, "--layout", "keras"),
                      check.keras_logits(model))

        # Numeral → both, from a model trained here.
        check.trainer("--config", CONFIG, "--set", "data.source=sample", "--set", "training.epochs=1", "--output",
                      temporary / "run")
        (run,) = (temporary / "run").iterdir()
        ours = check.ours(run)
        layers = json.loads((run / "config.json").read_text())["model"]["layers"]
        for kind in ("safetensors", "npz"):
            path = temporary / f"export.{kind}"
            check.trainer("export", "--model", run, "--format", kind, path)
            state = safetensors.torch.load_file(path) if kind == "safetensors" else \
                {k: torch.from_numpy(v) for k, v in numpy.load(path).items()}
            network = named(layers)
            network.load_state_dict(state)
            check.compare(f"Numeral's export as {kind}, in PyTorch", ours, check.torch_logits(network))
            check.trainer("export", "--model", run, "--format", kind, "--layout", "keras", path)
            state = safetensors.numpy.load_file(path) if kind == "safetensors" else dict(numpy.load(path))
            model = keras_reference()
            roles = ("kernel", "gamma", "bias", "beta", "moving_mean", "moving_variance")
            model.set_weights([
                state[f"{l['name']}/{role}"] for l in layers for role in roles if f"{l['name']}/{role}" in state])
            check.compare(f"Numeral's export as {kind}, in Keras", ours, check.keras_logits(model))
    sys.exit(1 if check.failed else 0)


main()
