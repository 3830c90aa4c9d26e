#!/usr/bin/python3
"""An app without websockets, reached by polling; and several processes of one app behind one forestay.

    upstreams_test.py BINARY
"""
import json
import os
import subprocess
import sys
import time
import urllib.parse

from matrix import CONFIG, run
from rig import HERE, Checks, Rig

TRANSPORTS = ("polling", "websocket", "upgrade")  # of the client
CLIENTS = 10


def stock_clients(rig, checks, transport):
    """The whole matrix of the stock client, in front of an app that knows no websockets."""
    app = rig.app("threading", name=f"threading-{transport}")
    # Each thread finds out for itself.
    config = f"upstream: {{url: {app.url}, transport: {transport}}}\nthreads: 1\n{CONFIG}"
    forestay = rig.forestay(app.url, config, name=f"forestay-{transport}")
    for client in TRANSPORTS:
        results = run("js4", client, forestay.url, app.url)
        for check, ok, detail in results:
            if not ok:
                checks.expect(False, f"transport {transport}, client by {client}: {check}", detail)
        checks.expect(all(ok for _, ok, _ in results), f"transport {transport}, client by {client}", f"{len(results)} checks")
    as_python_likes_it(checks, transport, app.requests())


def oldest_clients(rig, checks):
    """EIO3 both sides, the app polled."""
    app = rig.eio3_app()
    forestay = rig.forestay(app.url, f"upstream: {{url: {app.url}, transport: polling}}\n{CONFIG}", name="forestay-eio3")
    for client in TRANSPORTS:
        results = run("js2", client, forestay.url, app.url)
        problems = [f"{check}: {detail}" for check, ok, detail in results if not ok]
        checks.expect(not problems, f"EIO3, transport polling, client by {client}", problems or f"{len(results)} checks")


def as_python_likes_it(checks, transport, requests):
    def query(request):
        return urllib.parse.parse_qs(request["QUERY_STRING"])

    requests = [each for each in requests if each["PATH_INFO"].startswith("/socket.io")]
    polls = [each for each in requests if query(each)["transport"] == ["polling"]]
    posts = [each for each in polls if each["REQUEST_METHOD"] == "POST"]
    websockets = len(requests) - len(polls)
    checks.expect(len(posts) > 0, f"transport {transport}: the app is polled", f"{len(polls)} requests, {len(posts)} of them POST")
    checks.expect(websockets == (1 if transport == "auto" else 0), f"transport {transport}: websockets that were tried", websockets)
    checks.expect(all(each.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" not in each for each in posts),
                  f"transport {transport}: every POST has a Content-Length and no chunks")
    checks.expect(not any("HTTP_ACCEPT_ENCODING" in each for each in polls), f"transport {transport}: no Accept-Encoding")


class Crowd:
    def __init__(self, url, count):
        self.node = subprocess.Popen(["node", os.path.join(HERE, "upstreams_client.js"), url, str(count)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self):
        return json.loads(self.node.stdout.readline() or '{"processes": {}, "gone": true}')

    def ask(self, command):
        self.node.stdin.write(command + "\n")
        self.node.stdin.flush()
        return self.answer()

    def end(self):
        self.node.stdin.close()
        self.node.wait(10)
        self.node.stdout.close()


def two_workers(rig, checks, mode):
    one, two = (rig.app(mode, name=f"{mode}-{name}") for name in ("one", "two"))
    config = f"upstream: {{url: [{one.url}, {two.url}]}}\nthreads: 1\nheartbeat: {{ping_interval: 3s, ping_timeout: 2s}}\n"
    forestay = rig.forestay(one.url, config, name=f"forestay-two-{mode}")
    crowd = Crowd(forestay.url, CLIENTS)
    try:
        before = crowd.ask("where")
        half = {str(one.pid): CLIENTS // 2, str(two.pid): CLIENTS // 2}
        checks.expect(before["processes"] == half, f"{mode}: sessions spread over two workers", before)

        rig.stop_hard(two)
        after = crowd.ask("where")
        moved = after["processes"] == {str(one.pid): CLIENTS} and after["silent"] == 0
        checks.expect(moved, f"{mode}: a worker is killed and its sessions go to the other", after)
        checks.expect(after["disconnects"] == 0 and after["connect_errors"] == 0, f"{mode}: no client has noticed", after)

        back = rig.app(mode, name=f"{mode}-two-again", port=two.port)
        end = time.monotonic() + 10
        while time.monotonic() < end and "upstream_up" not in forestay.text():
            time.sleep(0.05)
        again = crowd.ask("more 4")
        checks.expect(again["processes"] == {str(one.pid): CLIENTS, str(back.pid): 4},
                      f"{mode}: it is back and gets the new ones, the others stay", again)
        checks.expect(again["disconnects"] == 0 and again["connect_errors"] == 0, f"{mode}: still nobody has noticed", again)
    finally:
        crowd.end()


def main():
    checks = Checks("Upstreams")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        for transport in ("polling", "auto"):
            stock_clients(rig, checks, transport)
        oldest_clients(rig, checks)
        for mode in ("eventlet", "threading"):
            two_workers(rig, checks, mode)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
