#!/usr/bin/python3
"""Drives the rows of tests/vectors/hostile_inputs.csv and http_correctness.csv over real sockets against the real binary, in
front of a recording upstream and of real Flask-SocketIO apps, and prints each check, then a table of the rows: how often tried,
how often it came as expected, how often it differed.

    hostile.py BINARY [ID...]           only these rows
    hostile.py BINARY --differences     without the checks that are right

A row is driven, or has a unit test that is really there. The number in the last column of its line (a status, a close code) must
be among what its checks expect, or ON_PURPOSE says why not. The exit code is 1 when anything differs.
"""
import concurrent.futures
import csv
import hashlib
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

from judge import Judge
from recorder import Recorder
from rig import ROOT, Rig
from rows import AS_IN, DRIVEN, ON_PURPOSE, PENDING, SLOW, UNIT_TESTS, Bench, either, ids_of
import rows_compression  # noqa: F401
import rows_correctness  # noqa: F401
import rows_correctness_websocket  # noqa: F401
import rows_guard  # noqa: F401
import rows_http  # noqa: F401
import rows_keys  # noqa: F401
import rows_operator  # noqa: F401
import rows_resources  # noqa: F401
import rows_socketio  # noqa: F401
import rows_websocket  # noqa: F401
from credentials import flask_cookie, jwt
from raw import websocket

TABLES = ("hostile_inputs.csv", "http_correctness.csv")

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
  - name: quick
    match: {event: quick}
    id: ack
    timeout: 400ms
    fallback: {ack: [fallback]}
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
WATCHED = """
admin: {{listen: 127.0.0.1:0, token: {token}}}
logging: {{level: debug, format: json}}
"""
# The longest deadlines, shortened: nobody needs 75 s to see that there is an end. And a bound on messages.
HASTY = """
upstream: {{url: "{url}", handshake_timeout: 2s, response_timeout: 2s, connect_timeout: 1s}}
limits: {{keepalive_timeout: 3s, message_timeout: 3s, message_rate: 500/s, slow_client_timeout: 5s}}
resume: {{upstream: {{hold: 3s}}}}
"""
CHOOSY = """
socketio: {allowed_events: [chat]}
websockets: [{path: /text, format: json, objects_only: false, binary: false}]
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


JUDGED = """
cors: {{allowed_origins: [same-origin]}}
auth:
  protect: [/]
  any_of:
    - forward: {{url: "{url}", timeout: 500ms, copy_headers: [X-Auth-User, X-Auth-Groups], interactive: {interactive}}}
  refuse_with: http
"""


def set_up(rig):
    recorder = Recorder()
    judge = Judge()
    apps = {"real": rig.app("eventlet"), "gevent": rig.app("gevent")}
    private, public = (os.path.join(rig.directory, name) for name in ("rsa.pem", "rsa.pub.pem"))
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    with open(public) as file:
        public_pem = file.read()
    secrets = {"flask": rig.file("flask.key", FLASK_KEY), "jwt": rig.file("jwt.key", JWT_KEY), "token": hashlib.sha256(TOKEN.encode()).hexdigest()}
    configurations = {  # name -> (whose upstream, the rest)
        "plain": (recorder, PLAIN),
        "small": (recorder, "limits: {max_body: 1MiB}\n"),
        "origins": (recorder, ORIGINS),
        "trusting": (recorder, TRUSTING),
        "guarded": (recorder, GUARDED.format(**secrets, connect="", refuse_with="http", failed_rate="off")),
        "guessed": (recorder, GUARDED.format(**secrets, connect="token", refuse_with="http", failed_rate="10/m")),
        "connect": (recorder, GUARDED.format(**secrets, connect="token", refuse_with="connect_error", failed_rate="off")),
        "watched": (recorder, WATCHED.format(token=rows_operator.ADMIN_TOKEN) + GUARDED.format(**secrets, connect="token", refuse_with="connect_error", failed_rate="off")),
        "rsa": (recorder, RSA.format(public=public)),
        "judged": (recorder, JUDGED.format(url=judge.url, interactive="false")),
        "interactive": (recorder, JUDGED.format(url=judge.url, interactive="true")),
        "real": (apps["real"], ""),
        "gevent": (apps["gevent"], ""),
        "unread": (apps["real"], "limits: {slow_client_timeout: 5s}\n"),
        "hasty": (recorder, HASTY.format(url=recorder.url)),
        "limited": (recorder, LIMITED),
        "choosy": (recorder, CHOOSY),
        "idle": (recorder, ""),
        "crowded": (recorder, "limits: {max_connections: 10}\n"),
        "starved": (recorder, ""),
        "lonely": (recorder, "limits: {per_ip: 3}\n"),
    }
    forestays = {name: rig.forestay(upstream.url, config, name) for name, (upstream, config) in configurations.items()}
    extra = {"flask key": FLASK_KEY, "jwt key": JWT_KEY, "token": TOKEN, "public pem": public_pem, "private pem file": private,
             "cookie": flask_cookie({"_user_id": "alice"}, FLASK_KEY), "other cookie": flask_cookie({"_user_id": "mallory"}, FLASK_KEY),
             "jwt": jwt({"sub": "bob", "exp": int(time.time()) + 3600}, JWT_KEY)}
    return Bench(rig, recorder, apps, forestays, extra)


class Outcomes:
    """What came of each check, printed as it comes, and summed up by row."""

    def __init__(self, only_differences):
        self.only_differences = only_differences
        self.rows = {}      # id -> [as expected, differed]
        self.expected = {}  # id -> the numbers in what its checks expect
        self.checks = self.differences = 0
        self.lock = threading.Lock()

    def check(self, ids, what, got, expected):
        right = got in expected if isinstance(expected, either) else got == expected
        with self.lock:
            self.checks += 1
            self.differences += not right
            for name in ids:
                self.rows.setdefault(name, [0, 0])[not right] += 1
                self.expected.setdefault(name, set()).update(re.findall(r"\d+", str(expected)))
            if not right or not self.only_differences:
                alternatives = " or ".join(map(str, expected)) if isinstance(expected, either) else expected
                label = "" if what.startswith(ids[0]) else f"{ids[0] if len(ids) == 1 else f'{ids[0]}-{ids[-1]}'}: "
                print(f"{'ok' if right else 'DIFFERS':8}{(label + what)[:70]:72}expected {alternatives}; got {str(got)[:400]}", flush=True)

    def run(self, registered, function, bench, seconds):
        started = time.monotonic()
        try:
            for what, got, expected in function(bench):
                self.check(ids_of(what, registered), what, got, expected)
        except Exception as error:  # whatever a peer's surprise makes of the test is a difference
            place = error.__traceback__
            while place.tb_next:
                place = place.tb_next
            where = f"line {place.tb_lineno} of {os.path.basename(place.tb_frame.f_code.co_filename)}"
            self.check(registered, "(the rest)", f"{type(error).__name__}: {error} ({where})", "no surprise")
        seconds[function.__name__] = time.monotonic() - started


def problem_of(name, line, outcomes):
    """What is wrong with the way a row is tested, if anything."""
    driven = name in DRIVEN or name in AS_IN
    if driven and not sum(tried(name, outcomes)):
        return "no check counts for it"
    if name in UNIT_TESTS and not unit_test_exists(*UNIT_TESTS[name][:2]):
        return "its unit test is not there"
    if not driven and name not in UNIT_TESTS:
        return "" if name in PENDING else "neither driven nor tested"
    said = set(re.findall(r"\d+", line["status_or_close"]))
    expected = set().union(*(outcomes.expected.get(each, ()) for each in (name, *AS_IN.get(name, ()))))
    other = bool(driven and said and not said & expected)
    if other != (name in ON_PURPOSE) and (other or said):
        return f"the table says {line['status_or_close']}, and nothing says why we differ" if other else "it does what the table says: no excuse is needed"
    return ""


def tried(name, outcomes):
    """(as expected, differed)"""
    counts = [outcomes.rows.get(each, (0, 0)) for each in (name, *AS_IN.get(name, ()))]
    return tuple(map(sum, zip(*counts)))


def unit_test_exists(program, case):
    """Looked up in the sources of the program: CMake names it in the folder where they are."""
    for folder, _, files in os.walk(os.path.join(ROOT, "tests")):
        if "CMakeLists.txt" in files:
            with open(os.path.join(folder, "CMakeLists.txt")) as file:
                if f"forestay_test({program} " in file.read():
                    return any(f"BOOST_AUTO_TEST_CASE({case})" in open(os.path.join(below, name)).read()
                               for below, _, names in os.walk(folder) for name in names if name.endswith(".cpp"))
    return False


def print_table(known, outcomes):
    """One line for each row. Returns how many differ."""
    print(f"\n{'row':8}{'tried':>7}{'as expected':>13}{'differed':>10}  how")
    rows = {"sockets": 0, "unit test": 0, "pending": 0}
    right_sum = wrong_sum = 0
    for name, line in known.items():
        right, wrong = tried(name, outcomes)
        problem = problem_of(name, line, outcomes)
        wrong += bool(problem)
        notes = [f"as {' '.join(AS_IN[name])}"] if name in AS_IN else []
        if name in UNIT_TESTS:
            program, case, why = UNIT_TESTS[name]
            notes.append(f"{program}: {case} ({why})")
        notes += [f"on purpose: {ON_PURPOSE[name]}"] if name in ON_PURPOSE else []
        notes += [f"PROBLEM: {problem}"] if problem else []
        sockets = name in DRIVEN or name in AS_IN
        kind = "sockets" if sockets else "unit test" if name in UNIT_TESTS else f"waits for {PENDING.get(name)}"
        rows["sockets" if sockets else "unit test" if name in UNIT_TESTS else "pending"] += 1
        how = kind + "".join(f"; {note}" for note in notes)
        print(f"{name:8}{right + wrong if sockets or wrong else '-':>7}{right if sockets else '-':>13}{wrong:>10}  {how}")
        right_sum, wrong_sum = right_sum + right, wrong_sum + wrong
    print(f"{'total':8}{right_sum + wrong_sum:>7}{right_sum:>13}{wrong_sum:>10}  {len(known)} rows: {rows['sockets']} driven over sockets, {rows['unit test']} by a unit test alone, {rows['pending']} wait; "
          f"{outcomes.checks} checks, of which some count for several rows")
    return wrong_sum


def well(bench, outcomes):
    """After all of it everybody still serves."""
    for name, forestay in bench.forestays.items():
        outcomes.check(["after"], f"forestay {name} runs", forestay.child.poll(), None)
    for name, app in bench.apps.items():
        try:
            with websocket(bench.port(name), [("Origin", "http://app.example")]) as connection:
                connection.send_text('42["echo","well"]')
                got = connection.read_text()
            with urllib.request.urlopen(app.url, timeout=5) as answer:
                answer.read()
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
        outcomes.check(["after"], f"Flask-SocketIO answers ({name})", got, '42["echo","well"]')


def main():
    flags = [argument for argument in sys.argv[2:] if argument.startswith("--")]
    wanted = [argument for argument in sys.argv[2:] if not argument.startswith("--")]
    known = {}
    for table in TABLES:
        with open(os.path.join(ROOT, "tests/vectors", table), newline="") as file:
            known.update((line["id"], line) for line in csv.DictReader(file) if not wanted or line["id"] in wanted)
    needed = set(known).union(*(AS_IN.get(name, ()) for name in known))
    functions = {}
    for name, function in DRIVEN.items():
        if name in needed:
            functions.setdefault(function, []).append(name)

    outcomes, seconds = Outcomes("--differences" in flags), {}
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        bench = set_up(rig)
        slow = {function: ids for function, ids in functions.items() if SLOW.intersection(ids)}
        with concurrent.futures.ThreadPoolExecutor(max(1, len(slow))) as pool:
            waiting = [pool.submit(outcomes.run, ids, function, bench, seconds) for function, ids in slow.items()]
            for function, ids in functions.items():
                if function not in slow:
                    outcomes.run(ids, function, bench, seconds)
            if waiting:
                print("(waiting for the rows with long deadlines)", flush=True)
        well(bench, outcomes)
    if "--seconds" in flags:
        print(*(f"{took:6.1f} s {name}" for name, took in sorted(seconds.items(), key=lambda each: -each[1])[:20]), sep="\n")
    differed = print_table(known, outcomes) + sum(wrong for name, (_, wrong) in outcomes.rows.items() if name not in known)
    print(f"\n{differed} differed")
    return 1 if differed else 0


if __name__ == "__main__":
    sys.exit(main())
