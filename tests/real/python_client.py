#!/usr/bin/python3
"""python-socketio's own client's part of the matrix. Prints one JSON line per check, as client.js does.

    python_client.py TRANSPORT URL APP_URL [hang]        TRANSPORT: polling | websocket | upgrade
"""
import json
import os
import sys
import threading
import time
from urllib.parse import urlsplit

import requests
import socketio

transport, url, app_url = sys.argv[1:4]
tag = f"python-{transport}-{os.getpid()}"
transports = ["polling", "websocket"] if transport == "upgrade" else [transport]
direct = url == app_url
headers = {"Cookie": "theme=dark; session=abc.def", "X-Special": "special"}
# Both python-engineio's server and its client end a session over a body of more than 16 packets.
pace = 10 if transport == "polling" else 1000
awkward = ["text", 1, 2.5, True, None, [], {}, {"deep": [{"er": "\u00e9\U0001f600\u2028"}]}, '"quoted\\"', ""]


class Client:
    """A client that collects what it hears, by event."""

    def __init__(self, namespaces=("/",), query=""):
        self.heard = {}
        self.condition = threading.Condition()
        # Its websockets carry an Origin by themselves, its requests only when told to.
        session = requests.Session()
        session.headers["Origin"] = url
        self.sio = socketio.Client(reconnection=False, http_session=session)
        for namespace in namespaces:
            for event in ("echo", "binary", "broadcast", "number", "disconnect"):
                self.sio.on(event, lambda *args, key=(namespace, event): self.hear(key, args), namespace=namespace)
        self.sio.connect(f"{url}?tag={tag}&flavour=a%20b%26c{query}", headers=headers, transports=transports,
                         namespaces=list(namespaces), wait_timeout=5)

    def hear(self, key, args):
        with self.condition:
            self.heard.setdefault(key, []).append(args)
            self.condition.notify_all()

    def wait(self, event, count=1, seconds=10, namespace="/"):
        with self.condition:
            enough = self.condition.wait_for(lambda: len(self.heard.get((namespace, event), [])) >= count, seconds)
            got = self.heard.pop((namespace, event), [])
        if not enough:
            raise RuntimeError(f"{len(got)} of {count} {event} within {seconds} s")
        return got


def report(check, problem):
    print(json.dumps({"check": check, "ok": not problem, "detail": problem or ""}), flush=True)


def check(name, body):
    try:
        report(name, body())
    except Exception as error:  # the client's own exceptions are findings too
        report(name, f"{type(error).__name__}: {error}")


def seen(what):
    return [entry for entry in requests.get(f"{app_url}/seen", params={"tag": tag}).json() if entry["what"] == what]


def until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def main():
    clients = []

    def connect():
        clients.append(Client(namespaces=("/", "/custom")))
        if transport == "upgrade" and clients[0].sio.transport() != "websocket":
            return f"the transport is {clients[0].sio.transport()}"
    check("connect", connect)
    if not clients:
        return
    client = clients[0]
    sio = client.sio

    def echo():
        sio.emit("echo", tuple(awkward))
        got = list(client.wait("echo")[0])
        return None if got == awkward else f"got {got}"
    check("echo", echo)

    def ack():
        got = sio.call("ack", tuple(awkward), timeout=8)
        return None if list(got) == awkward else f"got {got}"
    check("ack", ack)

    def binary():
        for size in (0, 1, 3, 70_000):
            data = bytes((i * 7 + 3) & 255 for i in range(size))
            acked = sio.call("binary", data, timeout=8)
            event = client.wait("binary")[0][0]
            if event["length"] != size:
                return f"the app got {event['length']} bytes of {size}"
            if event["reversed"] != data[::-1] or acked != data[::-1]:
                return f"{size} bytes came back changed"
    check("binary", binary)

    def namespaces():
        me = sio.call("whoami", 0, namespace="/custom", timeout=8)
        here = sio.call("whoami", 0, timeout=8)
        sio.emit("echo", ("in custom",), namespace="/custom")
        got = client.wait("echo", namespace="/custom")[0]
        if (me["namespace"], here["namespace"]) != ("/custom", "/"):
            return f"namespaces {me['namespace']} and {here['namespace']}"
        return None if got == ("in custom",) else f"got {got}"
    check("namespaces", namespaces)

    def broadcast():
        other = Client()
        text = f"to all of us, says {tag}"
        sio.emit("broadcast", text)
        for listener in (client, other):
            if not until(lambda: (text,) in listener.heard.get(("/", "broadcast"), []), 8):
                return "no broadcast within 8 s"
        other.sio.disconnect()
    check("broadcast", broadcast)

    def big():
        text = "0123456789" * 90_000
        sio.emit("echo", (text,))
        got = client.wait("echo", seconds=20)[0][0]
        return None if got == text else f"{len(got)} characters came back"
    check("900 kB", big)

    def numbers():
        # This client hands every event to a thread of its own, so the order of the handlers says nothing.
        got = []
        for _ in range(1000 // pace):
            sio.emit("numbers", pace)
            got += sorted(args[0] for args in client.wait("number", count=pace, seconds=20))
        return None if got == list(range(pace)) * (1000 // pace) else f"{len(got)} came"
    check("1000 to the client", numbers)

    def numbers_up():
        for number in range(1000):
            sio.emit("number", number)
            if number % pace == pace - 1:
                sio.call("ack", 0, timeout=10)
        until(lambda: len(seen("number")) >= 1000, 20)
        got = [entry["number"] for entry in seen("number")]
        return None if got == list(range(1000)) else f"{len(got)} came, in another order" if len(got) == 1000 else f"{len(got)} came"
    check("1000 to the app in order", numbers_up)

    def as_seen():
        me = sio.call("whoami", 0, timeout=8)
        host = urlsplit(url).netloc
        problems = []
        if me["cookies"] != {"theme": "dark", "session": "abc.def"}:
            problems.append(f"cookies {me['cookies']}")
        if me["query"].get("flavour") != "a b&c":
            problems.append(f"query {me['query']}")
        if me["headers"].get("X-Special") != "special":
            problems.append("no X-Special")
        if me["host"] != host:
            problems.append(f"Host {me['host']}, not {host}")
        address = me["address"] if direct else me["headers"].get("X-Forwarded-For")
        if address != "127.0.0.1":
            problems.append(f"address {address}")
        return ", ".join(problems)
    check("as seen by the app", as_seen)

    def refusal():
        refused = socketio.Client(reconnection=False)
        reasons = []
        refused.on("connect_error", reasons.append)
        try:
            refused.connect(f"{url}?tag={tag}&refuse=1", transports=transports, wait_timeout=5)
        except socketio.exceptions.ConnectionError:
            return None if reasons and reasons[0].get("message") == "not today" else f"the reason was {reasons}"
        return "not refused"
    check("refusal by the app", refusal)

    def clean():
        sid = sio.get_sid("/")
        sio.disconnect()
        if not until(lambda: any(entry["sid"] == sid for entry in seen("disconnect")), 5):
            return "the app's disconnect handler did not run within 5 s"
    check("clean disconnect", clean)


if len(sys.argv) > 4:
    hanging = Client()
    print(json.dumps({"tag": tag, "sid": hanging.sio.get_sid("/")}), flush=True)
    time.sleep(600)
else:
    main()
    os._exit(0)  # the client's threads would be waited for
