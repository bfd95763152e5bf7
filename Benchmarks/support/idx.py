"""IDX files of bytes or 32-bit integers, gzip or not."""

import gzip
import pathlib

import numpy as np


def read(path):
    for suffix, opener in (("", open), (".gz", gzip.open)):
        if pathlib.Path(str(path) + suffix).exists():
            data = opener(str(path) + suffix, "rb").read()
            shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
            return np.frombuffer(data, {8: np.uint8, 12: ">i4"}[data[2]], offset=4 + 4 * data[3]).reshape(shape)
    raise SystemExit(f"{path}: expected this file, or it with .gz")
