#!/usr/bin/python3
"""300 Think Tank requests of 60 stock clients in front of a real Flask-SocketIO app that thinks about four at a time: none fails,
everybody has a turn before anybody's next but one, and sees its place. Then the app freezes: every fallback in time, the breaker
opens, and one probe finds the app when it has come to itself.

    think_tank_test.py BINARY
"""
import os
import signal
import sys
import time
import urllib.request

from rig import PYTHON, ROOT, Checks, Rig, Upstream
from stock_clients import StockClients

CLIENTS = 60
ROUNDS = 5
THINKS = 0.1  # seconds, each
PATIENCE = 1.2
OPEN = 2.0
LATE = 0.25  # a fallback is in time within this of its deadline
CONFIG = """
requests:
  - name: think_tank
    match: {event: chat_message, where: {/mode: think_tank}}
    id: /message_id
    answer: {event: response}
    timeout: 60s
    idle_timeout: {first: 1200ms}
    fallback: {event: response, data: {message_id: "{{id}}", status: unavailable, code: "{{code}}", elapsed_ms: "{{elapsed_ms}}"}}
    concurrency: 4
    queue:
      max: 300
      timeout: 60s
      status: {event: queue_position, data: {message_id: "{{id}}", place: "{{place}}", waiting: "{{waiting}}"}}
      status_every: 100ms
    breaker: {failures: 4, open: 2s}
"""


class Crowd:
    """Who asked what, when, and what came back."""

    def __init__(self, node, url):
        self.node = node
        self.clients = [node.open(str(number), url, transports=["websocket"] if number % 4 else ["polling", "websocket"])
                        for number in range(CLIENTS)]
        self.asked = {}

    def ask(self, number, name):
        message_id = f"{name}-{number}"
        self.asked[message_id] = time.monotonic()
        self.clients[number].emit("chat_message", {"message_id": message_id, "mode": "think_tank", "model": "owl", "text": f"takes {THINKS}"})
        return message_id

    def events(self, event):
        """{message_id: [its events with the time `at`, oldest first]}."""
        found = {}
        with self.node.news:
            for each in self.node.happened:
                if each["what"] == "event" and each["event"] == event:
                    found.setdefault(each["args"][0]["message_id"], []).append({**each["args"][0], "at": each["at"]})
        return found

    def answers(self, ids, seconds):
        """The one answer of each, in their order; {} for none."""
        end = time.monotonic() + seconds
        while not set(ids) <= set(got := self.events("response")) and time.monotonic() < end:
            time.sleep(0.05)
        return [got.get(each, [{}])[0] for each in ids]


def all_connected(crowd):
    end = time.monotonic() + 20
    while time.monotonic() < end and not all(client.wait("connect", 0) for client in crowd.clients):
        time.sleep(0.05)
    time.sleep(0.5)  # those that began with polling change to a websocket


def heard(app, prefix):
    return [each["message_id"] for each in app.requests() if (each.get("message_id") or "").startswith(prefix)]


def busy(checks, crowd, app, forestay):
    rounds = [[crowd.ask(number, f"round{0}") for number in range(CLIENTS)]]
    crowd.node.wait(lambda each: each.get("event") == "queue_position", 5, CLIENTS - 4)  # all of them are in line
    rounds += [[crowd.ask(number, f"round{k}") for number in range(CLIENTS)] for k in range(1, ROUNDS)]
    everything = sum(rounds, [])
    asked_all = time.monotonic()
    answers = crowd.answers(everything, 60)
    took = time.monotonic() - crowd.asked[everything[0]]
    failed = [each.get("code", "no answer") for each in answers if each.get("status") != "ok"]
    checks.expect(not failed, f"{len(everything)} requests at concurrency 4: none fails", f"{took:.1f} s; {sorted(set(failed))} {len(failed)}")
    twice = [each for each, got in crowd.events("response").items() if len(got) != 1]
    checks.expect(not twice, "exactly one answer each", twice)
    most = app.most()
    checks.expect(most == 4 and sorted(heard(app, "round")) == sorted(everything), "the app saw each of them once, and never more than four at a time", most)
    if failed:
        return
    at = [[answers[everything.index(each)]["at"] for each in one] for one in rounds]
    unfair = [k for k in range(ROUNDS - 2) if max(at[k]) >= min(at[k + 2])]
    checks.expect(not unfair, "everybody's k-th request is answered before anybody's k+2-th", unfair)

    told = {message_id: each for message_id, each in crowd.events("queue_position").items()}
    places = {message_id: [one["place"] for one in each] for message_id, each in told.items()}
    checks.expect(len(places) >= len(everything) - 8, "whoever waits is told its place", f"{len(places)} of {len(everything)}")
    unsettled = [each for each, got in told.items() if not falls([one["place"] for one in got if one["at"] > asked_all + 0.3])]
    checks.expect(not unsettled, "it goes down and never up, once everybody has asked", [places[each] for each in unsettled[:3]])
    far = [each for each in places.values() if each[-1] > 12]
    checks.expect(not far, "down to the front: four go every 0.1 s, and as often it is told", far[:3])
    if not places:
        return
    steps = sorted(len(each) for each in places.values())
    checks.expect(steps[len(steps) // 2] > 5, "step by step", f"{steps[0]} to {steps[-1]} times, the median {steps[len(steps) // 2]}")
    checks.expect(any(each[-1] == 1 for each in places.values()), "and somebody was told to be the first")


def falls(places):
    return all(later <= earlier for earlier, later in zip(places, places[1:]))


def frozen(checks, crowd, app, forestay):
    os.kill(app.pid, signal.SIGSTOP)
    ids = [crowd.ask(number, "frozen") for number in range(CLIENTS)]
    answers = crowd.answers(ids, 10)
    times = {"timeout_idle": [], "breaker_open": [], "no answer": []}
    for message_id, each in zip(ids, answers):
        times[each.get("code", "no answer")].append(each.get("at", 0) - crowd.asked[message_id])
    at_the_app, in_line = sorted(times["timeout_idle"]), sorted(times["breaker_open"])
    # Until the fourth failure opens the breaker, each of the first three makes room for another.
    checks.expect(not times["no answer"] and 4 <= len(at_the_app) <= 7 and at_the_app[3] < PATIENCE + LATE and at_the_app[-1] < 2 * PATIENCE + LATE,
                  "the app is frozen: those that it has get their fallback in time", [round(each, 2) for each in at_the_app])
    checks.expect(in_line and in_line[-1] < PATIENCE + LATE, f"the breaker opens, and the {len(in_line)} in line are told",
                  f"after {in_line[0]:.2f} to {in_line[-1]:.2f} s" if in_line else "none")

    ids = [crowd.ask(number, "refused") for number in range(20)]
    answers = crowd.answers(ids, 5)
    slowest = max((each["at"] - crowd.asked[message_id] for message_id, each in zip(ids, answers) if each), default=0)
    checks.expect(all(each.get("code") == "breaker_open" for each in answers) and slowest < LATE, "from now on the answer comes at once",
                  f"within {slowest:.3f} s")

    time.sleep(OPEN)
    ids = [crowd.ask(number, "probe") for number in range(10)]
    codes = sorted(each.get("code", "ok") for each in crowd.answers(ids, 5))
    checks.expect(codes == ["breaker_open"] * 9 + ["timeout_idle"], "after a rest one of ten is let through, and fails", codes)


def thawed(checks, crowd, app):
    os.kill(app.pid, signal.SIGCONT)
    time.sleep(OPEN + 0.3)
    stale = {name: len(heard(app, name)) for name in ("frozen", "refused", "probe")}
    checks.expect(4 <= stale["frozen"] <= 7 and stale["refused"] == 0 and stale["probe"] == 1,
                  "the app comes to itself: of all that it has heard those, and one probe", stale)
    ids = [crowd.ask(number, "again") for number in range(10)]
    answers = crowd.answers(ids, 5)
    codes = sorted(each.get("code", each.get("status", "no answer")) for each in answers)
    asked = heard(app, "again")
    checks.expect(codes == ["breaker_open"] * 9 + ["ok"] and len(asked) == 1, "it is found by exactly one probe", f"{codes}, {asked}")
    ids = [crowd.ask(number, "flowing") for number in range(CLIENTS)]
    answers = crowd.answers(ids, 20)
    ok = sum(each.get("status") == "ok" for each in answers)
    checks.expect(ok == CLIENTS, "and traffic flows again", f"{ok} of {CLIENTS}")
    twice = [each for each, got in crowd.events("response").items() if len(got) != 1]
    checks.expect(not twice, "nothing was answered twice, however late the app's own came", twice)


class ThinkTank(Upstream):
    def __init__(self, directory):
        # Its pings are forestay's to answer, and a frozen app would think afterwards that nobody did.
        command = [PYTHON, os.path.join(ROOT, "tests", "apps", "minerva.py"), "--ping-interval", "25", "--ping-timeout", "20"]
        super().__init__("minerva", command, directory)

    def most(self):
        with urllib.request.urlopen(f"{self.url}/most", timeout=5) as answer:
            return int(answer.read())


def main():
    checks = Checks("A Think Tank that thinks about four things at a time")
    with Rig(os.path.abspath(sys.argv[1])) as rig, StockClients() as node:
        app = rig.started(ThinkTank(rig.directory))
        forestay = rig.forestay(app.url, CONFIG)
        crowd = Crowd(node, forestay.url)
        all_connected(crowd)
        busy(checks, crowd, app, forestay)
        try:
            frozen(checks, crowd, app, forestay)
        finally:
            os.kill(app.pid, signal.SIGCONT)
        thawed(checks, crowd, app)
        gone = [client.name for client in crowd.clients if client.wait("disconnect", 0)]
        checks.expect(not gone, "through all of it nobody was disconnected", gone)
        outstanding = forestay.metric("forestay_requests_outstanding")
        checks.expect(outstanding == 0, "nothing is outstanding", outstanding)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
