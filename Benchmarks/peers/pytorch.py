"""PyTorch: channels-last or contiguous, eager or compiled by Inductor, Adam fused."""

from . import network

TITLE = "PyTorch"
PACKAGES = ["torch"]
SETTINGS = {
    "training": ["channels-last", "channels-last, compiled", "contiguous"],
    "inference": ["channels-last", "channels-last, compiled and frozen", "traced, frozen, optimized"],
}


def environment(setting, threads):
    return {"OMP_NUM_THREADS": str(threads)}


def load(threads):
    import torch

    torch.set_num_threads(threads)


def module():
    """The network with the common weights."""
    import torch
    from torch import nn

    arrays = network.weights()
    layers = []

    def normalization(kind, name, width):
        layer = kind(width, eps=network.EPSILON, momentum=network.MOMENTUM)
        layer.weight.data = torch.from_numpy(arrays[name + ".gamma"])
        layer.bias.data = torch.from_numpy(arrays[name + ".beta"])
        layer.running_mean.copy_(torch.from_numpy(arrays[name + ".mean"]))
        layer.running_var.copy_(torch.from_numpy(arrays[name + ".variance"]))
        return layer

    for index, (inputs, outputs) in enumerate(network.CONVOLUTIONS, 1):
        layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        layer.weight.data = torch.from_numpy(arrays[f"conv{index}.w"].transpose(3, 2, 0, 1).copy())
        layers += [layer, normalization(nn.BatchNorm2d, f"conv{index}", outputs), nn.ReLU()]
        if index % 2 == 0:
            layers += [nn.MaxPool2d(2), nn.Dropout(network.CONVOLUTION_DROPOUT)]
    hidden = nn.Linear(*network.HIDDEN, bias=False)
    # PyTorch flattens (C, H, W); the common weights are in the order (H, W, C).
    common = arrays["hidden.w"].reshape(7, 7, 64, network.HIDDEN[1])
    hidden.weight.data = torch.from_numpy(common.transpose(3, 2, 0, 1).reshape(network.HIDDEN[1], -1).copy())
    output = nn.Linear(network.HIDDEN[1], network.CLASSES)
    output.weight.data = torch.from_numpy(arrays["output.w"].T.copy())
    output.bias.data = torch.from_numpy(arrays["output.b"])
    layers += [nn.Flatten(), hidden, normalization(nn.BatchNorm1d, "hidden", network.HIDDEN[1]), nn.ReLU(),
               nn.Dropout(network.HIDDEN_DROPOUT), output]
    return nn.Sequential(*layers)


def placed(setting, model, images):
    """The model and the images [N, C, H, W] in the setting's memory format."""
    import torch

    images = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    if setting.startswith("channels-last"):
        return model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    return model, images


class Training:
    def __init__(self, setting, batch):
        import torch

        images, labels = network.data(batch)
        self.model, self.images = placed(setting, module().train(), images)
        self.labels = torch.from_numpy(labels.astype("int64"))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=network.LEARNING_RATE, fused=True)
        self.before = self.model[1].running_mean.clone()
        model = self.model

        def loss(images, labels):
            return torch.nn.functional.cross_entropy(model(images), labels)

        self.loss = torch.compile(loss, dynamic=False) if "compiled" in setting else loss

    def run(self, count):
        for _ in range(count):
            self.optimizer.zero_grad(set_to_none=True)
            self.value = self.loss(self.images, self.labels)
            self.value.backward()
            self.optimizer.step()

    def check(self):
        network.require_training(sum(p.numel() for p in self.model.parameters()), self.value.item(), self.before,
                                 self.model[1].running_mean)


class Inference:
    def __init__(self, setting, batch):
        import torch

        self.model, self.images = placed(setting, module().eval(), network.data(batch)[0])
        if "compiled" in setting:
            import torch._inductor.config

            torch._inductor.config.freezing = True
            self.model = torch.compile(self.model, dynamic=False)
        elif "traced" in setting:
            with torch.inference_mode():
                traced = torch.jit.trace(self.model, self.images)
                self.model = torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def run(self, count):
        import torch

        # Freezing asks for no_grad; inference_mode includes it.
        with torch.inference_mode():
            for _ in range(count):
                self.output = self.model(self.images)

    def check(self):
        return network.require_logits(self.output.numpy())


def prepare(mode, setting, batch, threads, folder):
    return (Training if mode == "training" else Inference)(setting, batch)


def export(path, batch):
    """Writes the network in evaluation mode as ONNX, the batch size fixed."""
    import torch

    model, images = placed("contiguous", module().eval(), network.data(batch)[0])
    torch.onnx.export(model, (images,), path, input_names=["images"], output_names=["logits"], dynamo=False)
