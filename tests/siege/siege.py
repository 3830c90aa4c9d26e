#!/usr/bin/python3
"""forestay under attack: do the good clients beside it notice? For each attack a fresh forestay, good clients that ask at a
fixed pace, quiet for a while, then besieged; tests/README.md tells the method. Prints a table. Asserts that no good client lost
anything, that memory stays within its bound and that the attack was counted; latencies are printed, because time on a shared
machine proves nothing.

    siege.py [--load build/release/tests/siege/siege_load] [--forestay build/release/forestay] [--only NAME]... [--small]
             [--seconds 10] [--scale 1] [--aside] [--nice N] [--json FILE]
"""
import argparse
import json
import os
import re
import resource
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "real"))
from rig import Checks, Rig  # noqa: E402

MIB = 1 << 20
OUTBOX = 256 << 10
HEADER = 16 << 10
CONNECTION = 16 << 10  # of forestay's own: coroutine, session, both sockets, what the allocator makes of it
MARGIN = 16 * MIB
# As it is by default, but for the deadlines and sizes of attacks, so that they are hit within the time that this takes, the
# bound on new clients, which is off unless somebody sets it, and one loop: everybody shares it.
CONFIG = """
threads: 1
resume: {upstream: {rate: 10000/s}}
limits: {connect_rate: 100/s, header_timeout: @s, message_timeout: @s, slow_client_timeout: @s, outbox: 256KiB, max_message: 256KiB}
"""


class Attack:
    def __init__(self, connections, each, counted, seen=None, seconds=0):
        self.connections = connections  # at once, of the whole siege
        self.each = each                # bytes that forestay may hold of each
        self.counted = counted          # the series of /metrics that must grow,
        self.seen = seen                # at least as often as attackers got this status or close code
        self.seconds = seconds          # how long it takes at least until that happens


CLOSED = 'forestay_sessions_closed_total{side="client",reason="%s"}'
REFUSED = 'forestay_http_requests_total{status="4xx"}'
ATTACKS = {
    "half_heads": Attack(5000, HEADER + CONNECTION, 'forestay_head_refusals_total{reason="header_timeout"}', "408", 6),
    "half_bodies": Attack(2500, HEADER + CONNECTION, REFUSED, None, 14),
    "half_uploads": Attack(2000, HEADER + CONNECTION, REFUSED, "408", 14),
    "half_handshakes": Attack(5000, HEADER + CONNECTION, CLOSED % "protocol_violation", "1008", 6),
    "never_read": Attack(2000, OUTBOX + (64 << 10) + CONNECTION, 'forestay_sessions_closed_total{side="forestay",reason="slow_client"}', None, 12),
    "connect_flood": Attack(2000, HEADER + CONNECTION, 'forestay_limit_hits_total{limit="connect_rate"}', "429"),
    "declared_1gib": Attack(50, OUTBOX + CONNECTION, CLOSED % "limit", "1009"),
    "deflate_bomb": Attack(50, OUTBOX + CONNECTION, CLOSED % "protocol_violation", "1002"),
    "ping_flood": Attack(4, 2 * MIB, CLOSED % "limit", "1008"),
    "ping_flood_plain": Attack(4, 2 * MIB, CLOSED % "limit", "1008"),
    "pong_flood": Attack(4, 2 * MIB, 'forestay_shield_hits_total{shield="pong_flood"}'),
    "message_flood": Attack(4, 3 * MIB, 'forestay_messages_total{direction="to_upstream"}'),
}
SMALL = [name for name, attack in ATTACKS.items() if attack.seconds < 14]  # those have a grace of 10 s


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pin(pid, cpu):
    """All threads of it."""
    if cpu in os.sched_getaffinity(0):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {cpu})


class Load:
    """One of the parts that siege_load plays."""

    def __init__(self, args, cpu, nice, *role):
        self.child = subprocess.Popen([args.load, *map(str, role)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      preexec_fn=lambda: os.nice(nice))
        pin(self.child.pid, cpu)

    def line(self):
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.child.args[1:]} ended with {self.child.wait()}")
        return line.strip()

    def tell(self):
        self.child.stdin.write(".")
        self.child.stdin.flush()

    def result(self):
        return json.loads(self.line())

    def stop(self):
        self.child.stdin.close()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def kill(self):
        self.child.kill()
        self.child.wait()


class Sink:
    def __init__(self, port, cpu):
        self.child = subprocess.Popen([sys.executable, os.path.join(HERE, "sink.py"), str(port)])
        pin(self.child.pid, cpu)
        wait_for(port)

    def kill(self):
        self.child.kill()
        self.child.wait()


def wait_for(port):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nobody listens on {port}")


def settled(forestay, clients, most=15):
    """Once the attackers' connections are gone."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        if sum(value for key, value in forestay.metrics().items() if key.startswith("forestay_client_connections{")) <= clients:
            return
        time.sleep(0.1)


def besiege(args, name, attack, proxy_cpu, load_cpu):
    """One row."""
    running = []
    with Rig(args.forestay) as rig:
        try:
            app_port = free_port()
            running.append(Load(args, load_cpu, args.nice, "app", app_port))
            wait_for(app_port)
            forestay = rig.forestay(f"http://127.0.0.1:{app_port}", CONFIG.replace("@", "1" if args.small else "5"))
            pin(forestay.pid, proxy_cpu)
            os.setpriority(os.PRIO_PROCESS, forestay.pid, args.nice)
            good = Load(args, load_cpu, args.nice, "good", forestay.port, args.clients, args.rate, args.newcomers)
            running.append(good)
            assert good.line() == "ready"
            time.sleep(0.5)
            good.tell()  # warm
            good.result()
            time.sleep(args.quiet)
            good.tell()
            quiet = good.result()

            besieged_port = forestay.port
            if args.aside:
                besieged_port = free_port()
                running.append(Sink(besieged_port, proxy_cpu))
            before, memory = forestay.metrics(), forestay.memory()["VmRSS"]
            with open(f"/proc/{forestay.pid}/clear_refs", "w") as file:
                file.write("5")  # the peak begins anew
            enemy = Load(args, load_cpu, 19, "attack", besieged_port, name, args.scale)
            running.append(enemy)
            assert enemy.line() == "ready"
            good.tell()
            ramp = good.result()
            time.sleep(max(args.seconds, attack.seconds / (4 if args.small else 1)))
            good.tell()
            besieged = good.result()
            scrape = time.monotonic()
            forestay.metrics()
            scrape = time.monotonic() - scrape
            enemy.stop()
            seen = enemy.result()
            running.remove(enemy)
            settled(forestay, args.clients + 10)
            good.tell()
            after = good.result()
            peak, resident = forestay.memory()["VmHWM"], forestay.memory()["VmRSS"]
            time.sleep(0.3)  # a page of numbers is given out for as long
            now = forestay.metrics()
        finally:
            for each in reversed(running):
                each.kill()
    grown = {key: int(value - before.get(key, 0)) for key, value in now.items() if value > before.get(key, 0)}
    bound = memory + MARGIN + int(attack.connections * args.scale) * attack.each
    return {"attack": name, "quiet": quiet, "ramp": ramp, "besieged": besieged, "after": after, "seen": seen, "grown": grown,
            "memory": [memory, peak, resident], "bound": bound, "scrape_ms": scrape * 1000,
            "seen_as": seen["statuses"].get(attack.seen, 0) + seen["codes"].get(attack.seen, 0),
            "lost": sum(phase["lost"] + phase["turned_away"] for phase in (quiet, ramp, besieged, after))}


TOLD = re.compile("forestay_(head_refusals|limit_hits|sessions_closed|drops|shield_hits|origin_refused|handshake_failures|"
                  'http_requests_total{status="[45]|log_lines_lost|client_connections_refused|auth)')


def tell(row):
    quiet, besieged = row["quiet"], row["besieged"]
    mib = "/".join(f"{value / MIB:.0f}" for value in row["memory"])
    print(f'{row["attack"]:17} {quiet["usual_p99"]:7.3f} {besieged["usual_p99"]:7.3f} {besieged["usual_p99"] / quiet["usual_p99"]:6.2f}   '
          f'{quiet["p99"]:7.2f} {besieged["p99"]:7.2f}   {quiet["p50"]:6.3f} {besieged["p50"]:6.3f}   {quiet["join_p99"]:6.1f} {besieged["join_p99"]:6.1f}   '
          f'{mib:>11} {row["bound"] / MIB:5.0f}   {row["lost"]:4}', flush=True)
    counted = ", ".join(f"{key.removeprefix('forestay_')} {value}" for key, value in row["grown"].items() if TOLD.match(key))
    print(f'{"":17} counted: {counted}\n{"":17} they saw: {json.dumps(row["seen"])}', flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", default=os.path.join(ROOT, "build/release/tests/siege/siege_load"))
    parser.add_argument("--forestay", default=os.path.join(ROOT, "build/release/forestay"))
    parser.add_argument("--only", action="append", choices=ATTACKS)
    parser.add_argument("--small", action="store_true", help="a fiftieth of it, for a second or so each, without those that take long")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--quiet", type=float, default=10)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rate", type=float, default=500, help="requests a second, of all of them")
    parser.add_argument("--newcomers", type=float, default=10, help="a second")
    parser.add_argument("--aside", action="store_true", help="the attack is on somebody else beside forestay: what the load costs")
    parser.add_argument("--nice", type=int, default=0, help="of all but the attackers; negative: strangers on this machine count less")
    parser.add_argument("--json", help="also write all that was measured to this file")
    args = parser.parse_args()
    if args.small:
        args.scale, args.seconds, args.quiet = 0.02, 1, 0.5
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cpus = sorted(os.sched_getaffinity(0))
    checks = Checks("forestay besieged: latencies in ms, memory in MiB (before/peak/after)")
    print(f'{"":17} {"p99 of the usual second":>23}   {"p99 of all":>15}   {"p50 of all":>13}   {"p99 to join":>13}   {"memory":>11}\n'
          f'{"attack":17} {"quiet":>7} {"siege":>7} {"ratio":>7}   {"quiet":>7} {"siege":>7}   {"quiet":>6} {"siege":>6}   {"quiet":>6} {"siege":>6}   '
          f'{"":>11} {"bound":>5}   lost')
    rows = []
    for name in args.only or (SMALL if args.small else ATTACKS):
        row = besiege(args, name, ATTACKS[name], cpus[-1], cpus[0])
        rows.append(row)
        tell(row)
        counted = row["grown"].get(ATTACKS[name].counted, 0)
        if args.aside:
            continue
        if row["lost"] > 0 or row["memory"][1] > row["bound"] or counted < max(1, row["seen_as"]):
            checks.expect(row["lost"] == 0, f"{name}: no good client lost anything", f'{row["lost"]}')
            checks.expect(row["memory"][1] <= row["bound"], f"{name}: memory within its bound", f'{row["memory"][1]} of {row["bound"]}')
            checks.expect(counted >= max(1, row["seen_as"]), f"{name}: counted", f'{ATTACKS[name].counted} {counted}, they saw {row["seen_as"]}')
    if args.json:
        with open(args.json, "w") as file:
            json.dump(rows, file, indent=1)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
