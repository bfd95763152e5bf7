#!/usr/bin/env python3
"""Lets the surroundings of a short training run fail, and checks that the run says so, that what it wrote before still
loads, and that it comes to the bytes of an undisturbed run once the trouble is over.

    swift build && python3 Tests/Reliability/faults.py

- a full disk: a small tmpfs (needs the right to mount: root)
- a disk that has become read-only: the same tmpfs, mounted again (permission bits would not bind root)
- writes that fail: a limit on the size of files, from the first file on and at later ones
- Ctrl-C, SIGTERM and SIGHUP once: the step is finished, a checkpoint written, the way on told; 130, 143, 129
- Ctrl-C twice: the end at once, 130

What cannot be tried here is said, with the reason. Ends with 1 where anything is not as it should be.
"""

import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import runs  # noqa: E402


class Check:
    def __init__(self):
        self.binary = runs.trainer()
        self.work = Path(tempfile.mkdtemp(prefix="numeral-faults-"))
        self.config = runs.write_configuration(self.work / "small.json", runs.write_data(self.work / "data"))
        self.reference, self.seconds = runs.uninterrupted(self.binary, self.work / "reference", self.config)
        self.draw = random.Random(0)
        self.failures = []
        self.count = 0

    def fresh(self):
        self.count += 1
        return self.work / f"run-{self.count}"

    def begin(self, folder, *arguments, **options):
        return runs.Session(
            self.binary, ["--config", str(self.config), "--output", str(folder), *arguments],
            self.work / "session.log", **options)

    def expect(self, holds, what):
        if not holds:
            self.failures.append(what)
            print(f"FAILED   {what[:2000]}", flush=True)

    def expect_same_bytes(self, folder, what):
        """Resumes what is in `folder`, now that nothing is in its way."""
        run = runs.the_run(folder)
        if run is None or not (run / "config.json").exists():
            if run:
                shutil.rmtree(run)
            session = self.begin(folder)  # The trouble came before the run had said what it is.
        else:
            session = runs.Session(self.binary, ["--resume", str(run)], self.work / "session.log")
        code = session.wait()
        self.expect(code == 0, f"{what}: the resumed run ended with {code}: {session.messages}")
        self.expect("damaged" not in session.messages, f"{what}: {session.messages}")
        if code == 0:
            wrong = runs.differences(runs.the_run(folder), self.reference)
            self.expect(not wrong, f"{what}: {', '.join(wrong)} differ from {self.reference}")

    def wait_for_checkpoint(self, folder):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            run = runs.the_run(folder)
            if run and list(run.glob("checkpoints/epoch-*.safetensors")):
                return run
            time.sleep(0.001)
        raise TimeoutError("no checkpoint")

    def tmpfs(self, folder, size):
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)

    def can_mount(self):
        folder = self.work / "mount"
        try:
            self.tmpfs(folder, "64k")
            subprocess.run(["umount", str(folder)], check=True)
            return True
        except (subprocess.CalledProcessError, FileNotFoundError):
            return False

    # The faults

    def full_disk(self):
        warned = ended = 0
        for kilobytes in [8, 40, 100, 160, 240, 330, 420]:
            folder = self.fresh()
            self.tmpfs(folder, f"{kilobytes}k")
            try:
                session = self.begin(folder)
                code = session.wait()
                messages = session.messages
                warned += "WARNING  no checkpoint" in messages
                ended += code == 1
                what = f"full disk, {kilobytes} KiB"
                self.expect(code in (0, 1), f"{what}: ended with {code}: {messages}")
                self.expect(code == 0 or "No space left on device" in messages, f"{what}: {messages}")
                subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
                self.expect_same_bytes(folder, what)
            finally:
                subprocess.run(["umount", str(folder)], check=True)
        self.expect(warned > 0 and ended > 0, "no size of disk was too small")
        return f"7 sizes, {warned} with checkpoints that could not be written, {ended} ended with 1"

    def read_only(self):
        times = 4
        for _ in range(times):
            folder = self.fresh()
            self.tmpfs(folder, "64m")
            try:
                # Linux does not make a disk read-only while a process writes on it: kill it, then make it so.
                wait = 0.3 * self.seconds
                while True:
                    session = self.begin(folder)
                    run = self.wait_for_checkpoint(folder)
                    time.sleep(self.draw.uniform(0, wait))
                    if session.kill() == -signal.SIGKILL and not (run / "metrics.json").exists():
                        break
                    # It had ended before: the machine is faster now than when the reference was timed.
                    shutil.rmtree(run)
                    wait /= 2
                before = sorted((p.name, p.read_bytes()) for p in run.glob("checkpoints/*"))
                subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
                session = runs.Session(self.binary, ["--resume", str(run)], self.work / "session.log")
                code = session.wait()
                self.expect(
                    code == 1 and "Read-only file system" in session.messages,
                    f"read-only: ended with {code}: {session.messages}")
                subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
                after = sorted((p.name, p.read_bytes()) for p in run.glob("checkpoints/*"))
                self.expect(before == after, "read-only: the checkpoints changed")
                self.expect_same_bytes(folder, "read-only")
            finally:
                subprocess.run(["umount", str(folder)], check=True)
        return f"{times} times"

    def failing_writes(self):
        warned = ended = 0
        limits = [100, 2000, 5000, 20_000, 80_000, 100_000]
        for limit in limits:
            folder = self.fresh()
            session = self.begin(
                folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            code = session.wait()
            # The log of messages is a file too, and is cut by the limit.
            messages = session.messages
            warned += "WARNING  no checkpoint" in messages
            ended += code == 1
            self.expect(code in (0, 1), f"files of {limit} bytes at most: ended with {code}: {messages}")
            self.expect_same_bytes(folder, f"files of {limit} bytes at most")
        self.expect(warned > 0 and ended > 0, "no limit was too small")
        return f"{len(limits)} limits, {warned} with checkpoints that could not be written, {ended} ended with 1"

    def one_signal(self, number, times=8):
        for _ in range(times):
            folder = self.fresh()
            session = self.begin(folder, "--threads", str(self.draw.randint(1, 3)))
            self.wait_for_checkpoint(folder)
            time.sleep(self.draw.uniform(0, 0.4 * self.seconds))
            code = session.kill(number)
            what = signal.Signals(number).name
            # A signal that comes in the test at the end lets the run finish.
            if code != 0:
                self.expect(code == 128 + number, f"{what}: ended with {code}: {session.messages}")
                self.expect("Go on with: trainer --resume" in session.messages, f"{what}: {session.messages}")
            self.expect_same_bytes(folder, what)
        return f"{times} times"

    def two_signals(self, times=8):
        at_once = 0
        for _ in range(times):
            folder = self.fresh()
            session = self.begin(folder)
            self.wait_for_checkpoint(folder)
            time.sleep(self.draw.uniform(0, 0.4 * self.seconds))
            session.process.send_signal(signal.SIGINT)
            time.sleep(self.draw.choice([0, 0, 0.0002, 0.001]))
            code = session.kill(signal.SIGINT)
            self.expect(code in (0, 130), f"Ctrl-C twice: ended with {code}: {session.messages}")
            at_once += code == 130 and "Go on with" not in session.messages
            self.expect_same_bytes(folder, "Ctrl-C twice")
        return f"{times} times, {at_once} of them before the checkpoint was done"


def main():
    check = Check()
    faults = [
        ("writes that fail", check.failing_writes), ("Ctrl-C", lambda: check.one_signal(signal.SIGINT)),
        ("SIGTERM", lambda: check.one_signal(signal.SIGTERM)), ("SIGHUP", lambda: check.one_signal(signal.SIGHUP)),
        ("Ctrl-C twice", check.two_signals),
    ]
    if check.can_mount():
        faults += [("full disk", check.full_disk), ("read-only disk", check.read_only)]
    else:
        print("NOT TRIED  full disk, read-only disk: a tmpfs cannot be mounted here (that needs root)")
    for name, fault in faults:
        before = len(check.failures)
        report = fault()
        if len(check.failures) == before:
            print(f"passed   {name}: {report}", flush=True)
    if check.failures:
        print(f"{len(check.failures)} failures; everything is in {check.work}")
        return 1
    shutil.rmtree(check.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
