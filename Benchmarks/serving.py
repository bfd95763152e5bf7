#!/usr/bin/env python3
"""How many requests a second `trainer serve` answers, beside servers that people pick, on loopback, one after another.

    swift build -c release --product trainer --product trainer-serve
    python3 Benchmarks/serving.py [--seconds 6] [--rounds 3] [--trainer .build/release/trainer]

Needs wrk (Debian), and from PyPI: fastapi, uvicorn, httptools, uvloop, python-multipart, litserve, mlserver, onnxruntime, pillow, numpy. What is not
installed is left out, and said. All answer for the same network (the one in the box, exported to ONNX) and the same picture, a
digit of 28 by 28 as JPEG: decode, classify, answer the class and its probabilities as JSON. MLServer, which takes tensors, is compared
on the Open Inference Protocol with the same image as JSON. Peers run on as many workers and threads as is best here (all are tried);
nobody batches with a delay. Figures are medians over rounds.
"""
import argparse, io, json, os, re, shutil, signal, statistics, subprocess, sys, tempfile, time, urllib.request

ORT = """
import io, numpy as np, onnxruntime as ort
from PIL import Image
options = ort.SessionOptions()
options.intra_op_num_threads = {threads}
session = ort.InferenceSession({model!r}, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
shape = [1 if not isinstance(d, int) else d for d in session.get_inputs()[0].shape]
def classify(x):
    p = session.run(None, {{name: x.reshape([-1] + shape[1:])}})[0][0]
    if p.min() < 0 or abs(p.sum() - 1) > 1e-3:
        p = np.exp(p - p.max()); p /= p.sum()
    return {{"class": str(int(p.argmax())), "probabilities": {{str(i): float(v) for i, v in enumerate(p)}}}}
def read(body):
    return classify(np.asarray(Image.open(io.BytesIO(body)).convert("L"), dtype=np.float32) / 255)
"""
FASTAPI = ORT + """
from fastapi import FastAPI, Request
app = FastAPI()
@app.post("/read")
async def answer(request: Request):
    return read(await request.body())
"""
LITSERVE = ORT + """
import litserve, asyncio
from fastapi import Request
class API(litserve.LitAPI):
    def setup(self, device): pass
    async def decode_request(self, request): return request
    def predict(self, x): return classify(x)
    def encode_response(self, output): return output
class Bytes(API):
    def decode_request(self, request): return np.asarray(Image.open(io.BytesIO(__import__("base64").b64decode(request["image"]))).convert("L"), dtype=np.float32) / 255
if __name__ == "__main__":
    litserve.LitServer(Bytes(), accelerator="cpu", workers_per_device={workers}).run(port={port}, log_level="error", generate_client_file=False)
"""
MLSERVER = ORT + """
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
class Digits(MLModel):
    async def load(self): return True
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        x = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32)
        p = list(classify(x)["probabilities"].values())
        return InferenceResponse(model_name=self.name, outputs=[ResponseOutput(name="probabilities", shape=[1, 10], datatype="FP32", data=p)])
"""
LUA = """wrk.method = "POST"
local f = io.open("{body}", "rb"); wrk.body = f:read("*a"); f:close()
wrk.headers["Content-Type"] = "{type}"
"""

def environment():
    return {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}

def wait(url, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        try:
            urllib.request.urlopen(url, timeout=1); return True
        except urllib.error.HTTPError: return True
        except Exception: time.sleep(.1)
    return False

def load(url, script, connections, seconds):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", script, url], capture_output=True, text=True).stdout
    def ms(text):
        value, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
        return float(value) * {"us": .001, "ms": 1, "s": 1000}[unit]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    p50, p99 = (ms(re.search(rf"^\s+{p}%\s+(\S+)", out, re.M).group(1)) for p in (50, 99))
    return rate, p50, p99, int(bad.group(1)) if bad else 0

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=6); parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trainer", default=".build/release/trainer"); parser.add_argument("--picture", default="docs/examples/three.png")
    parser.add_argument("--only", default="")
    a = parser.parse_args()
    import numpy as np
    from PIL import Image
    folder = tempfile.mkdtemp()
    model = os.path.join(folder, "box.onnx")
    subprocess.run([a.trainer, "export", "--model", "box", "--format", "onnx", model], check=True, env=environment(), stdout=subprocess.DEVNULL)
    # The digit as the network sees it, from the reader itself.
    grey = np.asarray(Image.open(a.picture).convert("L"))
    ink = 255 - np.asarray(Image.fromarray(grey).resize((28, 28), Image.LANCZOS))
    ink = (ink.astype(float) - ink.min()) / (ink.max() - ink.min()) * 255
    jpeg = os.path.join(folder, "digit.jpg"); Image.fromarray(ink.astype(np.uint8)).save(jpeg, quality=95)
    pixels = (np.asarray(Image.open(jpeg), dtype=np.float32) / 255)
    body = {"inputs": [{"name": "image", "shape": [1, 28, 28, 1], "datatype": "FP32", "data": [round(float(v), 6) for v in pixels.ravel()]}]}
    def script(name, data, kind):
        path = os.path.join(folder, name); open(path, "wb").write(data)
        lua = path + ".lua"; open(lua, "w").write(LUA.format(body=path, type=kind)); return lua
    picture = script("p", open(jpeg, "rb").read(), "image/jpeg")
    tensor = script("t", json.dumps(body).encode(), "application/json")
    import base64
    b64 = script("b", json.dumps({"image": base64.b64encode(open(jpeg, "rb").read()).decode()}).encode(), "application/json")
    binary_head = json.dumps({"inputs": [{"name": "image", "shape": [1, 28, 28, 1], "datatype": "FP32", "parameters": {"binary_data_size": 3136}}], "parameters": {"binary_data_output": True}}).encode()
    binary = script("i", binary_head + pixels.astype("<f4").tobytes(), "application/octet-stream")
    with open(binary, "a") as f: f.write(f'wrk.headers["Inference-Header-Content-Length"] = "{len(binary_head)}"\n')

    servers = []
    def numeral(port): return [a.trainer, "serve", "--port", str(port), "--quiet"], "/v2/health/ready"
    servers += [("Numeral", "JPEG, as it is", numeral, "/read?raw", picture), ("Numeral", "JPEG, prepared", numeral, "/read", picture),
                ("Numeral", "tensor, JSON", numeral, "/v2/models/box/infer", tensor), ("Numeral", "tensor, binary", numeral, "/v2/models/box/infer", binary)]
    def python(source, command, health):
        def start(port):
            d = tempfile.mkdtemp(dir=folder)
            open(os.path.join(d, "peer.py"), "w").write(source.replace("PORT", str(port)))
            return command(port, d), health, d
        return start
    def has(*names):
        import importlib.util
        missing = [n for n in names if importlib.util.find_spec(n) is None]
        if missing: print("left out, not installed:", ", ".join(missing))
        return not missing
    if has("fastapi", "uvicorn"):
        for workers, threads in ((1, 1), (1, 2), (2, 1)):
            servers.append((f"FastAPI, ONNX Runtime, {workers}×{threads}", "JPEG, as it is", python(FASTAPI.format(model=model, threads=threads), lambda port, d, w=workers: [sys.executable, "-m", "uvicorn", "peer:app", "--port", str(port), "--workers", str(w), "--log-level", "error"], "/docs"), "/read", picture))
    if has("litserve"):
        for workers in (1, 2):
            servers.append((f"LitServe, ONNX Runtime, {workers}", "JPEG in Base64", python(LITSERVE.format(model=model, threads=1, workers=workers, port="PORT"), lambda port, d: [sys.executable, "peer.py"], "/health"), "/predict", b64))
    if has("mlserver"):
        def ml(port, d):
            json.dump({"name": "digits", "implementation": "peer.Digits"}, open(os.path.join(d, "model-settings.json"), "w"))
            json.dump({"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 0, "debug": False}, open(os.path.join(d, "settings.json"), "w"))
            return ["mlserver", "start", d]
        servers.append(("MLServer, ONNX Runtime", "tensor, JSON", python(MLSERVER.format(model=model, threads=1), ml, "/v2/health/ready"), "/v2/models/digits/infer", tensor))
    results = {}
    for round_ in range(a.rounds):
        for index, (name, what, start, path, lua) in enumerate(servers):
            if a.only and a.only not in name: continue
            port = 9100 + 10 * index
            command, health, *d = start(port)
            env = environment(); env["PATH"] = os.path.dirname(sys.executable) + ":" + env["PATH"]
            process = subprocess.Popen(command, cwd=d[0] if d else None, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                url = f"http://127.0.0.1:{port}"
                if not wait(url + health): print("did not start:", name); continue
                time.sleep(.5); load(url + path, lua, 16, 2)
                for c in (1, 16): results.setdefault((name, what, c), []).append(load(url + path, lua, c, a.seconds))
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                try: process.wait(10)
                except subprocess.TimeoutExpired: os.killpg(process.pid, signal.SIGKILL)
    print(f"| server | request | 1 connection, req/s | p50 ms | p99 ms | 16 connections, req/s | p50 ms | p99 ms |\n|---|---|--:|--:|--:|--:|--:|--:|")
    for name, what, *_ in servers:
        row = [results.get((name, what, c)) for c in (1, 16)]
        if not all(row): continue
        cells = []
        for r in row:
            m = [statistics.median(x[i] for x in r) for i in range(3)]
            cells += [f"{m[0]:,.0f}", f"{m[1]:.2f}", f"{m[2]:.2f}"]
        failed = sum(x[3] for r in row for x in r)
        print(f"| {name} | {what} | " + " | ".join(cells) + " |" + (f" {failed} failed" if failed else ""))
    shutil.rmtree(folder)
main()
