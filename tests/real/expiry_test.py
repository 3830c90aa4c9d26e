#!/usr/bin/python3
"""Tokens that end while their owners are connected, with stock clients in front of a real app: they are closed, and come back
with a fresh token by themselves; who brings a fresh one on the live session is never disconnected.

    expiry_test.py BINARY
"""
import json
import os
import subprocess
import sys

from rig import HERE, Checks, Rig

KEY = "canary-jwt-secret-key-0123456789abcdef"
CONFIG = """
auth:
  protect: [/socket.io/]
  any_of:
    - jwt: {{algorithms: [HS256], secret_file: {key}, leeway: 0s}}
  from: {{connect: [token]}}
  on_expiry: {on_expiry}
  {refresh}
"""


def client(url, transport, lifetime, seconds, *how):
    done = subprocess.run(["node", os.path.join(HERE, "expiry_client.js"), url, KEY, transport, str(lifetime), str(seconds), *how],
                          capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def main():
    checks = Checks("The end of a credential")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.app("eventlet")
        key = rig.file("jwt.key", KEY)
        closing, warning, ignoring = (
            rig.forestay(app.url, CONFIG.format(key=key, on_expiry=on_expiry, refresh=refresh), name) for name, on_expiry, refresh in
            (("closing", "close", "refresh: {}"), ("warning", "warn", ""), ("ignoring", "ignore", "")))

        for transport in ("websocket", "polling"):
            got = client(closing.url, transport, 2, 7)
            checks.expect(got["connects"] >= 3 and got["made"] == got["connects"] and not got["errors"] and all(got["whoami"]),
                          f"{transport}: closed each time, and back with a fresh token", got)
            if transport == "websocket":
                checks.expect(got["disconnects"][0] == ["transport close", 4401], "websocket: the close says 4401", got["disconnects"])

            got = client(closing.url, transport, 3, 7, "refresh")
            checks.expect(got["connects"] == 1 and not got["disconnects"] and not got["errors"],
                          f"{transport}: refreshed in band, and never disconnected", got)
            checks.expect(len(got["renewals"]) >= 4 and all(answer == {"ok": True} for answer in got["renewals"]),
                          f"{transport}: each refresh is acknowledged", got["renewals"])

        got = client(warning.url, "websocket", 4, 6)
        checks.expect(len(got["warnings"]) >= 1 and 1 <= got["warnings"][0]["expires_in"] <= 4 and got["disconnects"],
                      "warned, and then closed", got)
        got = client(ignoring.url, "websocket", 1, 4)
        checks.expect(got["connects"] == 1 and not got["disconnects"], "ignored", got)

        for forestay in (closing, warning, ignoring):
            checks.expect(KEY not in forestay.text(), f"{forestay.name}: no secret in its log")
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
