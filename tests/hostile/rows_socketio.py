"""Groups E (Engine.IO) and S (Socket.IO). Refusals are tried twice: in front of the recorder, which must not hear the packet,
and in front of a real Flask-SocketIO app."""
import time

from raw import BINARY, TEXT, Connection, Polling, frame, websocket
from rows import close_of, either, on_purpose, row

OWN = ("Origin", "http://app.example")


def refused(bench, cases, code=1008, namespace=None, polling=True):
    """Each case: what it is, the messages (str: text, bytes: binary)."""
    for what, messages in cases:
        messages = messages if isinstance(messages, list) else [messages]
        for name in ("plain", "real"):
            tag = bench.tag()
            with websocket(bench.port(name), [OWN], f"&tag={tag}", namespace=namespace) as connection:
                before = heard_frames(bench, tag)
                for message in messages:
                    connection.send_frame(*((BINARY, message) if isinstance(message, bytes) else (TEXT, message.encode("utf-8", "surrogatepass"))))
                got = close_of(connection)
            # A binary packet goes on piece by piece: what came before the offending piece is no event without it.
            heard = [payload for payload in heard_frames(bench, tag)[len(before):] if payload not in ("3", "", "1", *map(as_text, messages[:-1]))]
            yield f"{what}: websocket, {'recorder' if name == 'plain' else 'Flask-SocketIO'}", (got, heard), (code, [])
        if polling and all(isinstance(message, str) for message in messages):
            session = Polling(bench.port("real"), [OWN])
            session.post("40")
            session.get()
            status = session.post("\x1e".join(messages)).status
            after = session.post('42["echo"]').status
            yield f"{what}: polling", (status, after), (400, 400)


def as_text(message):
    return message if isinstance(message, str) else message.decode("utf-8", "replace")


def heard_frames(bench, tag):
    return [payload.decode("utf-8", "replace") for request in bench.recorder.of(tag) for opcode, payload in request.frames if opcode in (TEXT, BINARY)]


def untouched(bench, cases):
    """Each case reaches the app, and comes back, byte for byte."""
    for what, message in cases:
        with websocket(bench.port(), [OWN]) as connection:
            connection.send_text(message)
            yield what, connection.read_text(), message


def still_lives(connection):
    connection.send_text('42["echo","alive"]')
    return connection.read_text() == '42["echo","alive"]'


@row("E01", "E02", "E05", "E06", "E07", "E08")
def engineio_packets(bench):
    yield from refused(bench, [("E01: empty frame", ""), ("E02: OPEN", '0{"sid":"x"}'), ("E02: type 7", "7"), ("E02: type 9", "9"), ("E02: type x", "x"), ("E05: probe", "2probe"), ("E05: upgrade", "5"),
                               ("E06: Arabic-Indic digits", '\u0664\u0662["x"]'), ("E07: a JSON string as the message", '4"2[\\"admin\\",1]"'), ("E08: base64 in text", "bAAEC")],
                       polling=False)


@row("E03", "E04")
def ignored_packets(bench):
    for what, text in (("E03: NOOP", "6"), ("E04: 160 PONGs", "3")):
        tag = bench.tag()
        with websocket(bench.port(), [OWN], f"&tag={tag}") as connection:
            connection.send(frame(TEXT, text.encode()) * (1 if text == "6" else 160))
            alive = still_lives(connection)
        heard = heard_frames(bench, tag)
        yield what, (alive, heard.count(text)), (True, 0)


@row("E09", "E10", "E11", "E12", "E13", "E14", "E16", "E18")
def posts(bench):
    def session():
        fresh = Polling(bench.port(), [OWN])
        fresh.post("40")
        fresh.get()
        return fresh
    yield "E09: 17 packets", session().post("\x1e".join(['42["x"]'] * 17)).status, 200
    yield "E10: a JSONP body", session().post('d=42%5B%22x%22%5D', [("Content-Type", "application/x-www-form-urlencoded")]).status, 400
    fresh = session()
    with Connection(bench.port()) as connection:
        yield "E11: octet-stream", connection.request("POST", fresh.target, [OWN, ("Content-Type", "application/octet-stream")], b'42["x"]').status, 400
    yield "E12: not UTF-8", session().post(b'42["\xff"]').status, 400
    yield "E13: empty body", session().post("").status, 400
    for sid in ("unknown", "a" * 10_000, "a%2fb", "a b"):
        with Connection(bench.port()) as connection:
            response = connection.request("POST", f"/socket.io/?EIO=4&transport=polling&sid={sid.replace(' ', '+')}", [OWN], b'42["x"]')
        expected = (400, True) if sid == "unknown" else either((400, True), (400, False), (414, False))
        yield f"{'E14' if sid == 'unknown' else 'E18'}: sid {sid[:10]}", (response.status, b'"code":1' in response.body.replace(b" ", b"")), expected
    fresh = session()
    with Connection(bench.port()) as connection:
        connection.upgrade(f"/socket.io/?EIO=4&transport=websocket&sid={fresh.sid}", [OWN])
        connection.send_text("2probe")
        connection.read_text()
        connection.send_text("5")
        time.sleep(0.2)
        yield "E16: POST after the upgrade", fresh.post('42["x"]').status, 400


on_purpose("python-engineio would discard the seventeenth, but our upstream leg is a websocket, and stock clients do send more", "E09")
on_purpose("a packet that changes nothing is dropped and counted, and the session goes on", "S20")
on_purpose("too much is read later: nothing is lost, and nobody is closed", "S34")


@row("E15")
def two_polls(bench):
    session = Polling(bench.port(), [OWN])
    session.post("40")
    session.get()
    with Connection(bench.port()) as first, Connection(bench.port()) as second:
        head = f"GET {session.target} HTTP/1.1\r\nHost: app.example\r\nOrigin: http://app.example\r\n\r\n"
        first.send(head)
        time.sleep(0.3)
        second.send(head)
        time.sleep(0.3)
        post = session.post('42["x"]').status
        statuses = []
        for connection in (first, second):
            try:
                connection.wait_at_most(2)
                statuses.append(connection.read_response().status)
            except TimeoutError:
                statuses.append("waits")
    # Either the newer is refused and the session closed, or the older ends with a NOOP and the newer gets the data.
    yield "two GETs at once", (*statuses, post), either((200, 400, 400), (400, 400, 400), (200, 200, 200))


@row("E19")
def too_long_a_post(bench):
    session = Polling(bench.port(), [OWN])
    yield "a POST over max_message", session.post('42["x","' + "a" * (1 << 20) + '"]').status, 413


@row("E17")
def handshake_flood(bench):
    before = bench.forestays["limited"].metric("forestay_limit_hits_total", limit="connect_rate")
    answers = []
    for _ in range(50):
        with bench.connection("limited") as connection:
            answers.append(connection.request("GET", "/socket.io/?EIO=4&transport=polling", [OWN]))
    statuses = [answer.status for answer in answers]
    waits = {int(answer.get("Retry-After") or 0) > 0 for answer in answers[20:]}
    yield "50 handshakes at once, 20 allowed", (statuses, waits), ([200] * 20 + [429] * 30, {True})
    yield "each is counted", bench.counted(before, 30, "limited", "forestay_limit_hits_total", limit="connect_rate"), 30


@row("S01", "S02", "S03", "S04", "S05", "S06", "S07")
def packet_heads(bench):
    yield from refused(bench, [("S01: no packet", "4"), ("S02: blank type", "4 "), ("S02: tab type", "4\t"), ("S03: blank before the array", '42 ["x"]'),
                               ("S04: U+00A0 before the array", '42\u00a0["x"]'), ("S04: U+FEFF before the array", '42\ufeff["x"]'),
                               ("S05: ack id 2^53+1", '429007199254740993["x"]'), ("S06: ack id of 100 digits", f'42{"1" * 100}["x"]'), ("S07: ack id 01", '4201["x"]')])


@row("S08", "S09", "S10", "S11", "S14", "S15")
def attachments(bench):
    header = '451-["x",{"_placeholder":true,"num":%s}]'
    yield from refused(bench, [("S08: no attachments", '450-["x"]'), ("S09: 9999999999 attachments", '459999999999-["x"]'),
                               *((f"{'S09' if count == '11' else 'S10'}: count {count}", f'45{count}-["x"]') for count in ("1e1", "0x1", " 1", "+1", "11")),
                               ("S11: text in between", [header % 0, '42["x"]']), ("S15: attachments of an EVENT", '421-["x"]'),
                               *((f"S14: placeholder {num}", [header % num, b"\1"]) for num in ("-1", "5", '"0"', "null")),
                               ("S14: no number", ['451-["x",{"_placeholder":true}]', b"\1"]), ("S14: no placeholder", ['451-["x"]', b"\1"]),
                               ("S14: a placeholder twice", ['452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]', b"\1", b"\2"])], polling=False)


@row("S12", slow=True)
def missing_attachment(bench):
    with websocket(bench.port("real"), [OWN]) as connection:
        connection.send_text('451-["echo",{"_placeholder":true,"num":0}]')
        started = time.monotonic()
        code = close_of(connection, 20)
        yield "no attachment for 10 s", (code, 8 < time.monotonic() - started < 13), (1008, True)


@row("S13")
def stray_binary(bench):
    yield from refused(bench, [("binary without a header", b"\1\2\3")])


@row("S16")
def attachments_over_the_limit(bench):
    header = '452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    yield from refused(bench, [("two of 600 kB", [header, bytes(600_000), bytes(600_000)])], code=1009)


@row("S17", "S18")
def not_connected(bench):
    yield from refused(bench, [("S17: an event before CONNECT", '42["x"]')], namespace=False, polling=False)
    yield from refused(bench, [("S17: an event to another namespace", '42/other,["x"]'), ("S18: a binary event to another namespace", '451-/other,["x",{"_placeholder":true,"num":0}]')],
                       polling=False)


@row("S19")
def many_namespaces(bench):
    with websocket(bench.port(), [OWN]) as connection:
        connection.send(b"".join(frame(TEXT, f"40/n{i},".encode()) for i in range(1000)))
        joined, refusals, code = 1, 0, "open"
        connection.wait_at_most(3)
        try:
            while True:
                opcode, payload, _ = connection.read_frame()
                if opcode == 8:
                    code = int.from_bytes(payload[:2], "big")
                    break
                joined += payload.startswith(b"40/")
                refusals += payload.startswith(b"44/")
        except TimeoutError:
            pass
    yield "1000 namespaces", (joined <= 16, code), either((True, 1008), (refusals > 900 and joined <= 16, "open"))


@row("S20")
def connect_twice(bench):
    for name in ("plain", "real"):
        with websocket(bench.port(name), [OWN]) as connection:
            connection.send_text("40")
            connection.send_text('42["echo","alive"]')
            texts = [connection.read_text()]
            if texts[0].startswith("44"):
                texts.append(connection.read_text())
        yield name, texts[-1], '42["echo","alive"]'


@row("S21", "S22", "S23", "S24", "S25", "S26", "S29")
def events(bench):
    reserved = ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
    yield from refused(bench, [
        ("S21: CONNECT_ERROR", '44{"message":"x"}'),
        *((f"S22: reserved name {name}", f'42["{name}",{{}},{{"token":"x"}}]') for name in reserved),
        ("S23: escaped reserved name", '42["\\u0063onnect",{}]'),
        *((f"S24: payload {payload}", f"42{payload}") for payload in ("[]", "{}", '"x"', "null", "[null]", '[["x"]]', "", "[1]x")),
        ("S25: 65 deep", '42["x",' + "[" * 65 + "]" * 65 + "]"),
        ("S26: NaN", '42["x",NaN]'), ("S26: Infinity", '42["x",Infinity]'), ("S26: -Infinity", '42["x",-Infinity]'),
        ("S29: a name of 1 KB", f'42["{"a" * 1024}"]'), ("S29: a name with a control character", '42["a\x07b"]')])


@row("S27", "S28")
def left_alone(bench):
    yield from untouched(bench, [("S27: a big integer", '42["x",12345678901234567890]'), ("S27: 1e400", '42["x",1e400]'), ("S28: a lone surrogate", '42["x","\\ud800"]'),
                                 ("S27: blanks and order", '42["x", {"b" : 1,"a":2, "b":3} ]'), ("S27: a name with an escaped control character", '42["a\\u0007b"]'),
                                 ("S27: 60 deep", '42["x",' + "[" * 60 + "]" * 60 + "]")])


@row("S31")
def bad_namespaces(bench):
    yield from refused(bench, [("question mark", "40/a?b,"), ("control byte", "40/a\x01b,"), ("10 KB", f"40/{'a' * 10_000},"), ("no slash", "40admin,"),
                               ("no slash, event", '42admin,["x"]')])


@row("S30")
def allowed_events(bench):
    """The forestay called choosy lets clients emit `chat` only."""
    with websocket(bench.port("choosy"), [OWN]) as connection:
        for text in ('42["chat",1]', '42["other"]', '427["other"]', '42["ot\\u0068er"]', '42["Chat"]', '451-["other",{"_placeholder":true,"num":0}]'):
            connection.send_text(text)
        connection.send_frame(BINARY, b"\1")
        connection.send_text('42["chat",2]')
        got = sorted(connection.read_text() for _ in range(3))  # the refusal need not wait for the app
    yield "two of seven events, and what wants an ack gets one", got, ['42["chat",1]', '42["chat",2]', '437[{"error":"refused","reason":"event_not_allowed"}]']


@row("S32")
def unasked_ack(bench):
    tag = bench.tag()
    with websocket(bench.port(), [OWN], f"&tag={tag}") as connection:
        connection.send_text("437[1]")
        alive = still_lives(connection)
    yield "an ACK that nobody waits for", (alive, "437[1]" in heard_frames(bench, tag)), (True, False)


@row("S33")
def many_requests(bench):
    """What the table has no room for goes to the app all the same, untracked and counted."""
    before = bench.forestays["plain"].metric("forestay_drops_total", reason="untracked_request")
    with websocket(bench.port(), [OWN]) as connection:
        connection.send(b"".join(frame(TEXT, f'42{i}["tracked"]'.encode()) for i in range(1100)))
        connection.wait_at_most(5)
        echoed = sum(connection.read_text().startswith("42") for _ in range(1100))
        alive = still_lives(connection)
    counted = bench.counted(before, 76, "plain", "forestay_drops_total", reason="untracked_request")
    yield "1100 outstanding", (echoed, alive, counted), (1100, True, 1100 - 1024)


@row("S34", slow=True)
def too_many_events(bench):
    """500 a second may come: what is more is read later, and none of it is lost."""
    before = bench.forestays["hasty"].metric("forestay_limit_hits_total", limit="message_rate")
    with websocket(bench.port("hasty"), [OWN]) as connection:
        started = time.monotonic()
        connection.wait_at_most(10)
        connection.send(b"".join(frame(TEXT, f'42["x",{i}]'.encode()) for i in range(2000)))
        echoed = [connection.read_text() for _ in range(2000)]
        seconds = time.monotonic() - started
    in_order = echoed == [f'42["x",{i}]' for i in range(2000)]
    yield "2000 events at once, 500 a second allowed", (in_order, 2 < seconds < 9), (True, True)
    yield "it is counted", bench.forestays["hasty"].metric("forestay_limit_hits_total", limit="message_rate") > before, True
