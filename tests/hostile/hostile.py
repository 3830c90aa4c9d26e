#!/usr/bin/python3
"""Drives the rows of tests/vectors/hostile_inputs.csv over real sockets against the real binary, in front of a recording
upstream and of a real Flask-SocketIO app, and prints what was tried, what was expected and what came.

    hostile.py BINARY [ID...]           only these rows
    hostile.py BINARY --differences     prints only what differs
"""
import concurrent.futures
import csv
import hashlib
import os
import subprocess
import sys
import threading
import time
import urllib.request

from recorder import Recorder
from rig import ROOT, Rig
from rows import DRIVEN, ELSEWHERE, SLOW, Bench, either
import rows_guard  # noqa: F401
import rows_http  # noqa: F401
import rows_socketio  # noqa: F401
import rows_websocket  # noqa: F401
from credentials import flask_cookie, jwt
from raw import websocket

GROUPS = "HUWFESOCJTIP"

# Rows whose outcome differs from the table on purpose: what was tried -> what comes, and why that is right.
ALLOWED = {
    ("P07", "101, then silence"): ((101, 1013, True), "1013 says what the client may do about it: try again later"),
    ("P04-P06", "close-1006"): (1001, "the app says goodbye, if with a code that must not be sent: the client hears a goodbye with one that may"),
}

FLASK_KEY = "hostile-flask-secret-key"
JWT_KEY = "hostile-jwt-secret-key-0123456789abcdef"
TOKEN = "hostile-static-token-0123456789abcdef"

PLAIN = """
requests:
  - name: tracked
    match: {event: tracked}
    id: ack
    timeout: 5m
    fallback: {ack: []}
"""
ORIGINS = """
cors:
  allowed_origins: [https://app.example, "https://*.wild.example"]
"""
TRUSTING = """
trusted_proxies: [127.0.0.0/8, 10.0.0.0/8]
"""
GUARDED = """
cors: {{allowed_origins: [same-origin, "https://friend.example"]}}
auth:
  protect: [/socket.io/, /private]
  any_of:
    - flask_session: {{secret_key_file: {flask}}}
    - jwt: {{algorithms: [HS256], secret_file: {jwt}, leeway: 1s}}
    - token: {{sha256: [{token}], subject: machine}}
  from: {{query: [token], protocol: [bearer], connect: [{connect}]}}
  refuse_with: {refuse_with}
  identity_headers: {{X-Forwarded-User: sub}}
  failed_rate: {failed_rate}
"""
# The longest deadlines, shortened: nobody needs 75 s to see that there is an end. And a bound on messages.
HASTY = """
upstream: {{url: "{url}", handshake_timeout: 2s}}
limits: {{keepalive_timeout: 3s, message_timeout: 3s, message_rate: 500/s}}
resume: {{upstream: {{hold: 3s}}}}
"""
LIMITED = """
limits: {connect_rate: 20/h}
"""
RSA = """
auth:
  protect: [/socket.io/]
  any_of:
    - jwt: {{algorithms: [RS256], public_key_file: {public}}}
  refuse_with: http
  failed_rate: off
"""


def set_up(rig):
    recorder = Recorder()
    app = rig.app("eventlet")
    private, public = (os.path.join(rig.directory, name) for name in ("rsa.pem", "rsa.pub.pem"))
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    with open(public) as file:
        public_pem = file.read()
    secrets = {"flask": rig.file("flask.key", FLASK_KEY), "jwt": rig.file("jwt.key", JWT_KEY), "token": hashlib.sha256(TOKEN.encode()).hexdigest()}
    forestays = {name: rig.forestay(url, config, name) for name, url, config in (
        ("plain", recorder.url, PLAIN), ("small", recorder.url, "limits: {max_body: 1MiB}\n"), ("origins", recorder.url, ORIGINS),
        ("trusting", recorder.url, TRUSTING), ("guarded", recorder.url, GUARDED.format(**secrets, connect="", refuse_with="http", failed_rate="off")),
        ("guessed", recorder.url, GUARDED.format(**secrets, connect="token", refuse_with="http", failed_rate="10/m")),
        ("connect", recorder.url, GUARDED.format(**secrets, connect="token", refuse_with="connect_error", failed_rate="off")),
        ("rsa", recorder.url, RSA.format(public=public)), ("real", app.url, ""), ("unread", app.url, "limits: {slow_client_timeout: 5s}\n"),
        ("hasty", recorder.url, HASTY.format(url=recorder.url)), ("limited", recorder.url, LIMITED))}
    extra = {"flask key": FLASK_KEY, "jwt key": JWT_KEY, "token": TOKEN, "public pem": public_pem, "private pem file": private,
             "cookie": flask_cookie({"_user_id": "alice"}, FLASK_KEY), "other cookie": flask_cookie({"_user_id": "mallory"}, FLASK_KEY),
             "jwt": jwt({"sub": "bob", "exp": int(time.time()) + 3600}, JWT_KEY)}
    return Bench(recorder, app, forestays, extra)


class Table:
    def __init__(self, only_differences):
        self.only_differences = only_differences
        self.counts = {"ok": 0, "differs": 0, "allowed": 0}
        self.lock = threading.Lock()

    def line(self, ids, what, expected, got, word):
        with self.lock:
            self.counts[word] += 1
            if word == "differs" or not self.only_differences:
                alternatives = " or ".join(map(str, expected)) if isinstance(expected, either) else expected
                print(f"{word:8} {ids:12} {what[:60]:60} expected {alternatives}; got {str(got)[:400]}", flush=True)

    def run(self, ids, function, bench):
        label = ids[0] if len(ids) == 1 else f"{ids[0]}-{ids[-1]}"
        try:
            for what, got, expected in function(bench):
                right = got in expected if isinstance(expected, either) else got == expected
                allowed = ALLOWED.get((label, what))
                self.line(label, what, expected, got, "ok" if right else "allowed" if allowed and allowed[0] == got else "differs")
        except Exception as error:  # whatever a peer's surprise makes of the test is a difference
            place = error.__traceback__
            while place.tb_next:
                place = place.tb_next
            self.line(label, "(the rest)", "no surprise", f"{type(error).__name__}: {error} (line {place.tb_lineno} of {os.path.basename(place.tb_frame.f_code.co_filename)})", "differs")


def well(bench, table):
    """After all of it everybody still serves."""
    for name, forestay in bench.forestays.items():
        got = forestay.child.poll()
        table.line("after", f"forestay {name} runs", None, got, "ok" if got is None else "differs")
    try:
        with websocket(bench.port("real"), [("Origin", "http://app.example")]) as connection:
            connection.send_text('42["echo","well"]')
            got = connection.read_text()
        with urllib.request.urlopen(bench.app.url, timeout=5) as answer:
            answer.read()
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    table.line("after", "Flask-SocketIO answers", '42["echo","well"]', got, "ok" if got == '42["echo","well"]' else "differs")


def main():
    flags = [argument for argument in sys.argv[2:] if argument.startswith("--")]
    wanted = [argument for argument in sys.argv[2:] if not argument.startswith("--")]
    with open(os.path.join(ROOT, "tests/vectors/hostile_inputs.csv"), newline="") as file:
        known = {line["id"]: line["input"] for line in csv.DictReader(file) if line["id"][0] in GROUPS}
    missing = [name for name in known if name not in DRIVEN and name not in ELSEWHERE]
    functions = {}
    for name in known:
        if name in DRIVEN and (not wanted or name in wanted):
            functions.setdefault(DRIVEN[name], []).append(name)

    table = Table("--differences" in flags)
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        bench = set_up(rig)
        slow = {function: ids for function, ids in functions.items() if SLOW.intersection(ids)}
        with concurrent.futures.ThreadPoolExecutor(max(1, len(slow))) as pool:
            waiting = [pool.submit(table.run, ids, function, bench) for function, ids in slow.items()]
            for function, ids in functions.items():
                if function not in slow:
                    table.run(ids, function, bench)
            if waiting:
                print("(waiting for the rows with long deadlines)", flush=True)
        well(bench, table)
    if not wanted:
        for name, why in sorted(ELSEWHERE.items()):
            print(f"{'-':8} {name:12} {known[name][:60]:60} {why}")
    for name in missing:
        table.line(name, known[name], "a test", "none", "differs")
    print(f"\n{table.counts['ok']} ok, {table.counts['allowed']} allowed to differ, {table.counts['differs']} differ")
    return 1 if table.counts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
