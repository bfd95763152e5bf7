"""This project's side: builds it as its users do (debug, its numeric targets optimised) and runs `trainer`."""

import json
import os
import random
import re
import shutil
import struct
import tempfile

from . import processes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REFERENCE = os.path.join("config", "reference.json")


class Project:
    """`trainer`: the program's path where given, else `.build/debug/trainer`, brought up to date first."""

    def __init__(self, trainer, keep_environment):
        self.keep = keep_environment
        self.trainer = os.path.abspath(trainer) if trainer else os.path.join(ROOT, ".build", "debug", "trainer")
        self.built = trainer is None

    def environment(self, extra=None):
        return processes.clean_environment(self.keep, extra or {})

    def build(self):
        if self.built:
            processes.run(["swift", "build", "--product", "trainer"], self.environment(), limit=900, folder=ROOT)

    def build_seconds(self):
        """Seconds of `swift build --product trainer` from nothing; packages it depends on are fetched or cached."""
        scratch = tempfile.mkdtemp(prefix="numeral-build-")
        try:
            return processes.run(["swift", "build", "--product", "trainer", "--scratch-path", scratch],
                                 self.environment(), limit=900, folder=ROOT).seconds
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def profile(self, batch, inference_batch, threads, config=REFERENCE, limit=180.0, settings=(), model=None):
        """What `trainer profile` found of a configuration or a model, a dictionary, and the finished process."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "profile.json")
            source = ["--model", model] if model else ["--config", config]
            command = [self.trainer, "profile", *source, "--batch", str(batch), "--inference-batch",
                       str(inference_batch), "--threads", str(threads), "--json", path, "--quiet"]
            for setting in settings:
                command += ["--set", setting]
            finished = processes.run(command, self.environment(), threads, limit, ROOT)
            with open(path, encoding="utf-8") as file:
                return json.load(file), finished

    def inspect(self, config=REFERENCE, batch=None):
        """Parameters, multiply-adds an image and the training workspace in bytes, as `trainer inspect` says."""
        command = [self.trainer, "inspect", "--config", config]
        if batch:
            command += ["--set", f"training.batchSize={batch}"]
        text = processes.run(command, self.environment(), folder=ROOT).output

        def integer(pattern):
            found = re.search(pattern, text, re.MULTILINE)
            if not found:
                raise processes.Failed(f"trainer inspect: nothing like {pattern!r} in what it printed")
            return int(re.sub(r"\D", "", found.group(1)))

        workspace = re.search(r"^training workspace\s+([\d.,]+)\s*([KMGT]?i?B|bytes)", text, re.MULTILINE)
        units = {"B": 1, "bytes": 1}
        for power, letter in enumerate("KMGT", 1):
            units[letter + "iB"], units[letter + "B"] = 1024**power, 1000**power
        return {
            "parameters": integer(r"^parameters\s+([\d,. '’]+)\("),
            "multiplyAdds": integer(r"^multiply-adds/image\s+([\d,. '’]+)forward"),
            "workspaceBytes": float(workspace.group(1).replace(",", "")) * units[workspace.group(2)]
            if workspace else None,
        }

    def quantized(self, folder):
        """The reference network, trained a little on random images and quantized whole: the model's path."""
        runs, path = os.path.join(folder, "runs"), os.path.join(folder, "model-int8.safetensors")
        images = self.write_images(folder, 256)
        processes.run([self.trainer, "--config", REFERENCE, "--output", runs, "--quiet", "--set", "training.epochs=1",
                       "--set", "data.files=" + json.dumps(images)], self.environment(), folder=ROOT)
        run = os.path.join(runs, os.listdir(runs)[0])
        processes.run([self.trainer, "quantize", "--model", run, "--untimed", "--output", path, "--quiet"],
                      self.environment(), folder=ROOT)
        return path

    def start_seconds(self, threads, repeats):
        """Seconds of a whole `trainer` run of one training step, batch 128, from process start to exit: an upper bound
        of the time to the first step. First with nothing cached, then again; `repeats` of each."""
        cold, warm = [], []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                files = self.write_images(folder, 128)
                command = [self.trainer, "--config", REFERENCE, "--output", os.path.join(folder, "runs"), "--threads",
                           str(threads), "--quiet", "--set", "training.epochs=1", "--set", "training.batchSize=128",
                           "--set", "data.validationFraction=0", "--set", "training.earlyStopping=null",
                           "--set", "data.files=" + json.dumps(files)]
                home = os.path.join(folder, "home")
                os.mkdir(home)
                environment = self.environment({"HOME": home, "XDG_CACHE_HOME": os.path.join(home, "cache")})
                for times in (cold, warm):
                    times.append(processes.run(command, environment, threads, folder=ROOT).seconds)
        return cold, warm

    @staticmethod
    def write_images(folder, count):
        """IDX files of `count` random images of 10 classes."""
        generator = random.Random(3)
        pixels = generator.randbytes(count * 28 * 28)
        labels = bytes(index % 10 for index in range(count))
        paths = {}
        for part in ("train", "test"):
            for kind, content in (("Images", struct.pack(">IIII", 0x803, count, 28, 28) + pixels),
                                  ("Labels", struct.pack(">II", 0x801, count) + labels)):
                paths[part + kind] = os.path.join(folder, f"{part}-{kind}")
                with open(paths[part + kind], "wb") as file:
                    file.write(content)
        return paths
