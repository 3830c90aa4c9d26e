"""HTTP and websockets by hand over a real socket, so that a test can say exactly what it sends, however wrong, and see
exactly what comes back."""
import base64
import os
import socket
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The peer ended the connection; `how` is 'close' or 'reset'."""

    def __init__(self, how):
        super().__init__(how)
        self.how = how


class Response:
    def __init__(self, status, headers, body=b""):
        self.status, self.headers, self.body = status, headers, body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def __repr__(self):
        return f"{self.status} {self.body[:80]!r}"


class Connection:
    def __init__(self, port, seconds=5):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def wait_at_most(self, seconds):
        self.socket.settimeout(seconds)

    def send(self, data):
        try:
            self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what the peer said before it closed is still to be read

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            raise Closed("reset") from None
        if not data:
            raise Closed("close")
        self.buffer += data

    def read(self, size):
        while len(self.buffer) < size:
            self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_until(self, mark):
        while mark not in self.buffer:
            self.fill()
        data, self.buffer = self.buffer.split(mark, 1)
        return data

    def read_response(self, head=False):
        """The next response, interim ones (1xx but 101) included. `head`: it answers a HEAD request."""
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        response = Response(status, headers)
        length, coding = response.get("Content-Length"), response.get("Transfer-Encoding")
        if head or status < 200 or status in (204, 304):
            pass
        elif coding:
            while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
                response.body += self.read(size)
                self.read(2)
            while self.read_until(b"\r\n"):
                pass
        elif length is not None:
            response.body = self.read(int(length))
        else:
            try:
                while True:
                    self.fill()
            except Closed:
                response.body, self.buffer = self.buffer, b""
        return response

    def request(self, method, target, headers=(), body=b"", host="app.example"):
        """Sends one well-formed request and reads its response."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{key}: {value}" for key, value in headers)]
        if body or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return self.read_response(head=method == "HEAD")

    def how_it_ended(self, seconds=5):
        """'close' or 'reset' when the peer ends the connection within that time, else 'open'. What comes before is lost."""
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self.socket.settimeout(left)
                self.fill()
                self.buffer = b""
        except Closed as closed:
            return closed.how
        except TimeoutError:
            pass
        return "open"

    # Websockets

    def upgrade(self, target, headers=(), host="app.example", version="13", key=None, early=b""):
        """Asks for a websocket and returns the response, 101 or not. `early` is sent with the request."""
        key = base64.b64encode(os.urandom(16)).decode() if key is None else key
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Version: {version}", f"Sec-WebSocket-Key: {key}",
                 *(f"{name}: {value}" for name, value in headers)]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + early)
        return self.read_response()

    def send_frame(self, opcode, payload=b"", fin=True, rsv=0, mask=True, length=None, wide=0):
        self.send(frame(opcode, payload, fin, rsv, mask, length, wide))

    def send_text(self, text):
        self.send_frame(TEXT, text.encode() if isinstance(text, str) else text)

    def read_frame(self):
        """(opcode, payload, fin) of the next frame from the server, which never masks."""
        first, second = self.read(2)
        length = second & 127
        if length == 126:
            length = struct.unpack(">H", self.read(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.read(8))[0]
        if second & 128:
            self.read(4)
        return first & 15, self.read(length), bool(first & 128)

    def read_text(self):
        """The next text message, passing over pings."""
        while True:
            opcode, payload, _ = self.read_frame()
            if opcode == CLOSE:
                raise Closed(f"close frame {close_code(payload)}")
            if opcode == TEXT:
                return payload.decode()

    def read_close(self, seconds=5):
        """The code of the close frame that ends the connection; 'close' or 'reset' when there is none; None when it stays
        open. Messages before it are passed over."""
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self.socket.settimeout(left)
                opcode, payload, _ = self.read_frame()
                if opcode == CLOSE:
                    return close_code(payload)
        except Closed as closed:
            return closed.how
        except TimeoutError:
            pass
        return None


def close_code(payload):
    return struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, length=None, wide=0):
    """A frame. `length` declares another length than the payload's; `wide` (16, 64) forces the longer form."""
    declared = len(payload) if length is None else length
    head = bytes([(128 if fin else 0) | rsv << 4 | opcode])
    bit = 128 if mask else 0
    if wide == 64 or declared > 65535:
        head += bytes([bit | 127]) + struct.pack(">Q", declared)
    elif wide == 16 or declared > 125:
        head += bytes([bit | 126]) + struct.pack(">H", declared)
    else:
        head += bytes([bit | declared])
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload)) if len(payload) < 4096 else \
        head + key + masked(payload, key)


def masked(payload, key):
    size = len(payload)
    pad = key * (size // 4 + 1)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad[:size], "big")).to_bytes(size, "big")


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


class Polling:
    """An Engine.IO session by long-polling, one connection for each direction."""

    def __init__(self, port, headers=(), query="", host="app.example", path="/socket.io/"):
        self.port, self.headers, self.query, self.host, self.path = port, list(headers), query, host, path
        with Connection(port) as connection:
            self.opening = connection.request("GET", f"{path}?EIO=4&transport=polling{query}", self.headers, host=host)
        body = self.opening.body.decode("utf-8", "replace")
        self.sid = body.split('"sid":"', 1)[1].split('"', 1)[0] if self.opening.status == 200 and '"sid":"' in body else None

    @property
    def target(self):
        return f"{self.path}?EIO=4&transport=polling&sid={self.sid}{self.query}"

    def post(self, body, headers=()):
        with Connection(self.port) as connection:
            return connection.request("POST", self.target, [*self.headers, ("Content-Type", "text/plain;charset=UTF-8"), *headers],
                                      body.encode() if isinstance(body, str) else body, self.host)

    def get(self, seconds=5):
        with Connection(self.port, seconds) as connection:
            return connection.request("GET", self.target, self.headers, host=self.host)


def websocket(port, headers=(), query="", host="app.example", namespace=None, path="/socket.io/"):
    """An Engine.IO session by websocket with its OPEN packet read; joined to "/" unless told otherwise."""
    connection = Connection(port)
    response = connection.upgrade(f"{path}?EIO=4&transport=websocket{query}", headers, host)
    if response.status != 101:
        connection.socket.close()
        raise RuntimeError(f"no websocket: {response}")
    opening = connection.read_text()
    assert opening.startswith("0{"), opening
    if namespace is not False:
        connection.send_text(f"40{namespace or ''}")
        joined = connection.read_text()
        assert joined.startswith("40"), joined
    return connection
