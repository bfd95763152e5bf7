"""ONNX Runtime's CPU provider, all graph optimisations, input and output bound once; the model comes from PyTorch."""

from . import network

TITLE = "ONNX Runtime"
PACKAGES = ["onnxruntime"]
SETTINGS = {"inference": ["spinning", "no spinning"], "int8": ["spinning", "no spinning"]}


def environment(setting, threads):
    return {"OMP_NUM_THREADS": str(threads)}


def load(threads):
    import onnxruntime  # noqa: F401


class Inference:
    def __init__(self, mode, setting, batch, threads, folder):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if setting == "spinning" else "0")
        self.session = onnxruntime.InferenceSession(network.exported(folder, mode, batch), options,
                                                    providers=["CPUExecutionProvider"])
        self.mode = mode
        self.images = network.data(batch)[0].transpose(0, 3, 1, 2).copy()
        self.binding = self.session.io_binding()
        self.binding.bind_cpu_input("images", self.images)
        self.binding.bind_output("logits")

    def run(self, count):
        for _ in range(count):
            self.session.run_with_iobinding(self.binding)

    def check(self):
        return network.require_logits(self.binding.copy_outputs_to_cpu()[0], self.mode)


def prepare(mode, setting, batch, threads, folder):
    return Inference(mode, setting, batch, threads, folder)
