#!/usr/bin/env python3
"""Trains for an hour and watches the process: resident memory, descriptors and threads must not grow.

    swift build && python3 Tests/Reliability/long.py --minutes 60

The network is that of config/default.json, on the full MNIST where it is found, else on the bundled sample; checkpoints
are written at each epoch that may cost one and every half minute. At the end the run gets SIGTERM and must leave a
checkpoint. Memory counts as flat where its largest value in the last third of the time is at most 1 % and 1 MiB above
that in the second third; the first third is warm-up. Linux only (/proc). Ends with 1 where anything grows.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import runs  # noqa: E402


def sample(pid):
    """Resident KiB, descriptors, threads, processor seconds."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (
        int(fields["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"]),
        (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--config", default=str(runs.ROOT / "config/default.json"))
    parser.add_argument("--source", default="auto", choices=["auto", "full", "sample"])
    parser.add_argument("--csv", help="write every sample to this file")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="numeral-long-"))
    session = runs.Session(
        runs.trainer(),
        [
            "--config", options.config, "--output", str(work / "runs"), "--set", "training.epochs=100000",
            "--set", "training.earlyStopping=null", "--set", f"data.source={options.source}",
            "--set", "training.checkpoints={\"everyMinutes\": 0.5}",
        ], work / "log")
    seconds = 60 * options.minutes
    began = time.monotonic()
    samples = []
    while (now := time.monotonic() - began) < seconds:
        if session.process.poll() is not None:
            print(f"ended by itself with {session.wait()}:\n{session.messages[-2000:]}")
            return 1
        samples.append((now, *sample(session.process.pid)))
        if len(samples) % 60 == 0:
            print(f"{now / 60:5.1f} min  {samples[-1][1] / 1024:7.1f} MiB  {samples[-1][2]} descriptors  "
                  f"{samples[-1][3]} threads", flush=True)
        time.sleep(min(1, seconds / 300))
    session.process.send_signal(signal.SIGTERM)
    code = session.wait()
    if options.csv:
        lines = ["seconds,residentKiB,descriptors,threads,processorSeconds"]
        lines += [",".join(f"{value:g}" if i == 0 else str(value) for i, value in enumerate(s)) for s in samples]
        Path(options.csv).write_text("\n".join(lines) + "\n")

    second, last = samples[len(samples) // 3: 2 * len(samples) // 3], samples[2 * len(samples) // 3:]
    failures = []
    peaks = [max(s[1] for s in part) / 1024 for part in (second, last)]
    if peaks[1] > 1.01 * peaks[0] + 1:
        failures.append(f"resident memory grew from {peaks[0]:.1f} to {peaks[1]:.1f} MiB")
    for column, name in [(2, "descriptors"), (3, "threads")]:
        # The least: a file that is being written holds one for a moment.
        if min(s[column] for s in last) > min(s[column] for s in second):
            failures.append(f"{name} grew")
    run = runs.the_run(work / "runs")
    checkpoints = sorted(run.glob("checkpoints/epoch-*.safetensors"))
    if code != 128 + signal.SIGTERM or not checkpoints:
        failures.append(f"SIGTERM ended it with {code} and {len(checkpoints)} checkpoints")
    stray = [p.name for p in run.rglob(".*")]
    if stray:
        failures.append(f"left behind: {', '.join(stray)}")
    epochs = len((run / "history.csv").read_text().splitlines()) - 1
    print(
        f"{options.minutes:g} minutes, {epochs} epochs, {samples[-1][4] / samples[-1][0]:.2f} cores: resident memory at "
        f"most {peaks[0]:.1f} MiB in the second third, {peaks[1]:.1f} MiB in the last; "
        f"{min(s[2] for s in last)} descriptors and {min(s[3] for s in last)} threads, "
        f"{min(s[2] for s in second)} and {min(s[3] for s in second)} before; SIGTERM: {code}")
    for failure in failures:
        print(f"FAILED   {failure}")
    shutil.rmtree(work)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
