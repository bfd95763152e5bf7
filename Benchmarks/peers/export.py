"""`python -m peers.export FOLDER MODES BATCH…`: the reference network as ONNX, from PyTorch, one file per batch size; with
the mode int8 among them also quantized by ONNX Runtime: static, per channel, QDQ, unsigned bytes between layers, ranges
by the very images that are measured."""

import os
import sys


def main():
    from . import pytorch

    folder, modes, batches = sys.argv[1], sys.argv[2].split(","), [int(text) for text in sys.argv[3:]]
    os.makedirs(folder, exist_ok=True)
    for batch in batches:
        path = os.path.join(folder, f"reference-{batch}.onnx")
        pytorch.export(path, batch)
        if "int8" in modes:
            quantize(path, os.path.join(folder, f"int8-{batch}.onnx"), batch)


def quantize(source, target, batch):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from . import network

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.batches = iter([{"images": network.data(batch)[0].transpose(0, 3, 1, 2).copy()}])

        def get_next(self):
            return next(self.batches, None)

    quant_pre_process(source, source + ".prepared")
    quantize_static(source + ".prepared", target, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


if __name__ == "__main__":
    main()
