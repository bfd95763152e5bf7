"""What the scripts that train recipes have in common: their options, the program run with them, a command line to repeat."""

import json
import os
import tempfile

from . import processes, recipes
from .project import ROOT


def add_options(parser):
    parser.add_argument("--data", help="folder of the data set")
    parser.add_argument("--threads", type=int, help="threads (default: all cores)")
    parser.add_argument("--trainer", help="the program (default: .build/debug/trainer, built first)")
    parser.add_argument("--limit", type=float, default=24 * 3600, help="seconds a run of it may take")


def portable(arguments, options):
    """The command line without this machine's folders."""
    paths = {"DATA": options.data, "RUNS": getattr(options, "runs", None), "TRAINER": options.trainer}
    private = {os.path.abspath(path): name for name, path in paths.items() if path}
    return " ".join(private.get(os.path.abspath(argument), argument) for argument in arguments)


def run(project, options, arguments):
    """`trainer` with these arguments, and the options' data and threads."""
    command = [project.trainer, *arguments, "--quiet"]
    command += ["--threads", str(options.threads)] if options.threads else []
    command += ["--data", options.data] if options.data else []
    return processes.run(command, project.environment(), options.threads, limit=options.limit, folder=ROOT)


def train(project, options, config, folder, arguments=()):
    """A run of a configuration, in `folder`."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        run(project, options, ["--config", file.name, "--output", folder, *arguments])


def evaluate(project, options, models, arguments=()):
    """The folder of a new evaluation of models, averaged where they are several."""
    folder = tempfile.mkdtemp(prefix="evaluation-", dir=options.runs)
    models = [argument for model in models for argument in ("--model", model)]
    run(project, options, ["evaluate", *models, "--output", folder, *arguments])
    return recipes.only_folder(folder)
