"""What the figures were taken on."""

import datetime
import os
import platform
import subprocess

from .processes import available_cpus
from .project import ROOT

FEATURES = ["avx2", "fma", "avx512f", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve"]


def _fields(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [line.rstrip("\n").partition(":")[::2] for line in file]
    except OSError:
        return []


def _text(command):
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()


def describe():
    """Processor, CPUs, memory, system, Swift and commit, as a dictionary."""
    processor, flags = {}, []
    for name, value in _fields("/proc/cpuinfo"):
        processor.setdefault(name.strip(), value.strip())
    flags = (processor.get("flags") or processor.get("Features") or "").split()
    system = platform.platform()
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"] + ", kernel " + platform.release().split("-")[0]
    except OSError:
        pass
    model = processor.get("model name") or _text(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.machine()
    if "cpu family" in processor:
        model += f" (family {processor['cpu family']}, model {processor.get('model')})"
    caches = []
    for index in range(4):
        folder = f"/sys/devices/system/cpu/cpu0/cache/index{index}"
        parts = [_line(os.path.join(folder, name)) for name in ("level", "type", "size")]
        if all(parts) and parts[1] != "Instruction":
            caches.append(f"L{parts[0]} {parts[2]}")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    dirty = bool(_text(["git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!Benchmarks"]))
    return {
        "processor": model,
        "cpus": len(available_cpus()),
        "features": [name for name in FEATURES if name in flags],
        "caches": caches,
        "memoryGiB": round(memory, 1),
        "system": system,
        "swift": next((line for line in _text(["swift", "--version"]).splitlines() if "Swift version" in line), "?"),
        "python": platform.python_version(),
        "commit": (_text(["git", "rev-parse", "HEAD"]) or "unknown") + (", modified" if dirty else ""),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "loadAverage": os.getloadavg()[0],
    }


def _line(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def table(machine, extra=()):
    """The same as rows of a Markdown table."""
    rows = [
        ("processor", machine["processor"] + (", " + ", ".join(machine["caches"]) if machine["caches"] else "")),
        ("vector features", " ".join(machine["features"]) or "unknown"),
        ("CPUs used at most", str(machine["cpus"])),
        ("memory", f"{machine['memoryGiB']} GiB"),
        ("system", machine["system"]),
        ("Swift", machine["swift"]),
        ("commit", machine["commit"]),
        ("date", machine["date"]),
        *extra,
    ]
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)
