#!/usr/bin/python3
"""A Flask-SocketIO app with rooms, under eventlet, to be killed and started again on the same port.

    rooms_app.py PORT        0: any free one. Prints {"port": N} when it listens.

GET /members?room=R says how many are in the room, POST /tell?room=R&number=N broadcasts to it.
"""
import json
import os
import sys

import eventlet
import eventlet.wsgi
from flask import Flask, jsonify, request
from flask_socketio import SocketIO, join_room

app = Flask(__name__)
socketio = SocketIO(app, async_mode="eventlet", ping_interval=3, ping_timeout=3)


@socketio.on("join")
def join(message):
    """Answers twice: by an event that names the sid, and by the ack."""
    join_room(message["room"])
    socketio.emit("joined", {"room": message["room"], "sid": request.sid}, to=request.sid)
    return {"room": message["room"]}


@socketio.on("whisper")
def whisper(message):
    """To one client, by its sid, which others know from `joined` of each or from `from`."""
    socketio.emit("whispered", {"from": request.sid, "to": message["to"], "text": message["text"]}, to=message["to"])


@socketio.on("barrier")
def barrier(*_):
    return "passed"


@app.route("/members")
def members():
    rooms = socketio.server.manager.rooms.get("/", {})  # get_participants() knows no empty room
    return jsonify(len(rooms.get(request.args["room"], ())))


@app.route("/tell", methods=["POST"])
def tell():
    socketio.emit("told", int(request.args["number"]), to=request.args["room"])
    return "told\n"


if __name__ == "__main__":
    listener = eventlet.listen(("127.0.0.1", int(sys.argv[1])), backlog=512)
    print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
    eventlet.wsgi.server(listener, app, log_output=False)
