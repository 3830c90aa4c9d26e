#!/usr/bin/python3
"""A client of a JSON websocket whose network breaks again and again, in front of a real FastAPI app under uvicorn: nothing is
lost, nothing comes twice, order is kept, and the app notices none of it.

    envelope_test.py FORESTAY
"""
import hashlib
import json
import os
import random
import socket
import struct
import sys
import time
import urllib.request

from raw import BINARY, CLOSE, PING, PONG, TEXT, Closed, Connection
from rig import HERE, PYTHON, Checks, Rig, Upstream

CONFIG = """
threads: 1
websockets:
  - {{path: /ws, format: json}}
  - {{path: /plain, format: opaque}}
auth:
  protect: [/ws]
  any_of:
    - token: {{sha256: [{alice}], subject: alice}}
    - token: {{sha256: [{bob}], subject: bob}}
  from: {{query: [token]}}
resume:
  client: {{recovery: [envelope], hold: 3s}}
"""
ALICE, BOB = "alice-token-0123456789", "bob-token-0123456789"


class Client:
    """Speaks the envelope as an app's own client would: remembers the last number, acknowledges now and then."""

    def __init__(self, port, token=ALICE, query="", path="/ws"):
        self.acks = True
        self.port, self.target = port, f"{path}?token={token}{query}"
        self.session, self.last, self.got, self.resumed, self.connection = None, 0, [], None, None
        self.open()

    def open(self):
        self.connection = Connection(self.port)
        response = self.connection.upgrade(self.target)
        assert response.status == 101, response

    def say(self, **message):
        self.connection.send_text(json.dumps(message))

    def come_back(self, session=None, last=None):
        self.open()
        self.resumed = None
        self.say(type="reconnect", session=session or self.session, last_message_id=self.last if last is None else last)
        while self.resumed is None:
            self.read()

    def read(self):
        """Takes one frame."""
        opcode, payload, _ = self.connection.read_frame()
        if opcode == PING:
            self.connection.send_frame(PONG, payload)
        elif opcode == CLOSE:
            raise Closed(f"close frame {struct.unpack('>H', payload[:2])[0]}")
        elif opcode == BINARY:
            self.got.append(int(payload))
        elif opcode == TEXT:
            message = json.loads(payload)
            if message.get("type") == "connection_established":
                self.session, self.resumed = message["session"], message.get("resumed")
                if self.resumed is False:
                    self.last = 0
                return
            self.last = message.get("message_id", self.last)
            self.got.append(message["n"] if "n" in message else message)
            if self.acks and random.random() < 0.05:
                self.say(type="ack", message_id=self.last)

    def read_until(self, done, seconds=20):
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            self.read()
        return done()

    def cut(self, how):
        """reset, end, or leave it half-open: the other end hears nothing of it."""
        if how == "reset":
            self.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how != "half-open":
            self.connection.socket.close()
        return self.connection  # keeps a half-open one open


def heard(app):
    with urllib.request.urlopen(f"{app.url}/seen", timeout=5) as answer:
        return json.load(answer)


def waits_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def blinks(checks, app, port, binary, count=1500):
    client = Client(port)
    client.read_until(lambda: client.session)
    app_side = len(heard(app))
    client.say(push=count, pause=0.002, binary=binary)
    kept, blinked, said = [], 0, 0
    while len(client.got) < count:
        try:
            ahead = len(client.got) + random.randint(1, 120)
            client.read_until(lambda: len(client.got) >= min(ahead, count))
            if len(client.got) >= count:
                break
            if binary:  # the number of a binary message is not in it: go only when the last one had one
                client.read_until(lambda: isinstance(client.got[-1], int) and client.got[-1] % 10 != 0)
            kept.append(client.cut(random.choice(["reset", "end", "half-open"])))
            time.sleep(random.choice([0, 0.05, 0.3]))
            client.come_back()
            blinked += 1
            if not client.resumed:
                break
            client.say(after=blinked)
            said = blinked
        except (Closed, TimeoutError) as end:
            checks.expect(False, "the connection holds", f"{end!r} after {len(client.got)}")
            break
    numbers = [each for each in client.got if isinstance(each, int)]
    client.read_until(lambda: sum(isinstance(each, dict) for each in client.got) >= said)
    echoes = [each["echo"]["after"] for each in client.got if isinstance(each, dict)]
    numbers = [each for each in client.got if isinstance(each, int)]
    client.read_until(lambda: len([each for each in client.got if isinstance(each, int)]) >= count)
    numbers = [each for each in client.got if isinstance(each, int)]
    what = f"{count} messages{' with binary ones' if binary else ''}, {blinked} blinks"
    checks.expect(numbers == list(range(1, count + 1)), f"{what}: each once and in order",
                  f"{len(numbers)} came, {len(set(numbers))} different, ordered: {numbers == sorted(numbers)}")
    checks.expect(echoes == list(range(1, said + 1)), f"{what}: what was said after each arrived, once and in order", f"{len(echoes)}")
    mine = heard(app)[app_side - 1]
    checks.expect(not any(str(each).startswith("disconnect") for each in mine), f"{what}: the app noticed nothing")
    checks.expect(not any("type" in each for each in mine if isinstance(each, dict)), f"{what}: no word of the envelope reached the app")
    for connection in kept:
        connection.socket.close()
    client.connection.socket.close()


def refusals(checks, app, port):
    alice = Client(port)
    alice.acks = False  # an older position is asked for below
    alice.say(push=3)
    alice.read_until(lambda: len(alice.got) == 3)
    alice.cut("end")

    bob = Client(port, BOB)
    bob.read_until(lambda: bob.session)
    bob.connection.socket.close()
    bob.come_back(session=alice.session, last=1)
    checks.expect(bob.resumed is False and bob.session != alice.session, "another identity gets a fresh session", bob.resumed)
    bob.say(push=1)
    bob.read_until(lambda: bob.got)
    checks.expect(bob.got == [1] and bob.last == 1, "which works, and begins at one", f"{bob.got} {bob.last}")

    stranger = Client(port)
    stranger.come_back(session="A" * 20, last=1)
    checks.expect(stranger.resumed is False, "an unknown session is a fresh one")

    alice.come_back(last=1)
    alice.read_until(lambda: len(alice.got) == 5)
    checks.expect(alice.resumed and alice.got == [1, 2, 3, 2, 3], "the owner still gets what it had not seen", alice.got)
    alice.cut("end")
    alice.come_back(last=99)
    checks.expect(alice.resumed is False, "a position that was never given is refused")
    first = alice.session
    alice.cut("end")
    alice.come_back(session=first, last=0)
    checks.expect(alice.resumed is True, "and the fresh session can be resumed")
    for client in (alice, bob, stranger):
        client.connection.socket.close()


def windows(checks, app, port):
    before = len(heard(app))
    client = Client(port)
    client.say(hello="there")
    client.read_until(lambda: client.got)
    index = before
    client.cut("reset")
    time.sleep(2)  # the app pings twice a second and wants its pong within one
    checks.expect(heard(app)[index] == ["connect", {"hello": "there"}], "while the client is away the app's pings are answered",
                  heard(app)[index])
    gone = waits_for(lambda: len(heard(app)[index]) > 2, 4)
    checks.expect(gone and heard(app)[index][-1] == "disconnect 1001", "when the window ends the app's handler runs", heard(app)[index][-1])
    client.come_back()
    checks.expect(client.resumed is False, "and the session is gone")
    client.connection.socket.close()

    before = len(heard(app))
    polite = Client(port)
    polite.say(hello="there")
    polite.read_until(lambda: polite.got)
    polite.connection.send_frame(CLOSE, struct.pack(">H", 1000))
    gone = waits_for(lambda: heard(app)[before][-1] == "disconnect 1000", 1)
    checks.expect(gone, "a clean goodbye reaches the app at once", heard(app)[before][-1])
    checks.expect(polite.connection.read_close() == 1000, "and is answered")

    closed = Client(port)
    closed.say(close=4001)
    checks.expect(closed.connection.read_close() == 4001, "the app's own close code reaches the client")

    first = Client(port, query="&hello")
    first.read_until(lambda: first.got)
    checks.expect(first.session and first.last == 1 and "hello" in first.got[0], "an app that speaks first is heard", first.got)
    first.connection.socket.close()

    plain = Client(port, path="/plain", query="&hello")
    opcode, payload, _ = plain.connection.read_frame()
    checks.expect(opcode == TEXT and "hello" in json.loads(payload) and len(json.loads(payload)) == 1, "an opaque websocket has no envelope",
                  payload)
    plain.connection.socket.close()


def main():
    random.seed(1)
    checks = Checks("The envelope of JSON websockets")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.started(Upstream("fastapi", [PYTHON, os.path.join(HERE, "json_app.py")], rig.directory))
        tokens = {name: hashlib.sha256(token.encode()).hexdigest() for name, token in (("alice", ALICE), ("bob", BOB))}
        forestay = rig.forestay(app.url, CONFIG.format(**tokens))
        blinks(checks, app, forestay.port, binary=False)
        blinks(checks, app, forestay.port, binary=True)
        refusals(checks, app, forestay.port)
        windows(checks, app, forestay.port)
        time.sleep(3.5)
        away = forestay.metric("forestay_client_legs", state="away")
        checks.expect(away == 0, "in the end nobody is away any more", away)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
