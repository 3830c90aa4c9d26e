#!/usr/bin/python3
"""What clients notice when the app is killed and when their network breaks: directly, with nginx and with forestay in front.
Real Flask-SocketIO, real socket.io-client; tests/README.md says what each column means.

    chaos.py BINARY [--clients 200] [--seconds 60] [--only forestay] [--trouble kill] [--seed 1]

Prints a table, and fails when forestay's row does not read as it must. The same seed kills and breaks at the same moments.
"""
import argparse
import json
import os
import random
import signal
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "real"))
from rig import PYTHON, Process, Rig  # noqa: E402

from evaluate import back_after, evaluate  # noqa: E402

FRONTS = ("direct", "nginx", "forestay")
TROUBLES = {"kill": "the app is killed", "cut": "the network breaks", "both": "both"}
HEARTBEAT = {"interval": 3, "timeout": 3}  # everybody's: short, so that a half-open connection is noticed within the run
KILL_EVERY = 5       # seconds
DOWN = (1, 3)        # seconds until it is started again
CALM = 40            # seconds after the last trouble in which everybody must be back
CLIENTS_A_PROCESS = 70

CONFIG = """
threads: {threads}
heartbeat: {{ping_interval: {interval}s, ping_timeout: {timeout}s}}
resume:
  upstream: {{hold: 30s, on_return: reannounce, rate: {rate}/s}}
  client: {{recovery: marker, hold: 60s}}
requests:
  - name: note
    match: {{event: note, ack: true}}
    id: ack
    timeout: 10s
    fallback: {{ack: [{{lost: true}}]}}
    on_upstream_lost: answer
  - name: ask
    match: {{event: ask}}
    id: /id
    answer: {{event: answer}}
    timeout: 10s
    fallback: {{event: answer, data: {{id: "{{{{id}}}}", late: true}}}}
    on_upstream_lost: answer
"""


def read_facts(path, offset=0):
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        file.seek(offset)
        return [json.loads(line) for line in file if line.endswith(b"\n")]


def reserved_port():
    """A port that is bound and refuses connections until somebody else listens there too."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(("127.0.0.1", 0))
    return holder, holder.getsockname()[1]


class App:
    """One life after the other, always on the same port."""

    def __init__(self, rig):
        self.rig = rig
        self.facts = os.path.join(rig.directory, "app.facts")
        self.holder, self.port = reserved_port()
        self.life = 0
        self.start()

    def start(self):
        self.life += 1
        command = [PYTHON, os.path.join(HERE, "app.py"), "--port", str(self.port), "--life", str(self.life), "--facts", self.facts,
                   "--ping-interval", str(HEARTBEAT["interval"]), "--ping-timeout", str(HEARTBEAT["timeout"])]
        self.process = self.rig.started(Process(f"app-{self.life}", command, self.rig.directory))
        self.process.first_line()

    def kill(self):
        self.rig.running.remove(self.process)
        self.process.stop(signal.SIGKILL)


def start_nginx(rig, upstream_port):
    holder, port = reserved_port()
    with open(os.path.join(HERE, "nginx.conf")) as file:
        text = file.read()
    for name, value in (("directory", rig.directory), ("upstream_port", upstream_port), ("port", port)):
        text = text.replace(f"@{name}@", str(value))
    nginx = Process("nginx", ["nginx", "-c", rig.file("nginx.conf", text)], rig.directory)
    rig.started(nginx)
    nginx.holder = holder  # the port is held as long as nginx is
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return port
        except OSError:
            if nginx.child.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"nginx is not ready:\n{nginx.text()}") from None
            time.sleep(0.05)


def start_clients(rig, ports):
    """Evenly in as few processes as may be; returned when all are connected. [(process, facts)]"""
    count = -(-len(ports) // CLIENTS_A_PROCESS)
    started = []
    for number in range(count):
        first, end = number * len(ports) // count, (number + 1) * len(ports) // count
        facts = os.path.join(rig.directory, f"clients-{number}.facts")
        command = ["node", os.path.join(HERE, "client.js"), facts, str(first), ",".join(map(str, ports[first:end]))]
        started.append((rig.started(Process(f"clients-{number}", command, rig.directory)), facts))
    for process, _ in started:
        process.first_line()
    return started


def kill_again_and_again(app, seconds, seed):
    """Returns when; it is up again then."""
    decide = random.Random(seed)
    begin = time.monotonic()
    kills = []
    for moment in range(0, max(1, int(seconds)), KILL_EVERY):
        time.sleep(max(0, begin + moment - time.monotonic()))
        app.kill()
        kills.append(time.monotonic())
        time.sleep(decide.uniform(*DOWN))
        app.start()
    time.sleep(max(0, begin + seconds - time.monotonic()))
    return kills


def wait_until_all_are_back(clients, last_trouble):
    offsets = [os.path.getsize(facts) for _, facts in clients]
    numbers = {fact["client"] for _, facts in clients for fact in read_facts(facts)}
    end = time.monotonic() + CALM
    while time.monotonic() < end:
        time.sleep(1)
        since = {number: [] for number in numbers}
        for (_, facts), offset in zip(clients, offsets):
            for fact in read_facts(facts, offset):
                since[fact["client"]].append(fact)
        if back_after(since, last_trouble) is not None:
            return


def run(front, trouble, options):
    with Rig(options.binary) as rig:
        app = App(rig)
        config = CONFIG.format(threads=options.threads, rate=options.rate, **HEARTBEAT)
        forestay = rig.forestay(f"http://127.0.0.1:{app.port}", config) if front == "forestay" else None
        port = {"direct": lambda: app.port, "nginx": lambda: start_nginx(rig, app.port), "forestay": lambda: forestay.port}[front]()
        network_facts = os.path.join(rig.directory, "network.facts")
        command = [PYTHON, os.path.join(HERE, "relay.py"), "--target", str(port), "--clients", str(options.clients),
                   "--seed", str(options.seed), "--seconds", str(options.seconds), "--facts", network_facts]
        relay = rig.started(Process("relay", command, rig.directory))
        clients = start_clients(rig, relay.first_line()["ports"])
        time.sleep(2)  # everybody has said something

        if trouble != "kill":
            relay.child.send_signal(signal.SIGUSR1)
        kills = []
        if trouble != "cut":
            kills = kill_again_and_again(app, options.seconds, options.seed)
        else:
            time.sleep(options.seconds)
        last_trouble = max([*kills, *(fact["t"] for fact in read_facts(network_facts))])
        wait_until_all_are_back(clients, last_trouble)

        for process, _ in clients:
            process.child.send_signal(signal.SIGUSR2)
        app.process.child.send_signal(signal.SIGUSR1)
        for process, _ in clients:
            process.child.wait(60)
        tracked = int(forestay.metric("forestay_requests_started_total", rule="ask")) if forestay else None
        return evaluate([fact for _, facts in clients for fact in read_facts(facts)], read_facts(app.facts), last_trouble, kills, tracked)


COLUMNS = (("disconnects", "dis-|connects"), ("sent", "messages|sent"), ("once", "delivered|once"), ("silent", "lost in|silence"),
           ("told", "told as|lost"), ("duplicated", "dupli-|cated"), ("out_of_order", "out of|order"), ("apps_own", "the app's|own"),
           ("told_yet_delivered", "told, yet|delivered"), ("fresh_sessions", "fresh|sessions"), ("asked_once", "answered|once"),
           ("asked_twice", "answered|twice"), ("asked_never", "answered|never"), ("asked_cut_off", "cut|off"),
           ("back_after", "all back|after"), ("connects_per_second", "connects|a second"))


def print_line(title, cells):
    print(f"{title:29}" + "".join(f"| {cell:>9} " for cell in cells), flush=True)


def print_header():
    print_line("", [title.split("|")[0] for _, title in COLUMNS])
    print_line("", [title.split("|")[1] for _, title in COLUMNS])


def print_row(title, row):
    def text(value):
        return "never" if value is None else f"{value:.1f} s" if isinstance(value, float) else f"{value:,}"
    print_line(title, [text(getattr(row, name)) for name, _ in COLUMNS])


def unmet(row, trouble, rate):
    """What forestay's row lacks."""
    problems = [f"{name} is {getattr(row, name)}, not 0" for name in ("silent", "duplicated", "out_of_order", "asked_twice", "asked_never")
                if getattr(row, name)]
    if trouble == "kill" and row.disconnects:
        problems.append(f"{row.disconnects} disconnects that clients saw")
    if row.back_after is None:
        problems.append("somebody did not come back")
    if row.connects_per_second > rate:
        problems.append(f"{row.connects_per_second} connects to the app in one second, more than {rate}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", choices=FRONTS)
    parser.add_argument("--trouble", choices=TROUBLES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, help="of forestay's upstream connects, a second; as many as there are clients unless given")
    parser.add_argument("--threads", default="auto", help="of forestay")
    parser.add_argument("--examples", type=int, default=5, help="how many of a row's faults are listed")
    options = parser.parse_args()
    options.rate = options.rate or options.clients

    print(f"{options.clients} clients, {options.seconds:.0f} s of trouble, seed {options.seed}; forestay connects at most "
          f"{options.rate} times a second, threads: {options.threads}")
    print_header()
    problems = []
    for trouble in [options.trouble] if options.trouble else TROUBLES:
        for front in [options.only] if options.only else FRONTS:
            row = run(front, trouble, options)
            print_row(f"{TROUBLES[trouble]}, {front}", row)
            for example in row.examples[:options.examples]:
                print(f"    {example}")
            if front == "forestay":
                problems += [f"{TROUBLES[trouble]}: {problem}" for problem in unmet(row, trouble, options.rate)]
    for problem in problems:
        print(f"FAILED {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
