"""Group D: permessage-deflate. forestay never agrees to it, so RSV1 alone is the fault: nothing is ever inflated."""
import struct
import zlib

from raw import BINARY, PING, TEXT, frame
from rows import close_of, on_purpose, row
from rows_websocket import OWN, Sockets, raw_frame

on_purpose("the extension is declined, and RSV1 without it is 1002 whatever is inside", "D01", "D02", "D03", "D05", "D06", "D07")


def deflated(data, final=False):
    """As the extension wants it: without the empty block at the end; `final`: with BFINAL set."""
    deflate = zlib.compressobj(9, wbits=-15)
    data = deflate.compress(data)
    return data + (deflate.flush() if final else deflate.flush(zlib.Z_SYNC_FLUSH)[:-4])


def declared(length):
    """The head of a compressed text message of that length, and the first KB of it."""
    return raw_frame(0xc1, 0xff, struct.pack(">Q", length) + b"mask" + bytes(1024))


@row("D01", "D02", "D03", "D04", "D05", "D06", "D07")
def compressed(bench):
    bomb = deflated(b"a" * (64 << 20))
    cases = [
        ("D01: 64 MB in 65 KB", frame(TEXT, bomb, rsv=4)),
        ("D01: the same in fragments", frame(TEXT, bomb[:30_000], fin=False, rsv=4) + frame(0, bomb[30_000:])),
        *((f"D02: {name} declared, 1 KB sent", declared(size)) for name, size in (("1 GB", 1 << 30), ("2^40", 1 << 40), ("2^62", 1 << 62))),
        ("D03: garbage", frame(BINARY, b"\xff" * 100, rsv=4)),
        ("D04: RSV1 on a continuation", frame(TEXT, b"4", fin=False) + frame(0, b"2", rsv=4)),
        ("D04: RSV1 on a ping", frame(PING, b"x", rsv=4)),
        ("D05: not UTF-8", frame(TEXT, deflated(b"\xff\xfe"), rsv=4)),
        ("D06: BFINAL", frame(TEXT, deflated(b"hello", final=True), rsv=4)),
        ("D07: 1000:1", frame(TEXT, deflated(b"a" * 100_000), rsv=4)),
    ]
    before = bench.forestays["plain"].memory()["VmHWM"]
    for what, data in cases:
        for kind, target in (("plain", "/ws"), ("engine.io", "/socket.io/?EIO=4&transport=websocket")):
            with bench.connection() as connection:  # as a browser asks
                agreed = connection.upgrade(target, [OWN, ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")]).all("Sec-WebSocket-Extensions")
            with Sockets(bench, kind, bench.tag()) as connection:
                connection.send(data)
                yield f"{what}: {kind}", (agreed, close_of(connection)), ([], 1002)
    grown = bench.forestays["plain"].memory()["VmHWM"] - before
    yield "D01 D02 D07: memory", grown < 16 << 20, True
