"""Runs one measured process: its CPUs, environment, time limit, memory, and what others used meanwhile."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from peers.load import OtherLoad

SET_BY_OTHERS = [
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS",
    "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "KMP_AFFINITY", "GOMP_CPU_AFFINITY", "ONEDNN_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE", "TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "LD_PRELOAD", "MALLOC_ARENA_MAX",
]
"""Variables that bend a BLAS or a framework; no competitor sees them unless `--keep-blas-environment`."""

DISTURBED = 0.15
"""CPUs that others used, on average, above which a measurement is taken again, twice at most."""

REPEAT_SECONDS = 6
"""About what repeating a measurement takes."""


class Failed(Exception):
    """A process that did not do its work; the message is one line."""


@dataclass
class Finished:
    output: str
    seconds: float
    peak_bytes: int
    other_load: float | None


def available_cpus():
    """The CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def clean_environment(keep, extra):
    """This process's environment without what bends a BLAS or a framework, `extra` added."""
    environment = {name: value for name, value in os.environ.items() if keep or name not in SET_BY_OTHERS}
    environment.update(extra)
    return environment


def run(command, environment, threads=None, limit=180.0, folder=None):
    """Runs `command` on as many CPUs as `threads`. Throws `Failed` where it fails or passes `limit` seconds."""
    def prepare():
        os.setsid()
        if threads and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, available_cpus()[:threads])

    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        load, started = OtherLoad(), time.monotonic()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=errors, preexec_fn=prepare)
        try:
            while True:
                found, status, usage = os.wait4(process.pid, os.WNOHANG)
                if found:
                    break
                if time.monotonic() - started > limit:
                    raise Failed(f"{name_of(command)}: not done after {limit:.0f} s")
                time.sleep(0.005)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        others = load.rate(usage.ru_utime + usage.ru_stime)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            lines = [line for line in errors.read().splitlines() if line.strip()]
            raise Failed(f"{name_of(command)}: exit code {process.returncode}: {lines[-1] if lines else 'no message'}")
        scale = 1 if os.uname().sysname == "Darwin" else 1024
        return Finished(output.read(), seconds, usage.ru_maxrss * scale, others)


def end_on_sigterm():
    """SIGTERM ends this process as Ctrl-C does, so that the measured process ends with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def wait_for_quiet(seconds):
    """Waits until others leave the machine alone for a second, no longer than `seconds`."""
    for _ in range(seconds):
        load = OtherLoad()
        time.sleep(1)
        if (load.rate(0) or 0) <= DISTURBED:
            return


class Patience:
    """Seconds that may yet be spent on waiting for a quiet machine and on repeating what others disturbed."""

    def __init__(self, seconds):
        self.left = seconds

    def undisturbed(self, take):
        """`take()` answers (value, other load); again while others use the machine, and the quietest counts."""
        best = None
        for _ in range(3):
            value, load = take()
            if best is None or (load or 0) < (best[1] or 0):
                best = value, load
            if (load or 0) <= DISTURBED or self.left <= 0:
                break
            started = time.monotonic()
            wait_for_quiet(min(20, int(self.left) + 1))
            self.left -= time.monotonic() - started + REPEAT_SECONDS
        return best


def name_of(command):
    return " ".join(os.path.basename(part) if index == 0 else part for index, part in enumerate(command))[:160]
