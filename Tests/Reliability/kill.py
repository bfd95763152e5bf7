#!/usr/bin/env python3
"""Kills a short training run with SIGKILL at random moments, resumes it until it is done, and compares its files with
those of a run that was never interrupted, byte for byte.

    swift build && python3 Tests/Reliability/kill.py --kills 200

Half of the kills come at a uniformly random time, half as soon as a temporary file is seen, that is in the middle of a
write. Each process has one to three threads. Ends with 1 where a file differs, a state does not load, or a resumed run
goes back before the place that an earlier process had gone on from.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import runs  # noqa: E402


def wait_for_write(process, folder, deadline):
    """Returns as soon as a temporary file is in the run or its checkpoints; or at the deadline, or at the end."""
    while time.monotonic() < deadline and process.poll() is None:
        run = runs.the_run(folder)
        for place in [run, run / "checkpoints"] if run else []:
            try:
                if any(p.name.endswith(".tmp") for p in place.iterdir()):
                    return True
            except FileNotFoundError:
                pass
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--kills-a-run", type=int, default=8, help="after so many a run may finish")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    binary = runs.trainer()
    work = Path(tempfile.mkdtemp(prefix="numeral-kill-"))
    config = runs.write_configuration(work / "small.json", runs.write_data(work / "data"))
    reference, seconds = runs.uninterrupted(binary, work / "reference", config)
    print(f"uninterrupted: {seconds:.2f} s", flush=True)

    began = time.monotonic()
    kills = in_writes = resumed_runs = starts_over = 0
    failures = []
    while kills < options.kills and not failures and time.monotonic() - began < options.seconds:
        folder = work / f"run-{resumed_runs}"
        place, killed_here = None, 0
        while True:
            run = runs.the_run(folder)
            begun = run is not None and (run / "config.json").exists()
            if run is not None and not begun:
                shutil.rmtree(run)  # Killed before it had said what it is: nothing to go on with.
            arguments = ["--resume", str(run)] if begun else ["--config", str(config), "--output", str(folder)]
            session = runs.Session(
                binary, [*arguments, "--threads", str(draw.randint(1, 3))], work / "session.log")
            if kills < options.kills and killed_here < options.kills_a_run:
                # Sometimes in the loading, mostly in the training, sometimes in the test.
                span = 0.6 * seconds if draw.random() < 0.8 else 0.2
                wish = session.began + draw.uniform(0, span)
                time.sleep(max(0, wish - time.monotonic()))
                in_write = draw.random() < 0.5 and wait_for_write(session.process, folder, wish + seconds)
                code = session.kill() if session.process.poll() is None else session.wait()
            else:
                in_write, code = False, session.wait()
            if code == -signal.SIGKILL:
                kills += 1
                killed_here += 1
                in_writes += in_write
            elif code != 0:
                failures.append(f"{folder.name}: a resumed run ended with {code}:\n{session.messages}")
                break
            if "WARNING" in session.messages:
                failures.append(f"{folder.name}: {session.messages}")
                break
            here = runs.going_on_from(session.messages)
            starts_over += "begins again" in session.messages
            if here and place and here < place:
                failures.append(f"{folder.name}: went on from {here} after {place}")
                break
            place = here or place
            if code == 0:
                run = runs.the_run(folder)
                wrong = runs.differences(run, reference)
                if wrong:
                    failures.append(f"{run}: {', '.join(wrong)} differ from {reference}")
                else:
                    shutil.rmtree(folder)
                break
        resumed_runs += 1
    print(
        f"{kills} kills ({in_writes} in the middle of a write, {starts_over} before the first checkpoint) of "
        f"{resumed_runs} runs: {resumed_runs - len(failures)} runs came to the same bytes")
    for failure in failures:
        print(failure)
    if failures:
        print(f"everything is in {work}")
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
