"""The cost of a training step on several ranks, from what the code exchanges: see SCALING.md for the formulas."""

import math
import re
from dataclasses import asdict, dataclass

LINK = 32 * 1024
"""Bytes of a link of the gradient's chain (GradientPartials.swift)."""


def _padded(count, multiple):
    return -(-count // multiple) * multiple


@dataclass
class Network:
    parameters: int
    chain: int
    """Bytes of the gradient that goes along the chain."""
    sums: list
    """Bytes a shard of each exchange of sums: batch-norm's moments and gradient sums; the loss rides along."""
    gathered: list
    """Floats an image of each activation that all ranks gather for a dense layer over blocks of weights."""
    batch: int
    image: float
    """Seconds an image of what ranks share out."""
    whole: float
    """Seconds an image of the whole batch of what every rank does."""
    step: float
    """Seconds a step of what every rank does."""

    @staticmethod
    def describe(inspection, profile, batch, seconds):
        """From the text of `trainer inspect` and the JSON of `trainer profile`, whose step counts as `seconds`."""
        chain, norms, gathered, blocked = 0, [], [], set()
        for line in inspection.splitlines():
            cells = re.split(r"\s{2,}", line.strip())
            if len(cells) < 5 or "×" not in line and cells[1] not in ("dense", "batchNormalization"):
                continue
            name, kind = cells[0], cells[1]
            if kind not in ("conv2d", "dense", "batchNormalization"):
                continue
            channels = int(cells[3].split("×")[-1])
            count = int(cells[4].replace(",", ""))
            if kind == "batchNormalization":
                norms.append(channels)
            elif "blocks" in line:
                blocked.add(name)
                gathered += [count // channels, channels]
            else:
                chain += 4 * _padded(count, 16)
        sums = [8 * _padded(1 + 2 * c, 8) for c in norms] + [8 * _padded(2 * c, 8) for c in norms]
        sums = (sums[:-1] + [sums[-1] + 64]) if sums else [64]
        milliseconds = sum(row["milliseconds"] for row in profile["layers"] if row["name"] in blocked)
        other = {row["name"]: row["milliseconds"] for row in profile["other"]}
        step = other.get("weight preparation", 0) + other.get("optimizer", 0)
        shared = profile["stepMilliseconds"] - step - milliseconds
        parameters = int(re.search(r"^parameters\s+([\d,]+)", inspection, re.M).group(1).replace(",", ""))
        scale = seconds / profile["stepMilliseconds"]
        return asdict(Network(parameters, chain, sums, gathered, batch, shared * scale / batch, milliseconds * scale / batch,
                              step * scale))

    def bytes_between_two(self, batch, shards=16):
        """Bytes one after another in a step of two ranks: each exchange's half goes both ways at once."""
        return (sum(self.sums) * shards / 2 + 2 * self.chain + 4 * batch / 2 * sum(self.gathered))

    def delays_between_two(self, batch):
        """One-way trips one after another in a step of two ranks. What is over 60 KiB is announced first: three trips."""
        long = sum(1 for floats in self.gathered if 4 * floats * batch / 2 > 61440)
        return len(self.sums) + len(self.gathered) + 2 * long + 1 + 2

    def seconds(self, ranks, batch, shards, latency, rate):
        """Of a step."""
        share = math.ceil(shards / ranks) / shards * batch
        time = self.image * share + self.whole * batch + self.step
        if ranks == 1:
            return time
        rounds, part = math.ceil(math.log2(ranks)), (ranks - 1) / ranks
        for size in self.sums:
            time += rounds * latency + size * shards * part / rate
        for floats in self.gathered:
            time += rounds * latency + 4 * floats * batch * part / rate
        time += rounds * latency
        link = min(LINK, self.chain)
        return time + 2 * ((ranks - 1) * (latency + link / rate) + max(0, self.chain - link) / rate)
