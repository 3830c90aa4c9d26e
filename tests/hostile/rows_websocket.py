"""Groups W (the websocket handshake) and F (frames)."""
import socket
import struct
import time

from raw import BINARY, CLOSE, PING, PONG, TEXT, Closed, Connection, close_payload, frame
from rows import close_of, either, row

OWN = ("Origin", "http://app.example")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def upgrade(tag, *lines, method="GET", target="/ws", version="HTTP/1.1", key=KEY, ws_version="13", upgrade="websocket", connection="Upgrade", body=""):
    """The bytes of a websocket handshake whose odd lines are given."""
    own = [f"{method} {target} {version}", "Host: app.example", "Origin: http://app.example", f"X-Tag: {tag}",
           f"Upgrade: {upgrade}", f"Connection: {connection}"]
    own += [f"Sec-WebSocket-Version: {ws_version}"] if ws_version else []
    own += [f"Sec-WebSocket-Key: {key}"] if key else []
    return ("\r\n".join([*own, *lines]) + "\r\n\r\n" + body).encode("latin-1")


@row("W01", "W02", "W04", "W06", "W08", "W15", "W16")
def refused_handshakes(bench):
    for what, how in (("W01: with a body", dict(lines=["Content-Length: 3"], body="abc")), ("W01: with chunks", dict(lines=["Transfer-Encoding: chunked"], body="0\r\n\r\n")),
                      ("W02: POST", dict(method="POST")), ("W02: PUT", dict(method="PUT")), ("W04: websocket, h2c", dict(upgrade="websocket, h2c")),
                      ("W04: TLS/1.0, websocket", dict(upgrade="TLS/1.0, websocket")),
                      ("W06: no key", dict(key=None)), ("W06: a short key", dict(key="abc")), ("W06: a key of 15 bytes", dict(key="AAAAAAAAAAAAAAAAAAAA")),
                      ("W06: two keys", dict(lines=[f"Sec-WebSocket-Key: {KEY}"])), ("W08: HTTP/1.0", dict(version="HTTP/1.0")),
                      ("W15: 8 KB of protocols", dict(lines=["Sec-WebSocket-Protocol: " + ", ".join(f"p{i}" for i in range(1500))])),
                      ("W15: 10000 spaces in the protocols", dict(lines=["Sec-WebSocket-Protocol: a" + " " * 10_000 + "b"])),
                      ("W16: non-ASCII protocol", dict(lines=["Sec-WebSocket-Protocol: caf\xe9"]))):
        for target in ("/ws", "/socket.io/?EIO=4&transport=websocket"):
            tag = bench.tag()
            lines = how.get("lines", [])
            data = upgrade(tag, *lines, target=target, **{k: v for k, v in how.items() if k != "lines"})
            yield f"{what}: {target[:11]}", bench.raw(tag, data), "400 close"


@row("W03")
def h2c(bench):
    tag = bench.tag()
    got = bench.raw(tag, bench.head(tag, "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings, close", "HTTP2-Settings: AAMAAABk"))
    heard = bench.heard(tag)
    yield "h2c", (got, heard and heard[0].has("Upgrade"), heard and heard[0].has("HTTP2-Settings")), ("200 close HEARD", False, False)


@row("W05")
def versions(bench):
    for version in ("8", None):
        for target in ("/ws", "/socket.io/?EIO=4&transport=websocket"):
            tag = bench.tag()
            with bench.connection() as connection:
                connection.send(upgrade(tag, target=target, ws_version=version))
                response = connection.read_response()
            yield f"version {version}: {target[:11]}", (response.status, response.get("Sec-WebSocket-Version"), bool(bench.recorder.of(tag))), (426, "13", False)


@row("W07")
def no_upgrade_token(bench):
    tag = bench.tag()
    got = bench.raw(tag, upgrade(tag, target="/socket.io/?EIO=4&transport=websocket", connection="keep-alive"))
    yield "Engine.IO: Connection without upgrade", got, either("426 close", "426 open", "400 close", "400 open")
    tag = bench.tag()
    got = bench.raw(tag, upgrade(tag, connection="close"))
    heard = bench.heard(tag)
    yield "at another path: a plain request", (got, heard and heard[0].has("Upgrade")), ("200 close HEARD", False)


@row("W09")
def early_frames(bench):
    for target in ("/ws", "/socket.io/?EIO=4&transport=websocket"):
        tag = bench.tag()
        hello = b"hello" if target == "/ws" else b"40"
        with bench.connection() as connection:
            response = connection.upgrade(target, [OWN, ("X-Tag", tag)], early=frame(TEXT, hello))
            texts = [connection.read_text() for _ in range(1 if target == "/ws" else 2)] if response.status == 101 else []
        yield f"a frame with the handshake: {target[:11]}", (response.status, texts[-1:] == ["hello"] or texts[-1:] and texts[-1].startswith("40")), (101, True)


@row("W10")
def behind_a_refused_upgrade(bench):
    for name, target, lines in (("guarded", "/private/ws", []), ("plain", "/ws", ["Sec-WebSocket-Key: again"])):
        tag, other = bench.tag(), bench.tag()
        got = bench.raw(other, upgrade(tag, *lines, target=target) + bench.head(other, target=f"/admin/{other}"), name)
        yield f"GET behind an upgrade that is refused ({name})", got, either("401 close", "400 close", "403 close")
    tag, other = bench.tag(), bench.tag()
    got = bench.raw(other, upgrade(tag, target="/bad/upgrade-403") + bench.head(other, target=f"/admin/{other}"))
    yield "GET behind an upgrade that the app refuses", got, "403 close"


@row("W11", "W12", "W13", "W14")
def broken_upstream_handshakes(bench):
    # A refusal of the app is relayed as it is; what looks like a success and is none is 502.
    for row_id, name, expected in (("W11", "upgrade-200", either("200 close", "502 close")), ("W11", "upgrade-403", "403 close"), ("W12", "wrong-accept", "502 close"),
                                   ("W12", "no-accept", "502 close"), ("W13", "extension", "502 close"), ("W13", "protocol", "502 close"), ("W14", "no-upgrade", "502 close"),
                                   ("W14", "no-connection", "502 close")):
        tag, other = bench.tag(), bench.tag()
        got = bench.raw(other, upgrade(tag, target=f"/bad/{name}?{tag}") + bench.head(other), seconds=12)
        yield f"{row_id}: the app answers {name}", got, expected


@row("W17", "W18", "W19")
def offers(bench):
    with bench.connection("guarded") as connection:
        response = connection.upgrade("/private/ws", [OWN, ("Sec-WebSocket-Protocol", f"bearer, {bench.extra['jwt']}")])
    yield "W17: bearer, TOKEN", (response.status, response.all("Sec-WebSocket-Protocol")), (101, ["bearer"])
    for name, offer in (("W18", "permessage-deflate; server_max_window_bits=99"), ("W18", "permessage-deflate"), ("W18", "permessage-deflate; client_max_window_bits"),
                        ("W19", "x-webkit-deflate-frame"), ("W19", "unknown; a=b")):
        for target in ("/ws", "/socket.io/?EIO=4&transport=websocket"):
            tag = bench.tag()
            with bench.connection() as connection:
                response = connection.upgrade(target, [OWN, ("X-Tag", tag), ("Sec-WebSocket-Extensions", offer)])
            yield f"{name}: {offer}: {target[:11]}", (response.status, response.all("Sec-WebSocket-Extensions")), (101, [])
    with bench.connection() as connection:
        response = connection.upgrade("/ws", [OWN, ("Sec-WebSocket-Protocol", "chat, other")])
    yield "W17: a protocol that the app picks", (response.status, response.all("Sec-WebSocket-Protocol")), (101, ["chat"])


def polling_session(bench, name="plain", headers=(OWN,)):
    from raw import Polling
    session = Polling(bench.port(name), headers)
    assert session.sid, session.opening
    return session


@row("W20")
def second_upgrade(bench):
    session = polling_session(bench)
    target = f"/socket.io/?EIO=4&transport=websocket&sid={session.sid}"
    with bench.connection() as first:
        status = first.upgrade(target, [OWN]).status
        first.send_text("2probe")
        probe = first.read_text()
        first.send_text("5")
        time.sleep(0.2)
        with bench.connection() as second:
            again = second.upgrade(target, [OWN]).status
        first.send_text("40")
        joined = first.read_text()
    yield "a second upgrade of one sid", (status, probe, again, joined[:2]), (101, "3probe", 400, "40")


@row("W21")
def sid_of_another(bench):
    alice = polling_session(bench, "guarded", [OWN, ("Cookie", f"session={bench.extra['cookie']}")])
    for what, headers in (("another principal", [OWN, ("Cookie", f"session={bench.extra['other cookie']}")]),
                          ("another origin", [("Origin", "https://friend.example"), ("Cookie", f"session={bench.extra['cookie']}")])):
        before = bench.forestays["guarded"].metric("forestay_sid_mismatches_total")
        with bench.connection("guarded") as connection:
            status = connection.upgrade(f"/socket.io/?EIO=4&transport=websocket&sid={alice.sid}", headers).status
        counted = bench.counted(before, 1, "guarded", "forestay_sid_mismatches_total")
        yield what, (status, counted), (403, 1)


class Sockets:
    """A fresh websocket of each kind: plain, and Engine.IO with "/" joined."""

    def __init__(self, bench, kind, tag, name="plain"):
        target = "/ws" if kind == "plain" else f"/socket.io/?EIO=4&transport=websocket&tag={tag}"
        self.connection = Connection(bench.port(name), 5)
        response = self.connection.upgrade(target, [OWN, ("X-Tag", tag)])
        assert response.status == 101, response
        if kind != "plain":
            self.connection.read_text()
            self.connection.send_text("40")
            self.connection.read_text()

    def __enter__(self):
        return self.connection

    def __exit__(self, *_):
        self.connection.socket.close()


def violations(bench, cases):
    """Each case: what it is, the bytes, the close code."""
    for what, data, code in cases:
        for kind in ("plain", "engine.io"):
            tag = bench.tag()
            with Sockets(bench, kind, tag) as connection:
                connection.send(data)
                yield f"{what}: {kind}", close_of(connection), code


def raw_frame(first, second, rest=b""):
    return bytes([first, second]) + rest


@row("F01", "F02", "F03", "F04", "F05", "F06", "F07", "F08")
def frame_heads(bench):
    yield from violations(bench, [
        ("F01: unmasked", frame(TEXT, b"hi", mask=False), 1002),
        *((f"F02: RSV {rsv}", frame(TEXT, b"hi", rsv=rsv), 1002) for rsv in (4, 2, 1)),
        *((f"F03: opcode {opcode}", frame(opcode, b"hi"), 1002) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
        ("F04: continuation without a start", frame(0, b"hi"), 1002),
        ("F04: new data inside a message", frame(TEXT, b"h", fin=False) + frame(TEXT, b"i"), 1002),
        ("F05: fragmented ping", frame(PING, b"hi", fin=False), 1002),
        ("F05: ping of 126 bytes", frame(PING, bytes(126)), 1002),
        ("F06: 16-bit length for 5 bytes", frame(TEXT, b"hello", wide=16), 1002),
        ("F06: 64-bit length for 200 bytes", frame(TEXT, b"h" * 200, wide=64), 1002),
        ("F07: 64-bit length, top bit set", raw_frame(0x81, 0xff, struct.pack(">Q", 1 << 63) + b"mask"), either(1009, 1002)),
        ("F08: 2^62 bytes declared", raw_frame(0x81, 0xff, struct.pack(">Q", 1 << 62) + b"mask"), 1009),
    ])


@row("F10", "F12", "F15", "F17")
def payloads(bench):
    big = b"a" * ((1 << 20) + 1)
    yield from violations(bench, [
        *((f"F10: UTF-8 {text.hex()}", frame(TEXT, text), 1007) for text in (b"4\xff", b"4\xc0\xaf", b"4\xed\xa0\x80", b"4\xf4\x90\x80\x80", b"4\xe2\x82")),
        ("F10: UTF-8 cut at the end of the message", frame(TEXT, b"42[\"\xe2", fin=False) + frame(0, b"\x82"), 1007),
        ("F12: a message over the limit", frame(TEXT, big), 1009),
        ("F12: a message over the limit in fragments", frame(TEXT, big[:600_000], fin=False) + frame(0, big[:600_000]), 1009),
        *((f"F15: close with {code}", frame(CLOSE, close_payload(code)), 1002) for code in (0, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2999)),
        ("F17: close with one byte", frame(CLOSE, b"\x03"), 1002),
        ("F17: close with a reason that is not UTF-8", frame(CLOSE, close_payload(1000, b"\xff")), either(1002, 1007)),
    ])


@row("F11")
def utf8_across_fragments(bench):
    with Sockets(bench, "plain", bench.tag()) as connection:
        connection.send(frame(TEXT, b"\xe2\x82", fin=False) + frame(PING, b"?") + frame(0, b"\xac"))
        got, pong = b"", None
        while True:
            opcode, payload, fin = connection.read_frame()
            if opcode == PONG:
                pong = payload
                continue
            got += payload
            if fin:
                break
    yield "plain", (got.decode(), pong), ("\u20ac", b"?")
    with Sockets(bench, "engine.io", bench.tag()) as connection:
        connection.send(frame(TEXT, b'42["\xe2\x82', fin=False) + frame(0, b'\xac"]'))
        yield "engine.io", connection.read_text(), '42["\u20ac"]'


@row("F13")
def empty_fragments(bench):
    yield from violations(bench, [("20000 empty continuations", frame(TEXT, b"4", fin=False) + frame(0, b"", fin=False) * 20_000, 1008)])


@row("F14", slow=True)
def unfinished_message(bench):
    for kind in ("plain", "engine.io"):
        with Sockets(bench, kind, bench.tag(), "hasty") as connection:
            connection.send(frame(TEXT, b"42", fin=False))
            started = time.monotonic()
            code = close_of(connection, 10)
            yield kind, (code, 2.5 < time.monotonic() - started < 6), (1008, True)


@row("F16")
def odd_close_codes(bench):
    for code in (5000, 65535):
        for kind in ("plain", "engine.io"):
            tag = bench.tag()
            with Sockets(bench, kind, tag) as connection:
                connection.send_frame(CLOSE, close_payload(code))
                got = close_of(connection)
                time.sleep(0.2)
                told = [struct.unpack(">H", payload[:2])[0] for request in bench.recorder.of(tag) for opcode, payload in request.frames if opcode == CLOSE and payload]
            yield f"close with {code}: {kind}", (got, told), (1002, [1001])


@row("F18")
def data_after_close(bench):
    tag = bench.tag()
    with Sockets(bench, "plain", tag) as connection:
        connection.send(frame(CLOSE, close_payload(1000)) + frame(TEXT, b"after"))
        got = close_of(connection)
        time.sleep(0.2)
        texts = [payload for request in bench.recorder.of(tag) for opcode, payload in request.frames if opcode == TEXT]
    yield "plain", (got, texts), (1000, [])


@row("F19", "F20")
def control_floods(bench):
    yield from violations(bench, [("F19: 1000 pings", frame(PING, b"x") * 1000, 1008), ("F20: 1000 pongs", frame(PONG, b"x") * 1000, 1008)])


@row("F21")
def binary_where_text_is_wanted(bench):
    tag = bench.tag()
    with bench.connection("choosy") as connection:
        connection.upgrade(f"/text?{tag}", [OWN])
        connection.send(frame(TEXT, b"hello"))
        echoed = connection.read_text()
        connection.send(frame(BINARY, b"{}"))
        got = close_of(connection)
        time.sleep(0.2)
        heard = [payload for request in bench.recorder.of(tag) for opcode, payload in request.frames if opcode in (TEXT, BINARY)]
    yield "binary: false", (echoed, got, heard), ("hello", 1003, [b"hello"])


@row("F22", slow=True)
def close_without_an_echo(bench):
    with Sockets(bench, "plain", bench.tag()) as connection:
        connection.send(frame(TEXT, b"hi", rsv=4))
        started, code, ended = time.monotonic(), None, "open"
        try:
            connection.wait_at_most(12)
            while code is None:
                opcode, payload, _ = connection.read_frame()
                code = struct.unpack(">H", payload[:2])[0] if opcode == CLOSE else None
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ended = connection.how_it_ended(10)
        except Closed as closed:
            ended = closed.how
        seconds = time.monotonic() - started
    yield "our close frame is not answered", (code, ended != "open", seconds < 8), (1002, True, True)


