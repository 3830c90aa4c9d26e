#!/usr/bin/python3
"""500 concurrent requests of 50 stock clients, half of which the app does not answer in time because a CPU-bound handler
has blocked it solid: exactly one answer each, every fallback in time, the app's own answers untouched, late answers
swallowed and counted, nobody disconnected.

    fallback_test.py BINARY            --direct shows what happens without forestay: it fails
"""
import json
import os
import subprocess
import sys

from rig import HERE, Checks, Rig

TIMEOUT = 3.0
LATE = 0.1  # a fallback is in time within this of its timeout
CONFIG = """
heartbeat: {ping_interval: 3s, ping_timeout: 2s}
requests:
  - name: think
    match: {event: think}
    id: /message_id
    answer: {event: response, id: /message_id}
    timeout: 3s
    fallback: {event: response, data: {message_id: "{{id}}", text: "the fallback"}}
  - name: think_ack
    match: {event: think_ack, ack: true}
    id: ack
    timeout: 3s
    fallback: {ack: [{text: "the fallback"}]}
"""


# While it is blocked the app misses several of its own heartbeats, but not so many that python-engineio gives up a session by
# itself as soon as it gets a turn again: it does when it has sent or heard nothing for longer than both together.
HEARTBEAT = {"ping_interval": 3, "ping_timeout": 15}


def run(binary, mode):
    direct = binary is None
    checks = Checks(f"500 requests, half of them not answered in time, the app ({mode}) blocked solid")
    with Rig(binary) as rig:
        app = rig.app(mode, **HEARTBEAT)
        forestay = None if direct else rig.forestay(app.url, CONFIG)
        done = subprocess.run(["node", os.path.join(HERE, "fallback_client.js"), (forestay or app).url, str(TIMEOUT)],
                              stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        result = json.loads(done.stdout)
        requests = result["requests"]
        first = [r for r in requests if r["wave"] == "first"]
        real = [r for r in first if r["after"] == 0]
        held = [r for r in requests if r not in real]

        checks.expect(len(first) == 500 and len(real) == 250, "500 requests, 250 of them answered by the app at once")
        checks.expect(all(len(r["answers"]) == 1 for r in requests), "exactly one answer each",
                      f"{sum(len(r['answers']) == 0 for r in requests)} have none, {sum(len(r['answers']) > 1 for r in requests)} several")
        checks.expect(all(r["answers"] and r["answers"][0]["text"] == "the app's" for r in real), "the app's own answers are untouched")
        checks.expect(result["still_blocked"], "the app was still blocked when the last fallback had come")
        for wave in ("first", "while blocked"):
            for kind in ("event", "ack"):
                group = [r for r in held if r["wave"] == wave and r["kind"] == kind]
                times = sorted(r["answers"][0]["after_ms"] / 1000 for r in group if r["answers"])
                fallbacks = [r for r in group if r["answers"] and r["answers"][0]["text"] == "the fallback"]
                in_time = [t for t in times if TIMEOUT - 0.02 <= t <= TIMEOUT + LATE]
                checks.expect(len(fallbacks) == len(group) == len(in_time), f"{kind} rule, asked {wave}: {len(group)} fallbacks in time",
                              f"{len(in_time)} were; the first after {times[0]:.3f} s, the median {times[len(times) // 2]:.3f} s, the last {times[-1]:.3f} s"
                              if times else "no answers")
        checks.expect(result["alive"] == 50 and set(result["connects"]) == {1}, "every client is connected, still in its first session",
                      f"{result['alive']} answered, {len(result['disconnects'])} disconnects {sorted(set(result['disconnects']))}")
        if forestay:
            late = sum(r["after"] is not None for r in held)
            sums = {by: forestay.metric("forestay_requests_answered_total", by=by) for by in ("upstream", "fallback")}
            started = forestay.metric("forestay_requests_started_total")
            swallowed = forestay.metric("forestay_late_answers_total")
            checks.expect(started == len(requests), "every request was counted", f"{started:.0f} of {len(requests)}")
            checks.expect(sums == {"upstream": len(real), "fallback": len(held)}, "answers are counted by who gave them", str(sums))
            checks.expect(swallowed == late, "late answers are swallowed and counted", f"{swallowed:.0f} of {late}")
            outstanding = forestay.metric("forestay_requests_outstanding")
            checks.expect(outstanding == 0, "nothing is outstanding", f"{outstanding:.0f}")
    return checks.exit_code()


def main():
    binary = None if sys.argv[1] == "--direct" else os.path.abspath(sys.argv[1])
    return max([run(binary, mode) for mode in ("gevent", "eventlet")])


if __name__ == "__main__":
    sys.exit(main())
