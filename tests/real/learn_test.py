#!/usr/bin/python3
"""forestay learn in front of the real Flask-SocketIO app, with stock clients: what it proposes is what the app does, says
nothing of what was said, and is a configuration.

    learn_test.py FORESTAY
"""
import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid

import socketio

from rig import Checks, Process, Rig, port_of

SECRET = "nobody-shall-read-this"


def talk(url, transports, end):
    """One client: questions with an id, with an ack, and what nobody answers by name."""
    client = socketio.Client(reconnection=False)
    client.connect(url, transports=transports, wait_timeout=10)
    asked = 0
    while time.monotonic() < end:
        client.emit("think", {"message_id": str(uuid.uuid4()), "mode": "deep", "after": 0.05, "text": SECRET})
        client.call("think_ack", {"message_id": str(uuid.uuid4()), "after": 0.1}, timeout=10)
        client.emit("number", 7)
        asked += 1
    time.sleep(0.5)
    client.disconnect()
    return asked


def learn(rig, app, name, *flags):
    config = rig.file(f"{name}.yaml", f"listen: 127.0.0.1:0\nupstream: {app.url}\nthreads: 2\n"
                                      "admin: {listen: 127.0.0.1:0}\ndrain: {timeout: 1s}\n")
    ready = os.path.join(rig.directory, f"{name}.ready")
    forestay = rig.started(Process(name, [rig.binary, "learn", "-c", config, "--ready-file", ready, *flags], rig.directory))
    end = time.monotonic() + 20
    while not os.path.exists(ready):
        if forestay.child.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{name} is not ready:\n{forestay.text()}")
        time.sleep(0.02)
    with open(ready) as file:
        return forestay, f"http://127.0.0.1:{port_of(json.load(file)['listen'])}"


def traffic(url, seconds):
    asked = []
    threads = [threading.Thread(target=lambda kind=kind: asked.append(talk(url, kind, time.monotonic() + seconds)))
               for kind in (["websocket"], ["websocket"], ["polling"], ["polling", "websocket"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(asked)


def rule(text, name):
    """The lines of one rule, and the comments above it."""
    blocks = [block for block in text.split("\n\n") if f"- name: {name}\n" in block]
    return blocks[0] if blocks else ""


def main():
    checks = Checks("forestay learn, in front of Flask-SocketIO under eventlet")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.app("eventlet")
        out = os.path.join(rig.directory, "learnt.yaml")
        forestay, url = learn(rig, app, "learn", "--for", "6s", "--out", out)
        asked = traffic(url, 4)
        code = forestay.child.wait(20)
        checks.expect(code == 0, "it ends by itself when its time is over", f"exit code {code}")
        with open(out) as file:
            text = file.read()

        think, think_ack = rule(text, "think"), rule(text, "think_ack")
        answered = re.search(r"asked (\d+) times, answered (\d+) times", think)
        checks.expect(answered and int(answered[1]) == int(answered[2]) == asked, "every question was seen, and its answer",
                      f"{asked} asked; {answered and answered[0]}")
        checks.expect('id: "/message_id"' in think and 'answer: {event: "response", id: "/message_id"}' in think,
                      "the id and the answer are found", think.strip())
        checks.expect("fallback: {ack: " in think_ack and "id:" not in think_ack, "an ack is an answer", think_ack.strip())
        for one in (think, think_ack):
            p99, timeout = re.search(r"p99 (\d+) ms", one), re.search(r"timeout: (\d+)s\n", one)
            checks.expect(p99 and timeout and int(timeout[1]) * 1000 >= 3 * int(p99[1]), "the timeout is three times the slow answers",
                          f"{p99 and p99[0]}, {timeout and timeout[0].strip()}")
        checks.expect('"number"' in text and not rule(text, "number"), "what has no answer is listed, and is no request")
        checks.expect(SECRET not in text and "deep" not in text, "nothing of what was said is in it")

        config = rig.file("with.yaml", f"listen: 127.0.0.1:0\nupstream: {app.url}\ninclude: [learnt.yaml]\n")
        checked = subprocess.run([rig.binary, "check", "-c", config], capture_output=True, text=True, timeout=30, check=False)
        checks.expect(checked.returncode == 0, "it can be included", checked.stdout + checked.stderr)

        # A signal ends it early; it writes all the same, here to standard output.
        forestay, url = learn(rig, app, "learn-values", "--for", "1h", "--values")
        traffic(url, 1)
        forestay.child.terminate()
        text = forestay.child.stdout.read().decode()
        checks.expect(forestay.child.wait(20) == 0 and rule(text, "think_ack"), "on a signal it says what it has got")
        checks.expect(SECRET in text, "with --values there are samples")
        return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
