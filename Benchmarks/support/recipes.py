"""Recipes as configurations: overrides, what an ablation leaves out, and what a run of one left behind."""

import copy
import json
import os
import re
import shutil
import tempfile

MARK = "recipe.json"
"""Beside a run: the configuration and the commit it is of."""


def override(config, setting):
    """`key.path=value` on a configuration, as `trainer --set` has it."""
    path, _, text = setting.partition("=")
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    steps = [int(index) if index else key for index, key in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path)]
    target = config
    for step in steps[:-1]:
        if isinstance(target, dict) and not isinstance(target.get(step), (dict, list)):
            target[step] = {}
        target = target[step]
    target[steps[-1]] = value


def only_folder(folder):
    """The one run in a folder; None where there is none or several."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    runs = [os.path.join(folder, name) for name in names if os.path.isdir(os.path.join(folder, name))]
    return runs[0] if len(runs) == 1 else None


def figures(run):
    """What `metrics.json` of a finished run or evaluation says."""
    with open(os.path.join(run, "metrics.json"), encoding="utf-8") as file:
        metrics = json.load(file)
    test = metrics["test"]
    return {
        "folder": run, "accuracy": test["accuracy"], "loss": test["logLoss"],
        "errors": round((1 - test["accuracy"]) * test["count"]), "count": test["count"],
        "seconds": metrics.get("trainingSeconds"), "epochs": metrics.get("epochs"), "threads": metrics["threads"],
        "source": metrics["dataSource"], "dataset": metrics["dataset"], "parameters": metrics["parameters"],
        "views": metrics.get("views", 1),
    }


def _marked(folder):
    """The finished run in `folder` and its mark; None where there is none."""
    run, mark = only_folder(folder), os.path.join(folder, MARK)
    if run is None or not os.path.exists(mark) or not os.path.exists(os.path.join(run, "metrics.json")):
        return None, None
    with open(mark, encoding="utf-8") as file:
        return run, json.load(file)


def finished(folder, config, seed, commit):
    """Figures of the finished run in `folder`, if it is of this configuration and commit; None where there is none."""
    run, mark = _marked(folder)
    return {"seed": seed, **figures(run)} if run and mark == {"config": config, "commit": commit} else None


def trained(folder, config):
    """The finished run in `folder`, of whatever commit, if its configuration differs from this one in how it is tested alone."""
    run, mark = _marked(folder)
    return run if run and {**mark["config"], "evaluation": None} == {**config, "evaluation": None} else None


def commit(folder):
    """The commit that trained the finished run in `folder`."""
    return _marked(folder)[1]["commit"]


def begin(folder, config, commit):
    """Clears `folder` for a run of this configuration and says so in it."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, MARK), "w", encoding="utf-8") as file:
        json.dump({"config": config, "commit": commit}, file)


def size(project, config):
    """Parameters and multiply-adds of the network."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        found = project.inspect(file.name)
    # A training step is the forward products, their weight gradients and their input gradients.
    return {"parameters": found["parameters"], "multiplyAdds": found["multiplyAdds"]}


def ablations(config):
    """The configuration without each of its ingredients, by name."""
    variants = {}

    def add(name, change):
        changed = copy.deepcopy(config)
        change(changed)
        if changed != config:
            variants[name] = changed

    training, augmentation = config.get("training", {}), config.get("augmentation", {})

    def without_augmentation(c):
        c["augmentation"] = {}

    add("augmentation", without_augmentation)
    for key in augmentation:
        if len(augmentation) > 1:
            add(f"augmentation.{key}", lambda c, key=key: c["augmentation"].pop(key))
    for key, off in [("averaging", None), ("labelSmoothing", 0), ("lookahead", None), ("whitening", None),
                     ("distillation", None), ("gradientClipping", None), ("l2", 0), ("progressiveResizing", []),
                     ("warmupEpochs", 0)]:
        if training.get(key):
            add(key, lambda c, key=key, off=off: c["training"].update({key: off}))
    if training.get("averaging", {}) and training["averaging"].get("statisticsImages"):
        add("averaging.statisticsImages", lambda c: c["training"]["averaging"].update({"statisticsImages": 0}))
    if training.get("schedule", {}).get("type", "constant") != "constant":
        add("schedule", lambda c: c["training"].update({"schedule": {"type": "constant"}}))
    if training.get("schedule", {}).get("momentum"):
        add("schedule.momentum", lambda c: c["training"]["schedule"].update({"momentum": None}))
    optimizer = training.get("optimizer", {})
    if optimizer.get("type") == "adamW":
        add("weightDecay", lambda c: c["training"]["optimizer"].update({"weightDecay": 0}))
    if optimizer.get("type") in ("muon", "lamb"):
        add(optimizer["type"], lambda c: c["training"].update({"optimizer": {
            "type": "adamW", "learningRate": 2e-3}}))
    if config.get("evaluation", {}).get("testTimeAugmentation"):
        add("testTimeAugmentation", lambda c: c["evaluation"].update({"testTimeAugmentation": None}))

    def layers_without(kind):
        def change(c):
            kept = []
            for layer in c["model"]["layers"]:
                if layer["type"] != kind:
                    kept.append(layer)
                    # What was spared its bias for a batch-norm gets it back.
                    if kind == "batchNormalization" and layer["type"] in ("conv2d", "dense"):
                        layer["useBias"] = True
            c["model"]["layers"] = kept
        return change

    # Of graphs with named inputs no layer can be taken out by itself.
    if not any("inputs" in layer for layer in config["model"]["layers"]):
        add("dropout", layers_without("dropout"))
        add("batchNormalization", layers_without("batchNormalization"))
    return variants
