#!/usr/bin/python3
"""The guard in front of a real app. Wrong origin, no credential, a tampered or expired one: refused, and the app hears no
request at all. The right ones: let in, by every way a credential can come. Nothing secret in any log, metric or answer.

    guard_test.py BINARY
"""
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request

from credentials import flask_cookie, flip, jwt
from raw import Connection, Polling
from rig import HERE, Checks, Rig

FLASK_KEY = "canary-flask-secret-key-0123456789"
JWT_KEY = "canary-jwt-secret-key-0123456789abcdef"
TOKEN = "canary-static-token-0123456789abcdef"
NOW = int(time.time())

COOKIE = flask_cookie({"_user_id": "alice"}, FLASK_KEY)
GOOD_JWT = jwt({"sub": "bob", "exp": NOW + 3600}, JWT_KEY)
EXPIRED_JWT = jwt({"sub": "bob", "exp": NOW - 3600}, JWT_KEY)
COOKIES = {
    "no cookie": None,
    "a tampered cookie": flip(COOKIE),
    "a cookie with another payload": flip(COOKIE, 3),
    "an expired cookie": flask_cookie({"_user_id": "alice"}, FLASK_KEY, age=32 * 86400),
    "a cookie from the future": flask_cookie({"_user_id": "alice"}, FLASK_KEY, age=-3600),
    "a cookie of another app": flask_cookie({"_user_id": "alice"}, "another key"),
    "a cookie without a user": flask_cookie({"theme": "dark"}, FLASK_KEY),
}
TOKENS = {
    "an expired JWT": EXPIRED_JWT,
    "a tampered JWT": flip(GOOD_JWT),
    "a JWT without a signature (alg none)": jwt({"sub": "bob", "exp": NOW + 3600}, JWT_KEY, {"alg": "none"}).rsplit(".", 1)[0] + ".",
    "a JWT without exp": jwt({"sub": "bob"}, JWT_KEY),
    "a JWT of another issuer's key": jwt({"sub": "bob", "exp": NOW + 3600}, "another key, also long enough for HS256"),
    "an unknown static token": flip(TOKEN),
}

CONFIG = """
auth:
  protect: [/socket.io/, /headers]
  any_of:
    - flask_session: {{secret_key_file: {flask}}}
    - jwt: {{algorithms: [HS256], secret_file: {jwt}}}
    - token: {{sha256: [{token}], subject: machine}}
  from: {{header: [authorization], query: [token], cookie: [session], protocol: [bearer], connect: [{connect}]}}
  refuse_with: {refuse_with}
  failed_rate: off
  identity_headers: {{X-Forwarded-User: sub}}
logging: {{level: debug, format: {format}}}
"""

answers = []  # every byte that forestay said to a refused client: no canary may be in it


def keep(response):
    answers.append(f"{response.status} {response.headers} {response.body!r}")
    return response


def polling(port, headers, query=""):
    with Connection(port) as connection:
        return keep(connection.request("GET", f"/socket.io/?EIO=4&transport=polling{query}", headers))


def upgrade(port, headers, query=""):
    with Connection(port) as connection:
        return keep(connection.upgrade(f"/socket.io/?EIO=4&transport=websocket{query}", headers))


def connect_by_polling(port, headers=(), query="", payload=""):
    """What the CONNECT packet is answered with."""
    session = Polling(port, headers, query)
    keep(session.opening)
    if session.sid is None:
        return f"the handshake: {session.opening}"
    keep(session.post(f"40{payload}"))
    return keep(session.get()).body.decode()


def connect_by_websocket(port, headers=(), query="", payload=""):
    with Connection(port) as connection:
        response = keep(connection.upgrade(f"/socket.io/?EIO=4&transport=websocket{query}", headers))
        if response.status != 101:
            return f"the handshake: {response}"
        connection.read_text()
        connection.send_text(f"40{payload}")
        answer = connection.read_text()
        answers.append(answer)
        return answer


def stock_client(url, **options):
    done = subprocess.run(["node", os.path.join(HERE, "guard_client.js"), url, json.dumps(options)], capture_output=True, text=True,
                          timeout=20, check=True)
    return json.loads(done.stdout)


def cookie_headers(cookie):
    own = [("Origin", "http://app.example")]
    return own if cookie is None else [*own, ("Cookie", f"session={cookie}")]


def refusals(checks, app, strict, open_connect):
    """`strict` refuses with HTTP; `open_connect` with CONNECT_ERROR, and takes tokens from the CONNECT payload too."""
    def unheard(met, text, detail=""):
        heard = app.requests()
        checks.expect(met and not heard, text, detail if not heard else f"the app heard {len(heard)} requests, {heard[-1].get('PATH_INFO')}")

    evil = [("Origin", "https://evil.example"), ("Cookie", f"session={COOKIE}")]
    for forestay, name in ((strict, "refuse_with: http"), (open_connect, "refuse_with: connect_error")):
        response = polling(forestay.port, evil)
        unheard(response.status == 403 and not response.get("Access-Control-Allow-Origin"), f"{name}: wrong origin, polling", response)
        unheard((response := upgrade(forestay.port, evil)).status == 403, f"{name}: wrong origin, websocket", response)
        for other in ("null", "http://app.example.evil.com", "http://app.example:81"):
            response = upgrade(forestay.port, [("Origin", other), evil[1]])
            unheard(response.status == 403, f"{name}: Origin {other}", response)
        response = upgrade(forestay.port, [("Cookie", f"session={COOKIE}")])
        unheard(response.status == 403, f"{name}: a cookie without Origin on a websocket", response)
        with Connection(forestay.port) as connection:
            response = keep(connection.request("OPTIONS", "/socket.io/?EIO=4&transport=polling", [("Origin", "https://evil.example"),
                                               ("Access-Control-Request-Method", "POST")]))
        unheard(response.status == 403 and not response.get("Access-Control-Allow-Origin"), f"{name}: preflight of a wrong origin", response)

    for name, cookie in COOKIES.items():
        response = polling(strict.port, cookie_headers(cookie))
        unheard(response.status == 401, f"{name}: polling", response)
        response = upgrade(strict.port, cookie_headers(cookie))
        unheard(response.status == 401, f"{name}: websocket", response)
        for transport, connect in (("polling", connect_by_polling), ("websocket", connect_by_websocket)):
            answer = connect(open_connect.port, cookie_headers(cookie))
            unheard(answer.startswith("44{") and "message" in answer, f"{name}: CONNECT by {transport}", answer)
    for name, token in TOKENS.items():
        response = polling(strict.port, [("Authorization", f"Bearer {token}")])
        unheard(response.status == 401, f"{name}: Authorization", response)
        response = polling(strict.port, [], f"&token={token}")
        unheard(response.status == 401, f"{name}: query", response)
        response = upgrade(strict.port, [("Sec-WebSocket-Protocol", f"bearer, {token}")])
        unheard(response.status == 401, f"{name}: subprotocol", response)
        answer = connect_by_websocket(open_connect.port, payload=json.dumps({"token": token}))
        unheard(answer.startswith("44{"), f"{name}: CONNECT payload", answer)
    with Connection(strict.port) as connection:
        response = keep(connection.request("GET", "/headers"))
    unheard(response.status == 401 and response.get("WWW-Authenticate"), "no cookie: a protected page", response)

    outcome = stock_client(open_connect.url, auth={"token": EXPIRED_JWT})
    unheard(not outcome["connected"] and len(outcome["errors"]) == 1 and not outcome["active"],
            "a stock client with an expired token is told once and stops", str(outcome))
    outcome = stock_client(open_connect.url)
    unheard(not outcome["connected"] and len(outcome["errors"]) == 1, "a stock client without a token is told once and stops", str(outcome))


def admissions(checks, app, strict, open_connect):
    own = ("Origin", "http://app.example")
    response = polling(strict.port, [own, ("Cookie", f"session={COOKIE}")])
    checks.expect(response.status == 200, "the right cookie: polling", response)
    response = polling(strict.port, [("Cookie", f"session={COOKIE}")])
    checks.expect(response.status == 200, "the right cookie, polling GET without Origin as browsers send it", response)
    response = upgrade(strict.port, [own, ("Cookie", f"theme=dark; session={COOKIE}")])
    checks.expect(response.status == 101, "the right cookie: websocket", response)
    response = upgrade(strict.port, [("Authorization", f"Bearer {GOOD_JWT}")])
    checks.expect(response.status == 101, "the right JWT: Authorization, no Origin", response)
    response = upgrade(strict.port, [own], f"&token={GOOD_JWT}")
    checks.expect(response.status == 101, "the right JWT: query", response)
    response = upgrade(strict.port, [own, ("Sec-WebSocket-Protocol", f"bearer, {GOOD_JWT}")])
    checks.expect(response.status == 101 and response.all("Sec-WebSocket-Protocol") == ["bearer"], "the right JWT: subprotocol",
                  f"{response.status} {response.all('Sec-WebSocket-Protocol')}")
    response = polling(strict.port, [("Authorization", f"bearer {TOKEN}")])
    checks.expect(response.status == 200, "the right static token", response)
    outcome = stock_client(open_connect.url, auth={"token": GOOD_JWT})
    checks.expect(outcome["connected"] and not outcome["errors"], "a stock client with the right token in auth", outcome["errors"])
    outcome = stock_client(strict.url, extraHeaders={"Authorization": f"Bearer {GOOD_JWT}", "X-Forwarded-User": "mallory", "X_Forwarded_User": "root"})
    user = (outcome["whoami"] or {}).get("headers", {}).get("X-Forwarded-User")
    checks.expect(user == "bob", "the app is told who it is, whatever the client claims", f"X-Forwarded-User: {user} {outcome['errors']}")
    checks.expect(bool(app.requests()), "and these the app heard", f"{len(app.requests())} requests")


def canaries(checks, forestays):
    signature = [text.rsplit(".", 1)[1] for text in (COOKIE, GOOD_JWT, EXPIRED_JWT)]
    secrets = [FLASK_KEY, JWT_KEY, TOKEN, flip(TOKEN), COOKIE, GOOD_JWT, EXPIRED_JWT, *signature, hashlib.sha256(TOKEN.encode()).hexdigest(),
               *(cookie for cookie in COOKIES.values() if cookie), *TOKENS.values()]
    for forestay in forestays:
        metrics = urllib.request.urlopen(f"{forestay.admin_url}/metrics").read().decode()
        for place, text in (("log", forestay.text()), ("metrics", metrics)):
            found = [secret for secret in secrets if secret in text]
            checks.expect(text and not found, f"{forestay.name}: no secret in its {place} ({len(text)} bytes)", found)
    found = [secret for secret in secrets if any(secret in answer for answer in answers)]
    checks.expect(not found, f"no secret in any of {len(answers)} answers to clients", found)


def main():
    checks = Checks("The guard")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.app("eventlet")
        files = {"flask": rig.file("flask.key", FLASK_KEY), "jwt": rig.file("jwt.key", JWT_KEY),
                 "token": hashlib.sha256(TOKEN.encode()).hexdigest()}
        strict = rig.forestay(app.url, CONFIG.format(**files, connect="", refuse_with="http", format="json"), "strict")
        open_connect = rig.forestay(app.url, CONFIG.format(**files, connect="token", refuse_with="connect_error", format="text"), "connect")
        refusals(checks, app, strict, open_connect)
        origin = sum(f.metric("forestay_origin_refused_total") for f in (strict, open_connect))
        refused = sum(f.metric("forestay_auth_refused_total") for f in (strict, open_connect))
        checks.expect(origin >= 14 and refused >= 50, "refusals are counted", f"{origin:.0f} origins, {refused:.0f} credentials")
        admissions(checks, app, strict, open_connect)
        canaries(checks, (strict, open_connect))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
