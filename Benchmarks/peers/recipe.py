"""A recipe in PyTorch, as its configuration says: `python -m peers.recipe JOB`, JOB and what it prints being JSON.

The same network, initialisation, augmentation, optimizer, schedule, smoothing and averaging as Numeral's, from the same
file, written as one would who wants PyTorch to be fast on a CPU: channels-last, fused optimizer, the augmentation of a
whole batch in one `grid_sample`, moving averages by `torch._foreach`. Random numbers are PyTorch's own. What the
configuration asks for and is not here is refused.

After each epoch the test set is classified, outside the clock. Job: `config` (the configuration), `seed`, `threads`,
`data` (folder of the IDX files), `compiled`.
"""

import gzip
import json
import math
import os
import sys
import time

import numpy as np

SUPPORTED = {
    "training": {"epochs", "batchSize", "optimizer", "schedule", "labelSmoothing", "averaging", "earlyStopping",
                 "checkpoints", "shards", "warmupEpochs", "l2", "gradientClipping", "lookahead", "distillation",
                 "whitening", "progressiveResizing"},
    "augmentation": {"rotation", "scale", "shear", "translation"},
}
OFF = (None, 0, [], {})


class Unsupported(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Unsupported(f"peers.recipe: {what} is not in this script")


def idx(folder, name):
    for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
        if os.path.exists(path):
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                content = file.read()
            dimensions = content[3]
            shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
            return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    raise FileNotFoundError(f"{folder}: no {name}")


def network(config):
    import torch
    from torch import nn

    model = config["model"]
    require(model.get("initializer", "heNormal") == "heNormal", f"initializer {model.get('initializer')}")
    height, width, channels = model.get("inputShape", [28, 28, 1])
    layers, flat = [], None

    def pair(value):
        return (value, value) if isinstance(value, int) else tuple(value)

    for layer in model["layers"]:
        kind = layer["type"]
        require("inputs" not in layer and "initializer" not in layer, "a graph with named inputs or initializers")
        if kind == "conv2d":
            kernel, stride = pair(layer["kernelSize"]), pair(layer.get("strides", 1))
            padding = layer.get("padding", "valid")
            require(padding in ("valid", "same") and (stride == (1, 1) or padding == "valid"), f"padding {padding}")
            module = nn.Conv2d(channels, layer["filters"], kernel, stride, padding, bias=layer.get("useBias", True))
            fan_in = channels * kernel[0] * kernel[1]
            nn.init.normal_(module.weight, 0, math.sqrt(2 / fan_in))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if padding == "valid":
                height, width = ((e - k) // s + 1 for e, k, s in zip((height, width), kernel, stride))
            channels = layer["filters"]
        elif kind == "dense":
            module = nn.Linear(flat, layer["units"], bias=layer.get("useBias", True))
            nn.init.normal_(module.weight, 0, math.sqrt(2 / flat))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            flat = layer["units"]
        elif kind == "batchNormalization":
            make = nn.BatchNorm2d if flat is None else nn.BatchNorm1d
            module = make(channels if flat is None else flat, eps=layer.get("epsilon", 1e-5),
                          momentum=layer.get("momentum", 0.1))
        elif kind == "relu":
            module = nn.ReLU(inplace=True)
        elif kind == "maxPooling2d":
            size = pair(layer["poolSize"])
            require(pair(layer.get("strides") or size) == size, "strides of a pooling")
            module = nn.MaxPool2d(size)
            height, width = height // size[0], width // size[1]
        elif kind == "globalAveragePooling2d":
            module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
            flat = channels
        elif kind == "dropout":
            module = nn.Dropout(layer["rate"])
        elif kind == "flatten":
            module, flat = nn.Flatten(), height * width * channels
        else:
            raise Unsupported(f"peers.recipe: layer {kind} is not in this script")
        layers.append(module)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


class Augmentation:
    """One affine warp an image, bilinear, zero outside: `c + [1 −k; 0 1]·R(−θ)·(q − c − t)/s`."""

    def __init__(self, options, generator):
        for key in options:
            require(key in SUPPORTED["augmentation"] or options[key] in OFF, f"augmentation.{key}")
        scale = options.get("scale", 0)
        self.scale = scale if isinstance(scale, list) else [1 - scale, 1 + scale]
        self.rotation, self.shear = options.get("rotation", 0), options.get("shear", 0)
        self.translation = options.get("translation", 0)
        self.generator = generator
        self.is_identity = self.scale == [1, 1] and not (self.rotation or self.shear or self.translation)

    def __call__(self, images):
        import torch
        from torch.nn import functional

        if self.is_identity:
            return images
        n, _, height, width = images.shape
        u = torch.rand(5, n, generator=self.generator) * 2 - 1
        angle, shear = u[0] * (self.rotation * math.pi / 180), u[1] * self.shear
        low, high = self.scale
        scale = low + (high - low) * (u[2] + 1) / 2
        dx, dy = u[3] * self.translation, u[4] * self.translation
        cosine, sine = torch.cos(angle), torch.sin(angle)
        xx, xy = (cosine + shear * sine) / scale, (sine - shear * cosine) / scale
        yx, yy = -sine / scale, cosine / scale
        # In grid_sample's coordinates (pixel centres at (2i + 1)/n − 1) with square images the matrix is the same.
        require(height == width, "images that are not square")
        unit = 2 / width
        theta = torch.stack([torch.stack([xx, xy, -(xx * dx + xy * dy) * unit], 1),
                             torch.stack([yx, yy, -(yx * dx + yy * dy) * unit], 1)], 1)
        grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


class Muon:
    """`torch.optim.Muon` for weights, as matrices of one row a filter or unit, and Adam for the rest."""

    def __init__(self, weights, others, options, adam):
        import torch

        # Channels-last kernels: the memory as it lies is [filters, kH·kW·inC], so that both share it.
        self.pairs = [(weight, torch.nn.Parameter(self.matrix(weight.detach()))) for weight in weights]
        for weight, matrix in self.pairs:
            require(weight.data_ptr() == matrix.data_ptr(), "a weight that is not channels-last")
        muon = torch.optim.Muon([matrix for _, matrix in self.pairs], lr=options.get("learningRate", 0.02),
                                momentum=options.get("momentum", 0.95), nesterov=options.get("nesterov", True),
                                weight_decay=options.get("weightDecay", 0))
        self.parts = [muon, adam]
        self.parameters = weights + others

    @staticmethod
    def matrix(tensor):
        return (tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor).reshape(tensor.shape[0], -1)

    def zero_grad(self, set_to_none=True):
        for parameter in self.parameters:
            parameter.grad = None

    def step(self):
        for weight, matrix in self.pairs:
            matrix.grad = self.matrix(weight.grad)
        for part in self.parts:
            part.step()


def optimizer_of(options, model):
    import torch

    kind = options.get("type", "adam")
    decaying = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    if kind in ("adam", "adamW"):
        betas = (options.get("beta1", 0.9), options.get("beta2", 0.999))
        decay = options.get("weightDecay", 0.01) if kind == "adamW" else 0.0
        groups = [{"params": decaying, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
        make = torch.optim.AdamW if kind == "adamW" else torch.optim.Adam
        return make(groups, lr=options.get("learningRate", 1e-3), betas=betas, eps=options.get("epsilon", 1e-8),
                    fused=True)
    if kind == "muon":
        adam = options.get("adam", {})
        return Muon(decaying, others, options, torch.optim.Adam(
            others, lr=adam.get("learningRate", 1e-3), betas=(adam.get("beta1", 0.9), adam.get("beta2", 0.999)),
            eps=adam.get("epsilon", 1e-8), fused=True))
    require(kind == "sgd", f"optimizer {kind}")
    return torch.optim.SGD(model.parameters(), lr=options["learningRate"], momentum=options.get("momentum", 0.0),
                           nesterov=options.get("nesterov", False), fused=True)


class Schedules:
    def __init__(self, parts):
        self.parts = parts

    def step(self):
        for part in self.parts:
            part.step()


def schedule_of(options, optimizer, steps):
    from torch.optim import lr_scheduler

    if isinstance(optimizer, Muon):
        require(not options.get("momentum"), "momentum cycling with Muon")
        return Schedules([schedule_of(options, part, steps) for part in optimizer.parts])
    kind = options.get("type", "constant")
    rate = optimizer.param_groups[0]["lr"]
    if kind == "oneCycle":
        momentum = options.get("momentum")
        return lr_scheduler.OneCycleLR(
            optimizer, max_lr=rate, total_steps=steps, pct_start=options.get("warmupFraction", 0.3),
            div_factor=options.get("initialDivisor", 25), final_div_factor=options.get("finalDivisor", 1e4),
            cycle_momentum=momentum is not None, **({"base_momentum": momentum[0], "max_momentum": momentum[1]}
                                                    if momentum else {}))
    if kind == "cosine":
        require(options.get("cycles", 1) == 1, "a cosine schedule of several cycles")
        return lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=rate * options.get("finalFactor", 0))
    require(kind == "constant", f"schedule {kind}")
    return lr_scheduler.ConstantLR(optimizer, factor=1)


class Average:
    """`a ← a + (1 − min(d, (1 + t)/(10 + t)))·(w − a)` of weights and batch-norm's statistics, as Numeral has it."""

    def __init__(self, model, options):
        import copy

        import torch

        self.decay = options["decay"]
        self.images = options.get("statisticsImages", 0)
        self.augments = options.get("augmentsStatistics", True)
        self.model = copy.deepcopy(model)
        self.own = [p.detach() for p in self.model.parameters()] + [b for b in self.model.buffers() if b.dim()]
        self.source = [p.detach() for p in model.parameters()] + [b for b in model.buffers() if b.dim()]
        self.steps, self.lerp = 0, torch._foreach_lerp_

    def step(self):
        self.steps += 1
        self.lerp(self.own, self.source, 1 - min(self.decay, (1 + self.steps) / (10 + self.steps)))

    def finish(self, images, augment):
        """Batch-norm's statistics anew, from the first images; dropout stays off."""
        import torch
        from torch import nn

        if not self.images:
            return
        norms = [m for m in self.model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        momenta = [m.momentum for m in norms]
        self.model.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        with torch.no_grad():
            for start in range(0, min(self.images, len(images)), 500):
                part = images[start : min(start + 500, self.images)]
                self.model(augment(part) if self.augments else part)
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum


def main():
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.argv[1])
    config = job["config"]
    import torch

    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    generator = torch.Generator().manual_seed(job["seed"])
    training = config["training"]
    for key, value in training.items():
        require(key in SUPPORTED["training"], f"training.{key}")
    for key in ("l2", "gradientClipping", "lookahead", "distillation", "whitening", "progressiveResizing",
                "warmupEpochs"):
        require(training.get(key) in OFF, f"training.{key}")
    require(config.get("data", {}).get("normalization", "none") == "none", "data.normalization")

    def tensor(name):
        images = idx(job["data"], name).astype(np.float32)[:, None] / 255
        return torch.from_numpy(images).contiguous(memory_format=torch.channels_last)

    images, labels = tensor("train-images-idx3-ubyte"), torch.from_numpy(
        idx(job["data"], "train-labels-idx1-ubyte").astype(np.int64))
    test_images, test_labels = tensor("t10k-images-idx3-ubyte"), torch.from_numpy(
        idx(job["data"], "t10k-labels-idx1-ubyte").astype(np.int64))

    model = network(config)
    augment = Augmentation(config.get("augmentation", {}), generator)
    optimizer = optimizer_of(training.get("optimizer", {}), model)
    batch, count = training.get("batchSize", 128), len(images)
    epochs, steps = training["epochs"], -(-count // batch)
    schedule = schedule_of(training.get("schedule", {}), optimizer, epochs * steps)
    average = Average(model, training["averaging"]) if training.get("averaging") else None
    smoothing = training.get("labelSmoothing", 0.0)
    forward = model
    if job.get("compiled"):
        forward = torch.compile(model)
        # Compilation before the clock starts, for both batch sizes of an epoch.
        saved = {key: value.clone() for key, value in model.state_dict().items()}
        for size in {batch, count - (steps - 1) * batch}:
            torch.nn.functional.cross_entropy(forward(images[:size]), labels[:size]).backward()
        model.load_state_dict(saved)
        optimizer.zero_grad(set_to_none=True)

    def accuracy(network):
        network.eval()
        with torch.inference_mode():
            right = sum(int((network(test_images[i : i + 500]).argmax(1) == test_labels[i : i + 500]).sum())
                        for i in range(0, len(test_images), 500))
        return right / len(test_images)

    results, seconds = [], 0.0
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        model.train()
        order = torch.randperm(count, generator=generator)
        total = 0.0
        for start in range(0, count, batch):
            index = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(
                forward(augment(images[index])), labels[index], label_smoothing=smoothing)
            loss.backward()
            optimizer.step()
            schedule.step()
            if average:
                average.step()
            total += float(loss.detach()) * len(index)
        if average:
            average.finish(images, augment)
        seconds += time.perf_counter() - started
        results.append({"epoch": epoch, "seconds": seconds, "trainingLoss": total / count,
                        "accuracy": accuracy(average.model if average else model)})
        print(f"epoch {epoch}: {results[-1]['accuracy']:.4f} after {seconds:.1f} s", file=sys.stderr)
    json.dump({"parameters": sum(p.numel() for p in model.parameters()), "images": count, "threads": job["threads"],
               "epochs": results}, answer)
    answer.write("\n")
    answer.flush()
    os._exit(0)


if __name__ == "__main__":
    try:
        main()
    except Unsupported as refusal:
        sys.exit(str(refusal))
