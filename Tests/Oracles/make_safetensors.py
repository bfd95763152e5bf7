"""A tiny file that the reference package wrote: the oracle of SafetensorsTests.

    python make_safetensors.py ../TrainingTests/Fixtures/reference.safetensors
"""
import sys

import numpy
import safetensors
from safetensors.numpy import save_file

save_file(
    {
        "dense/kernel": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4 - 0.5,
        "dense/bias": numpy.array([1.5, -2.25, 3.402823466e38], dtype=numpy.float32),
        "scalar": numpy.array(0.1, dtype=numpy.float32),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
    },
    sys.argv[1],
    metadata={
        "provenance": f"safetensors {safetensors.__version__}, numpy {numpy.__version__}, no seed; "
        "python Tests/Oracles/make_safetensors.py Tests/TrainingTests/Fixtures/reference.safetensors",
        "text": "quote \" backslash \\ newline \n é 数",
    })
