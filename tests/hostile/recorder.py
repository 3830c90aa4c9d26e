"""An upstream that writes down what it hears, byte for byte, and misbehaves on request.

    /ws...                  a websocket that echoes
    /socket.io/?act=ACT     Engine.IO over a websocket: joins every namespace, echoes events; ACT says how it misbehaves
    /bad/NAME               an HTTP answer, or a refused or broken websocket handshake
    anything else           200 and what was heard
"""
import base64
import hashlib
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "real"))
from raw import BINARY, CLOSE, PING, PONG, TEXT, close_payload, frame, masked  # noqa: E402

OPEN = '0{"sid":"recorder","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'

# What an HTTP request for /bad/NAME is answered with, as it is.
BAD = {
    "headers-1mb": b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"a" * (1 << 20) + b"\r\nContent-Length: 2\r\n\r\nok",
    "headers-1000": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(1000)) + b"Content-Length: 2\r\n\r\nok",
    "splitting": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\rSet-Cookie: admin=1\r\nContent-Length: 2\r\n\r\nok",
    "control": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\x00b\r\nContent-Length: 2\r\n\r\nok",
    "cl-and-te": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "cors": b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: false\r\nContent-Length: 2\r\n\r\nok",
    "upgrade-200": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "upgrade-403": b"HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno",
    "wrong-accept": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    "no-upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %(accept)s\r\n\r\n",
    "no-connection": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %(accept)s\r\n\r\n",
    "extension": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %(accept)s\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    "protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %(accept)s\r\nSec-WebSocket-Protocol: unasked\r\n\r\n",
}


class Heard:
    """One request as it arrived."""

    def __init__(self, head, body=b""):
        self.text = head.decode("latin-1")
        self.body = body
        self.frames = []  # (opcode, payload) of a websocket
        self.target = self.text.split(" ", 2)[1] if self.text.count(" ") > 1 else ""

    def all(self, name):
        return [line.split(":", 1)[1].strip() for line in self.text.split("\r\n")[1:]
                if ":" in line and line.split(":", 1)[0].lower() == name.lower()]

    def has(self, name):
        """Whether a field of that name is there, `_` and `-` being the same, as for a WSGI server."""
        plain = name.lower().replace("_", "-")
        return any(line.split(":", 1)[0].lower().replace("_", "-") == plain for line in self.text.split("\r\n")[1:])


class Recorder:
    def __init__(self):
        self.heard = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def of(self, tag):
        """The requests that carry this tag anywhere."""
        return [request for request in list(self.heard) if tag in request.text or tag.encode() in request.body]

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    data = client.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                request = Heard(head)
                self.heard.append(request)
                length = int((request.all("Content-Length") or ["0"])[0])
                while len(buffer) < length:
                    data = client.recv(65536)
                    if not data:
                        return
                    buffer += data
                request.body, buffer = buffer[:length], buffer[length:]
                if not self.answer(client, request, buffer):
                    return
        except OSError:
            pass
        finally:
            client.close()

    def answer(self, client, request, buffer):
        path = request.target.split("?")[0]
        key = (request.all("Sec-WebSocket-Key") or [""])[0]
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if path.startswith("/bad/"):
            answer = BAD[path.split("/")[2]]
            client.sendall(answer.replace(b"%(accept)s", accept))
            if answer.startswith(b"HTTP/1.1 101"):
                time.sleep(0.3)
                return False
            return True
        if request.all("Upgrade"):
            offered = ",".join(request.all("Sec-WebSocket-Protocol"))
            protocol = b"Sec-WebSocket-Protocol: chat\r\n" if "chat" in offered else b""
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept
                           + b"\r\n" + protocol + b"\r\n")
            (EngineIo if path == "/socket.io/" else Echo)(client, request, buffer).run()
            return False
        body = request.text.encode("latin-1")
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
                       + (b"" if request.text.startswith("HEAD ") else body))
        return True


class Echo:
    """A websocket that says back what it hears."""

    def __init__(self, client, request, buffer):
        self.client, self.request, self.buffer = client, request, buffer

    def read(self, size):
        while len(self.buffer) < size:
            data = self.client.recv(65536)
            if not data:
                raise OSError("gone")
            self.buffer += data
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def send(self, opcode, payload, **how):
        self.client.sendall(frame(opcode, payload, mask=False, **how))

    def opened(self):
        pass

    def run(self):
        self.opened()
        message, kind = b"", TEXT
        while True:
            first, second = self.read(2)
            length = second & 127
            if length > 125:
                length = struct.unpack(">H" if length == 126 else ">Q", self.read(2 if length == 126 else 8))[0]
            key = self.read(4) if second & 128 else b"\0\0\0\0"
            payload = masked(self.read(length), key) if length else b""
            opcode = first & 15
            self.request.frames.append((opcode, payload))
            if opcode == CLOSE:
                self.send(CLOSE, payload)
                return
            if opcode == PING:
                self.send(PONG, payload)
            if opcode in (TEXT, BINARY):
                message, kind = payload, opcode
            if opcode == 0:
                message += payload
            if opcode in (0, TEXT, BINARY) and first & 128:
                self.said(kind, message)

    def said(self, opcode, message):
        self.send(opcode, message)


class EngineIo(Echo):
    """Enough of an Engine.IO 4 server to hold a Socket.IO session, and to break one."""

    def opened(self):
        self.act = (self.request.target.split("act=")[1].split("&")[0] if "act=" in self.request.target else "")
        if self.act == "silence":
            time.sleep(30)
            raise OSError("enough")
        self.send(TEXT, OPEN.encode())

    def said(self, opcode, message):
        if opcode == BINARY:
            return
        text = message.decode()
        if text.startswith("40"):
            namespace = text[2:].split("{")[0]
            self.send(TEXT, f'40{namespace}{{"sid":"s{len(self.request.frames)}"}}'.encode())
            self.misbehave()
        elif text.startswith("42"):
            self.send(TEXT, b"42" + message[2:].lstrip(b"0123456789"))  # an event does not come back with its ack id

    def misbehave(self):
        if self.act == "masked":
            self.client.sendall(frame(TEXT, b'42["x"]', mask=True))
        elif self.act == "huge":
            self.send(TEXT, b'42["x","' + b"a" * (1 << 20) + b'"]')
        elif self.act == "reset":
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise OSError("reset")
        elif self.act == "invalid":
            self.send(TEXT, b'42["x",not json]')
        elif self.act == "close-1006":
            self.send(CLOSE, close_payload(1006))
