"""Reads pictures from Python, by Python's own ctypes: python3 Examples/ctypes_read.py .build/debug/libnumeral.so PICTURE…"""
import ctypes as c
import sys

class Character(c.Structure):
    _fields_ = [("label", c.c_int32), ("confidence", c.c_float)] + [(k, c.c_int32) for k in ("line", "x", "y", "width", "height")]

library = c.CDLL(sys.argv[1])
library.numeral_class_name.restype = c.c_char_p
if library.numeral_abi_version() != 1:
    sys.exit(f"{sys.argv[1]}: expected version 1 of its interface, received {library.numeral_abi_version()}")
model, error = c.c_void_p(), c.create_string_buffer(512)
if library.numeral_load(b"box", 0, c.byref(model), error, c.c_int64(512)):
    sys.exit(error.value.decode())
for path in sys.argv[2:]:
    found, count = (Character * 256)(), c.c_int64()
    if library.numeral_read_file(model, path.encode(), found, c.c_int64(256), c.byref(count), error, c.c_int64(512)):
        sys.exit(error.value.decode())
    if count.value > 256:
        print(f"{path}: only the first 256 of {count.value} characters", file=sys.stderr)
    for k in found[: count.value]:
        print(f"{path},{k.line},{k.x},{k.y},{k.width},{k.height},{library.numeral_class_name(model, k.label).decode()},{k.confidence:.6f}")
library.numeral_free(model)
