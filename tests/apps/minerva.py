#!/usr/bin/python3
"""Minerva: a legacy chat on Flask-SocketIO under gevent, for the pack of that name (rules/packs/minerva.yaml).

    minerva.py [--port N] [--ping-interval S] [--ping-timeout S] [--secret-key KEY] LOG

It thinks as long as the text says: "takes 0.3" that many seconds, showing progress on the way in Think Tank mode; "silent"
shows none; to "no answer" it says nothing. It thinks about four things at a time: more Think Tank questions wait inside
it. GET /login?user=NAME gives the session cookie, GET /most how many of them it ever had at once, waiting or not, POST
/say?text=TEXT says something to everybody.
"""
from gevent import monkey
monkey.patch_all()

import re  # noqa: E402: gevent comes first
import time  # noqa: E402

from flask import Flask, jsonify, request, session  # noqa: E402
from flask_socketio import SocketIO  # noqa: E402
from gevent import pywsgi  # noqa: E402
from gevent.lock import BoundedSemaphore  # noqa: E402
from geventwebsocket.handler import WebSocketHandler  # noqa: E402

from serving import Log, read_options, say_port  # noqa: E402

options = read_options(ping_interval=5.0, ping_timeout=5.0, secret_key="a key of Minerva's own")
log = Log(options.log)
app = Flask(__name__)
app.secret_key = options.secret_key
socketio = SocketIO(app, async_mode="gevent", ping_interval=options.ping_interval, ping_timeout=options.ping_timeout)
thinking = {"now": 0, "most": 0}
room_to_think = BoundedSemaphore(4)


@app.route("/login")
def login():
    session["_user_id"] = request.args["user"]
    return "welcome\n"


@app.route("/most")
def most():
    return jsonify(thinking["most"])


@app.route("/say", methods=["POST"])
def say():
    socketio.emit("announcement", {"text": request.args["text"]})
    return "said\n"


@socketio.on("connect")
def connected(auth=None):
    log.heard(event="connect", user=request.headers.get("X-Minerva-User"), auth=auth)


@socketio.on("disconnect")
def disconnected():
    log.heard(event="disconnect", user=request.headers.get("X-Minerva-User"))


@socketio.on("chat_message")
def chat(message):
    log.heard(event="chat_message", message_id=message.get("message_id"), mode=message.get("mode"))
    if "no answer" in message["text"]:
        return
    if message.get("mode") == "think_tank":
        thinking["now"] += 1
        thinking["most"] = max(thinking.values())
        with room_to_think:
            think(message, step=0.15)
        thinking["now"] -= 1
    else:
        think(message, step=None)
    socketio.emit("response", {"message_id": message["message_id"], "status": "ok", "model": message.get("model"),
                               "text": f"An answer to: {message['text']}"}, to=request.sid)


def think(message, step):
    text = message["text"]
    takes = re.search(r"takes ([\d.]+)", text)
    seconds = float(takes[1]) if takes else 0
    steps = 1 if step is None or "silent" in text else max(1, round(seconds / step))
    begun = time.monotonic()
    for number in range(1, steps + 1):
        socketio.sleep(max(0, begun + seconds * number / steps - time.monotonic()))
        if steps > 1 and number < steps:
            socketio.emit("progress", {"message_id": message["message_id"], "step": number, "of": steps}, to=request.sid)


if __name__ == "__main__":
    server = pywsgi.WSGIServer(("127.0.0.1", options.port), app, handler_class=WebSocketHandler, log=None, backlog=512)
    server.start()
    say_port(server.server_port)
    server.serve_forever()
