"""A forward-auth server that does what the client's cookie says, down to the byte."""
import re
import socket
import struct
import threading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Auth-User: alice\r\n"
ANSWERS = {
    "allow": OK + b"\r\n",
    "deny": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Basic\r\n\r\n",
    "forbid": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "500": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "login": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://login.example/\r\n\r\n",
    "closes": b"",
    "half": b"HTTP/1.1 200 OK\r\nX-Auth-User: al",
    "silent": None,
    "cr": OK + b"X-Auth-Groups: a\rb\r\n\r\n",
    "lf": OK + b"X-Auth-Groups: a\nX-Evil: 1\r\n\r\n",
    "nul": OK + b"X-Auth-Groups: a\0b\r\n\r\n",
    "folded": OK + b"X-Auth-Groups: a\r\n b\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\nX-Auth-User: alice\r\n\r\n",
    "long": OK + b"X-Long: " + b"a" * 65_536 + b"\r\n\r\n",
    "many": OK + b"X-Many: a\r\n" * 1000 + b"\r\n",
    "large": b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\nX-Auth-User: alice\r\n\r\n" + b"a" * 70_000,
    "not http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


class Judge:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/verify"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65_536)
                    if not piece:
                        return
                    head += piece
                said = re.search(rb"(?im)^cookie: judge=([^\r\n;]*)", head)
                does = said.group(1).decode() if said else "deny"
                if does == "resets":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                answer = ANSWERS[does]
                if answer is None:
                    continue
                try:
                    connection.sendall(answer)
                except OSError:
                    return
                if does not in ("allow", "deny", "forbid", "500", "404", "login"):
                    return
