"""The peers' virtual environment: made from requirements.txt where there is none."""

import json
import os
import subprocess
import sys

from .processes import Failed

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEFAULT = os.path.join(FOLDER, ".venv")


def python(path, packages):
    """The environment's Python and the versions of `packages`; installs what is missing."""
    program = os.path.join(path, "bin", "python")
    if not os.path.exists(program):
        print(f"Making {path}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", path], check=True)
    if any(version is None for version in versions(program, packages).values()):
        print("Installing the peers; this takes minutes", file=sys.stderr)
        done = subprocess.run([program, "-m", "pip", "install", "--quiet", "-r",
                               os.path.join(FOLDER, "requirements.txt")], check=False)
        if done.returncode:
            raise Failed("pip could not install requirements.txt; --venv names an environment that has them")
    return program, versions(program, packages)


def versions(program, packages):
    code = ("import importlib.metadata as m, json, sys\n"
            "def v(n):\n"
            "    try: return m.version(n)\n"
            "    except m.PackageNotFoundError: return None\n"
            "print(json.dumps({n: v(n) for n in sys.argv[1:]}))")
    found = subprocess.run([program, "-c", code, *packages], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)
