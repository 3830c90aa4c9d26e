#!/usr/bin/python3
"""The app that is killed: Debian's Flask-SocketIO, as it comes.

    app.py --port N --life N --facts FILE --ping-interval S --ping-timeout S

Everything it hears and emits is one line of FACTS, written by one unbuffered append: what is there survives SIGKILL, and
what an earlier life has written stays. Prints a line when it listens. SIGUSR1: no more pushes.
"""
import argparse
import json
import os
import random
import signal
import sys
import time

import eventlet
import eventlet.wsgi
from flask import Flask, request
from flask_socketio import SocketIO

PUSH_EVERY = 0.5          # seconds, to each client
ANSWER_WITHIN = (0, 0.6)  # so that some requests are under way whenever it dies

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--life", type=int, required=True)
parser.add_argument("--facts", required=True)
parser.add_argument("--ping-interval", type=float, required=True)
parser.add_argument("--ping-timeout", type=float, required=True)
options = parser.parse_args()

facts = os.open(options.facts, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
app = Flask(__name__)
# Handlers run where they are read, one after the other: what is out of order in the facts was so when it came.
socketio = SocketIO(app, async_mode="eventlet", async_handlers=False,
                    ping_interval=options.ping_interval, ping_timeout=options.ping_timeout)
here = {}    # client -> the sid under which it said hello last
pushed = {}  # client -> how many pushes it was sent in this life
pushing = True


def fact(what, **more):
    line = json.dumps({"what": what, "t": round(time.monotonic(), 4), "life": options.life, **more})
    os.write(facts, line.encode() + b"\n")


@socketio.on("hello")
def hello(data):
    fact("hello", client=data["client"], n=data["n"], sid=request.sid)
    here[data["client"]] = request.sid


@socketio.on("note")
def note(data):
    fact("note", client=data["client"], n=data["n"])
    return {"n": data["n"]}


@socketio.on("ask")
def ask(data):
    fact("ask", id=data["id"])
    eventlet.spawn_after(random.uniform(*ANSWER_WITHIN), socketio.emit, "answer", {"id": data["id"]}, to=request.sid)


@socketio.on("disconnect")
def disconnect():
    for client in [client for client, sid in here.items() if sid == request.sid]:
        del here[client]


def push():
    while pushing:
        eventlet.sleep(PUSH_EVERY)
        for client, sid in list(here.items()):
            pushed[client] = n = pushed.get(client, 0) + 1
            fact("push", client=client, n=n, sid=sid)
            socketio.emit("push", [options.life, n], to=sid)


def counted(wsgi_app):
    """Each new Engine.IO session is a fact."""
    def middleware(environ, start_response):
        if environ["PATH_INFO"].startswith("/socket.io/") and "sid=" not in environ["QUERY_STRING"]:
            fact("handshake")
        return wsgi_app(environ, start_response)
    return middleware


def enough(*_):
    global pushing
    pushing = False


def main():
    signal.signal(signal.SIGUSR1, enough)
    app.wsgi_app = counted(app.wsgi_app)
    # The driver holds the port meanwhile, bound but not listening: between two lives nobody else gets it.
    listener = eventlet.listen(("127.0.0.1", options.port), backlog=1024, reuse_port=True)
    eventlet.spawn(push)
    fact("listening")
    print(json.dumps({"port": options.port}), flush=True)
    eventlet.wsgi.server(listener, app, log_output=False, max_size=10_000)


if __name__ == "__main__":
    sys.exit(main())
