"""The groups O (origin), C (cookies), J (JWT), T (tokens), I (identity) and P (upstream misbehaviour)."""
import json
import subprocess
import time

from credentials import base64url, flask_cookie, flip, jwt
from raw import Closed, Connection, Polling, websocket
from rows import close_of, either, row, unit_test

POLL = "/socket.io/?EIO=4&transport=polling"
UPGRADE = "/socket.io/?EIO=4&transport=websocket"
NOW = int(time.time())


def poll(bench, name, *headers, query="", method="GET", body=b""):
    tag = bench.tag()
    with bench.connection(name) as connection:
        response = connection.request(method, f"{POLL}{query}", [*headers, ("X-Tag", tag)], body)
    response.heard = bool(bench.recorder.of(tag))
    return response


def upgrade(bench, name, *headers, query=""):
    tag = bench.tag()
    with bench.connection(name) as connection:
        response = connection.upgrade(f"{UPGRADE}{query}", [*headers, ("X-Tag", tag)])
    response.heard = bool(bench.recorder.of(tag))
    return response


def cookie(bench, which="cookie"):
    return ("Cookie", f"session={bench.extra[which]}")


# The forestay called origins allows https://app.example, https://*.wild.example and the like; nothing is protected there.


def origins(bench, expected, *cases):
    for name, value in cases:
        response = upgrade(bench, "origins", ("Origin", value))
        yield f"{name}: Origin {value.encode('latin-1', 'backslashreplace').decode('ascii', 'backslashreplace')}", (response.status, response.get("Access-Control-Allow-Origin"), response.heard), (expected, None, False)


@row("O01", "O02", "O08", "O09", "O10", "O11", "O12", "O14", "O15", "O16")
def foreign_origins(bench):
    yield from origins(bench, 403, ("O01", "https://evil.example"), ("O02", "null"), ("O08", "https://app.example.evil.com"), ("O09", "https://evilwild.example"),
                       ("O10", "https://wild.example"), ("O10", "https://a.b.wild.example"), ("O11", "https://app.example@evil.com"), ("O11", "https://app.example/path"),
                       ("O11", "https://app.example?q"), ("O11", "https://app.example/"), ("O12", "https://app.example:99999"), ("O12", "https://app.example:0443"),
                       ("O12", "https://app.example:"), ("O14", "https://b\xfccher.example"), ("O14", "https://%61pp.example"), ("O15", "https://app.example."),
                       ("O16", "http://localhost:3000"), ("O16", "http://app.example:81"))


@row("O13")
def several_origins(bench):
    response = upgrade(bench, "origins", ("Origin", "https://app.example"), ("Origin", "https://evil.example"))
    yield "two Origin headers", (response.status, response.heard), either((400, False), (403, False))
    response = upgrade(bench, "origins", ("Origin", "https://app.example https://evil.example"))
    yield "a list", (response.status, response.heard), either((400, False), (403, False))


@row("O03", "O04", "O05", "O06")
def missing_origin(bench):
    yield "O03: websocket with a cookie", upgrade(bench, "origins", ("Cookie", "a=b")).status, 403
    yield "O04: websocket with a bearer token", upgrade(bench, "guarded", ("Authorization", f"Bearer {bench.extra['jwt']}")).status, 101
    yield "O05: polling GET with a cookie", poll(bench, "origins", ("Cookie", "a=b")).status, 200
    yield "O06: polling POST with a cookie", poll(bench, "origins", ("Cookie", "a=b"), method="POST", query="&sid=x", body=b"40").status, 403


@row("O07")
def equal_origins(bench):
    for origin in ("HTTPS://APP.EXAMPLE:443", "https://app.example", "https://a.wild.example"):
        yield origin, upgrade(bench, "origins", ("Origin", origin)).status, 101


@row("O17", "O18")
def preflights(bench):
    for row_id, origin, status, allowed in (("O17", "https://app.example", 204, "https://app.example"), ("O18", "https://evil.example", 403, None)):
        tag = bench.tag()
        with bench.connection("origins") as connection:
            response = connection.request("OPTIONS", POLL, [("Origin", origin), ("Access-Control-Request-Method", "POST"), ("X-Tag", tag),
                                                            ("Access-Control-Request-Headers", "authorization,x-evil")])
        names = (response.get("Access-Control-Allow-Headers") or "").lower()
        yield f"{row_id}: {origin}", (response.status, response.get("Access-Control-Allow-Origin"), "x-evil" in names, bool(bench.recorder.of(tag))), (status, allowed, False, False)


@row("O19")
def simple_post(bench):
    yield "cross-site POST of text/plain", poll(bench, "origins", ("Origin", "https://evil.example"), ("Content-Type", "text/plain"), method="POST", body=b"40").status, 403


@row("O20")
def cacheable(bench):
    response = poll(bench, "origins", ("Origin", "https://app.example"))
    yield "Vary and Cache-Control", ("origin" in (response.get("Vary") or "").lower(), response.get("Cache-Control"), response.get("Access-Control-Allow-Origin")), \
        (True, "no-store", "https://app.example")


@row("O21")
def upstream_cors(bench):
    """Engine.IO answers are ours, and of the app's refusal of a websocket only one set of these headers is left. Pages that are
    not Engine.IO keep what the app says."""
    response = poll(bench, "origins", ("Origin", "https://app.example"))
    yield "polling", (response.all("Access-Control-Allow-Origin"), response.all("Access-Control-Allow-Credentials")), (["https://app.example"], ["true"])
    with bench.connection("origins") as connection:
        response = connection.request("GET", "/bad/cors", [("Origin", "https://app.example")])
    yield "another page", (response.all("Access-Control-Allow-Origin"), response.all("Access-Control-Allow-Credentials")), (["*"], ["false"])


unit_test("C01", "auth_tests", "judges_all_59_vectors_as_flask_does_or_more_strictly", "the vectors carry their own clock")
unit_test("J01", "auth_tests", "judges_all_101_vectors", "the vectors carry their own clock")

OWN = ("Origin", "http://app.example")


@row("C02")
def many_cookies(bench):
    many = "; ".join(f"c{i}={'a' * 35}" for i in range(200))
    response = poll(bench, "guarded", OWN, ("Cookie", f"{many}; session={bench.extra['cookie']}"))
    yield "200 cookies in 8 KB, the session last", (response.status, response.heard), either((431, False), (401, False), (400, False))


@row("C03", "C04", "C05", "C06")
def cookies(bench):
    good, bad = bench.extra["cookie"], flip(bench.extra["cookie"])
    key = bench.extra["flask key"]
    starlette = "eyJ1c2VyIjogImFsaWNlIn0=.aVW5AA.li0_auwUOo_hhFpPtx-lss7rG_s"
    for what, value, expected in (("C03: the good one first", f"session={good}; session={bad}", 200), ("C03: the bad one first", f"session={bad}; session={good}", 401),
                                  ("C04: without a user", f"session={flask_cookie({'theme': 'dark'}, key)}", 401),
                                  ("C05: expired by a second", f"session={flask_cookie({'_user_id': 'a'}, key, age=31 * 86400 + 2)}", 401),
                                  ("C05: from the future", f"session={flask_cookie({'_user_id': 'a'}, key, age=-60)}", 401), ("C06: a starlette cookie", f"session={starlette}", 401)):
        response = poll(bench, "guarded", OWN, ("Cookie", value))
        yield what, (response.status, response.heard), (expected, False)


def bearer(bench, token, name="guarded"):
    response = upgrade(bench, name, ("Authorization", f"Bearer {token}"))
    return response.status, response.heard


@row("J02")
def no_algorithm(bench):
    for alg in ("none", "NONE", ""):
        token = jwt({"sub": "bob", "exp": NOW + 3600}, "x", {"alg": alg})
        yield f"alg {alg!r}", bearer(bench, token.rsplit(".", 1)[0] + "."), (401, False)
        yield f"alg {alg!r}, with a signature", bearer(bench, token), (401, False)


@row("J03")
def confused_algorithm(bench):
    """The forestay called rsa knows an RSA public key only; its PEM is no secret and must not serve as one."""
    token = jwt({"sub": "bob", "exp": NOW + 3600}, bench.extra["public pem"])
    yield "HS256 with the public PEM", bearer(bench, token, "rsa"), (401, False)
    signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "RS256"}, {"sub": "bob", "exp": NOW + 3600}))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", bench.extra["private pem file"]], input=signed.encode(), capture_output=True, check=True).stdout
    yield "RS256 as it should be", bearer(bench, f"{signed}.{base64url(signature)}", "rsa")[0], 101


@row("J07", slow=True)
def expiry(bench):
    token = jwt({"sub": "bob", "exp": int(time.time()) + 3}, bench.extra["jwt key"])
    with websocket(bench.port("guarded"), [OWN], f"&token={token}") as connection:  # leeway: 1s
        started = time.monotonic()
        yield "a live connection", (close_of(connection, 10), 1.5 < time.monotonic() - started < 7), (4401, True)


@row("T01", "T02")
def places(bench):
    token = bench.extra["jwt"]
    other = jwt({"sub": "eve", "exp": NOW + 3600}, bench.extra["jwt key"])
    response = poll(bench, "rsa", query=f"&token={token}")
    yield "T01: in the query, which is not enabled", (response.status, response.heard), (401, False)
    response = poll(bench, "guarded", ("Authorization", f"Bearer {token}"), query=f"&token={other}")
    yield "T02: different ones in query and header", (response.status, response.heard), either((400, False), (401, False))


@row("T03", "T04", "T05")
def bearers(bench):
    token, fixed = bench.extra["jwt"], bench.extra["token"]
    auth = "Authorization"
    for what, headers, expected in (("T03: twice", [(auth, f"Bearer {token}"), (auth, f"Bearer {fixed}")], either(400, 401)), ("T03: two words", [(auth, f"Bearer {token} b")], 401),
                                    ("T03: lower case", [(auth, f"bearer {token}")], 200), ("T04: static token", [(auth, f"Bearer {fixed}")], 200),
                                    ("T04: static token, one byte wrong", [(auth, f"Bearer {flip(fixed, -1)}")], 401),
                                    ("T05: a token of over 16 KB", [(auth, f"Bearer {'a' * 16_390}")], either(401, 431)), ("T05: a token of 15 KB", [(auth, f"Bearer {'a' * 15_000}")], 401)):
        yield what, poll(bench, "guarded", *headers).status, expected


@row("T06")
def guesses(bench):
    """The forestay called guessed lets an address bring ten bad credentials a minute."""
    answers = [poll(bench, "guessed", ("Authorization", f"Bearer guess{i}")) for i in range(50)]
    yield "the first nine are judged", [answer.status for answer in answers[:9]], [401] * 9
    yield "the last forty are not", {answer.status for answer in answers[10:]}, {429}
    yield "nor does the app hear of any", [answer.heard for answer in answers], [False] * 50
    yield "how long", 50 <= int(answers[-1].get("Retry-After") or 0) <= 60, True
    good = poll(bench, "guessed", ("Authorization", f"Bearer {bench.extra['jwt']}"))
    yield "nor is a good one", (good.status, good.heard), (429, False)
    yield "a cookie is no guess", poll(bench, "guessed", OWN, ("Cookie", f"session={bench.extra['cookie']}")).status, 200
    with bench.connection("guessed") as connection:
        connection.upgrade(UPGRADE, [OWN])
        connection.read_text()
        connection.send_text("40" + json.dumps({"token": bench.extra["jwt"]}))
        yield "in a CONNECT payload", connection.read_text(), '44{"message":"unauthorized","data":{"code":"locked_out"}}'


def judged(bench, does, name="judged"):
    """(status, whether the app heard of it) of a page, of a poll and of both kinds of upgrade, by what the auth server does."""
    said, tag = ("Cookie", f"judge={does}"), bench.tag()
    with bench.connection(name) as connection:
        page = connection.request("GET", f"/page/{tag}", [said, ("X-Tag", tag)])
    with bench.connection(name) as connection:
        plain = connection.upgrade("/plain", [OWN, said, ("X-Tag", tag)])
    others = [poll(bench, name, OWN, said), upgrade(bench, name, OWN, said)]
    return [page.status, *(each.status for each in others), plain.status], any(each.heard for each in others) or bool(bench.recorder.of(tag)), page


@row("T10")
def no_verdict(bench):
    for does in ("500", "404", "silent", "closes", "resets", "half"):
        statuses, heard, _ = judged(bench, does)
        yield f"T10: the auth server: {does}", (statuses, heard), ([503] * 4, False)
    statuses, heard, _ = judged(bench, "deny")
    yield "T10: it says no", (statuses, heard), ([401] * 4, False)
    statuses, heard, _ = judged(bench, "forbid")
    yield "T10: it says never", (statuses, heard), ([403] * 4, False)
    tag = bench.tag()
    with bench.connection("judged") as connection:
        connection.request("GET", f"/page/{tag}", [("Cookie", "judge=allow"), ("X-Tag", tag), ("X-Auth-User", "root"), ("X_Auth_Groups", "root"), ("x-auth-groups", "root")])
    heard = bench.heard(tag)[0]
    yield "T10: it says yes; what the client forged is gone", (heard.all("X-Auth-User"), heard.has("X-Auth-Groups"), heard.has("X_Auth_Groups")), (["alice"], False, False)


@row("T11")
def sent_to_the_login(bench):
    statuses, heard, page = judged(bench, "login")
    yield "T11: a redirect", (statuses, heard, page.get("Location")), ([401] * 4, False, None)
    statuses, heard, page = judged(bench, "login", "interactive")
    yield "T11: a redirect, interactive", (statuses, heard, page.get("Location")), ([302, 401, 401, 401], False, "https://login.example/")


@row("T12")
def odd_verdicts(bench):
    for does in ("cr", "lf", "nul", "folded", "two lengths", "long", "many", "large", "not http"):
        statuses, heard, _ = judged(bench, does)
        yield f"T12: the auth server's answer: {does}", (statuses, heard), ([502] * 4, False)


@row("T07", "T08")
def connect_payload(bench):
    for what, payload in (("T07: a bad token", json.dumps({"token": "nonsense"})), ("T08: no token", ""), ("T08: another field", json.dumps({"key": bench.extra["jwt"]}))):
        tag = bench.tag()
        with bench.connection("connect") as connection:
            status = connection.upgrade(UPGRADE, [OWN, ("X-Tag", tag)]).status
            connection.read_text()
            connection.send_text(f"40{payload}")
            answer = connection.read_text()
        yield what, (status, answer[:3], "message" in answer, bool(bench.recorder.of(tag))), (101, "44{", True, False)
    with bench.connection("connect") as connection:
        connection.upgrade(UPGRADE, [OWN])
        connection.read_text()
        connection.send_text("40" + json.dumps({"token": bench.extra["jwt"]}))
        yield "T07: a good token", connection.read_text()[:3], "40{"


@row("T09", slow=True)
def no_connect(bench):
    names = ("plain", "connect")
    connections = [websocket(bench.port(name), [OWN], namespace=False) for name in names]
    started = time.monotonic()
    for name, connection in zip(names, connections):
        with connection:
            yield f"no CONNECT ({name})", (close_of(connection, 15), 8 < time.monotonic() - started < 13), (1008, True)


def heard_fields(bench, *lines, name="plain", target=None):
    tag = bench.tag()
    bench.raw(tag, bench.head(tag, *lines, "Connection: close", target=target), name)
    heard = bench.heard(tag)
    return heard[0] if heard else None


@row("I01", "I02", "I07")
def forged_identities(bench):
    for field in ("X-Forwarded-User: root", "X-Auth-Request-User: root", "Remote-User: root", "X-Forestay-User: root", "X-Real-IP: 1.2.3.4", "X_FORWARDED_user: root",
                  "x-forwarded-USER: root", "Remote_User: root", "X_Real_IP: 1.2.3.4", "Forwarded: for=1.2.3.4;host=evil.example", "X-Original-URI: /"):
        heard = heard_fields(bench, field)
        yield f"{'I07' if field.startswith('Forwarded') else 'I02' if '_' in field or field[0] == 'x' else 'I01'}: {field}", heard.has(field.split(":")[0]) if heard else "not forwarded", False
    # The app's Engine.IO handshake is another way in.
    tag = bench.tag()
    with websocket(bench.port(), [OWN, ("X-Tag", tag), ("X-Forwarded-User", "root"), ("X_Forwarded_User", "root"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "for=1.2.3.4")]):
        heard = bench.heard(tag)[0]
    yield "on the Engine.IO handshake", (heard.has("X-Forwarded-User"), heard.has("Forwarded"), heard.all("X-Forwarded-Host")), (False, False, ["app.example"])


@row("I03")
def hop_by_hop_abuse(bench):
    tag = bench.tag()
    with bench.connection("guarded") as connection:
        connection.request("GET", f"/private/{tag}", [("Authorization", f"Bearer {bench.extra['jwt']}"), ("X-Forwarded-User", "root"),
                                                      ("Connection", "close, X-Forwarded-User, X-Forwarded-For, Host, X-Named"), ("X-Named", "1")])
    heard = bench.heard(tag)[0]
    yield "Connection: X-Forwarded-User, ...", (heard.all("X-Forwarded-User"), heard.all("X-Forwarded-For"), heard.all("Host"), heard.has("X-Named")), (["bob"], ["127.0.0.1"], ["app.example"], False)


@row("I04", "I06")
def forwarded_by_a_stranger(bench):
    heard = heard_fields(bench, "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https")
    yield "from a stranger", (heard.all("X-Forwarded-For"), heard.all("X-Forwarded-Host"), heard.all("X-Forwarded-Proto")), (["127.0.0.1"], ["app.example"], ["http"])


@row("I05")
def forwarded_by_a_friend(bench):
    """The forestay called trusting believes 127.0.0.0/8 and 10.0.0.0/8."""
    for what, value, client in (("two proxies", "6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"), ("garbage ends the walk", "203.0.113.9, <x>, 10.0.0.7", "10.0.0.7"),
                                ("100 entries, of which 32 are walked", ", ".join(["203.0.113.9"] + ["10.0.0.7"] * 99), "10.0.0.7")):
        heard = heard_fields(bench, f"X-Forwarded-For: {value}", name="trusting")
        yield what, heard.all("X-Forwarded-For")[0].split(",")[0].strip() if heard and heard.all("X-Forwarded-For") else None, client


@row("I08")
def bad_subjects(bench):
    for what, sub in (("CR LF", "bob\r\nX-Admin: 1"), ("NUL", "bob\0"), ("5 KB", "b" * 5000), ("a number", 7), ("none", None), ("empty", "")):
        claims = {"exp": NOW + 3600, **({} if sub is None else {"sub": sub})}
        yield what, bearer(bench, jwt(claims, bench.extra["jwt key"])), (401, False)


@row("I09")
def proxy_protocol(bench):
    tag = bench.tag()
    yield "PROXY header from a stranger", bench.raw(tag, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + bench.head(tag)), either("400 close", "close", "505 close")


@row("P01", "P02", "P03")
def upstream_heads(bench):
    for row_id, name in (("P01", "headers-1mb"), ("P01", "headers-1000"), ("P02", "splitting"), ("P02", "control"), ("P03", "cl-and-te")):
        with bench.connection() as connection:
            response = connection.request("GET", f"/bad/{name}", [OWN])
        yield f"{row_id}: {name}", (response.status, response.all("Set-Cookie")), (502, [])


@row("P04", "P05", "P06", slow=True)
def upstream_legs(bench):
    for row_id, act in (("P04", "masked"), ("P04", "rsv"), ("P05", "huge"), ("P06", "reset"), ("P06", "close-1006")):
        with websocket(bench.port(), [OWN], f"&act={act}") as connection:
            # After a reset the client stays: its session waits for a fresh upstream.
            expected = {"reset": "open", "close-1006": either(1011, 1012)}.get(act, 1011)
            yield f"{row_id}: {act}", close_of(connection), expected


@row("P07", slow=True)
def silent_upstream(bench):
    with Connection(bench.port("hasty"), 15) as connection:
        response = connection.upgrade(f"{UPGRADE}&act=silence", [OWN])
        started = time.monotonic()
        try:
            connection.read_text()
            connection.send_text("40")
        except Closed:
            pass
        # It is tried again until resume.upstream.hold is over.
        yield "101, then silence", (response.status, close_of(connection, 15), time.monotonic() - started < 10), either((101, 1013, True), (504, "close", True))


@row("P08")
def invalid_packets(bench):
    with websocket(bench.port(), [OWN], "&act=invalid") as connection:
        yield "not JSON", connection.read_text(), '42["x",not json]'
    session = Polling(bench.port(), [OWN], "&act=invalid")
    session.post("40")
    texts = session.get().body.decode() + "\x1e"
    yield "not JSON, polling", '42["x",not json]' in texts or '42["x",not json]' in session.get().body.decode(), True


