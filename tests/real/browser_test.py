#!/usr/bin/python3
"""Web pages in a real Chromium: whom forestay lets in, whom it refuses, what the page can see of it, and that the app hears
nothing of those that were refused.

    browser_test.py BINARY

Pages of http://app.test (the app's), http://sub.app.test (a neighbour: the same site, another origin), http://evil.test, a
sandbox and a file. Prints why and does nothing when there is no browser (Debian: chromium-headless-shell).
"""
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time

from credentials import flask_cookie, jwt
from rig import HERE, Checks, Process, Rig

EXECUTABLES = ("chromium-headless-shell", "chromium", "google-chrome")
FLASK_KEY = "flask-secret-key-0123456789"
JWT_KEY = "jwt-secret-key-0123456789abcdefghijkl"
POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"

AUTH = """
auth:
  protect: [/socket.io/, /headers]
  any_of:
    - flask_session: {{secret_key_file: {flask}}}
    - jwt: {{algorithms: [HS256], secret_file: {jwt}}}
  identity_headers: {{X-Forwarded-User: sub}}
"""


class Browser(Process):
    def __init__(self, executable, directory):
        super().__init__("browser", ["node", os.path.join(HERE, "browser.js"), executable], directory, stdin=subprocess.PIPE)
        self.version = self.first_line()["version"]

    def ask(self, call, page, cookies=(), frame=False, **argument):
        """What the page saw. `me` is whom the app took it for."""
        order = {"call": call, "page": page, "cookies": list(cookies), "frame": frame, "with": argument}
        self.child.stdin.write(json.dumps(order).encode() + b"\n")
        self.child.stdin.flush()
        saw = self.first_line()
        return {**saw, "me": saw["me"] or {"cookies": None, "headers": {}}} if "me" in saw else saw


class Pages(http.server.BaseHTTPRequestHandler):
    """An empty page at every path and for every Host."""

    def do_GET(self):
        body = b"<!doctype html><title>page</title>"
        if self.path == "/framed":
            body += b'<iframe sandbox="allow-scripts" src="/"></iframe>'
        self.send_response(200)
        if self.path == "/sandboxed":
            self.send_header("Content-Security-Policy", "sandbox allow-scripts")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class World:
    """Who is where. Ports are free ones, so that origins are known only now."""

    def __init__(self, rig, executable):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.page_port = server.server_port
        self.file = "file://" + rig.file("page.html", "<!doctype html><title>page</title>")
        self.browser = rig.started(Browser(executable, rig.directory))
        # The app would refuse pages of other origins by itself; here it must be forestay that does.
        self.app = rig.app("eventlet", cors="*")
        keys = {"flask": rig.file("flask.key", FLASK_KEY), "jwt": rig.file("jwt.key", JWT_KEY)}
        listed = f"[same-origin, {self.page('app.test')}, http://*.app.test:{self.page_port}, https://*.evil.test]"
        self.plain = rig.forestay(self.app.url, "", "plain")
        self.listed = rig.forestay(self.app.url, f"cors: {{allowed_origins: {listed}}}", "listed")
        self.null = rig.forestay(self.app.url, 'cors: {allowed_origins: ["null"]}', "null")
        self.anybody = rig.forestay(self.app.url, 'cors: {allowed_origins: ["*"]}' + AUTH.format(**keys), "anybody")
        self.guarded = rig.forestay(self.app.url, f"cors: {{allowed_origins: {listed}}}" + AUTH.format(**keys), "guarded")
        self.strangers = rig.forestay(self.app.url, 'cors: {allowed_origins: ["*"], allow_credentials: false}', "strangers")

    def page(self, host, path=""):
        return f"http://{host}:{self.page_port}{path}"


def at(forestay, path="", host="app.test", scheme="http"):
    return f"{scheme}://{host}:{forestay.port}{path}"


def cookie(value, name="session", domain="app.test", same_site="Lax", secure=False):
    return {"name": name, "value": value, "domain": domain, "path": "/", "sameSite": same_site, "secure": secure}


def by(transports, **options):
    return {"transports": transports, "withCredentials": True, **options}


class Table(Checks):
    def __init__(self, world):
        super().__init__(f"Web pages in Chromium {world.browser.version}")
        self.world = world

    def allowed(self, saw, text, met):
        """The page got what it asked for, and the app saw what it should."""
        self.expect(met, text, brief(saw))

    def refused(self, forestay, reason, ask, text, failed):
        """The page sees a failure, forestay counts the reason (empty: it is none of the origin), the app hears nothing."""
        heard, counted = len(self.world.app.requests()), forestay.metric("forestay_origin_refused_total", reason=reason)
        saw = ask()
        new = self.world.app.requests()[heard:]
        rose = not reason or self.rises(forestay, reason, counted)
        self.expect(failed(saw) and not new and rose, text,
                    brief(saw) + (f", the app heard {[one['PATH_INFO'] for one in new]}" if new else "") +
                    ("" if rose else f", not counted as {reason}"))

    @staticmethod
    def rises(forestay, reason, counted):
        """A page of numbers is kept for 250 ms: the one that was read before may come once more."""
        deadline = time.monotonic() + 2
        while forestay.metric("forestay_origin_refused_total", reason=reason) <= counted:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def brief(saw):
    """What fits into a line: without bodies; of whom the app takes it for, the cookies."""
    short = {key: value for key, value in saw.items() if value is not None and key not in ("me", "body")}
    if saw.get("connected"):
        short["cookies"] = sorted(saw["me"]["cookies"] or [])
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in short.items())


def no_session(saw):
    return saw.get("connected") is False and saw.get("error") is not None


def no_websocket(saw):
    return saw.get("opened") is False and saw.get("code") == 1006


def no_answer(saw):
    return "failed" in saw


def same_origin(world, table):
    browser, forestay = world.browser, world.plain
    own = cookie("mine", name="theme")
    ask = browser.ask
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        saw = ask("socketio", at(forestay), [own], url=at(forestay), options=by(transports), upgrade=len(transports) > 1)
        table.allowed(saw, f"same origin, {' then '.join(transports)}, with its cookie",
                      saw["connected"] and saw["transport"] == transports[-1] and saw["me"]["cookies"] == {"theme": "mine"})
    heard = len(world.app.requests())
    saw = ask("fetch", at(forestay), [own], url=at(forestay, POLLING))
    table.allowed(saw, "same origin, a polling GET, which has no Origin", saw["status"] == 200 and saw["body"].startswith("0{"))
    saw = ask("fetch", at(forestay), [own], url=at(forestay, "/headers"), init={"headers": {"x-anything": "1"}})
    sent = json.loads(saw["body"])["headers"]
    table.allowed(saw, "same origin, a page of the app", "Origin" not in sent and sent["X-Anything"] == "1")
    table.expect(len(world.app.requests()) > heard, "and the app hears of what is allowed")


def other_origins(world, table):
    ask, closed, listed = world.browser.ask, world.plain, world.listed
    own = [cookie("mine", name="theme")]
    page = world.page("app.test")
    for where, transports in ((page, ["websocket"]), (page, ["polling"]), (page, ["polling", "websocket"]),
                              (world.page("sub.app.test"), ["polling", "websocket"])):
        saw = ask("socketio", where, own, url=at(listed), options=by(transports), upgrade=len(transports) > 1)
        table.allowed(saw, f"listed: {where}, {' then '.join(transports)}, with the cookie",
                      saw["connected"] and saw["me"]["cookies"] == {"theme": "mine"} and saw["me"]["headers"].get("Origin") == where)
    saw = ask("socketio", page, own, url=at(listed), options={"transports": ["polling"]})
    table.allowed(saw, "listed, polling without credentials: no cookie comes", saw["connected"] and saw["me"]["cookies"] == {})

    for forestay, host, why in ((closed, "app.test", "another port"), (closed, "evil.test", "another site"),
                                (listed, "deep.sub.app.test", "two labels where one is allowed"),
                                (listed, "sub.evil.test", "http where https is allowed"),
                                (listed, "evil.test", "not listed")):
        for transport in ("websocket", "polling"):
            table.refused(forestay, "mismatch", lambda f=forestay, h=host, t=transport: ask(
                "socketio", world.page(h), own, url=at(f), options=by([t])), f"refused: {why}, {transport}", no_session)
    table.refused(closed, "mismatch", lambda: ask("websocket", world.page("evil.test"), url=at(closed, "/ws", scheme="ws")),
                  "refused: another site, a websocket that is not Socket.IO", no_websocket)
    # No preflight comes before this one: the write itself must be refused.
    table.refused(closed, "mismatch", lambda: ask("fetch", world.page("evil.test"), url=at(closed, POLLING + "&sid=AAAA"), init={
        "method": "POST", "mode": "no-cors", "headers": {"content-type": "text/plain"}, "body": '42["admin"]'}),
        "refused: another site, a POST that needs no preflight", lambda saw: saw.get("body") == "")
    table.refused(closed, "", lambda: ask("jsonp", world.page("evil.test"), url=at(closed, POLLING + "&j=0")),
                  "refused: a script by JSONP, which has no Origin", lambda saw: saw == {"heard": None, "loaded": False})


def no_origins(world, table):
    ask = world.browser.ask
    places = {"a sandboxed page": {"page": world.page("app.test", "/sandboxed")},
              "a sandboxed frame": {"page": world.page("app.test", "/framed"), "frame": True},
              "a file": {"page": world.file}}
    for name, place in places.items():
        for transport in ("websocket", "polling"):
            table.refused(world.plain, "null", lambda p=place, t=transport: ask("socketio", **p, url=at(world.plain), options=by([t])),
                          f"refused: {name} (Origin: null), {transport}", no_session)
            saw = ask("socketio", **place, url=at(world.null), options=by([transport]))
            table.allowed(saw, f"null is listed: {name}, {transport}", saw["connected"] and saw["me"]["headers"].get("Origin") == "null")


def preflights(world, table):
    ask, listed, guarded = world.browser.ask, world.listed, world.guarded
    page = world.page("app.test")
    token = {"Authorization": "Bearer " + jwt({"sub": "bob", "exp": int(time.time()) + 3600}, JWT_KEY)}
    saw = ask("socketio", page, url=at(guarded), options=by(["polling"], extraHeaders=token))
    table.allowed(saw, "preflight: polling with Authorization", saw["connected"] and saw["me"]["headers"].get("X-Forwarded-User") == "bob")
    table.refused(listed, "", lambda: ask("socketio", page, url=at(listed), options=by(["polling"], extraHeaders={"x-evil": "1"})),
                  "preflight: a header that is not allowed", no_session)
    table.refused(listed, "mismatch", lambda: ask("socketio", world.page("evil.test"), url=at(listed), options=by(["polling"], extraHeaders=token)),
                  "preflight: an origin that is not allowed", no_session)

    # A page of the app behind a credential. What its answer lets the script read is the app's to say.
    url = at(guarded, f"/headers?allow_origin={page}")
    heard = len(world.app.requests())
    saw = ask("fetch", page, url=url, init={"method": "PUT", "headers": token, "body": "x"})
    methods = [one["REQUEST_METHOD"] for one in world.app.requests()[heard:]]
    table.allowed(saw, "preflight: a protected page, PUT with Authorization", saw.get("status") == 200 and methods == ["PUT"])
    table.refused(guarded, "", lambda: ask("fetch", page, url=url), "a protected page without a credential: the script can read the 401",
                  lambda saw: saw.get("status") == 401)
    table.refused(guarded, "mismatch", lambda: ask("fetch", world.page("evil.test"), url=url, init={"method": "PUT", "headers": token}),
                  "preflight: a protected page, an origin that is not allowed", no_answer)
    table.refused(guarded, "", lambda: ask("fetch", page, url=url, init={"headers": {**token, "x-evil": "1"}}),
                  "preflight: a protected page, a header that is not allowed", no_answer)


def hijacking(world, table):
    """A page that uses its visitor's cookie. Only a control that succeeds shows that the attempt is one."""
    ask, session = world.browser.ask, flask_cookie({"_user_id": "alice"}, FLASK_KEY)
    attempts = (
        # Lax cookies go to neighbours, and so do websockets of theirs.
        ("a neighbour, cookie SameSite=Lax", "app.test", world.page("deep.sub.app.test"), cookie(session)),
        # localhost may have Secure cookies without TLS.
        ("another site, cookie SameSite=None", "localhost", world.page("evil.test"),
         cookie(session, domain="localhost", same_site="None", secure=True)))
    for name, host, page, victims in attempts:
        for transport in ("websocket", "polling"):
            saw = ask("socketio", page, [victims], url=at(world.anybody, host=host), options=by([transport]))
            table.allowed(saw, f'hijacking, control with "*": {name}, {transport}: is alice',
                          saw["connected"] and saw["me"]["headers"].get("X-Forwarded-User") == "alice")
            table.refused(world.guarded, "mismatch", lambda h=host, p=page, v=victims, t=transport: ask(
                "socketio", p, [v], url=at(world.guarded, host=h), options=by([t])), f"hijacking: {name}, {transport}", no_session)
    for same_site, transport in (("Lax", "websocket"), ("Lax", "polling"), ("Strict", "websocket")):
        victims = cookie(session, same_site=same_site)
        saw = ask("socketio", world.page("evil.test"), [victims], url=at(world.anybody), options=by([transport]))
        table.expect(not saw["connected"] and saw["error"] == "unauthorized",
                     f'hijacking with "*": another site, cookie SameSite={same_site}, {transport}: Chromium keeps the cookie', brief(saw))
    saw = ask("socketio", world.page("app.test"), [cookie(session, same_site="Strict")], url=at(world.guarded), options=by(["polling", "websocket"]),
              upgrade=True)
    table.allowed(saw, "the app's own page, cookie SameSite=Strict: is alice",
                  saw["connected"] and saw["me"]["headers"].get("X-Forwarded-User") == "alice")


def strangers(world, table):
    """Any origin, but nobody's cookies."""
    ask, forestay = world.browser.ask, world.strangers
    page, own = world.page("evil.test"), [cookie("mine", name="theme", domain="localhost", same_site="None", secure=True)]
    saw = ask("socketio", page, own, url=at(forestay, host="localhost"), options={"transports": ["polling"]})
    table.allowed(saw, '"*" without credentials: polling', saw["connected"] and saw["me"]["cookies"] == {})
    saw = ask("fetch", page, own, url=at(forestay, POLLING, host="localhost"), init={"credentials": "include"})
    table.expect("failed" in saw, '"*" without credentials: a page that sends cookies can not read the answer', brief(saw))


def main():
    executable = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if executable is None:
        print("no Chromium here: apt-get install chromium-headless-shell")
        return 77
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        world = World(rig, executable)
        table = Table(world)
        for part in (same_origin, other_origins, no_origins, preflights, hijacking, strangers):
            part(world, table)
    return table.exit_code()


if __name__ == "__main__":
    sys.exit(main())
