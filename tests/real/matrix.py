#!/usr/bin/python3
"""The client matrix: every stock client by every transport, through forestay, in front of Flask-SocketIO under eventlet
and under gevent, and of npm's socket.io 2 for the oldest clients.

    matrix.py BINARY            through forestay
    matrix.py --direct          straight to the apps: what the clients and apps do by themselves
    matrix.py BINARY js4-polling@eventlet ...      only these
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import time
import urllib.request

from rig import HERE, PYTHON, Rig

TRANSPORTS = ("polling", "websocket", "upgrade")
CLIENTS = {"eventlet": ("js4", "js3", "python"), "gevent": ("js4", "js3", "python"), "eio3": ("js2",)}

# Short, so that a client that vanishes while polling is missed within seconds.
CONFIG = "heartbeat: {ping_interval: 3s, ping_timeout: 2s}\n"
GONE_WITHIN = 15


def command(client, transport, url, app_url):
    if client == "python":
        return [PYTHON, os.path.join(HERE, "python_client.py"), transport, url, app_url]
    return ["node", os.path.join(HERE, "client.js"), client[2:], transport, url, app_url]


def abrupt_disconnect(client, transport, url, app_url):
    """Kills a connected client; the app's disconnect handler has to run."""
    victim = subprocess.Popen([*command(client, transport, url, app_url), "hang"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        line = json.loads(victim.stdout.readline() or "{}")
    finally:
        victim.kill()
        victim.wait()
        victim.stdout.close()
    if "sid" not in line:
        return f"the client did not connect: {line}"
    end = time.monotonic() + GONE_WITHIN
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{app_url}/seen?tag={line['tag']}", timeout=10) as answer:
            if any(entry["what"] == "disconnect" for entry in json.load(answer)):
                return None
        time.sleep(0.1)
    return f"the app's disconnect handler did not run within {GONE_WITHIN} s"


def run(client, transport, url, app_url):
    """[(check, ok, detail)] of one column."""
    try:
        done = subprocess.run(command(client, transport, url, app_url), capture_output=True, text=True, timeout=150)
        output, errors = done.stdout, done.stderr
    except subprocess.TimeoutExpired as expired:
        output, errors = (expired.stdout or b"").decode(), "not done after 150 s"
    results = [(line["check"], line["ok"], line["detail"]) for line in map(json.loads, output.splitlines())]
    if len(results) < 10:
        results.append(("the client itself", False, f"only {len(results)} checks were done. {errors[-500:]}"))
    problem = abrupt_disconnect(client, transport, url, app_url)
    results.append(("abrupt disconnect", problem is None, problem))
    return results


def main():
    arguments = sys.argv[1:]
    direct = arguments[0] == "--direct"
    wanted = arguments[1:]
    failures = []
    with Rig(None if direct else os.path.abspath(arguments[0])) as rig:
        table, checks = {}, {}
        for mode, clients in CLIENTS.items():
            columns = [f"{client}-{transport}" for client in clients for transport in TRANSPORTS]
            columns = [column for column in columns if not wanted or f"{column}@{mode}" in wanted]
            if not columns:
                continue
            heartbeat = {"ping_interval": 3, "ping_timeout": 2} if direct and mode != "eio3" else {}
            app = rig.eio3_app() if mode == "eio3" else rig.app(mode, **heartbeat)
            url = app.url if direct else rig.forestay(app.url, CONFIG, name=f"forestay-{mode}").url
            with concurrent.futures.ThreadPoolExecutor(3) as pool:
                jobs = {column: pool.submit(run, *column.split("-"), url, app.url) for column in columns}
                for column, job in jobs.items():
                    for check, ok, detail in job.result():
                        table[check, f"{column}@{mode}"] = ok
                        checks[check] = None
                        if not ok:
                            failures.append(f"{column}@{mode}: {check}: {detail}")
                    print(f"{column}@{mode}: done", flush=True)
        columns = list(dict.fromkeys(column for _, column in table))
        print()
        for number, column in enumerate(columns, 1):
            print(f"  {number:2} {column}")
        print(f"\n{'':28}" + "".join(f"{number:4}" for number in range(1, len(columns) + 1)))
        words = {True: "ok", False: "NO", None: "-"}
        for check in checks:
            print(f"{check:28}" + "".join(f"{words[table.get((check, column))]:>4}" for column in columns))
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"\n{len(table) - len(failures)} of {len(table)} checks passed{' (directly)' if direct else ''}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
