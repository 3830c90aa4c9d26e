"""The rows of group J about JWT keys that are fetched: a provider that is flooded, down, or not what it should be."""
import json
import os
import random
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from credentials import base64url
from rows import row

AUTH = """
auth:
  protect: [/socket.io/]
  any_of:
    - jwt: {{algorithms: [RS256], jwks_url: "{url}"{more}}}
  refuse_with: http
  failed_rate: off
"""


class Provider:
    """Serves one RSA key, or whatever else it is told to: (status, headers, body), or None to hang up."""

    def __init__(self, bench, name, tls=False):
        self.directory = bench.rig.directory
        self.private = os.path.join(self.directory, f"{name}.provider.pem")
        subprocess.run(["openssl", "genrsa", "-out", self.private, "2048"], check=True, capture_output=True)
        modulus = subprocess.run(["openssl", "rsa", "-in", self.private, "-noout", "-modulus"], check=True, capture_output=True).stdout
        modulus = bytes.fromhex(modulus.decode().strip().split("=")[1])
        self.keys = json.dumps({"keys": [{"kty": "RSA", "kid": "good", "use": "sig", "n": base64url(modulus), "e": "AQAB"}]}).encode()
        self.answer = (200, {}, self.keys)
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                provider.asked += 1
                if provider.answer is None:
                    self.close_connection = True
                    return
                status, headers, body = provider.answer
                self.send_response(status)
                for header, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(header, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # it does not want ten megabytes

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # handshakes that fail are what is tried

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}/keys"
        if tls:
            self.certificate = os.path.join(self.directory, f"{name}.provider.crt")
            subprocess.run(["openssl", "req", "-x509", "-key", self.private, "-out", self.certificate, "-days", "2", "-subj", "/CN=provider",
                            "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.private)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, kid="good"):
        signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": kid}, {"sub": "bob", "exp": int(time.time()) + 3600}))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.private], input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{base64url(signature)}"


class Served:
    """forestay in front of the recorder, with its keys from that provider."""

    def __init__(self, bench, provider, name, more=""):
        self.bench, self.name = bench, name
        self.forestay = bench.rig.forestay(bench.recorder.url, AUTH.format(url=provider.url, more=more), name)
        bench.forestays[name] = self.forestay

    def __enter__(self):
        return self

    def __exit__(self, *_):
        del self.bench.forestays[self.name]
        self.bench.rig.stop(self.forestay)

    def status(self, token):
        with self.bench.connection(self.name) as connection:
            return connection.request("GET", "/socket.io/?EIO=4&transport=polling", [("Authorization", f"Bearer {token}")]).status

    def fetches(self):
        return self.forestay.metric("forestay_jwks_fetches_total")


def starts(bench, provider, name, more=""):
    try:
        with Served(bench, provider, name, more):
            return True
    except RuntimeError as refused:
        return "no keys from" not in str(refused) and str(refused)


def eventually(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.1)
    return condition()


@row("J04")
def unknown_kid_flood(bench):
    provider = Provider(bench, "flooded")
    token = provider.token()
    rest = token.split(".", 1)[1]
    with Served(bench, provider, "flooded") as served:
        yield "a good token", served.status(token), 200
        answers = set()
        for _ in range(1000):
            named = base64url(json.dumps({"alg": "RS256", "kid": f"{random.getrandbits(64):x}"}).encode())
            answers.add(served.status(f"{named}.{rest}"))
        yield "1,000 random kids are refused", answers, {401}
        yield "with one fetch behind them, and the one at start", eventually(lambda: provider.asked == 2) and provider.asked, 2
        yield "a good token still", served.status(token), 200


@row("J05")
def provider_down(bench):
    provider = Provider(bench, "down")
    provider.answer = None
    yield "down at start: refuses to start", starts(bench, provider, "cold"), False
    with Served(bench, provider, "degraded", ", start_degraded: true") as served:
        yield "or starts degraded and refuses", served.status(provider.token()), 503
        provider.answer = (200, {}, provider.keys)
        yield "until the keys come", eventually(lambda: served.status(provider.token()) == 200), True
        before = provider.asked
        provider.answer = None
        yield "down later: a token of an unknown key", served.status(provider.token("other")), 401
        yield "is asked for", eventually(lambda: provider.asked > before), True
        yield "down later: the last good keys stay", served.status(provider.token()), 200


@row("J06")
def provider_answers_something_else(bench):
    def cases(provider):
        return {"10 MB": (200, {}, b" " * (10 << 20)), "302": (302, {"Location": "http://127.0.0.1:1/"}, provider.keys),
                "HTML": (200, {"Content-Type": "text/html"}, b"<html>log in</html>")}
    for number, what in enumerate(("10 MB", "302", "HTML")):
        provider = Provider(bench, f"odd{number}")
        with Served(bench, provider, f"odd{number}") as served:
            provider.answer = cases(provider)[what]
            yield f"{what}: a token of an unknown key", served.status(provider.token("other")), 401
            yield f"{what}: the fetch fails", bench.counted(0, 2, f"odd{number}", "forestay_jwks_fetches_total"), 2
            yield f"{what}: and is no success", served.forestay.metric("forestay_jwks_fetches_total", result="ok"), 1
            yield f"{what}: the last good keys stay", served.status(provider.token()), 200
        yield f"{what} at start: refuses to start", starts(bench, provider, f"cold{number}"), False
    provider = Provider(bench, "tls", tls=True)
    yield "a certificate of nobody known: refuses to start", starts(bench, provider, "badtls"), False
    with Served(bench, provider, "goodtls", f", jwks_ca_file: {provider.certificate}") as served:
        yield "one of jwks_ca_file", served.status(provider.token()), 200
