#!/usr/bin/python3
"""Forward authentication in front of a real app: a stock client is let in, thrown out when the auth server forgets it, and
comes back when that knows it again. And beside nginx's auth_request, request by request: the same are let in.

    forward_auth_test.py BINARY
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rig import HERE, Checks, Rig

sys.path.insert(0, os.path.join(HERE, "..", "hostile"))
from judge import Judge  # noqa: E402

CONFIG = """
auth:
  protect: [/]
  any_of:
    - forward: {{url: "{url}", copy_headers: [X-Auth-User, X-Auth-Groups], recheck: 1s, timeout: 500ms}}
  refuse_with: {refuse_with}
"""
NGINX = """
daemon off; master_process off; worker_processes 1; error_log stderr; pid {directory}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2; fastcgi_temp_path {directory}/t3; uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      auth_request /verify;
      auth_request_set $user $upstream_http_x_auth_user;
      auth_request_set $groups $upstream_http_x_auth_groups;
      proxy_set_header X-Auth-User $user;
      proxy_set_header X-Auth-Groups $groups;
      proxy_pass {app};
    }}
    location = /verify {{
      internal;
      proxy_pass {judge};
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_read_timeout 1s;
    }}
  }}
}}
"""


class Sessions:
    """An auth server that knows who is logged in."""

    def __init__(self):
        self.users = {}
        self.asked = []
        self.down = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append(dict(self.headers))
                user = outer.users.get(self.headers.get("Cookie", ""))
                self.send_response(500 if outer.down else 200 if user else 401)
                if user and not outer.down:
                    self.send_header("X-Auth-User", user)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def client(url, transport, cookie, seconds):
    return subprocess.Popen(["node", os.path.join(HERE, "forward_auth_client.js"), url, transport, cookie, str(seconds)], stdout=subprocess.PIPE, text=True)


def outcome(process):
    return json.loads(process.communicate(timeout=60)[0])


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def get(url, does):
    asked = urllib.request.Request(f"{url}/headers", headers={"Cookie": f"judge={does}", "X-Auth-User": "root", "X-Auth-Groups": "root"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            headers = json.load(answer)["headers"]
            return answer.status, headers.get("X-Auth-User"), headers.get("X-Auth-Groups")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("WWW-Authenticate"), None


def stock_clients(checks, rig, app):
    sessions = Sessions()
    forestay = rig.forestay(app.url, CONFIG.format(url=sessions.url, refuse_with="http"), "forward")
    for transport in ("websocket", "polling"):
        cookie = f"session={transport}"
        sessions.users[cookie] = "alice"
        running = client(forestay.url, transport, cookie, 9)
        started = len(app.requests())
        checks.expect(wait_for(lambda: forestay.metric("forestay_client_legs", state=transport) == 1), f"{transport}: let in")
        sessions.down = True
        errors = forestay.metric("forestay_forward_auth_total", result="error")
        wait_for(lambda: forestay.metric("forestay_forward_auth_total", result="error") > errors)
        if transport == "websocket":
            checks.expect(forestay.metric("forestay_client_legs", state=transport) == 1, "websocket: an outage of the auth server is survived")
        sessions.down = False
        sessions.users.pop(cookie)
        checks.expect(wait_for(lambda: forestay.metric("forestay_client_legs", state=transport) == 0), f"{transport}: thrown out when it is not known any more")
        sessions.users[cookie] = "alice"
        got = outcome(running)
        checks.expect(got["connects"] >= 2 and got["connected"] and set(got["users"]) == {"alice"}, f"{transport}: back by itself when it is known again", got)
        if transport == "websocket":
            checks.expect(["transport close", 4401] in got["disconnects"], "websocket: the close says 4401", got["disconnects"])
        checks.expect(len(app.requests()) > started, f"{transport}: the app has heard of it")
    secret = [each for each in sessions.asked if "sid=" in str(each) or "Upgrade" in each]
    checks.expect(not secret, "the auth server learns no sid, and of no upgrade", secret[:1])

    before = len(app.requests())
    refusing = rig.forestay(app.url, CONFIG.format(url=sessions.url, refuse_with="connect_error"), "refusing")
    got = outcome(client(refusing.url, "websocket", "session=nobody", 2))
    checks.expect(got["errors"] == ["unauthorized"] and not got["active"] and len(app.requests()) == before, "who is unknown hears it from CONNECT, and stops", got)


def beside_nginx(checks, rig, app):
    judge = Judge()
    forestay = rig.forestay(app.url, CONFIG.format(url=judge.url, refuse_with="http"), "judged")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = rig.file("nginx.conf", NGINX.format(directory=rig.directory, port=port, app=app.url, judge=judge.url))
    nginx = subprocess.Popen([shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"), "-c", config, "-p", rig.directory], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        checks.expect(wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0), "nginx listens")
        for does in ("allow", "deny", "forbid", "500", "404", "login", "closes", "resets", "silent", "not http", "long", "nul"):
            theirs, ours = get(url, does), get(forestay.url, does)
            # It answers an auth server that cannot be asked with 500, we say which side is to blame; of a redirect we say that a login is missing.
            same = theirs == ours if does in ("allow", "deny", "forbid") else theirs[0] >= 500 and ours[0] == (401 if does == "login" else 502 if does in ("not http", "long", "nul") else 503)
            checks.expect(same, f"{does}: nginx {theirs}, forestay {ours}")
    finally:
        nginx.terminate()
        nginx.wait()


def main():
    checks = Checks("Forward authentication")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.app("eventlet")
        stock_clients(checks, rig, app)
        if shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
            beside_nginx(checks, rig, app)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
