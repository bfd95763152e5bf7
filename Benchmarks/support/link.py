"""Two hosts on one machine: network namespaces joined by a link of limited rate and with a delay.

Each namespace has a TUN device; a process between them takes packets from one and gives them to the other after
`delay + size / rate`, a queue for each direction (so the link is full duplex). It needs root and /dev/net/tun, no kernel
module. The namespaces have no other way out, the process ends by itself after its time, and nothing leaves the machine.
"""

import collections
import ctypes
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

MTU = 9000
ADDRESSES = ["10.77.0.1", "10.77.0.2"]
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def _device(namespace):
    """A TUN device `link` in `namespace`; its descriptor serves from anywhere."""
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(there, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"link", IFF_TUN | IFF_NO_PI))
    libc.setns(home, CLONE_NEWNET)
    return device


def relay(names, rate, delay, seconds):
    """Carries packets between two namespaces until `seconds` have passed. `rate` in bit/s, `delay` in seconds one way."""
    devices = [_device(name) for name in names]
    for name, address in zip(names, ADDRESSES):
        for command in (["addr", "add", address + "/24", "dev", "link"], ["link", "set", "dev", "link", "mtu", str(MTU), "up"],
                        ["link", "set", "dev", "lo", "up"]):
            subprocess.run(["ip", "-n", name, *command], check=True)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        pass
    libc.prctl(29, 1000, 0, 0, 0)  # PR_SET_TIMERSLACK: 1 µs
    print("up", flush=True)
    queues = [collections.deque(), collections.deque()]
    free = [0.0, 0.0]
    end = time.monotonic() + seconds
    poller = select.poll()
    for device in devices:
        poller.register(device, select.POLLIN)
    while (now := time.monotonic()) < end:
        due = min((queue[0][0] for queue in queues if queue), default=now + 0.1)
        if due > now:
            # poll() counts milliseconds; select() would do for less, with the last 60 µs spun.
            if due - now > 6e-5:
                select.select(devices, [], [], due - now - 6e-5)
            now = time.monotonic()
        for side, device in enumerate(devices):
            for _ in range(64):
                try:
                    packet = os.read(device, MTU + 64)
                except BlockingIOError:
                    break
                free[side] = max(free[side], now) + 8 * len(packet) / rate
                queues[side].append((free[side] + delay, packet))
            queue, other = queues[side], devices[1 - side]
            now = time.monotonic()
            while queue and queue[0][0] <= now:
                try:
                    os.write(other, queue.popleft()[1])
                except BlockingIOError:
                    pass


class Link:
    """The two namespaces while the block runs."""

    def __init__(self, megabits, milliseconds, seconds=300):
        self.names = [f"numeral-{os.getpid()}-{side}" for side in "ab"]
        self.arguments = [*self.names, str(megabits * 1e6), str(milliseconds / 1e3), str(seconds)]

    def __enter__(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), *self.arguments],
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "up\n":
            self.__exit__()
            raise RuntimeError("the link could not be made: it needs root and /dev/net/tun")
        # What mpirun starts a remote process with, in place of ssh: AGENT HOST COMMAND…
        self.agent = tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False)
        self.agent.write(f'#!/bin/sh\nshift\nexec ip netns exec {self.names[1]} unshare -u sh -c "hostname host-b; $*"\n')
        self.agent.close()
        os.chmod(self.agent.name, 0o755)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)
        if hasattr(self, "agent"):
            os.unlink(self.agent.name)

    def inside(self, command):
        """`command` on the first host."""
        return ["ip", "netns", "exec", self.names[0], "unshare", "-u", "sh", "-c", 'hostname host-a; exec "$@"', "-",
                *command]

    def mpirun(self, options):
        """Open MPI's launcher of one process on each host, over the link alone."""
        network = "10.77.0.0/24"
        return self.inside([
            "mpirun.openmpi", "--allow-run-as-root", "--host", ",".join(ADDRESSES), "-n", "2", "--bind-to", "none",
            "--mca", "plm_rsh_agent", self.agent.name, "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", network,
            "--mca", "oob_tcp_if_include", network, *options])

    def bytes_sent(self):
        """Bytes that each host has sent so far."""
        counts = []
        for name in self.names:
            text = subprocess.run(["ip", "netns", "exec", name, "cat", "/proc/net/dev"], capture_output=True, text=True,
                                  check=True).stdout
            row = next(line for line in text.splitlines() if line.strip().startswith("link:"))
            counts.append(int(row.split(":")[1].split()[8]))
        return counts

    def probe(self):
        """Seconds there and back of a byte, and bytes a second of a long message, both by TCP as programs see them."""
        server = ("import socket;s=socket.create_server(('10.77.0.2',9999));c,_=s.accept();"
                  "c.setsockopt(6,1,1)\nfor _ in range(200): c.sendall(c.recv(1))\n"
                  "n=0\nwhile n<(16<<20):\n d=c.recv(1<<20)\n n+=len(d)\nc.sendall(b'x')")
        client = ("import socket,time;s=socket.create_connection(('10.77.0.2',9999));s.setsockopt(6,1,1);t=[]\n"
                  "for _ in range(200):\n a=time.monotonic();s.sendall(b'x');s.recv(1);t.append(time.monotonic()-a)\n"
                  "a=time.monotonic();s.sendall(bytes(16<<20));s.recv(1);b=time.monotonic()-a\n"
                  "print(sorted(t)[100],(16<<20)/b)")
        listener = subprocess.Popen(["ip", "netns", "exec", self.names[1], sys.executable, "-c", server])
        time.sleep(0.5)
        answer = subprocess.run(["ip", "netns", "exec", self.names[0], sys.executable, "-c", client],
                                capture_output=True, text=True, check=True, timeout=120).stdout
        listener.wait()
        trip, rate = map(float, answer.split())
        return trip, rate


if __name__ == "__main__":
    relay(sys.argv[1:3], float(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
