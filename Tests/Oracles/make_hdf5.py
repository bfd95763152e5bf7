#!/usr/bin/env python3
"""HDF5 files as h5py writes them, in base64, for Tests/FormatsTests/HDF5FileTests.swift and Tests/DatasetsTests/HouseNumbersTests.swift.

    python Tests/Oracles/make_hdf5.py

`arrays` has data sets of several types and layouts; `digitStruct` is laid out as MATLAB's in SVHN's "format 1", behind a block of 512
bytes of MATLAB's own: three pictures, of two digits, of one and of three.
"""

import base64
import io

import h5py
import numpy as np


def arrays():
    memory = io.BytesIO()
    with h5py.File(memory, "w", libver="earliest") as file:
        file["bytes"] = np.arange(6, dtype=np.uint8).reshape(2, 3)
        file["words"] = np.array([-3, 7], np.int16)
        file["single"] = np.array([0.5, -1.25], np.float32)
        group = file.create_group("inner")
        group["number"] = 2.5
        # [7, 10] in pieces of [3, 4], shuffled, deflated, with checksums.
        group.create_dataset(
            "pieces", data=np.arange(70, dtype=np.int32).reshape(7, 10) * 1000 - 5000, chunks=(3, 4), compression=4, shuffle=True,
            fletcher32=True)
        group["empty"] = np.zeros((0, 3))
        group["text"] = "words"
        # More names than one node of a group holds.
        many = file.create_group("many")
        for number in range(40):
            many[f"n{number:02}"] = np.uint8(number)
    return memory.getvalue()


def digit_struct():
    numbers = [("1.png", "19", [(10, 8, 12, 30), (25, 9, 13, 31)]), ("2.png", "5", [(12, 6, 14, 28)]),
               ("3.png", "207", [(5, 5, 10, 25), (18, 5, 10, 25), (31, 6, 11, 26)])]
    memory = io.BytesIO()
    with h5py.File(memory, "w", libver="earliest", userblock_size=512) as file:
        refs = file.create_group("#refs#")
        count = 0

        def put(value, dtype):
            nonlocal count
            count += 1
            return refs.create_dataset(f"d{count}", data=np.array(value, dtype).reshape(-1, 1)).ref

        names, boxes = [], []
        for name, text, digits in numbers:
            names.append(put([ord(c) for c in name], np.uint16))
            count += 1
            box = refs.create_group(f"d{count}")
            columns = {"label": [int(c) or 10 for c in text]}
            columns |= {key: [digit[k] for digit in digits] for k, key in enumerate(("left", "top", "width", "height"))}
            for key, values in columns.items():
                if len(values) == 1:
                    box[key] = np.array([[float(values[0])]])
                else:
                    box.create_dataset(key, data=np.array([[put([float(v)], np.float64)] for v in values], h5py.ref_dtype),
                                       dtype=h5py.ref_dtype)
            boxes.append(box.ref)
        group = file.create_group("digitStruct")
        for key, values in (("name", names), ("bbox", boxes)):
            group.create_dataset(key, data=np.array(values, h5py.ref_dtype).reshape(-1, 1), dtype=h5py.ref_dtype, chunks=(2, 1), compression=3)
    file = bytearray(memory.getvalue())
    file[:19] = b"MATLAB 7.3 MAT-file"
    return bytes(file)


if __name__ == "__main__":
    import gzip
    for name, content in (("arrays", arrays()), ("digitStruct", digit_struct())):
        print(name, len(content), base64.b64encode(gzip.compress(content, mtime=0)).decode())
