#!/usr/bin/python3
"""TLS with the real thing: stock socket.io clients over https and wss, openssl and Python's ssl as clients, and a chain of two
forestays, of which the first speaks TLS to the second. Certificates are made here.

    tls_test.py BINARY
"""
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

from rig import Checks, Rig
from stock_clients import StockClients

PING = b"GET /headers HTTP/1.1\r\nHost: app.test\r\n\r\n"


class Authority:
    """A CA, and what it signs."""

    def __init__(self, rig, name):
        self.rig, self.name = rig, name
        self.cert, self.key = rig.file(f"{name}.pem", ""), rig.file(f"{name}.key", "")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key, "-out", self.cert,
                "-days", "30", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")

    def sign(self, name, san, days=30):
        cert, key, request = self.rig.file(f"{name}.pem", ""), self.rig.file(f"{name}.key", ""), self.rig.file(f"{name}.csr", "")
        extensions = self.rig.file(f"{name}.ext", f"subjectAltName={san}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", str(days),
                "-extfile", extensions, "-out", cert)
        return cert, key


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=30)


def s_client(port, *arguments, text="GET /live HTTP/1.0\r\nHost: app.test\r\n\r\n"):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", *arguments], input=text,
                          capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def context(authority, pair=None):
    made = ssl.create_default_context(cafile=authority.cert)
    if pair:
        made.load_cert_chain(*pair)
    return made


def connect(port, made, name="app.test", session=None):
    raw = socket.create_connection(("127.0.0.1", port), timeout=10)
    return made.wrap_socket(raw, server_hostname=name, session=session)


def status(secured, request=PING):
    secured.sendall(request)
    answer = secured.recv(4096)
    return int(answer.split(b" ")[1]) if answer else None


def subject(port, made, name):
    with connect(port, made, name) as secured:
        return [value for kind, value in secured.getpeercert()["subjectAltName"] if kind == "DNS"]


def until(met, seconds=10):
    deadline = time.monotonic() + seconds
    while not (found := met()):
        if time.monotonic() > deadline:
            return found
        time.sleep(0.05)
    return found


def stock_clients(checks, front, ca, title):
    os.environ["NODE_EXTRA_CA_CERTS"] = ca.cert
    url = front.url.replace("http://127.0.0.1", "https://localhost")
    with StockClients() as node:
        for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
            client = node.open("-".join([title, *transports]).replace(" ", "-"), url, transports=transports, reconnection=False)
            connected = client.wait("connect", 10)
            checks.expect(bool(connected), f"{title}: socket.io-client 4, {' then '.join(transports)}", "" if connected else client_errors(node))


def client_errors(node):
    return [each for each in node.happened if "error" in str(each)][:3]


def versions_and_resumption(checks, front, ca):
    made = context(ca)
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        made = context(ca)
        made.minimum_version = made.maximum_version = version
        with connect(front.port, made) as first:
            code, spoke = status(first), first.version()
            session = first.session
        with connect(front.port, made, session=session) as second:
            checks.expect(code == 200 and spoke == name and status(second) == 200 and second.session_reused,
                          f"{name}: an answer, and the session is resumed", f"{code}, {second.cipher()[0]}")
    old = s_client(front.port, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    checks.expect("Cipher is (NONE)" in old or "Cipher    : 0000" in old, "TLS 1.1 is refused")
    checks.expect(until(lambda: front.metric("forestay_tls_handshakes_total", side="client", result="unsupported_version") >= 1, 3),
                  "and counted")
    weak = s_client(front.port, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
    checks.expect("Cipher is (NONE)" in weak, "a cipher without forward secrecy is refused")
    renegotiated = s_client(front.port, "-tls1_2", text="R\n")
    checks.expect("no renegotiation" in renegotiated.lower() or "handshake failure" in renegotiated.lower() or
                  "renegotiat" in renegotiated.lower(), "renegotiation is refused")
    with socket.create_connection(("127.0.0.1", front.port), timeout=5) as plain:
        plain.sendall(PING)
        try:
            answer = plain.recv(100)
        except ConnectionResetError:
            answer = b""
        checks.expect(b"HTTP/1.1 200" not in answer, "plain HTTP on a TLS port gets nothing of the app", answer[:30])
    checks.expect(until(lambda: front.metric("forestay_tls_handshakes_total", side="client", result="plain_http") >= 1, 3), "and is counted")


def slow_and_small(checks, front, ca):
    silent = socket.create_connection(("127.0.0.1", front.port), timeout=10)
    begun = time.monotonic()
    silent.sendall(b"\x16\x03\x01")  # of a ClientHello
    trickling = True
    while trickling and time.monotonic() - begun < 8:
        try:
            time.sleep(0.2)
            silent.sendall(b"\x00")
            silent.settimeout(0.01)
            trickling = silent.recv(10) != b""
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            trickling = False
    took = time.monotonic() - begun
    checks.expect(not trickling and took < 5, "a handshake in single bytes ends at limits.header_timeout (2 s)", f"after {took:.1f} s")

    # Records whose bytes come one at a time are read like others, and one record that never ends is cut.
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    raw = socket.create_connection(("127.0.0.1", front.port), timeout=5)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    secured = context(ca).wrap_bio(incoming, outgoing, server_hostname="app.test")

    def step(call):
        while True:
            try:
                done = call()
                flush()
                return done
            except ssl.SSLWantReadError:
                flush()
                incoming.write(raw.recv(65536))

    def flush():
        for byte in outgoing.read():
            raw.sendall(bytes([byte]))

    step(secured.do_handshake)
    step(lambda: secured.write(PING))
    checks.expect(step(lambda: secured.read(12)).startswith(b"HTTP/1.1"), "records that come in single bytes are read")
    raw.close()


def swap(checks, front, ca, files, new):
    """A certificate changes; who is connected notices nothing."""
    with connect(front.port, context(ca)) as live:
        before = live.getpeercert()["serialNumber"]
        status(live)
        cert, key = (open(path).read() for path in new)
        front.write(files[1], key)
        time.sleep(0.3)
        front.write(files[0], cert)

        def now():
            with connect(front.port, context(ca)) as fresh:
                return fresh.getpeercert()["serialNumber"]
        checks.expect(until(lambda: now() != before, 40), "new connections get the new certificate")
        checks.expect(status(live) == 200, "a live connection goes on")
        after = now()
        front.write(files[0], "nonsense")
        checks.expect(until(lambda: "tls_reload_failed" in front.text(), 40), "a broken file is told in the log")
        checks.expect(now() == after, "and what there was stays")


def clients_with_certificates(checks, rig, app, ca, pair):
    stranger = Authority(rig, "stranger")
    alice = ca.sign("alice", "URI:spiffe://app.test/alice")
    mallory = stranger.sign("mallory", "URI:spiffe://app.test/alice")
    tls = f"tls: {{cert_file: {pair[0]}, key_file: {pair[1]}, client_ca_file: {ca.cert}, client_certificates: %s}}\n"
    auth = ("auth:\n  protect: [/]\n  any_of:\n    - client_certificate: {identity: san_uri}\n"
            "  identity_headers: {X-Forwarded-User: sub}\n")
    required = rig.forestay(app.url, tls % "required" + auth, "required")
    optional = rig.forestay(app.url, tls % "optional" + auth, "optional")
    whoami = b"GET /headers HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-User: root\r\n\r\n"

    def tried(forestay, who):
        try:
            with connect(forestay.port, context(ca, who)) as secured:
                secured.sendall(whoami)
                return secured.recv(65536).decode(errors="replace")
        except (ssl.SSLError, ConnectionResetError) as error:
            return f"{type(error).__name__}: {error}"
    for forestay in (required, optional):
        checks.expect("spiffe://app.test/alice" in tried(forestay, alice) and "root" not in tried(forestay, alice),
                      f"{forestay.name}: the app hears whose certificate it is")
        checks.expect("HTTP/1.1" not in tried(forestay, mallory), f"{forestay.name}: another CA's certificate is refused")
    checks.expect("HTTP/1.1" not in tried(required, None), "required: without one there is no connection")
    checks.expect(" 401 " in tried(optional, None), "optional: without one there is no identity")


def upstreams(checks, rig, app, ca, pair):
    back = rig.forestay(app.url, f"tls: {{cert_file: {pair[0]}, key_file: {pair[1]}}}\n", "back")
    url = f"https://localhost:{back.port}"
    good = rig.forestay(url, f"upstream: {{url: \"{url}\", tls: {{ca_file: {ca.cert}}}}}\n", "good")
    with StockClients() as node:
        for transports in (["polling"], ["websocket"]):
            client = node.open("up-" + transports[0], good.url, transports=transports, reconnection=False)
            checks.expect(bool(client.wait("connect", 10)), f"TLS to the app: {transports[0]}")
    with urllib.request.urlopen(f"{good.url}/headers", timeout=10) as answer:
        checks.expect(answer.status == 200, "TLS to the app: a page")
    for name, tls, why in (("unknown", "{}", "a CA that nobody knows"),
                           ("misnamed", f"{{ca_file: {ca.cert}, server_name: other.test}}", "another name")):
        bad = rig.forestay(url, f"upstream: {{url: \"{url}\", tls: {tls}}}\n", name)
        try:
            urllib.request.urlopen(f"{bad.url}/headers", timeout=10)
            code = 200
        except urllib.error.HTTPError as error:
            code = error.code
        checks.expect(code == 502, f"the app's certificate has {why}: refused", code)
        checks.expect(until(lambda b=bad: "upstream_tls_failed" in b.text(), 5), "and the log says why",
                      re.findall(r"upstream_tls_failed.*", bad.text())[:1])
    trusting = rig.forestay(url, f"upstream: {{url: \"{url}\", tls: {{verify: false}}}}\n", "trusting")
    with urllib.request.urlopen(f"{trusting.url}/headers", timeout=10) as answer:
        checks.expect(answer.status == 200, "verify: false takes it")


def main():
    checks = Checks("TLS")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.app("eventlet")
        ca = Authority(rig, "ca")
        pair = ca.sign("app.test", "DNS:app.test,DNS:localhost,IP:127.0.0.1")
        other = ca.sign("other.test", "DNS:*.other.test")
        front = rig.forestay(app.url, f"""
tls:
  cert_file: {pair[0]}
  key_file: {pair[1]}
  certificates:
    - {{cert_file: {other[0]}, key_file: {other[1]}}}
limits: {{header_timeout: 2s}}
""", "front")
        front.write = lambda path, text: rig.file(os.path.basename(path), text)
        stock_clients(checks, front, ca, "https")
        versions_and_resumption(checks, front, ca)
        checks.expect(subject(front.port, context(ca), "a.other.test") == ["*.other.test"] and
                      "app.test" in subject(front.port, context(ca), "app.test"), "the name that is asked for chooses the certificate")
        slow_and_small(checks, front, ca)
        clients_with_certificates(checks, rig, app, ca, pair)
        upstreams(checks, rig, app, ca, pair)
        swap(checks, front, ca, pair, ca.sign("app.test.new", "DNS:app.test,DNS:localhost"))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
