"""http_correctness.csv, the rows about websockets: handshakes and data."""
import signal
import socket
import struct
import time

from raw import BINARY, CLOSE, PING, PONG, TEXT, Closed, Connection, Polling, close_payload, frame, websocket
from rows import as_in, close_of, row
from rows_websocket import KEY, OWN, Sockets, upgrade

UPGRADE = "/socket.io/?EIO=4&transport=websocket"

for name, others in {
        "W02": ("W02",), "W03": ("W03", "W04"), "W04": ("W01",), "W05": ("W08",), "W06": ("W05",), "W07": ("W06",), "W08": ("W10", "W11"), "W09": ("W12", "W14"), "W10": ("W13",),
        "W11": ("W09", "W10"), "W13": ("O01", "O02", "O03", "O04", "O05", "O06"), "W16": ("R01", "R02"), "W17": ("W18", "W19", "D04"), "D01": ("F01", "P04"),
        "D02": ("F02", "F03", "F04", "F05"), "D03": ("F10", "F11"), "D04": ("F12", "P05"), "D05": ("S34",), "D08": ("F15", "F16", "F17", "F18", "F22"), "D09": ("P06",),
        "D10": ("R03", "H44"), "D11": ("J07",)}.items():
    as_in(f"HC-{name}", *others)


def sent_by_forestay(bench, tag, *opcodes):
    return [(opcode, payload) for request in bench.recorder.of(tag) for opcode, payload in request.frames if opcode in opcodes]


@row("HC-W01", "HC-W18")
def spellings(bench):
    for what, how in (("keep-alive, Upgrade", dict(connection="keep-alive, Upgrade")), ("two lines", dict(connection="keep-alive", lines=["Connection: upgrade"])),
                      ("upper case", dict(connection="UPGRADE", upgrade="WebSocket")), ("blanks", dict(connection=" \tkeep-alive ,\tupgrade "))):
        for target in ("/ws", UPGRADE):
            tag = bench.tag()
            with bench.connection() as connection:
                connection.send(upgrade(tag, *how.get("lines", []), target=target, **{key: value for key, value in how.items() if key != "lines"}))
                status = connection.read_response().status
            yield f"HC-W01: {what}: {target[:11]}", status, 101
    tag = bench.tag()
    data = upgrade(tag, "sec-websocket-protocol: chat").replace(b"Sec-WebSocket", b"sec-websocket")
    with bench.connection() as connection:
        connection.send(data)
        status = connection.read_response().status
    names = [line.split(":")[0] for line in bench.heard(tag)[0].text.split("\r\n")[1:] if line.lower().startswith("sec-")]
    yield "HC-W18: lower case in, canonical out", (status, sorted(names)), (101, ["Sec-WebSocket-Key", "Sec-WebSocket-Protocol", "Sec-WebSocket-Version"])


@row("HC-W08")
def refusals_of_the_app(bench):
    for status in (200, 302, 401, 403, 426):
        tag, other = bench.tag(), bench.tag()
        with bench.connection() as connection:
            connection.send(upgrade(tag, target=f"/bad/upgrade-{status}?{tag}") + frame(TEXT, b"hi") + bench.head(other))
            response = connection.read_response()
            rest = connection.how_it_ended(3)
        yield f"the app answers {status}", (response.status, response.all("Upgrade"), rest in ("close", "reset"), bench.was_heard(other)), (502 if status == 200 and response.status == 502 else status, [], True, False)


@row("HC-W09")
def counted_refusals(bench):
    for name, reason in (("wrong-accept", "bad_accept"), ("no-accept", "bad_accept"), ("no-upgrade", "bad_upgrade"), ("no-connection", "bad_upgrade")):
        before = bench.forestays["plain"].metric("forestay_handshake_failures_total", reason=reason)
        with bench.connection() as connection:
            status = connection.upgrade(f"/bad/{name}", [OWN]).status
        yield f"{name} is counted", (status, bench.counted(before, 1, "plain", "forestay_handshake_failures_total", reason=reason)), (502, 1)


@row("HC-W11", "HC-W12")
def around_the_101(bench):
    for size in (5, 200, 12_000):
        with bench.connection() as connection:
            status = connection.upgrade("/bad/late", [OWN], early=frame(TEXT, b"a" * size)).status
            echoed = connection.read_text() if status == 101 else ""
        yield f"HC-W11: {size} bytes before the 101", (status, len(echoed)), (101, size)
    with bench.connection() as connection:
        connection.upgrade("/bad/late", [OWN], early=frame(TEXT, b"a" * 500_000))
        try:
            got = len(connection.read_text())
        except (Closed, TimeoutError):
            got = "closed"
    yield "HC-W11: 500 KB before the 101: all of it, or the end", got in (500_000, "closed"), True
    with bench.connection() as connection:
        status = connection.upgrade("/bad/glued", [OWN]).status
        yield "HC-W12: two frames glued to it", (status, connection.read_text(), connection.read_text()), (101, "one", "two")


@row("HC-W13", "HC-W14")
def refused_before_the_app(bench):
    for row_id, what, forestay, headers, status in (("HC-W13", "a foreign origin", "origins", [("Origin", "https://evil.example")], 403), ("HC-W14", "no credential", "guarded", [OWN], 401),
                                                    ("HC-W14", "a bad one", "guarded", [OWN, ("Authorization", "Bearer nonsense")], 401)):
        for target in ("/private/ws", UPGRADE):
            tag = bench.tag()
            with bench.connection(forestay) as connection:
                got = connection.upgrade(target, [*headers, ("X-Tag", tag)]).status
            yield f"{row_id}: {what}: {target[:11]}", (got, bench.was_heard(tag)), (status, False)


@row("HC-W15", slow=True)
def silent_handshake(bench):
    started = time.monotonic()
    with bench.connection("hasty", 10) as connection:
        status = connection.upgrade("/bad/silent", [OWN]).status
    yield "no answer for 2 s", (status, 1.5 < time.monotonic() - started < 5), (504, True)


@row("HC-D01", "HC-D02", "HC-D03", "HC-D04")
def faults_of_the_app(bench):
    for row_id, act in (("HC-D01", "masked"), ("HC-D02", "rsv"), ("HC-D03", "not-utf8"), ("HC-D04", "huge")):
        tag = bench.tag()
        with bench.connection() as connection:
            connection.upgrade(f"/ws?act={act}&tag={tag}", [OWN])
            code = close_of(connection)
        time.sleep(0.1)
        told = [struct.unpack(">H", payload[:2])[0] for _, payload in sent_by_forestay(bench, tag, CLOSE)]
        expected = {"not-utf8": 1007, "huge": 1009}.get(act, 1002)
        yield f"{row_id}: of the app: {act}", (code, told), (1011, [expected])
    tag = bench.tag()
    with bench.connection() as connection:
        connection.upgrade(f"/ws?tag={tag}", [OWN])
        connection.send(frame(TEXT, b"a" * ((1 << 20) + 1)))
        code = close_of(connection)
    time.sleep(0.1)
    told = [struct.unpack(">H", payload[:2])[0] for _, payload in sent_by_forestay(bench, tag, CLOSE)]
    yield "HC-D04: of a client: the app hears a goodbye", (code, told), (1009, [1001])


@row("HC-D06")
def pings(bench):
    tag = bench.tag()
    with bench.connection() as connection:
        connection.upgrade(f"/ws?act=ping&tag={tag}", [OWN])
        connection.send(frame(PING, b"client") + frame(TEXT, b"end"))
        got = []
        while not got or got[-1] != (TEXT, b"end"):
            opcode, payload, _ = connection.read_frame()
            got.append((opcode, payload))
            if opcode == PING:
                connection.send_frame(PONG, payload)
        time.sleep(0.2)
    to_app = sent_by_forestay(bench, tag, PING, PONG)
    yield "of a client: one pong", got.count((PONG, b"client")), 1
    yield "of the app: one pong", to_app.count((PONG, b"app")), 1
    yield "nothing else", ([each for each in got if each[0] == PONG and each[1] != b"client"], [each for each in to_app if each[0] == PONG and each[1] != b"app"]), ([], [])
    tag = bench.tag()
    with Sockets(bench, "engine.io", tag) as connection:
        connection.send(frame(PING, b"client"))
        opcode, payload, _ = connection.read_frame()
        yield "Engine.IO: one pong, and the app hears nothing", (opcode, payload, sent_by_forestay(bench, tag, PING)), (PONG, b"client", [])


@row("HC-D07", "HC-D14")
def boundaries(bench):
    """The forestay called plain answers `quick` after 400 ms."""
    with websocket(bench.port(), [OWN], "&act=binary") as connection:
        connection.send_text('427["quick"]')
        connection.send_frame(PING, b"?")
        got = []
        while len([each for each in got if each[0] != PONG]) < 3:
            opcode, payload, _ = connection.read_frame()
            got.append((opcode, payload))
    data = [opcode if opcode == BINARY else payload[:3] for opcode, payload in got if opcode != PONG]
    yield "HC-D07: a fallback while an attachment is under way", data, [b"437", b"451", BINARY]
    tag = bench.tag()
    with bench.connection() as connection:
        connection.upgrade(f"/ws?act=fragment&tag={tag}", [OWN])
        connection.send(frame(PING, b"?"))
        text = b""
        while True:
            opcode, payload, fin = connection.read_frame()
            text += payload if opcode in (0, TEXT) else b""
            if opcode in (0, TEXT) and fin:
                break
    yield "HC-D07: a pong beside a message in fragments", text, b"begun"
    before = bench.forestays["plain"].metric("forestay_late_answers_total", rule="quick")
    with websocket(bench.port(), [OWN], "&act=late") as connection:
        connection.send_text('428["quick"]')
        first = connection.read_text()
        connection.wait_at_most(1.5)
        try:
            second = connection.read_text()
        except TimeoutError:
            second = None
    yield "HC-D14: the app's ack comes after the fallback", (first, second, bench.counted(before, 1, "plain", "forestay_late_answers_total", rule="quick")), ('438["fallback"]', None, 1)


@row("HC-D08")
def closes(bench):
    tag = bench.tag()
    with bench.connection() as connection:
        connection.upgrade(f"/ws?tag={tag}", [OWN])
        connection.send_frame(CLOSE, close_payload(4000, b"bye"))
        code = close_of(connection)
        time.sleep(0.2)
    yield "of a client", (code, sent_by_forestay(bench, tag, CLOSE)), (4000, [(CLOSE, close_payload(4000, b"bye"))])
    with bench.connection() as connection:
        connection.upgrade("/ws?act=close", [OWN])
        opcode, payload, _ = connection.read_frame()
    yield "of the app", (opcode, payload), (CLOSE, close_payload(4321, b"because"))
    for act in ("close-1005", "close-1015"):
        with bench.connection() as connection:
            connection.upgrade(f"/ws?act={act}", [OWN])
            opcode, payload, _ = connection.read_frame()
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        yield f"of the app: {act}", (opcode, code in (1005, 1006, 1015)), (CLOSE, False)
    with bench.connection() as connection:
        connection.upgrade("/ws", [OWN])
        connection.send_frame(CLOSE, close_payload(1000))
        yield "of a client: 1000", (close_of(connection), connection.how_it_ended(3)), (1000, "close")


@row("HC-D09")
def without_a_close(bench):
    for act in ("fin", "reset"):
        with bench.connection() as connection:
            connection.upgrade(f"/ws?act={act}", [OWN])
            code = close_of(connection)
        yield f"the app: {act}", code in (1011, 1012, 1013), True
    for what, linger in (("FIN", None), ("reset", b"\1\0\0\0\0\0\0\0")):
        tag = bench.tag()
        with bench.connection() as connection:
            connection.upgrade(f"/ws?tag={tag}", [OWN])
            if linger:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        end = time.monotonic() + 3
        while time.monotonic() < end and not sent_by_forestay(bench, tag, CLOSE):
            time.sleep(0.05)
        told = [struct.unpack(">H", payload[:2])[0] for _, payload in sent_by_forestay(bench, tag, CLOSE)]
        yield f"a client: {what}", told, [1001]


@row("HC-D12")
def idle(bench):
    forestay = bench.forestays["idle"]
    before, connections = forestay.memory()["RssAnon"], []
    for _ in range(250):
        connection = Connection(forestay.port)
        connection.upgrade("/ws", [OWN])
        connection.send(frame(TEXT, b"a" * 30_000))
        connection.read_text()
        connections.append(connection)
    grown = forestay.memory()["RssAnon"] - before
    for connection in connections:
        connection.socket.close()
    # AddressSanitizer has a price of its own for each allocation, and keeps what was freed: a message that came in pieces.
    yield "250 that have said 30 KB each", grown / 250 < (64_000 if bench.sanitized else 8_000) or grown, True


@row("HC-D13")
def transports(bench):
    before = bench.forestays["plain"].metric("forestay_requests_started_total")
    session = Polling(bench.port(), [OWN])
    session.post("40")
    session.get()
    with bench.connection() as connection:
        status = connection.upgrade(f"{UPGRADE}&sid={session.sid}", [OWN]).status
        connection.send_text("2probe")
        probe = connection.read_text()
        connection.send_text("5")
        connection.send_text('42["echo",1]')
        echoed = connection.read_text()
    yield "polling, probe, upgrade", (status, probe, echoed), (101, "3probe", '42["echo",1]')
    with bench.connection() as connection:  # EIO3: the client asks, and nobody has to join "/"
        connection.upgrade(UPGRADE.replace("EIO=4", "EIO=3"), [OWN])
        opening, joined = connection.read_text(), connection.read_text()
        connection.send_text("2")
        pong = connection.read_text()
    yield "EIO3", (opening[:1], joined[:2], pong), ("0", "40", "3")
    yield "none of it is a request", bench.forestays["plain"].metric("forestay_requests_started_total") - before, 0


@row("HC-D15", slow=True)
def drain(bench):
    forestay = bench.rig.forestay(bench.recorder.url, "", "drained")
    engineio, plain = websocket(forestay.port, [OWN]), Connection(forestay.port)
    plain.upgrade("/ws", [OWN])
    forestay.child.send_signal(signal.SIGTERM)
    for what, connection in (("engine.io", engineio), ("plain", plain)):
        got = []
        try:
            while not got or got[-1][0] != CLOSE:
                opcode, payload, _ = connection.read_frame()
                got.append((opcode, payload[:2]))
        except (Closed, TimeoutError) as end:
            got.append(type(end).__name__)
        yield what, [struct.unpack(">H", each[1])[0] if each[0] == CLOSE else each for each in got], [1012]
        connection.socket.close()
    bench.rig.stop(forestay)
