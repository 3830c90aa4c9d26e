#!/usr/bin/python3
"""Stock Socket.IO clients whose network breaks while the app goes on speaking: what they miss comes when they are back, once and
in order, and the app's disconnect handler runs only when they stay away.

    recovery_test.py FORESTAY [marker|append [THREADS]]
"""
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import time

from rig import HERE, Checks, Rig

CONFIG = """
threads: {threads}
auth:
  protect: [/socket.io/]
  any_of:
    - token: {{sha256: [{alice}], subject: alice}}
    - token: {{sha256: [{bob}], subject: bob}}
  from: {{query: [token]}}
requests:
  - {{name: think, match: {{event: think}}, id: /message_id, answer: {{event: response}}, timeout: 1s,
     fallback: {{event: response, data: {{message_id: "{{{{id}}}}", status: fallback}}}}}}
heartbeat: {{ping_interval: 1s, ping_timeout: 1s}}  # how soon the absence of a polling client is noticed
resume:
  client: {{recovery: {recovery}, hold: 2s}}
"""
RECOVERY = sys.argv[2] if len(sys.argv) > 2 else "marker"
THREADS = sys.argv[3] if len(sys.argv) > 3 else "1"
ALICE, BOB = "alice-0123456789abcdef", "bob-0123456789abcdef"


def run(checks, forestay, client, transports):
    name = f"{client.removeprefix('socket.io-client-')} {transports}"
    query = f"token={ALICE}&tag={name.replace(' ', '-')}"
    command = ["node", os.path.join(HERE, "recovery_client.js"), forestay.url, query, client, transports, BOB]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=120, check=True)
    result = json.loads(done.stdout)
    for how in ("fin", "reset", "half-open"):
        got = result[how]
        whole = got["inOrder"] and got["got"] == got["said"] and got["connects"] == 6
        checks.expect(whole, f"{name}, five cuts ({how}): everything once and in order", json.dumps(got))
        checks.expect(got["recovered"] and got["ids"] == 1, f"{name}, {how}: recovered each time, same id")
        arity = [1] if RECOVERY == "marker" else [2]
        checks.expect(got["arities"] == arity, f"{name}, {how}: handlers get {arity[0]} argument(s)", got["arities"])
    absence = result["absence"]
    checks.expect(absence["early"] == 0 and absence["responses"] == ["fallback", "the app's"] and absence["recovered"],
                  f"{name}: an answer and a fallback wait for an absent client", absence)
    if client.endswith("4.6"):  # newer ones throw their acks away when they are disconnected
        checks.expect(absence["acked"] == "the app's", f"{name}: so does the ack")
    theft = result["theft"]
    checks.expect(theft == {"pid": "string", "recovered": False, "sameId": False, "victim": True},
                  f"{name}: a stolen pid is worth nothing, and its owner notices nothing", theft)
    late = result["tooLong"]
    checks.expect(late["early"] == "connect" and late["late"] == "connect disconnect",
                  f"{name}: the app's disconnect handler runs when the window ends, not before", late)
    checks.expect(not late["recovered"] and not late["sameId"], f"{name}: and the client begins anew")
    checks.expect(late["goodbye"] == "connect disconnect", f"{name}: disconnect() reaches the app at once")


def nobody_away(forestay):
    """How many are away when that does not change to 0 within twice the window."""
    end = time.monotonic() + 5
    while (away := forestay.metric("forestay_client_legs", state="away")) and time.monotonic() < end:
        time.sleep(0.1)
    return away


def main():
    checks = Checks(f"Clients that come back ({RECOVERY})")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        tokens = {name: hashlib.sha256(token.encode()).hexdigest() for name, token in (("alice", ALICE), ("bob", BOB))}
        config = CONFIG.format(recovery=RECOVERY, threads=THREADS, **tokens)
        # Each kind of transport has an app and a forestay of its own, and they take their time side by side.
        pairs = {transports: rig.forestay(rig.app("eventlet", f"app-{transports}").url, config, transports)
                 for transports in ("websocket", "polling", "upgrade")}

        def both_clients(transports):
            for client in ("socket.io-client-4", "socket.io-client-4.6"):
                run(checks, pairs[transports], client, transports)

        with concurrent.futures.ThreadPoolExecutor(len(pairs)) as pool:
            list(pool.map(both_clients, pairs))
        for transports, forestay in pairs.items():
            mismatches = forestay.metric("forestay_sid_mismatches_total")
            checks.expect(mismatches >= 2, f"{transports}: attempts with another identity are counted", mismatches)
            away = nobody_away(forestay)
            checks.expect(away == 0, f"{transports}: in the end nobody is away any more", away)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
