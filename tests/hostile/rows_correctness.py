"""http_correctness.csv, the rows about requests and answers. Those that say what a row of hostile_inputs.csv says are driven by it."""
import re
import socket
import time

from raw import Closed, Connection
from rows import as_in, row
from rows_http import CHUNKED

OWN = ("Origin", "http://app.example")

for name, others in {
        "H01": ("H01", "H02"), "H02": ("H07",), "H03": ("H08", "H09", "H10", "H11", "H12"), "H04": ("H03", "H04", "H05", "H06"), "H05": ("H21",), "H06": ("H21", "H22", "H23"),
        "H07": ("H13", "H15"), "H08": ("H17", "H18", "U11"), "H09": ("U01", "U02", "U03", "U04", "U05"), "H10": ("U07",), "H11": ("U08", "U09", "U10"), "H12": ("H38",),
        "H13": ("H36",), "H14": ("H27", "H28", "H29", "H30"), "H15": ("H19",), "H16": ("I03",), "H18": ("H33",), "H19": ("H34", "H35", "W10"), "H20": ("H24", "H25", "H26"),
        "H21": ("H32",), "H22": ("H40",), "H23": ("H41",), "H26": ("I01", "I02", "I04", "I06", "I07"), "H27": ("I05",), "H28": ("U12", "U13", "U14"), "R02": ("P03",),
        "R07": ("P01", "P02")}.items():
    as_in(f"HC-{name}", *others)


def answer(bench, name, method="GET", version="HTTP/1.1", forestay="plain"):
    """(how it ended, the bytes) of the answer to a request for /bad/NAME."""
    tag = bench.tag()
    with bench.connection(forestay) as connection:
        connection.send(bench.head(tag, "Connection: close", method=method, target=f"/bad/{name}?{tag}", version=version))
        try:
            while True:
                connection.fill()
        except Closed as closed:
            how = closed.how
        except TimeoutError:
            how = "open"
    return how, connection.buffer.decode("latin-1")


@row("HC-H15")
def dotted_names(bench):
    for name in ("X.Forwarded.User", "X!y", "X'y", "x_y"):
        tag = bench.tag()
        got = bench.raw(tag, bench.head(tag, f"{name}: root", "Connection: close"))
        yield name, (got, name in bench.heard(tag)[0].text), ("200 close HEARD", False)


@row("HC-H16", "HC-H17")
def hop_by_hop(bench):
    tag = bench.tag()
    lines = ("Connection: close, X-Named, Host, Content-Length, X-Forwarded-For", "X-Named: 1", "Keep-Alive: 5", "Proxy-Connection: keep-alive", "TE: trailers;q=0.5, gzip",
             "Trailer: X-T", "Proxy-Authorization: Basic x", "Proxy-Authenticate: x", "HTTP2-Settings: x", "Upgrade: h2c", "X-Kept: 1", "Content-Length: 2")
    status = bench.raw(tag, bench.head(tag, *lines, method="POST", body="hi"))
    heard = bench.heard(tag)[0]
    yield "HC-H16: named in Connection", (status, heard.all("Host"), heard.all("Content-Length"), heard.body, heard.all("X-Forwarded-For"), heard.has("X-Named")), \
        ("200 close HEARD", ["app.example"], ["2"], b"hi", ["127.0.0.1"], False)
    gone = [name for name in ("Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Proxy-Authorization", "Proxy-Authenticate", "HTTP2-Settings", "Upgrade") if heard.has(name)]
    yield "HC-H17: in a request", (gone, heard.all("X-Kept")), ([], ["1"])
    with bench.connection() as connection:
        response = connection.request("GET", "/bad/advertises")
    gone = [name for name in ("Keep-Alive", "Proxy-Connection", "Trailer", "Proxy-Authenticate", "Upgrade", "X-Named") if response.all(name)]
    yield "HC-H17: in an answer", (response.status, gone, response.all("X-Kept"), response.body), (200, [], ["1"], b"ok")


@row("HC-H18", "HC-H25")
def early_answers(bench):
    tag = bench.tag()
    with bench.connection() as connection:
        connection.send(bench.head(tag, "Content-Length: 1000000", "Expect: 100-continue", method="POST", target=f"/bad/early-413?{tag}"))
        statuses = [connection.read_response().status]
        if statuses == [100]:
            statuses.append(connection.read_response().status)
        ended = connection.how_it_ended(5)
    yield "HC-H18: the app answers before the body", (statuses[-1], ended), (413, "close")
    for what, forestay, head in (("a length over max_body", "small", "Content-Length: 100000000"), ("no credential", "guarded", "Content-Length: 100000000"),
                                 ("two lengths", "plain", "Content-Length: 1\r\nContent-Length: 2")):
        tag, status = bench.tag(), "nothing"
        with bench.connection(forestay) as connection:
            connection.send(bench.head(tag, head, method="POST", target=f"/private/{tag}"))
            for _ in range(16):  # a megabyte that nobody waits for
                connection.send(b"a" * (1 << 16))
            try:
                status = connection.read_response().status
            except Closed as closed:
                status = closed.how
        yield f"HC-H25: {what}", status, {"small": 413, "guarded": 401, "plain": 400}[forestay]


@row("HC-H19")
def behind_an_upgrade(bench):
    """What follows an upgrade is a frame or nothing; it is never read as a request."""
    for target in ("/ws", "/socket.io/?EIO=4&transport=websocket"):
        tag = bench.tag()
        with bench.connection() as connection:
            status = connection.upgrade(target, [OWN], early=bench.head(tag)).status
            connection.how_it_ended(5)
        yield f"GET behind {target[:11]}", (status, bench.was_heard(tag)), (101, False)
    tags = [bench.tag() for _ in range(30)]
    with bench.connection() as connection:
        connection.send(b"".join(bench.head(tag) for tag in tags))
        bodies = [connection.read_response().body.decode() for _ in tags]
    yield "30 at once", [tag in body for tag, body in zip(tags, bodies)], [True] * 30
    one, two = bench.tag(), bench.tag()
    data = bench.head(one, CHUNKED, method="POST", body="2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n") + bench.head(two, "Content-Length: 3", method="POST", body="hi!")
    with bench.connection() as connection:
        for byte in range(len(data)):
            connection.send(data[byte:byte + 1])
        statuses = [connection.read_response().status for _ in range(2)]
    yield "two with bodies, a byte a packet", (statuses, bench.heard(one)[0].body, bench.heard(two)[0].body), ([200, 200], b"hi", b"hi!")


@row("HC-H23", slow=True)
def slow_upload(bench):
    tag = bench.tag()
    with bench.connection(seconds=30) as connection:
        connection.send(bench.head(tag, "Content-Length: 14000", method="POST"))
        for _ in range(14):
            connection.send(b"a" * 1000)
            time.sleep(1)
        status = connection.read_response().status
    yield "a KB a second for 14 s", (status, len(bench.heard(tag)[0].body)), (200, 14_000)


@row("HC-H24")
def client_goes(bench):
    for what, ends in (("FIN", None), ("reset", b"\1\0\0\0\0\0\0\0")):
        tag = bench.tag()
        with bench.connection("watched") as connection:
            connection.send(bench.head(tag, "Content-Length: 1000", method="POST", target=f"/open/{tag}", body="some"))
            bench.heard(tag)
            if ends:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ends)
        end = time.monotonic() + 5
        while time.monotonic() < end and not (bench.heard(tag)[0].ended and tag in bench.forestays["watched"].text()):
            time.sleep(0.05)
        line = next((line for line in bench.forestays["watched"].text().splitlines() if tag in line), "")
        status = re.search(r'"status":"?(\d+)', line)
        yield what, (bool(bench.heard(tag)[0].ended), status and status[1]), (True, "499")


@row("HC-H28")
def paths(bench):
    for path in ("/a//b", "/a;x=1/b", "/%41/b", "/a/%7e", "/a/...", "/a/b./c", "/a%20b", "/a%3fb", "/%25%32%65"):
        tag = bench.tag()
        bench.raw(tag, bench.head(tag, "Connection: close", target=f"{path}?{tag}"))
        yield f"{path}: byte for byte", [request.target for request in bench.heard(tag)], [f"{path}?{tag}"]
    for path in ("/private", "/private/x", "/%70rivate/x", "//private/x", "/priv%61te", "/./private", "/x/../private", "/x/%2e%2e/private", "/private;x", "/%2fprivate", "/private%2fx",
                 "/.;/private", "/private%3bx", "/privat%65//", "///private"):
        tag = bench.tag()
        got = bench.raw(tag, bench.head(tag, "Connection: close", target=path), "guarded")
        yield f"{path}: protected", got in ("400 close", "401 close"), True
    for path in ("/%73ocket.io/", "//socket.io/", "/socket.io%2f", "/socket%2eio/"):
        tag = bench.tag()
        got = bench.raw(tag, bench.head(tag, "Connection: close", target=f"{path}?EIO=4&transport=polling"), "plain")
        yield f"{path}: the app's own endpoint", got, "400 close"


@row("HC-R01")
def bodies_where_none_belong(bench):
    for method, name, status in (("HEAD", "body-200", 200), ("GET", "body-204", 204), ("GET", "body-304", 304), ("GET", "two-answers", 200)):
        tag = bench.tag()
        with bench.connection() as connection:
            first = connection.request(method, f"/bad/{name}")
            seconds = [connection.request("GET", f"/r/{tag}") for _ in range(3)]
        yield f"{method} {name}", (first.status, [second.status for second in seconds], [tag in second.body.decode() for second in seconds]), (status, [200] * 3, [True] * 3)


@row("HC-R03")
def answers_without_a_length(bench):
    for name in ("http-1.0", "until-close"):
        how, said = answer(bench, name)
        yield f"{name}, to HTTP/1.1", (how, said[9:12], said.endswith("\r\n5\r\nhello\r\n0\r\n\r\n")), ("close", "200", True)
        how, said = answer(bench, name, version="HTTP/1.0")
        yield f"{name}, to HTTP/1.0", (how, "chunked" in said, said.endswith("\r\n\r\nhello")), ("close", False, True)
    for name in ("cut-length", "cut-chunks"):
        how, said = answer(bench, name)
        yield name, (said.startswith("HTTP/1.1 200"), said.endswith("0\r\n\r\n"), "Content-Length: 5\r" in said), (True, False, False)


@row("HC-R04", "HC-R05", "HC-R06", "HC-R07", "HC-R11")
def odd_answers(bench):
    for version in ("HTTP/1.1", "HTTP/1.0"):
        how, said = answer(bench, "interim", version=version)
        yield f"HC-R04: 100, 102, 103 to {version}", (how, said[9:12], said.count("HTTP/1.1 ")), ("close", "200", 1)
    for row_id, name in (("HC-R05", "unasked-101"), ("HC-R07", "status-2000"), ("HC-R07", "status-20"), ("HC-R07", "status-999"), ("HC-R07", "status-none"), ("HC-R07", "no-http"),
                         ("HC-R07", "cut-head")):
        how, said = answer(bench, name)
        yield f"{row_id}: {name}", (how, said[9:12]), ("close", "502")
    with bench.connection() as connection:
        response = connection.request("GET", "/bad/two-cookies")
    yield "HC-R06: two Set-Cookie", (response.status, response.all("Set-Cookie")), (200, ["a=1", "b=2, c"])
    with bench.connection() as connection:
        response = connection.upgrade("/bad/cookies", [OWN])
    yield "HC-R06: with a 101", (response.status, response.all("Set-Cookie")), (101, ["a=1", "b=2"])
    with bench.connection() as connection:
        response = connection.request("GET", "/bad/advertises")
    yield "HC-R11: Upgrade: h2c in a 200", (response.status, response.all("Upgrade"), response.all("Connection")), (200, [], [])


@row("HC-R08")
def kept_connections(bench):
    for method, expected in (("GET", (200, 1)), ("POST", (200, 1))):  # a POST goes over a fresh connection: nothing is ever said twice
        tag = bench.tag()
        with bench.connection() as connection:
            connection.request("GET", f"/bad/kept?{tag}k")
            response = connection.request(method, f"/r/{tag}")
        yield f"{method} when the kept connection is reset", (response.status, len([heard for heard in bench.recorder.of(f"/r/{tag}") if heard.target == f"/r/{tag}"])), expected


@row("HC-R09", slow=True)
def absent_apps(bench):
    refusing = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{refusing.getsockname()[1]}"
    refusing.close()
    deaf = socket.create_server(("127.0.0.1", 0), backlog=0)  # its line is full: the kernel answers nobody
    crowd = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(deaf.getsockname())
        crowd.append(one)
    config = 'upstream: {{url: "{}", connect_timeout: 500ms, response_timeout: 500ms}}\n'
    for what, where, expected in (("refuses", url, (503, True)), ("takes no connection", f"http://127.0.0.1:{deaf.getsockname()[1]}", (504, False)), ("says nothing", bench.recorder.url, (504, False))):
        forestay = bench.rig.forestay(where, config.format(where), f"absent-{expected[0]}-{what.split()[-1]}")
        with Connection(forestay.port, 10) as connection:
            response = connection.request("GET", "/bad/silent")
        yield f"an app that {what}", (response.status, bool(response.get("Retry-After")), response.get("Content-Type"), response.body[:1]), (*expected, "application/json", b"{")
        bench.rig.stop(forestay)
    for one in crowd:
        one.close()


@row("HC-R10")
def event_stream(bench):
    seen = []
    with bench.connection() as connection:
        connection.send(bench.head(bench.tag(), "Accept: text/event-stream", target="/bad/events"))
        connection.read_until(b"\r\n\r\n")
        for number in range(3):
            bench.recorder.go.release()  # and not before: what comes was not kept back for the next
            seen.append(connection.read_until(b"data: %d\n\n" % number) is not None)
        end = connection.read_until(b"0\r\n\r\n")
    yield "three events, each at once", (seen, end.strip()), ([True] * 3, b"")
    with bench.connection("real") as connection:
        response = connection.request("GET", "/download?bytes=300000&length=no")
    yield "200 without a length, of Flask", (response.status, len(response.body)), (200, 300_000)
