"""`python -m peers.export FOLDER BATCH…`: the reference network as ONNX, from PyTorch, one file per batch size."""

import os
import sys


def main():
    from . import pytorch

    folder, batches = sys.argv[1], [int(text) for text in sys.argv[2:]]
    os.makedirs(folder, exist_ok=True)
    for batch in batches:
        pytorch.export(os.path.join(folder, f"reference-{batch}.onnx"), batch)


if __name__ == "__main__":
    main()
