#!/usr/bin/python3
"""HTTP bodies that are larger than any buffer, through forestay to a real app: 1 GiB each way in constant memory, events
flushed at once, a chunked upload spooled and sent on with its length.

    streaming_test.py BINARY [MEBIBYTES]        1024 unless told otherwise
"""
import json
import os
import sys
import threading
import time
import urllib.request
import zlib

from raw import Connection
from rig import Checks, Rig

MIB = 1 << 20
GROWTH = 8 * MIB  # allowed over a warm process: socket buffers' worth, nothing that grows with the body
CONFIG = "limits: {max_body: 2GiB}\n"


class Watch:
    """Samples a process' memory until it is stopped."""

    def __init__(self, forestay):
        self.forestay = forestay
        self.before = forestay.memory()
        self.most = dict(self.before)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()

    def sample(self):
        while not self.over.wait(0.02):
            for key, value in self.forestay.memory().items():
                self.most[key] = max(self.most[key], value)

    def stop(self):
        self.over.set()
        self.thread.join()
        return {key: self.most[key] - self.before[key] for key in self.most}


def measured(checks, forestay, what, size, body):
    watch = Watch(forestay)
    started = time.monotonic()
    try:
        right, detail = body()
    finally:
        growth = watch.stop()
    seconds = time.monotonic() - started
    checks.expect(right, f"{what}: {size // MIB} MiB arrived whole", f"{detail}{seconds:.1f} s, {size / MIB / seconds:.0f} MiB/s")
    checks.expect(growth["RssAnon"] < GROWTH and growth["VmHWM"] < GROWTH, f"{what}: memory stayed constant",
                  ", ".join(f"{key} +{value // 1024} KiB" for key, value in growth.items()))


def download(port, size, query=""):
    with Connection(port, 60) as connection:
        connection.send(f"GET /download?bytes={size}{query} HTTP/1.1\r\nHost: app.example\r\n\r\n")
        head = connection.read_until(b"\r\n\r\n").decode()
        got = len(connection.buffer)
        block = bytearray(MIB)
        if "content-length" in head.lower():
            while got < size and (count := connection.socket.recv_into(block)):
                got += count
            return got == size, ""
        # Chunked or until the end: count the zeros, which no chunk head contains as bytes.
        zeros = connection.buffer.count(0)
        connection.wait_at_most(60)
        while zeros < size and (count := connection.socket.recv_into(block)):
            zeros += block.count(0, 0, count)
        return zeros == size, "in chunks, "


def upload(port, size, chunked):
    block = os.urandom(1 << 16) * 16
    crc = 0
    with Connection(port, 60) as connection:
        coding = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        connection.send(f"POST /upload HTTP/1.1\r\nHost: app.example\r\nContent-Type: application/octet-stream\r\n{coding}\r\n\r\n")
        for _ in range(size // len(block)):
            connection.send(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            crc = zlib.crc32(block, crc)
        if chunked:
            connection.send(b"0\r\n\r\n")
        response = connection.read_response()
        if response.status != 200:
            return False, f"{response}, "
        got = json.loads(response.body)
        right = got["bytes"] == size and got["crc32"] == crc
        return right and got["content_length"] == str(size) and got["transfer_encoding"] is None, "" if right else f"{got}, "


def events(checks, forestay, app):
    """The app sends event n only after it was told to, which happens only when event n - 1 has arrived: a proxy that holds
    anything back stops the whole."""
    with Connection(forestay.port, 5) as connection:
        connection.send("GET /events HTTP/1.1\r\nHost: app.example\r\nAccept: text/event-stream\r\n\r\n")
        head = connection.read_until(b"\r\n\r\n")
        arrived = []
        try:
            for number in range(1, 6):
                urllib.request.urlopen(urllib.request.Request(f"{app.url}/events/go", method="POST"), timeout=5).read()
                sent = time.monotonic()
                connection.read_until(f"data: {number}\n\n".encode())
                arrived.append(time.monotonic() - sent)
        except TimeoutError:
            pass
    checks.expect(b"text/event-stream" in head and len(arrived) == 5, "server-sent events are flushed at once",
                  f"{len(arrived)} of 5" + (f", the slowest after {max(arrived) * 1000:.0f} ms" if arrived else ""))


def spool_limit(checks, rig, app):
    small = rig.forestay(app.url, "limits: {max_body: 1MiB}\n", name="small")
    with Connection(small.port, 10) as connection:
        connection.send("POST /upload HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(32):
            connection.send(b"%x\r\n%b\r\n" % (1 << 16, bytes(1 << 16)))
        connection.send(b"0\r\n\r\n")
        response = connection.read_response()
    checks.expect(response.status == 413, "a chunked upload over max_body is refused", response)


def main():
    size = (int(sys.argv[2]) if len(sys.argv) > 2 else 1024) * MIB
    checks = Checks(f"Streaming {size // MIB} MiB")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.app("gevent")
        forestay = rig.forestay(app.url, CONFIG)
        # Warm: the first bodies make the allocator and the libraries take what they need once.
        download(forestay.port, 4 * MIB)
        upload(forestay.port, 4 * MIB, chunked=False)
        upload(forestay.port, 4 * MIB, chunked=True)
        events(checks, forestay, app)
        measured(checks, forestay, "download", size, lambda: download(forestay.port, size))
        measured(checks, forestay, "download without a length", size // 4, lambda: download(forestay.port, size // 4, "&length=no"))
        measured(checks, forestay, "upload", size, lambda: upload(forestay.port, size, chunked=False))
        measured(checks, forestay, "chunked upload", size // 4, lambda: upload(forestay.port, size // 4, chunked=True))
        spooled = forestay.metric("forestay_spooled_uploads_total")
        checks.expect(spooled == 2, "chunked uploads were spooled", f"{spooled:.0f} of 2")
        spool_limit(checks, rig, app)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
