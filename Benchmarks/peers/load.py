"""How much of the machine others used meanwhile: a figure taken on a busy machine is no figure."""

import os
import time


def _busy():
    """Busy and stolen seconds of all CPUs since boot; None where the system does not tell."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    except OSError:
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class OtherLoad:
    """CPUs that other processes and other virtual machines used, on average, since this was made."""

    def __init__(self):
        self.busy, self.started = _busy(), time.monotonic()

    def rate(self, own_seconds):
        """`own_seconds`: CPU seconds that the measured process used meanwhile. None where the load is unknown."""
        seconds = time.monotonic() - self.started
        if self.busy is None or seconds <= 0:
            return None
        return max(0.0, (_busy() - self.busy - own_seconds) / seconds)
