#!/usr/bin/python3
"""sink.py PORT   Answers 101 to whatever comes, reads 1 MiB and resets: an attack on it costs what the attackers themselves cost."""
import socket
import struct
import sys
import threading

FIRST, MOST = 1 << 16, 1 << 20


def serve(client):
    try:
        client.recv(FIRST)
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        taken = 0
        while taken < MOST and (size := len(client.recv(FIRST))):
            taken += size
    except OSError:
        pass
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
