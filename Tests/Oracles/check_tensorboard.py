"""Reads a run's event file with the real TensorBoard and compares it with the run's other files.

    python3 -m venv .build/tensorboard && .build/tensorboard/bin/pip install tensorboard 'setuptools<81'
    .build/tensorboard/bin/python Tests/Oracles/check_tensorboard.py RUN [--serve]

Checks the tags, every figure of history.csv and metrics.json, histograms against the tensors of model.safetensors, PR
curves against predictions.csv, pictures, hyperparameters against config.json, and events.jsonl line by line. `--serve`
starts the `tensorboard` program on the folder above and asks it for what its pages show. Exit code 1 where anything
differs.
"""
import argparse
import csv
import json
import math
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData
from tensorboard.util.tensor_util import make_ndarray

failures = []
compared = 0


def same(place, found, expected, tolerance=0.0):
    global compared
    compared += 1
    if isinstance(expected, float) and found is not None:
        # The file holds float32.
        ok = abs(found - expected) <= tolerance + 6e-8 * abs(expected)
    else:
        ok = found == expected
    if not ok:
        failures.append(f"{place}: expected {expected!r} · found {found!r}")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def leaves(value, path=""):
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from leaves(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(element, (dict, list)) for element in value):
        for index, element in enumerate(value):
            yield from leaves(element, f"{path}[{index}]")
    else:
        yield path, value


def check_scalars(log, run, steps_per_epoch):
    history = rows(run / "history.csv")
    pairs = {"loss/train": "trainingLoss", "loss/validation": "validationLoss", "accuracy/train": "trainingAccuracy",
             "accuracy/validation": "validationAccuracy", "images_per_second": "imagesPerSecond"}
    for tag, column in pairs.items():
        expected = [(int(row["epoch"]) * steps_per_epoch, float(row[column])) for row in history if row[column] != ""]
        found = [(event.step, event.value) for event in log.Scalars(tag)] if expected else []
        same(f"{tag}: steps", [step for step, _ in found], [step for step, _ in expected])
        for (_, value), (step, figure) in zip(found, expected):
            same(f"{tag} at {step}", value, figure)
    test = json.loads((run / "metrics.json").read_text())["test"]
    for tag, figure in (("accuracy", test["accuracy"]), ("loss", test["loss"]), ("f1_macro", test["f1"]["macro"]),
                        ("calibration_error", test["calibrationError"])):
        same(f"test/{tag}", log.Scalars(f"test/{tag}")[-1].value, float(figure))


def check_steps(log, events, epochs, steps_per_epoch):
    """Means between two points of `…/steps` from the running means of events.jsonl."""
    steps = {(e["epoch"] - 1) * steps_per_epoch + e["step"]: e for e in events if e["event"] == "step"}
    same("steps in events.jsonl", sorted(steps), list(range(1, len(steps) + 1)))
    stride = max(1, math.ceil(epochs * steps_per_epoch / 500))
    points = [step for step in sorted(steps) if step % stride == 0]
    for tag, key in (("loss/steps", "loss"), ("accuracy/steps", "accuracy")):
        found = log.Scalars(tag)
        same(f"{tag}: steps", [event.step for event in found], points)
        before = None
        for event in found:
            now = steps[event.step]
            if before is None or before["epoch"] != now["epoch"]:
                before = {"images": 0, key: 0.0}
            images = now["images"] - before["images"]
            mean = (now[key] * now["images"] - before[key] * before["images"]) / images
            same(f"{tag} at {event.step}", event.value, mean, tolerance=1e-9)
            before = now
    for event in log.Scalars("learning_rate"):
        same(f"learning_rate at {event.step}", event.value, steps[event.step]["learningRate"])


def tensors(path):
    data = path.read_bytes()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        yield name, np.frombuffer(data[8 + size + start:8 + size + end], dtype="<f4")


def check_histograms(log, run, epochs, best):
    weights = dict(tensors(run / "model.safetensors"))
    tags = log.Tags()["histograms"]
    same("histograms are parameters", set(tags) <= set(weights), True)
    for tag in tags:
        last = log.Histograms(tag)[-1]
        values = weights[tag].astype(np.float64)
        same(f"{tag}: count", last.histogram_value.num, float(values.size))
        same(f"{tag}: sum of buckets", sum(last.histogram_value.bucket), float(values.size))
        if best == epochs:
            # The model file holds the weights of the last epoch: the histogram must be theirs.
            found = last.histogram_value
            same(f"{tag}: range", (found.min, found.max), (values.min(), values.max()))
            same(f"{tag}: sum", found.sum, float(values.sum()), tolerance=1e-9 * values.size)
            edges = np.array([found.min] + list(found.bucket_limit))
            if found.max > found.min:
                # An element on an edge may fall either way.
                expected = np.histogram(values, bins=edges)[0]
                same(f"{tag}: buckets", bool(np.abs(expected - found.bucket).max() <= 1), True)


def check_pr_curves(log, run):
    with open(run / "predictions.csv", encoding="utf-8") as file:
        table = np.array([line.split(",") for line in file.read().splitlines()[1:]], dtype=np.float64)
    labels, scores = table[:, 1].astype(int), table[:, 3:]
    names = [entry["name"] for entry in json.loads((run / "metrics.json").read_text())["test"]["perClass"]]
    for c, name in enumerate(names):
        tag = f"test/{name}/pr_curves"
        plugin = PrCurvePluginData.FromString(log.SummaryMetadata(tag).plugin_data.content)
        count = plugin.num_thresholds
        found = make_ndarray(log.Tensors(tag)[-1].tensor_proto)
        same(f"{tag}: shape", found.shape, (6, count))
        # TensorBoard's own summary puts a score into the bucket floor(score · (count − 1)).
        bins = np.floor(scores[:, c] * (count - 1)).astype(int)
        truth = labels == c
        tp = np.array([(truth & (bins >= t)).sum() for t in range(count)], dtype=np.float64)
        fp = np.array([(~truth & (bins >= t)).sum() for t in range(count)], dtype=np.float64)
        fn, tn = truth.sum() - tp, (~truth).sum() - fp
        expected = np.stack([tp, fp, tn, fn, tp / np.maximum(1e-7, tp + fp), tp / np.maximum(1e-7, tp + fn)])
        same(f"{tag}: values", bool(np.allclose(found, expected, rtol=1e-6, atol=0)), True)


def check_images(log, tags):
    for tag in tags:
        image = log.Images(tag)[-1]
        data = image.encoded_image_string
        same(f"{tag}: signature", data[:8], b"\x89PNG\r\n\x1a\n")
        same(f"{tag}: size", struct.unpack(">II", data[16:24]), (image.width, image.height))


def check_hparams(log, run):
    def read(tag):
        return HParamsPluginData.FromString(log.SummaryMetadata(tag).plugin_data.content)

    start = read(hparams.SESSION_START_INFO_TAG).session_start_info
    same("session", start.group_name, run.resolve().name)
    config = {path: value for path, value in leaves(json.loads((run / "config.json").read_text()))
              if path != "name" and not path.startswith("output.")}
    same("hyperparameters", set(start.hparams), set(config))
    for path, value in config.items():
        entry = start.hparams[path]
        found = getattr(entry, entry.WhichOneof("kind"))
        if isinstance(value, (bool, str)):
            same(path, found, value)
        elif isinstance(value, (int, float)):
            same(path, found, float(value))
        else:
            same(path, json.loads(found), value)
    infos = {info.name for info in read(hparams.EXPERIMENT_TAG).experiment.hparam_infos}
    same("hyperparameter columns", infos, set(config))
    same("status", read(hparams.SESSION_END_INFO_TAG).session_end_info.status, 1)


def serve(run, tags):
    """What the pages of the real program ask for, over HTTP."""
    port = 6100 + int(time.time()) % 800
    server = subprocess.Popen(
        [str(Path(sys.executable).parent / "tensorboard"), "--logdir", str(run.resolve().parent), "--port", str(port),
         "--host", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/data/{path}", data, {"Content-Type": "application/json"} if data else {})
        return json.loads(urllib.request.urlopen(request, timeout=20).read())

    try:
        name = run.resolve().name
        for _ in range(120):
            try:
                if len(get("plugin/scalars/tags").get(name, {})) >= len(tags["scalars"]):
                    break
            except OSError:
                pass
            time.sleep(0.5)
        quote = urllib.parse.quote
        same("served scalars", set(get("plugin/scalars/tags")[name]), set(tags["scalars"]))
        same("served histograms", set(get("plugin/histograms/tags")[name]), set(tags["histograms"]))
        same("served images", set(get("plugin/images/tags")[name]), set(tags["images"]))
        curves = [tag for tag in tags["tensors"] if tag.endswith("/pr_curves")]
        same("served PR curves", set(get("plugin/pr_curves/tags")[name]), set(curves))
        curve = get(f"plugin/pr_curves/pr_curves?tag={quote(curves[0], safe='')}&run={quote(name)}")[name][-1]
        same("a served PR curve falls in recall", curve["recall"], sorted(curve["recall"], reverse=True))
        tag = tags["histograms"][0]
        histogram = get(f"plugin/histograms/histograms?tag={quote(tag, safe='')}&run={quote(name)}")
        same("a served histogram has buckets", len(histogram[-1][2]) > 1, True)
        groups = get("plugin/hparams/session_groups", {
            "experimentName": "", "allowedStatuses": ["STATUS_SUCCESS", "STATUS_UNKNOWN"], "startIndex": 0,
            "sliceSize": 100, "colParams": []})["sessionGroups"]
        same("served session", name in {group["name"] for group in groups}, True)
    finally:
        server.terminate()
        server.wait(30)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    run = arguments.run
    log = EventAccumulator(
        str(run), size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0, "compressedHistograms": 1})
    log.Reload()
    tags = log.Tags()
    for kind in ("scalars", "histograms", "images", "tensors"):
        print(f"{kind}: {', '.join(tags[kind])}")
    with open(run / "events.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    began, ended = events[0], events[-1]
    same("first and last event", (began["event"], ended["event"]), ("began", "ended"))
    history = rows(run / "history.csv")
    epochs = [event for event in events if event["event"] == "epoch"]
    same("epochs in events.jsonl", len(epochs), len(history))
    for event, row in zip(epochs, history):
        for key, text in row.items():
            same(f"events.jsonl: epoch {row['epoch']}: {key}", event[key], None if text == "" else float(text))
    names = [entry["name"] for entry in json.loads((run / "metrics.json").read_text())["test"]["perClass"]]
    same("images", set(tags["images"]), {"inputs/augmented", "test/confusion_matrix"})
    same("tensors", set(tags["tensors"]), {f"test/{name}/pr_curves" for name in names} | {
        hparams.EXPERIMENT_TAG, hparams.SESSION_START_INFO_TAG, hparams.SESSION_END_INFO_TAG})
    check_scalars(log, run, began["stepsPerEpoch"])
    check_steps(log, events, began["epochs"], began["stepsPerEpoch"])
    check_histograms(log, run, len(history), ended["bestEpoch"])
    check_pr_curves(log, run)
    check_images(log, tags["images"])
    check_hparams(log, run)
    if arguments.serve:
        serve(run, tags)
    print(f"{compared} values compared, {len(failures)} differ")
    for failure in failures[:30]:
        print("  " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
