"""An upstream that writes down what it hears, byte for byte, and misbehaves on request.

    /ws...                  a websocket that echoes
    /socket.io/?act=ACT     Engine.IO over a websocket: joins every namespace, echoes events; ACT says how it misbehaves
    /ws?act=ACT             one that misbehaves
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
    "http-1.0": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "until-close": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    "cut-length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
    "cut-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "cut-head": b"HTTP/1.1 200 OK\r\nContent-Len",
    "nothing": b"",
    "body-200": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "body-204": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "body-304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
    "two-answers": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3
               + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "unasked-101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "two-cookies": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2, c\r\nContent-Length: 2\r\n\r\nok",
    "status-2000": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    "status-20": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "status-999": b"HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\nok",
    "status-none": b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok",
    "no-http": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "advertises": b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade, X-Named, keep-alive\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\n"
                  b"Proxy-Authenticate: Basic\r\nProxy-Connection: keep-alive\r\nTrailer: X-T\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok",
    "early-413": b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig",
    "upgrade-302": b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    "upgrade-401": b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno",
    "upgrade-426": b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno",
    "no-accept": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "upgrade-200": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "upgrade-403": b"HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno",
    "wrong-accept": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
    "no-upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %(accept)s\r\n\r\n",
    "no-connection": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %(accept)s\r\n\r\n",
    "extension": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %(accept)s\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    "protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %(accept)s\r\nSec-WebSocket-Protocol: unasked\r\n\r\n",
}

ENDS = ("http-1.0", "until-close", "cut-length", "cut-chunks", "cut-head", "nothing")  # the connection ends with these


class Heard:
    """One request as it arrived."""

    def __init__(self, head, body=b""):
        self.text = head.decode("latin-1")
        self.body = body
        self.frames = []  # (opcode, payload) of a websocket
        self.ended = None  # how its connection ended, when that was in the middle of the body or of a websocket
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
        self.go = threading.Semaphore(0)  # one event of /bad/events for each release
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
        buffer, request = b"", None
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
                if request.target.startswith("/bad/early-"):
                    client.sendall(BAD[request.target.split("/")[2].split("?")[0]])
                length = int((request.all("Content-Length") or ["0"])[0])
                while len(buffer) < length:
                    data = client.recv(65536)
                    if not data:
                        request.ended = "close"
                        return
                    buffer += data
                request.body, buffer = buffer[:length], buffer[length:]
                if not self.answer(client, request, buffer):
                    return
        except OSError as error:
            if request:
                request.ended = str(error)
        finally:
            client.close()

    def answer(self, client, request, buffer):
        path = request.target.split("?")[0]
        key = (request.all("Sec-WebSocket-Key") or [""])[0]
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if path.startswith("/bad/"):
            name = path.split("/")[2]
            if name in ("glued", "late", "cookies"):
                time.sleep(0.5 if name == "late" else 0)
                cookies = b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n" if name == "cookies" else b""
                glued = frame(TEXT, b"one", mask=False) + frame(TEXT, b"two", mask=False) if name == "glued" else b""
                client.sendall(BAD["no-accept"].replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Accept: " + accept + b"\r\n" + cookies + b"\r\n") + glued)
                Echo(client, request, buffer).run()
                return False
            if name == "silent":
                client.recv(1)  # until forestay has lost patience
                return False
            if name == "events":
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
                for number in range(3):
                    self.go.acquire(timeout=5)
                    client.sendall(b"9\r\ndata: %d\n\n\r\n" % number)
                client.sendall(b"0\r\n\r\n")
                return True
            if name == "kept":  # and the next request on this connection gets a reset
                client.sendall(BAD["body-200"])
                if client.recv(65536):
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if name.startswith("early-"):
                return True
            answer = BAD[name]
            client.sendall(answer.replace(b"%(accept)s", accept))
            if name in ENDS:
                return False
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

    def send(self, opcode, payload=b"", **how):
        self.client.sendall(frame(opcode, payload, mask=False, **how))

    def opened(self):
        self.act = (self.request.target.split("act=")[1].split("&")[0] if "act=" in self.request.target else "")
        if self.act == "masked":
            self.client.sendall(frame(TEXT, b"hi", mask=True))
        elif self.act == "rsv":
            self.client.sendall(frame(TEXT, b"hi", mask=False, rsv=4))
        elif self.act == "not-utf8":
            self.send(TEXT, b"\xff")
        elif self.act == "huge":
            self.send(TEXT, b"a" * ((1 << 20) + 1))
        elif self.act == "ping":
            self.send(PING, b"app")
        elif self.act == "close":
            self.send(CLOSE, close_payload(4321, b"because"))
        elif self.act == "close-1005":
            self.send(CLOSE)
        elif self.act == "close-1015":
            self.send(CLOSE, close_payload(1015))
        elif self.act == "fin":
            raise OSError("enough")
        elif self.act == "reset":
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise OSError("reset")
        elif self.act == "fragment":
            self.send(TEXT, b"be", fin=False)
            time.sleep(0.7)
            self.send(0, b"gun")
        elif self.act == "flood":
            for _ in range(100_000):
                self.send(TEXT, b"x" * 10_000)

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
        if "EIO=3" in self.request.target:
            self.send(TEXT, b"40")

    def said(self, opcode, message):
        if opcode == BINARY:
            return
        text = message.decode()
        if text == "2":
            self.send(TEXT, b"3")  # of EIO3 the client asks
        elif text.startswith("40"):
            namespace = text[2:].split("{")[0]
            self.send(TEXT, f'40{namespace}{{"sid":"s{len(self.request.frames)}"}}'.encode())
            self.misbehave()
        elif self.act == "late" and text.startswith("42"):
            time.sleep(0.8)
            self.send(TEXT, b"43" + text[2:].split("[")[0].encode() + b'["late"]')
        elif text.startswith("42") and self.act != "binary":
            self.send(TEXT, b"42" + message[2:].lstrip(b"0123456789"))  # an event does not come back with its ack id

    def misbehave(self):
        if self.act == "masked":
            self.client.sendall(frame(TEXT, b'42["x"]', mask=True))
        elif self.act == "rsv":
            self.client.sendall(frame(TEXT, b'42["x"]', mask=False, rsv=4))
        elif self.act == "flood":
            for _ in range(100_000):
                self.send(TEXT, b'42["x","' + b"x" * 10_000 + b'"]')
        elif self.act == "binary":  # its attachment takes a while
            self.send(TEXT, b'451-["x",{"_placeholder":true,"num":0}]')
            threading.Timer(1, self.send, (BINARY, b"\1")).start()
        elif self.act == "huge":
            self.send(TEXT, b'42["x","' + b"a" * (1 << 20) + b'"]')
        elif self.act == "reset":
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise OSError("reset")
        elif self.act == "invalid":
            self.send(TEXT, b'42["x",not json]')
        elif self.act == "close-1006":
            self.send(CLOSE, close_payload(1006))
