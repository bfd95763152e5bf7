#!/usr/bin/env python3
"""MAT-files as SciPy writes them, in base64, for Tests/FormatsTests/MATFileTests.swift.

    python Tests/Oracles/make_mat.py

X is [2, 3, 3, 4] with X[i, j, k, l] = 60·l + 10·k + 3·j + i; y is [4, 1], doubles 10, 1, 2, 3; the others are matrices of kinds
that are passed over or read in other types.
"""

import base64
import io

import numpy as np
import scipy.io

i, j, k, l = np.ogrid[:2, :3, :3, :4]
matrices = {
    "X": (60 * l + 10 * k + 3 * j + i).astype(np.uint8),
    "y": np.array([[10.0], [1], [2], [3]]),
    "text": "a text",
    "complex": np.array([[1 + 2j]]),
    "cells": np.array([[1, "b"]], dtype=object),
    "small": np.array([[-3, 7]], dtype=np.int16),
    "single": np.array([[0.5], [-1.25]], dtype=np.float32),
}
for compressed in (False, True):
    file = io.BytesIO()
    scipy.io.savemat(file, matrices, do_compression=compressed)
    bytes = file.getvalue()
    # The header's text names the machine and the time.
    print("compressed" if compressed else "plain", base64.b64encode(b"MATLAB 5.0 MAT-file".ljust(116) + bytes[116:]).decode())
