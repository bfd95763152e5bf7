#!/usr/bin/env python3
"""`trainer serve` over TLS, as built with the trait: certificates, what it refuses, and clients that stall before they have shaken hands.

    swift build -c release --traits TLS --product trainer-serve
    python3 Tests/Serving/https.py [--trainer .build/release/trainer]

Needs openssl and curl, and from PyPI tritonclient[http] and numpy. Ends with 1 where something is otherwise.
"""
import argparse, json, os, signal, socket, ssl, subprocess, sys, tempfile, time, urllib.error, urllib.request
import numpy as np
import tritonclient.http as triton

parser = argparse.ArgumentParser()
parser.add_argument("--trainer", default=".build/release/trainer"); parser.add_argument("--port", type=int, default=9510)
a = parser.parse_args()
failed = []
def check(name, holds):
    print(("passed " if holds else "FAILED ") + name, flush=True)
    if not holds: failed.append(name)

folder = tempfile.mkdtemp()
def certificate(name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)
certificate("own"); certificate("other")
open(f"{folder}/token", "w").write("a-token-of-thirty-two-characters")
os.chmod(f"{folder}/token", 0o600)

def serve(*more): return subprocess.Popen([a.trainer, "serve", "--port", str(a.port), "--quiet", *more], stderr=subprocess.PIPE, text=True)
for what, options, named in (("a key of another certificate", ["--certificate", f"{folder}/own.pem", "--key", f"{folder}/other.key"], "the private key of the certificate"),
                      ("a certificate that is none", ["--certificate", f"{folder}/token", "--key", f"{folder}/own.key"], "--certificate: "),
                      ("a missing key file", ["--certificate", f"{folder}/own.pem", "--key", f"{folder}/none.key"], "none.key"),
                      ("a certificate without its key", ["--certificate", f"{folder}/own.pem"], "both or neither")):
    process = serve(*options)
    said = process.communicate(timeout=20)[1]
    check(f"{what}: refused ({said.strip().splitlines()[0][:110] if said.strip() else 'nothing said'})", process.returncode == 2 and named in said)

process = serve("--certificate", f"{folder}/own.pem", "--key", f"{folder}/own.key", "--token-file", f"{folder}/token", "--host", "0.0.0.0")
context = ssl.create_default_context(cafile=f"{folder}/own.pem")
url = f"https://localhost:{a.port}"
def ask(path, body=None, headers={}):
    request = urllib.request.Request(url + path, body, {"Authorization": "Bearer a-token-of-thirty-two-characters", **headers})
    return urllib.request.urlopen(request, timeout=20, context=context)
for _ in range(1000):
    try: ask("/v2/health/ready"); break
    except (urllib.error.URLError, ConnectionError):
        if process.poll() is not None: sys.exit("did not start: " + process.stderr.read())
        time.sleep(.01)

three = open("docs/examples/three.png", "rb").read()
check("a picture is read over TLS, as predict reads it", ask("/read", three).read() == subprocess.run([a.trainer, "predict", "--json", "-"], input=three, capture_output=True).stdout)
check("curl verifies the certificate", subprocess.run(["curl", "-sf", "--cacert", f"{folder}/own.pem", "-H", "Authorization: Bearer a-token-of-thirty-two-characters", url + "/v2/health/live"], capture_output=True).returncode == 0)
large = os.urandom(1 << 20)
try: ask("/read", large); status = 200
except urllib.error.HTTPError as error: status = error.code
check("a megabyte of no picture is answered (422)", status == 422)
try: urllib.request.urlopen(url + "/v2", timeout=5, context=context); status = 200
except urllib.error.HTTPError as error: status = error.code
check("without the token: 401", status == 401)
opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), type("Stay", (urllib.request.HTTPRedirectHandler,), {"redirect_request": lambda *_: None}))
try: cookie = opener.open(urllib.request.Request(url + "/login", b"token=a-token-of-thirty-two-characters"), timeout=5).headers["Set-Cookie"]
except urllib.error.HTTPError as error: cookie = error.headers["Set-Cookie"]
check("the cookie is for TLS alone", cookie is not None and "; Secure" in cookie and "HttpOnly" in cookie)

client = triton.InferenceServerClient(f"localhost:{a.port}", ssl=True, ssl_options={"ca_certs": f"{folder}/own.pem"})
image = triton.InferInput("image", [1, 28, 28, 1], "FP32"); image.set_data_from_numpy(np.zeros((1, 28, 28, 1), np.float32))
answer = client.infer("box", [image], headers={"Authorization": "Bearer a-token-of-thirty-two-characters"})
check("tritonclient over TLS", abs(answer.as_numpy("probabilities").sum() - 1) < 1e-5)

def handshake(version):
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT); own.check_hostname = False; own.verify_mode = ssl.CERT_NONE
    own.set_ciphers("ALL:@SECLEVEL=0"); own.minimum_version = own.maximum_version = version
    try:
        with socket.create_connection(("127.0.0.1", a.port), timeout=5) as s, own.wrap_socket(s) as tls: return tls.version()
    except (ssl.SSLError, OSError): return None
import warnings; warnings.simplefilter("ignore")
check("TLS 1.2 and 1.3 are spoken, 1.1 is not", handshake(ssl.TLSVersion.TLSv1_2) == "TLSv1.2" and handshake(ssl.TLSVersion.TLSv1_3) == "TLSv1.3" and handshake(ssl.TLSVersion.TLSv1_1) is None)

# Plain HTTP, garbage, and a hundred that stall in the handshake while others ask.
for bytes in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(2000), b"\x16\x03\x01\x02\x00" + os.urandom(512)):
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", a.port), timeout=5) as s: s.sendall(bytes); s.settimeout(.05)
stalled = [socket.create_connection(("127.0.0.1", a.port)) for _ in range(100)]
for s in stalled: s.sendall(b"\x16\x03\x01\x02\x00\x01"); s.settimeout(20)
begun = time.time()
check("while a hundred stall in the handshake others are answered", all(b'["3"]' in ask("/read", three).read() for _ in range(20)) and time.time() - begun < 5)
closed = 0
for s in stalled:
    try: closed += s.recv(100) is not None
    except (ConnectionError, socket.timeout) as error: closed += isinstance(error, ConnectionError)
check(f"they are let go ({closed} of 100 after {time.time() - begun:.0f} s)", closed == 100 and time.time() - begun < 15)

# An end that loses nothing: requests in flight at SIGTERM are answered.
import threading
answers = []
threads = [threading.Thread(target=lambda: answers.append(ask("/read?segment", three).status)) for _ in range(16)]
for t in threads: t.start()
time.sleep(.1); process.send_signal(signal.SIGTERM)
for t in threads: t.join()
check("SIGTERM: what was sent is answered, and the service ends with 0", answers == [200] * 16 and process.wait(40) == 0)
sys.exit(1 if failed else 0)
