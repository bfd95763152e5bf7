#!/usr/bin/env python3
"""What people do to a service: a thousand slow clients while others ask, half requests, garbage, kills; and memory under load.

    python3 Tests/Serving/abuse.py [--trainer .build/release/trainer] [--minutes 1] [--garbage 200000] [--fuzz 200000]

Needs wrk (Debian). Ends with 1 where an honest client is not answered, the service ends, or memory grows.
"""
import argparse, os, random, re, resource, signal, socket, subprocess, sys, tempfile, threading, time, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--trainer", default=".build/release/trainer"); parser.add_argument("--minutes", type=float, default=1)
parser.add_argument("--garbage", type=int, default=200_000); parser.add_argument("--fuzz", type=int, default=200_000); parser.add_argument("--port", type=int, default=9410)
a = parser.parse_args()
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
failed = []
def check(name, holds):
    print(("passed " if holds else "FAILED ") + name, flush=True)
    if not holds: failed.append(name)

def start():
    process = subprocess.Popen([a.trainer, "serve", "--port", str(a.port), "--quiet"])
    for _ in range(2000):
        try: urllib.request.urlopen(f"http://127.0.0.1:{a.port}/v2/health/ready", timeout=1); return process
        except Exception: time.sleep(.01)
    sys.exit("did not start")

def resident(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS"): return int(line.split()[1]) / 1024

PICTURE = open("docs/examples/three.png", "rb").read()
def honest(count):
    """Answers right, and the slowest in seconds."""
    right, slowest = 0, 0
    for _ in range(count):
        begun = time.time()
        try:
            answer = urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{a.port}/read", PICTURE), timeout=20).read()
            right += b'["3"]' in answer
        except Exception as error: print("  ", error)
        slowest = max(slowest, time.time() - begun)
    return right, slowest

process = start()

# Bodies that come too slowly are answered with 408 after a minute, looked at further down.
late = [socket.create_connection(("127.0.0.1", a.port)) for _ in range(20)]
late_begun = time.time()
for s in late: s.sendall(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx"); s.settimeout(90)

# Slow clients: a byte a second of a head, of a body, and readers that take nothing.
def connect():
    s = socket.create_connection(("127.0.0.1", a.port)); s.settimeout(60); return s
slow = [connect() for _ in range(1000)]
for i, s in enumerate(slow):
    if i % 3 == 1: s.sendall(b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
    if i % 3 == 2: s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
begun, closed = time.time(), set()
def drip():
    while time.time() < begun + 14:
        for i, s in enumerate(slow):
            try: s.sendall(b"X" if i % 3 else b"G")
            except OSError: closed.add(i)
        time.sleep(1)
thread = threading.Thread(target=drip); thread.start()
right, slowest = honest(60)
check(f"with 1,000 slow clients 60 of 60 honest ones are answered ({right}), the slowest in {slowest * 1000:.0f} ms", right == 60 and slowest < 5)
thread.join()
check(f"clients that send no head in time are let go ({sum(i % 3 == 0 for i in closed)} of 334 seen closed)", sum(i % 3 == 0 for i in closed) >= 330)
for s in slow: s.close()

timeouts = sum(s.recv(4096).startswith(b"HTTP/1.1 408") for s in late)
check(f"bodies that do not come are answered with 408 ({timeouts} of 20, after {time.time() - late_begun:.0f} s)", timeouts == 20 and 55 < time.time() - late_begun < 75)

# Garbage and half requests, from seeds.
rng = random.Random(5)
seeds = [b"POST /read?segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(PICTURE) + PICTURE,
         b"GET /v2/models/box HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST /v2/models/box/infer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n0\r\n\r\n",
         b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 90\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nxyz\r\n--b--\r\n"]
def garbage(count):
    for _ in range(count):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 6)):
            if not data: break
            i = rng.randrange(min(len(data), 300)); kind = rng.randrange(4)
            if kind == 0: data[i] = rng.randrange(256)
            elif kind == 1: del data[i:i + rng.randrange(1, 9)]
            elif kind == 2: data[i:i] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
            else: data = data[:i + 1]
        try:
            s = socket.create_connection(("127.0.0.1", a.port)); s.sendall(data); s.shutdown(socket.SHUT_WR); s.settimeout(.001)
            try: s.recv(100)
            except OSError: pass
            s.close()
        except OSError: pass
garbage(500)
before = resident(process); begun = time.time()
garbage(a.garbage)
check(f"{a.garbage:,} damaged requests in {time.time() - begun:.0f} s; the service lives, and answers", process.poll() is None and honest(5)[0] == 5)
check(f"memory after them: {before:.0f} to {resident(process):.0f} MiB", resident(process) < before * 1.3 + 20)

# Damaged requests on connections that stay open, faster than Python makes them.
answered, codes, seed, begun = 0, 0, 1, time.time()
before = resident(process)
while answered < a.fuzz:
    out = subprocess.run(["wrk", "-t1", "-c64", "-d20", "-s", "Tests/Serving/fuzz.lua", f"http://127.0.0.1:{a.port}", "--", str(seed)], capture_output=True, text=True).stdout
    if "status\t" in out: print(f"  a status of 500 with the seed {seed}:", out)
    seed += 1
    count = re.search(r"(\d+) requests in", out)
    if process.poll() is not None or not count or count.group(1) == "0": print(out); break
    answered += int(count.group(1)); codes += out.count("status\t")
check(f"{answered:,} fuzzed requests answered in {time.time() - begun:.0f} s, {codes} of them with 500; the service lives, and answers",
      answered >= a.fuzz and codes == 0 and process.poll() is None and honest(5)[0] == 5)
check(f"memory after them: {before:.0f} to {resident(process):.0f} MiB", resident(process) < before * 1.3 + 20)

# Memory under load.
with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
    lua.write('wrk.method = "POST"\nlocal f = io.open("docs/examples/three.png", "rb"); wrk.body = f:read("*a"); f:close()\n'); lua.flush()
    load = lambda seconds: subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}", "-s", lua.name, f"http://127.0.0.1:{a.port}/read"], capture_output=True, text=True).stdout
    load(10); first = resident(process); sizes = []
    for _ in range(max(1, round(a.minutes))):
        out = load(60 if a.minutes >= 1 else 60 * a.minutes); sizes.append(resident(process))
    check(f"memory over {a.minutes:g} minutes of load: {first:.0f} MiB at first, then {min(sizes):.0f} to {max(sizes):.0f}, last {sizes[-1]:.0f}", sizes[-1] < first * 1.1 + 10 and "Non-2xx" not in out)

# Kill and restart: the address is free at once.
process.send_signal(signal.SIGKILL); process.wait()
begun = time.time(); process = start()
check(f"killed and started again in {time.time() - begun:.2f} s, and answers", honest(3)[0] == 3)
process.send_signal(signal.SIGTERM); check("ends at SIGTERM", process.wait(40) == 0)
sys.exit(1 if failed else 0)
