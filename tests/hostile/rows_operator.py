"""Groups A (admin listener), Y (configuration) and L (logs): what the operator sees and writes."""
import json
import os
import socket
import subprocess
import time

from credentials import jwt
from raw import Connection, Polling, websocket
from rows import on_purpose, row

OWN = ("Origin", "http://app.example")
ADMIN_TOKEN = "canary-admin-token-0123456789abcdef"
BEARER = ("Authorization", f"Bearer {ADMIN_TOKEN}")


# The forestay called watched has an admin token, and logs everything, as JSON.


def admin(bench, method, target, *headers, host=None, body=b"", name="watched"):
    port = bench.forestays[name].admin_port
    with Connection(port) as connection:
        return connection.request(method, target, headers, body, host=host or f"127.0.0.1:{port}")


@row("A01")
def admin_address(bench):
    port = bench.forestays["plain"].admin_port
    try:
        socket.create_connection(("127.0.0.2", port), timeout=2).close()
        got = "connected"
    except ConnectionRefusedError:
        got = "refused"
    yield "127.0.0.2, when it listens at 127.0.0.1", got, "refused"
    for listen in ("0.0.0.0:0", "[::]:0"):
        problem = check(bench, f'listen: 127.0.0.1:0\nupstream: http://127.0.0.1:9\nadmin: {{listen: "{listen}"}}\n')
        yield f"admin.listen: {listen} without a token", (problem.returncode, "token" in problem.stderr), (1, True)


@row("A02")
def admin_token(bench):
    for what, headers in (("no token", ()), ("a wrong one", [("Authorization", f"Bearer {ADMIN_TOKEN[:-1]}x")]), ("half of it", [("Authorization", "Bearer canary")]),
                          ("two", [BEARER, BEARER]), ("Basic", [("Authorization", f"Basic {ADMIN_TOKEN}")]), ("in a cookie", [("Cookie", f"token={ADMIN_TOKEN}")])):
        for target in ("/metrics", "/api/stats", "/"):
            response = admin(bench, "GET", target, *headers)
            yield f"{what}: {target}", (response.status, "forestay_" in response.body.decode(), ADMIN_TOKEN in str(response.headers)), (401, False, False)
    yield "the right one", admin(bench, "GET", "/metrics", BEARER).status, 200


@row("A03", "A05")
def admin_methods(bench):
    """Nothing there changes anything, so that nobody can be made to change it."""
    foreign = [("Origin", "https://evil.example"), ("Content-Type", "text/plain"), ("Sec-Fetch-Site", "cross-site")]
    for target in ("/", "/metrics", "/api/stats", "/live", "/ready"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            response = admin(bench, method, target, BEARER, *foreign)
            yield f"A03: {method} {target} of a foreign page", (response.status, response.get("Access-Control-Allow-Origin")), (405, None)
    for target in ("/api/drain", "/api/reload", "/drain", "/quit"):
        response = admin(bench, "GET", target, BEARER)
        yield f"A05: GET {target}", response.status in (404, 405), True
    yield "A05: POST /metrics", admin(bench, "POST", "/metrics", BEARER).status, 405
    yield "A05: it still serves", admin(bench, "GET", "/ready").status, 200


on_purpose("no method but GET exists there: 405, whoever asks", "A03")


@row("A04")
def admin_names(bench):
    for host, expected in (("evil.test", 421), ("evil.test:9901", 421), ("127.0.0.1.evil.test", 421), ("localhost.evil.test", 421), ("localhost", 200), ("[::1]", 200)):
        response = admin(bench, "GET", "/metrics", host=host, name="plain")
        yield host, (response.status, "forestay_" in response.body.decode()), (expected, expected == 200)


@row("A06")
def many_scrapes(bench):
    forestay = bench.forestays["plain"]
    started = time.monotonic()
    connections = [Connection(forestay.admin_port, 20) for _ in range(800)]
    for connection in connections:
        connection.send(f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    statuses = set()
    for connection in connections:
        statuses.add(connection.read_response().status)
        connection.socket.close()
    yield "800 at once", (statuses, time.monotonic() - started < 15), ({200}, True)


@row("A07")
def names_on_pages(bench):
    with websocket(bench.port(), [OWN]) as connection:
        connection.send_text('42["<script>alert(1)</script>"]')
        connection.read_text()
    for target in ("/", "/metrics", "/api/stats", "/ready"):
        response = admin(bench, "GET", target, name="plain")
        harmless = "<script" not in response.body.decode() and "html" not in (response.get("Content-Type") or "")
        yield target, (harmless, response.get("Content-Security-Policy"), response.get("X-Content-Type-Options")), \
            (True, "default-src 'none'; frame-ancestors 'none'", "nosniff")


def check(bench, text, *flags):
    path = bench.rig.file(f"{bench.tag()}.yaml", text)
    return subprocess.run([bench.rig.binary, "check", "-c", path, *flags], capture_output=True, text=True, timeout=20, check=False)


TWO_KEYS = "listen: 127.0.0.1:0\nupstream: http://127.0.0.1:9\n"
on_purpose("what is wrong with a configuration ends with 1, as what can not be bound does; 2 is a wrong command line", "Y01", "Y02", "Y03", "Y04", "Y05", "Y06", "Y07", "Y08", "Y09")


@row("Y01", "Y02", "Y03", "Y04", "Y05", "Y06", "Y07", "Y08", "Y09", "F09")
def configurations(bench):
    """Each is refused within a second, with a line and a column, by check and by run; nothing listens."""
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8))
    for what, text, said in (
            ("Y01: duplicate key", TWO_KEYS + "listen: 127.0.0.1:1\n", ":3:1: duplicate key"), ("Y02: unclosed quote", TWO_KEYS + 'logging: {level: "info}\nthreads: 2\n', ":3:"),
            ("Y02: unclosed quote in a key", TWO_KEYS + '"threads: 2\n', ":3:"), ("Y03: second document", TWO_KEYS + "---\nthreads: 2\n", ":3:"),
            ("Y03: content behind the first node", "[a]\n" + TWO_KEYS, ":2:"), ("Y04: a comma", ",", ":1:1"), ("Y04: text and a comma", '"foo",', ":1:"),
            ("Y05: billion laughs", TWO_KEYS + laughs, ":3:"), ("Y05: an alias of itself", TWO_KEYS + "cors: &c {x: *c}\n", ":3:"),
            ("Y06: 10000 brackets", TWO_KEYS + "cors: " + "[" * 10_000, ":3:"), ("Y06: 10000 closed ones", TWO_KEYS + "cors: " + "[" * 10_000 + "]" * 10_000, ":3:"),
            ("Y07: a tag", TWO_KEYS + "threads: !!python/object:os.system 1\n", ":3:"), ("Y07: a tag of our own", TWO_KEYS + "threads: !secret 1\n", ":3:"),
            *((f"Y08: port {port}", f"listen: 127.0.0.1:{port}\nupstream: http://127.0.0.1:9\n", ":1:9") for port in ("010", "1_000", "70000", "0x50", "-1", "+80")),
            ("Y08: threads: 010", TWO_KEYS + "threads: 010\n", ":3:10"), ("Y08: threads: 1_0", TWO_KEYS + "threads: 1_0\n", ":3:10"),
            *((f"F09: limits.max_message: {value}", TWO_KEYS + f"limits: {{max_message: {value}}}\n", ":3:23") for value in ("off", "0B", "0", "16GiB")),
            ("Y09: unknown key", TWO_KEYS + "cors: {alowed_origins: []}\n", 'did you mean "allowed_origins"')):
        started = time.monotonic()
        result = check(bench, text)
        yield what, (result.returncode, said in result.stderr or result.stderr[:200], time.monotonic() - started < 5), (1, True, True)
    path = bench.rig.file("hostile.yaml", TWO_KEYS + "orgins: []\n")
    result = subprocess.run([bench.rig.binary, "run", "-c", path], capture_output=True, text=True, timeout=20, check=False)
    yield "Y09: run does not begin", (result.returncode, result.stderr.startswith(f"{path}:3:1: unknown key")), (1, True)


on_purpose("a warning: secrets that a container mounts are often readable by all inside it, and nobody else is there", "Y10")


@row("Y10")
def readable_secret(bench):
    secret = bench.rig.file("readable.key", "k" * 40)
    os.chmod(secret, 0o644)
    result = check(bench, TWO_KEYS + f"auth: {{protect: [/], any_of: [{{jwt: {{algorithms: [HS256], secret_file: {secret}}}}}]}}\n")
    yield "mode 0644", (result.returncode, "warning" in result.stderr and secret in result.stderr), (0, True)
    yield "what it holds is not told", "kkkk" in result.stdout + result.stderr, False


@row("Y11")
def broken_on_disk(bench):
    """There is no reload: what runs has read its configuration, and looks at it no more. check says what a restart would."""
    path = os.path.join(bench.rig.directory, "plain.yaml")
    with open(path) as file:
        whole = file.read()
    with open(path, "w") as file:
        file.write("listen: [")
    result = subprocess.run([bench.rig.binary, "check", "-c", path], capture_output=True, text=True, timeout=20, check=False)
    with bench.connection("plain") as connection:
        yield "it serves as before", connection.request("GET", f"/r/{bench.tag()}").status, 200
    yield "check", (result.returncode, f"{path}:1:" in result.stderr), (1, True)
    with open(path, "w") as file:
        file.write(whole)


CANARY = "canary-of-the-client"


def log_of(bench):
    """Written behind our back: until no more comes."""
    text = None
    while text != (text := bench.forestays["watched"].text()):
        time.sleep(0.3)
    return text


@row("L01", "L02", "L04")
def secrets(bench):
    """In every place where a client may have one, good and bad; then everything that was said or written is looked through."""
    token, cookie = bench.extra["jwt"], bench.extra["cookie"]
    said = []
    for credential in (CANARY, token):
        for target, headers in ((f"/socket.io/?EIO=4&transport=polling&token={credential}", [OWN]), (f"/private/x?token={credential}&sid={CANARY}&x={CANARY}", []),
                                ("/private/x", [("Authorization", f"Bearer {credential}")]), ("/private/x", [("Authorization", f"Basic {CANARY}")]),
                                ("/private/x", [("Cookie", f"session={CANARY}; other={CANARY}")]), ("/private/x", [("Cookie", f"session={cookie}")]),
                                ("/private/x", [("Referer", f"https://app.example/?token={credential}")]), (f"/open?token={credential}", [("Referer", f"/?token={CANARY}")])):
            with bench.connection("watched") as connection:
                response = connection.request("GET", target, headers)
            said.append(repr(response.headers) + ("" if target.startswith("/private") and response.status == 200 or "open" in target else response.body.decode("latin-1")))
        with bench.connection("watched") as connection:
            said.append(repr(connection.upgrade("/private/ws", [OWN, ("Sec-WebSocket-Protocol", f"bearer, {credential}")]).headers))
        with bench.connection("watched") as connection:
            connection.upgrade("/socket.io/?EIO=4&transport=websocket", [OWN])
            connection.read_text()
            connection.send_text("40" + json.dumps({"token": credential, "password": CANARY}))
            said.append(connection.read_text())
            connection.send_text(f'42["{CANARY}",{{"password":"{CANARY}"}}]4')
            connection.read_close(2)
        bench.raw(CANARY, f"GET /{CANARY} HTTP/1.1\r\nHost: {CANARY}/{CANARY}\r\nX-{CANARY}\r\n\r\n".encode(), "watched")
    session = Polling(bench.port("watched"), [OWN, ("Authorization", f"Bearer {token}")])
    session.post("40")
    for target in ("/metrics", "/api/stats", "/", "/ready"):
        said.append(admin(bench, "GET", target, BEARER).body.decode())
    written = log_of(bench)
    for what, secret in (("L01 L02 L04: what clients brought", CANARY), ("L02: a token", token.rsplit(".", 1)[1]), ("L02: a cookie", cookie.rsplit(".", 1)[1]),
                         ("L02: the sid of a polling client", session.sid), ("L02: the admin token", ADMIN_TOKEN), ("L02: our own keys", bench.extra["flask key"]),
                         ("L02: the other key", bench.extra["jwt key"])):
        lines = [line for line in written.splitlines() if secret in line and "/" + CANARY not in line]
        yield f"{what}: log", lines, []
        yield f"{what}: answers and metrics", [text[:300] for text in said if secret in text], []
    yield "L01 L02: something was logged", written.count("\n") > 20, True


@row("L03")
def log_injection(bench):
    hostile = "a\\n{\\\"event\\\":\\\"forged\\\"}\\u001b[31m\\u2028\\r\\\""
    with websocket(bench.port("watched"), [OWN, ("Authorization", f"Bearer {jwt({'sub': 'x', 'exp': int(time.time()) + 60}, bench.extra['jwt key'])}")]) as connection:
        connection.send_text(f'42["{hostile}"]')
        connection.send_text(f'42["{hostile}",NaN]')
        connection.read_close(2)
    bench.raw("none", b"GET /%0a%1b%22forged HTTP/1.1\r\nHost: app.example\r\nUser-Agent: \"\\\"}{\\\r\nConnection: close\r\n\r\n", "watched")
    lines = [line for line in log_of(bench).splitlines() if line]
    broken = [line for line in lines if not is_object(line) or not line.isascii() or not line.isprintable()]
    yield "each line is one object of printable ASCII", broken, []
    yield "none is forged", [line for line in lines if json.loads(line).get("event") == "forged"], []


def is_object(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
