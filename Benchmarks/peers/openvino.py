"""OpenVINO's CPU plugin in float32, or by bytes; the model comes from PyTorch.

Its THROUGHPUT hint makes several streams: there the batch is cut into one request per thread, all of them done before
the next batch begins, as for every other peer.
"""

from . import network

TITLE = "OpenVINO"
PACKAGES = ["openvino"]
SETTINGS = {"inference": ["LATENCY", "THROUGHPUT"], "int8": ["LATENCY", "THROUGHPUT"]}


def environment(setting, threads):
    return {"OMP_NUM_THREADS": str(threads)}


def load(threads):
    import openvino  # noqa: F401


class Inference:
    def __init__(self, mode, setting, batch, threads, folder):
        import openvino

        images = network.data(batch)[0].transpose(0, 3, 1, 2).copy()
        self.mode = mode
        core = openvino.Core()
        model = core.read_model(network.exported(folder, mode, batch))
        # A batch of 1 has nothing to cut.
        self.requests = threads if setting == "THROUGHPUT" and batch % threads == 0 else 1
        if self.requests > 1:
            model.reshape([batch // self.requests, *images.shape[1:]])
        properties = {"PERFORMANCE_HINT": setting, "INFERENCE_NUM_THREADS": threads}
        if mode != "int8":
            properties["INFERENCE_PRECISION_HINT"] = "f32"
        self.compiled = core.compile_model(model, "CPU", properties)
        self.parts = [openvino.Tensor(part.copy()) for part in
                      images.reshape(self.requests, batch // self.requests, *images.shape[1:])]
        self.running = [self.compiled.create_infer_request() for _ in self.parts]
        for request, part in zip(self.running, self.parts):
            request.set_input_tensor(part)

    def run(self, count):
        if self.requests == 1:
            for _ in range(count):
                self.running[0].infer()
            return
        for _ in range(count):
            for request in self.running:
                request.start_async()
            for request in self.running:
                request.wait()

    def check(self):
        import numpy as np

        return network.require_logits(np.concatenate([r.get_output_tensor().data for r in self.running]), self.mode)


def prepare(mode, setting, batch, threads, folder):
    return Inference(mode, setting, batch, threads, folder)
