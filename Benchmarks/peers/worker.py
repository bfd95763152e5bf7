"""One measuring process: `python -m peers.worker JOB`, JOB and what it prints being JSON.

Job: `peer`, `mode`, `setting`, `batches` (one but for probes), `threads`, `folder` (exported models), `spawned` (the
parent's monotonic clock when it started this process), `warmup` and `block` in seconds, `blocks`, `check`.
"""

import importlib
import json
import math
import os
import statistics
import sys
import time

from .load import OtherLoad

LONGEST = 5.0
"""Seconds after which three blocks are enough."""


def measure(bench, warmup, block, blocks):
    """Seconds per step: one figure for each timed block, after a warm-up. Steps per block follow from its length."""
    count, started, steps = 1, time.perf_counter(), 0
    while True:
        block_started = time.perf_counter()
        bench.run(count)
        now = time.perf_counter()
        steps += count
        per_step = (now - block_started) / count
        if now - started >= warmup and steps >= 2:
            break
        count = max(1, min(2 * count, math.ceil(block / max(per_step, 1e-9))))
    count = max(1, round(block / max(per_step, 1e-9)))
    if getattr(bench, "fixed_count", None):
        count = bench.fixed_count(count)
        bench.run(count)
    seconds, others, own = [], OtherLoad(), time.process_time()
    for _ in range(blocks):
        block_started = time.perf_counter()
        bench.run(count)
        seconds.append((time.perf_counter() - block_started) / count)
        if len(seconds) >= 3 and sum(seconds) * count > LONGEST:
            break
    return seconds, count, others.rate(time.process_time() - own)


def main():
    # Frameworks print on stdout; the answer must be alone there.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.argv[1])
    peer = importlib.import_module("peers." + job["peer"])
    peer.load(job["threads"])
    loaded = time.monotonic() - job["spawned"]
    results = []
    for batch in job["batches"]:
        bench = peer.prepare(job["mode"], job["setting"], batch, job["threads"], job["folder"])
        bench.run(1)
        first = time.monotonic() - job["spawned"]
        result = {"batch": batch, "secondsToLoad": loaded, "secondsToFirstStep": first}
        if job["blocks"]:
            seconds, count, others = measure(bench, job["warmup"], job["block"], job["blocks"])
            result["blocks"] = [batch / value for value in seconds]
            result["imagesPerSecond"] = batch / statistics.median(seconds)
            result["stepsPerBlock"] = count
            result["otherLoad"] = others
        if job["check"]:
            result["check"] = bench.check()
        results.append(result)
        del bench
    json.dump(results, answer)
    answer.write("\n")
    answer.flush()
    # Some frameworks' threads hang at exit; everything is done.
    os._exit(0)


if __name__ == "__main__":
    main()
