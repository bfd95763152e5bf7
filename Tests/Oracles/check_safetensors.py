"""Opens a safetensors file with the reference package and prints its metadata, and of every tensor the name, dtype,
shape and sum (in float64, at full precision).

    python check_safetensors.py FILE
"""
import sys

from safetensors import safe_open

with safe_open(sys.argv[1], framework="np") as file:
    for key, value in sorted((file.metadata() or {}).items()):
        print(f"metadata {key!r}: {value!r}")
    for name in sorted(file.keys()):
        tensor = file.get_tensor(name)
        print(f"{name}: {tensor.dtype} {list(tensor.shape)} sum {tensor.astype('float64').sum()!r}")
