#!/usr/bin/python3
"""Rooms after the app was killed: a broadcast to the room reaches everybody exactly once, and nobody sees a disconnect.
Stock clients of three versions, by websocket, by polling and upgraded.

    rooms_test.py BINARY [MODE...]  --direct for BINARY shows what happens without forestay: it fails

reannounce  the page joins in its `connect` handler, which runs again; nothing is configured
rebuild     the page joins once; forestay says `join` again, and the page notices nothing at all
sid_alias   the same, and the sids that clients have told each other go on working
"""
import collections
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from rig import HERE, PYTHON, Checks, Process, Rig

CLIENTS = 6  # of each version, two by each way of transport
KILLS = 2
FLASK = ("4.6", "4")
CONFIG = {
    "reannounce": "heartbeat: {ping_interval: 3s, ping_timeout: 3s}\n",
    "rebuild": "heartbeat: {ping_interval: 3s, ping_timeout: 3s}\nresume: {upstream: {on_return: rebuild, rebuild: [join]}}\n",
    "sid_alias": "heartbeat: {ping_interval: 3s, ping_timeout: 3s}\n"
                 "resume: {upstream: {on_return: rebuild, rebuild: [join], sid_alias: true}}\n",
}
PATIENCE = 20


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return met


class App:
    """The app on one port, through all its lives."""

    def __init__(self, rig, name, command):
        self.rig, self.name, self.command, self.lives = rig, name, command, 0
        self.port = 0
        self.process = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.lives += 1
        self.process = self.rig.started(Process(f"{self.name}.{self.lives}", [*self.command, str(self.port)], self.rig.directory))
        self.port = self.process.first_line()["port"]

    def kill(self):
        self.rig.running.remove(self.process)
        self.process.stop(signal.SIGKILL)

    def get(self, target, method="GET"):
        with urllib.request.urlopen(urllib.request.Request(self.url + target, method=method), timeout=5) as response:
            return response.read()

    def members(self):
        return json.loads(self.get("/members?room=all"))

    def tell(self, number):
        self.get(f"/tell?room=all&number={number}", "POST")


class Clients(Process):
    """Stock clients of one version, and everything that has happened to them."""

    def __init__(self, rig, version, url, when):
        self.name = f"client {version}"
        self.seen = collections.defaultdict(list)  # (client, what) -> lines
        self.log_path = os.path.join(rig.directory, f"client{version}.log")
        self.log = open(self.log_path, "wb")
        self.child = subprocess.Popen(["node", os.path.join(HERE, "rooms_client.js"), version, url, str(CLIENTS), when],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.pid = self.child.pid
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def stop(self, how=signal.SIGTERM, seconds=15):
        try:
            self.child.stdin.close()  # which ends it
        except BrokenPipeError:
            pass
        self.reader.join(seconds)
        return super().stop(how, seconds)

    def read(self):
        for line in self.child.stdout:
            what = json.loads(line)
            self.seen[(what["client"], what["what"])].append(what)

    def emit(self, client, *event):
        self.child.stdin.write(json.dumps({"client": client, "emit": event}) + "\n")
        self.child.stdin.flush()

    def counts(self, what):
        return [len(self.seen[(client, what)]) for client in range(CLIENTS)]

    def all_have(self, what, count):
        return min(self.counts(what)) >= count

    def barrier(self, number):
        """Whatever the app had sent to any of them is here."""
        for client in range(CLIENTS):
            self.emit(client, "barrier", number)
        return until(lambda: self.all_have("barrier", number))

    def told(self):
        return [[line["data"] for line in self.seen[(client, "told")]] for client in range(CLIENTS)]

    def sid(self, client):
        """The one under which the client was introduced first."""
        return self.seen[(client, "joined")][0]["data"]["sid"]


def run(binary, mode, name, command, versions):
    checks = Checks(f"{mode}, {name}, clients {', '.join(versions)}")
    with Rig(binary) as rig:
        app = App(rig, name, command)
        front = rig.forestay(app.url, CONFIG[mode]) if binary else app
        groups = [rig.started(Clients(rig, version, front.url, "always" if mode == "reannounce" else "once")) for version in versions]
        everybody = CLIENTS * len(groups)

        def broadcast(number, when):
            there = until(lambda: app.members() == everybody)
            checks.expect(there, f"{when}: everybody is in the room", f"{app.members()} of {everybody}")
            app.tell(number)
            arrived = until(lambda: all(group.all_have("told", number) for group in groups))
            passed = all([group.barrier(number) for group in groups])
            told = [numbers for group in groups for numbers in group.told()]
            expected = list(range(1, number + 1))
            checks.expect(arrived and passed and all(numbers == expected for numbers in told),
                          f"{when}: the broadcast reached everybody once", f"{sum(numbers == expected for numbers in told)} of {everybody}")

        def whispers(group, when):
            """From each to the next, under the sid by which that was introduced."""
            sids = [group.sid(client) for client in range(CLIENTS)]
            before = group.counts("whispered")
            for client in range(CLIENTS):
                group.emit(client, "whisper", {"to": sids[(client + 1) % CLIENTS], "text": when})
            until(lambda: all(now > then for now, then in zip(group.counts("whispered"), before)), 5)
            heard = [[line["data"] for line in group.seen[(client, "whispered")][before[client]:]] for client in range(CLIENTS)]
            expected = [[{"from": sids[client - 1], "to": sids[client], "text": when}] for client in range(CLIENTS)]
            checks.expect(heard == expected, f"{when}: {group.name}: whispers by the sids that they know",
                          f"{sum(got == wanted for got, wanted in zip(heard, expected))} of {CLIENTS}")

        broadcast(1, "before")
        if mode == "sid_alias":
            for group in groups:
                whispers(group, "before")
        for kill in range(1, KILLS + 1):
            app.kill()
            app.start()
            broadcast(kill + 1, f"after kill {kill}")
            if mode == "sid_alias":
                for group in groups:
                    whispers(group, f"after kill {kill}")
        connects = 1 + KILLS if mode == "reannounce" else 1
        for group in groups:
            reasons = [line["reason"] for client in range(CLIENTS) for line in group.seen[(client, "disconnect")]]
            checks.expect(not reasons, f"{group.name}: no disconnect at any", ", ".join(sorted(set(reasons))))
            checks.expect(group.counts("connect") == [connects] * CLIENTS, f"{group.name}: `connect` fired {connects} times at each",
                          str(group.counts("connect")))
            answered = group.counts("join answered")
            checks.expect(answered == [connects] * CLIENTS, f"{group.name}: each join of the page was answered once", str(answered))
    return checks.exit_code()


def main():
    binary = None if sys.argv[1] == "--direct" else os.path.abspath(sys.argv[1])
    flask = ("flask", [PYTHON, os.path.join(HERE, "rooms_app.py")], FLASK)
    node = ("node", ["node", os.path.join(HERE, "eio3_server.js"), ""], ("2",))
    runs = [("reannounce", node), ("reannounce", flask), ("rebuild", node), ("rebuild", flask), ("sid_alias", flask)]
    return max([run(binary, mode, *upstream) for mode, upstream in runs if mode in (sys.argv[2:] or CONFIG)])


if __name__ == "__main__":
    sys.exit(main())
