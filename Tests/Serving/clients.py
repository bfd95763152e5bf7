#!/usr/bin/env python3
"""Other people's clients, unmodified, against `trainer serve`: tritonclient with JSON and binary tensors, curl as in the guide, a run
that is watched and stopped, and an end that loses nothing.

    python3 Tests/Serving/clients.py [--trainer .build/debug/trainer]

Needs from PyPI tritonclient[http] and numpy, and curl. Ends with 1 where one of them is answered otherwise than `trainer predict` says.
"""
import argparse, json, os, signal, subprocess, sys, tempfile, threading, time, urllib.error, urllib.request
import numpy as np
import tritonclient.http as triton

parser = argparse.ArgumentParser()
parser.add_argument("--trainer", default=".build/debug/trainer")
trainer = parser.parse_args().trainer
failed = []

def check(name, holds):
    print(("passed " if holds else "FAILED ") + name)
    if not holds: failed.append(name)

def serve(port, *more, env=None):
    process = subprocess.Popen([trainer, "serve", "--port", str(port), "--quiet", *more], env={**os.environ, **(env or {})})
    begun = time.time()
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready", timeout=1); break
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None or time.time() > begun + 20: sys.exit("trainer serve did not start")
            time.sleep(.005)
    return process, time.time() - begun

process, seconds = serve(9310)
print(f"started in {seconds:.2f} s")
check("started in under 0.3 s", seconds < .3)
run = lambda *command, **options: subprocess.run(command, capture_output=True, **options).stdout

# tritonclient
client = triton.InferenceServerClient("127.0.0.1:9310")
check("tritonclient: live, ready, model ready", client.is_server_live() and client.is_server_ready() and client.is_model_ready("box"))
check("tritonclient: metadata", client.get_server_metadata()["name"] == "numeral" and client.get_model_metadata("box")["inputs"][0]["shape"] == [-1, 28, 28, 1])
rng = np.random.default_rng(7)
images = rng.integers(0, 256, (6, 28, 28, 1), dtype=np.uint8)
images[:, :8] = images[:, -8:] = images[:, :, :8] = images[:, :, -8:] = 0
expected = []
with tempfile.TemporaryDirectory() as folder:
    for i, image in enumerate(images):
        path = f"{folder}/{i}.pgm"
        open(path, "wb").write(b"P5 28 28 255\n" + image.tobytes())
        said = json.loads(run(trainer, "predict", "--raw", "--json", path))["files"][0]["characters"][0]
        expected.append([said["probabilities"][str(k)] for k in range(10)])
expected = np.array(expected).astype(np.float32)
for kind, data in (("UINT8", images), ("FP32", (images.astype(np.float32) / np.float32(255)))):
    for binary in (True, False):
        tensor = triton.InferInput("image", list(data.shape), kind)
        tensor.set_data_from_numpy(data, binary_data=binary)
        outputs = [triton.InferRequestedOutput(n, binary_data=binary) for n in ("probabilities", "label")]
        answer = client.infer("box", [tensor], outputs=outputs, request_id="7")
        same = np.array_equal(answer.as_numpy("probabilities"), expected)
        labels = [l.decode() if isinstance(l, bytes) else l for l in answer.as_numpy("label")]
        check(f"tritonclient: {kind}, {'binary' if binary else 'JSON'}: the bits of predict --raw", same and labels == [str(k) for k in expected.argmax(1)])
        own = client.infer("box", [tensor], timeout=30_000_000, priority=1, sequence_id=3, sequence_start=True)
        check("tritonclient: its own servers' parameters", np.array_equal(own.as_numpy("probabilities"), expected))
        check("tritonclient: without named outputs", np.array_equal(client.infer("box", [tensor]).as_numpy("probabilities"), expected))
try:
    client.infer("box", [triton.InferInput("image", [1, 28, 28], "FP32").set_data_from_numpy(np.zeros((1, 28, 28), np.float32))]); refused = ""
except triton.InferenceServerException as error: refused = str(error)
check("tritonclient: a wrong shape is said with its place", "inputs[0].shape" in refused)

# curl, as in the guide
url = "http://127.0.0.1:9310"
one = run("curl", "-s", "--data-binary", "@docs/examples/three.png", url + "/read")
check("curl: a picture, byte for byte as predict --json", one == run(trainer, "predict", "--json", "-", stdin=open("docs/examples/three.png", "rb")))
two = run("curl", "-s", "-F", "file=@three.png", "-F", "file=@seven.jpg", url + "/read?segment", cwd="docs/examples")
check("curl: a form, byte for byte as predict --json --segment", two == run(os.path.abspath(trainer), "predict", "--json", "--segment", "three.png", "seven.jpg", cwd="docs/examples"))
check("curl: metrics", b"numeral_request_seconds_bucket" in run("curl", "-s", url + "/metrics"))

# An end that loses nothing: clients that ask on and on, and are told of the last answer by its header.
lost, answered = [], []
def ask():
    import http.client
    body = open("docs/examples/three.png", "rb").read()
    connection = http.client.HTTPConnection("127.0.0.1", 9310, timeout=20)
    while True:
        try:
            connection.request("POST", "/read", body); response = connection.getresponse(); response.read()
        except ConnectionRefusedError: return
        except Exception as error:
            lost.append(repr(error)); return
        answered.append(response.status)
        if response.getheader("Connection") == "close": return
threads = [threading.Thread(target=ask) for _ in range(16)]
for t in threads: t.start()
time.sleep(1); process.send_signal(signal.SIGTERM)
for t in threads: t.join()
code = process.wait(40)
check(f"SIGTERM: {len(answered)} requests of 16 clients answered, {len(lost)} lost {lost[:2]}, exit code {code}", not lost and set(answered) == {200} and code == 0)

# Live runs, with a token.
with tempfile.TemporaryDirectory() as folder:
    training = subprocess.Popen([trainer, "--config", "config/default.json", "--set", "data.source=sample", "--set", "training.epochs=50", "--quiet", "--output", folder, "--threads", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process, _ = serve(9311, "--runs", folder, env={"NUMERAL_TOKEN": "a-token-of-letters"})
    def get(path, token="a-token-of-letters", method="GET"):
        request = urllib.request.Request("http://127.0.0.1:9311" + path, method=method, headers={"Authorization": "Bearer " + token})
        try: return urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error: return error
    check("token: another one is refused", get("/api/runs", "another-token-xx").status == 401)
    name = None
    for _ in range(200):
        runs = json.load(get("/api/runs"))["runs"]
        if runs and runs[0]["state"] == "running": name = runs[0]["name"]; break
        time.sleep(.05)
    epochs = 0
    for line in get(f"/api/runs/{name}/events"):
        epochs += line.startswith(b"event: epoch")
        if epochs == 2:
            figures = [get(f"/runs/{name}/{figure}.svg?epoch=2").read().startswith(b"<?xml") for figure in ("learning_curves", "filters", "augmentation")]
            check("a run that trains has learning curves, filters and its augmented images", figures == [True] * 3)
            stopped = json.load(get(f"/api/runs/{name}/stop", method="POST"))
            epochs = 3
        if line.startswith(b'data: {"state"'): state = line; break
    code = training.wait(30)
    check(f"a run is followed live, and stopped with a checkpoint: {state.decode().strip()}, exit code {code}", b"stopped" in state and code == 143 and os.listdir(f"{folder}/{name}/checkpoints") != [])
    process.send_signal(signal.SIGTERM); process.wait(20)
sys.exit(1 if failed else 0)
