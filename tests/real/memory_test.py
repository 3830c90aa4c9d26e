#!/usr/bin/python3
"""1,000 absent clients with full records stay within their bounds, and all of it is given back afterwards.

    memory_test.py BINARY [LOAD]

The clients connect by websocket, all their connections are reset, and the app broadcasts until every record has overflowed:
once with messages of 1 KiB, which the bound on bytes ends, once with small ones, which the bound on their number ends. Both
side by side unless one is named. Then the app goes for good, and the sessions with it, however long they took to fill.
"""
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

import raw
from rig import Checks, Rig

SESSIONS = 1000
MAX_BYTES = 64 * 1024
MAX_MESSAGES = 300
OVERHEAD = 4 * 1024            # of an absent session beside max_bytes ...
OF_EACH = 64                   # ... and of each recorded message: allocations have a size of their own
SLACK = 8 * 1024 * 1024        # what may stay of the whole process
PATIENCE = 60
CONFIG = f"""
resume:
  upstream: {{hold: 1s}}
  client: {{recovery: marker, hold: 1h, max_bytes: {MAX_BYTES // 1024}KiB, max_messages: {MAX_MESSAGES}}}
logging: {{level: warning, access: false}}
"""
LOADS = {"1 KiB each": ("x" * 1024, 100), "16 bytes each": ("x" * 16, 350)}  # what, and how many


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.2)
    return met


def settled(forestay, seconds=PATIENCE):
    """The resident memory once it has not changed for a second."""
    end = time.monotonic() + seconds
    last, since = None, time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < 1:
        now = forestay.memory()["RssAnon"]
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)
    return last


def connect(forestay):
    client = raw.websocket(forestay.port, namespace=False)
    client.send_text("40")
    joined = client.read_text()
    if "pid" not in json.loads(joined[2:]):
        raise RuntimeError(f"no pid in {joined}")
    return client


def reset(client):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def run(binary, load):
    message, count = LOADS[load]
    checks = Checks(f"{SESSIONS} absent clients, {count} messages of {load}, max_bytes {MAX_BYTES // 1024} KiB, max_messages {MAX_MESSAGES}")
    with Rig(binary) as rig:
        app = rig.app("eventlet", ping_interval=60, ping_timeout=60)
        forestay = rig.forestay(app.url, CONFIG)
        at_start = forestay.memory()["RssAnon"]
        clients = [connect(forestay) for _ in range(SESSIONS)]
        before = settled(forestay)
        for client in clients:
            reset(client)
        away = until(lambda: forestay.metric("forestay_client_legs", state="away") == SESSIONS)
        checks.expect(away, "all are away, and none is gone", f"{forestay.metric('forestay_client_legs', state='away'):.0f}")

        heard = forestay.metric("forestay_messages_total", direction="from_upstream")
        with raw.websocket(app.port) as speaker:
            for _ in range(count):
                speaker.send_text("42" + json.dumps(["broadcast", message]))
            until(lambda: forestay.metric("forestay_messages_total", direction="from_upstream") >= heard + count * SESSIONS)
        overflown = forestay.metric("forestay_drops_total", reason="record_overflow")
        full = settled(forestay)
        still = forestay.metric("forestay_client_legs", state="away")
        checks.expect(still == SESSIONS and overflown > 0 and overflown % SESSIONS == 0,
                      "every record has overflowed, as often as every other", f"{overflown / SESSIONS:g} of {count} messages each, {still:.0f} away")
        recorded = count - overflown // SESSIONS
        allowed = SESSIONS * (MAX_BYTES + OVERHEAD + OF_EACH * recorded)
        checks.expect(full - before <= allowed, "full records are within their bounds",
                      f"{(full - before) / SESSIONS / 1024:.1f} KiB a session of {allowed / SESSIONS / 1024:.0f} allowed")

        rig.stop_hard(app)
        ended = until(lambda: sum(forestay.metric("forestay_client_legs", state=state) for state in ("away", "websocket")) == 0)
        checks.expect(ended, "when the app is gone for good all sessions end")
        until(lambda: forestay.memory()["RssAnon"] <= before + SLACK)  # forestay looks every 10 s
        after = settled(forestay)
        checks.expect(after <= before + SLACK, "all of it is given back", f"{(after - before) / 1024 / 1024:+.1f} MiB")
        mib = [f"{name} {size / 1024 / 1024:.1f}" for name, size in
               (("at the start", at_start), ("connected", before), ("full", full), ("afterwards", after))]
        print(f"  resident memory in MiB: {', '.join(mib)}")
    return checks.exit_code()


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8 * SESSIONS)), hard))
    if len(sys.argv) > 2:
        return run(os.path.abspath(sys.argv[1]), sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    both = [subprocess.Popen([sys.executable, __file__, sys.argv[1], load], stdout=subprocess.PIPE, text=True) for load in LOADS]
    try:
        for one in both:
            print(one.communicate()[0], end="", flush=True)
    finally:
        for one in both:
            one.terminate()
    return max(one.returncode for one in both)


if __name__ == "__main__":
    sys.exit(main())
