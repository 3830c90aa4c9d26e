#!/usr/bin/python3
"""The demo's app: a chat server as many still run in production.

Flask-SocketIO under gevent, without monkey patching, so one handler that blocks holds up everybody. Nothing in here
knows that forestay exists, except the page, which shows the app twice: directly and through forestay.
"""
import argparse
import os
import signal
import time

from flask import Flask, render_template, request, send_from_directory
from flask_socketio import SocketIO, join_room
from gevent import pywsgi
from geventwebsocket.handler import WebSocketHandler

HERE = os.path.dirname(os.path.abspath(__file__))

app = Flask(__name__)
# Short heartbeats, so that what a blocked process does to its clients shows within ten seconds.
socketio = SocketIO(app, async_mode="gevent", cors_allowed_origins="*", ping_interval=5, ping_timeout=4)

report = {"finished": 0.0, "text": ""}


@app.route("/")
def page():
    return render_template("chat.html", direct_port=arguments.direct_port, forestay_port=arguments.forestay_port,
                           network_port=arguments.network_port)


@app.route("/socket.io-client.js")
def stock_client():
    return send_from_directory(os.path.join(HERE, "node_modules/socket.io-client/dist"), "socket.io.min.js")


@app.route("/crash", methods=["POST"])
def crash():
    os.kill(os.getpid(), signal.SIGKILL)


def fast(text):
    return f'You said "{text}".'


def slow(text):
    socketio.sleep(6)
    return f'Process {os.getpid()} thought about "{text}" for 6 seconds.'


def think_tank(text):
    """Waits for a model that never comes back."""
    while True:
        socketio.sleep(3600)


def blocking_report(text):
    """Computes for 15 seconds and lets nobody else run meanwhile. A report younger than 5 seconds is given again."""
    if time.monotonic() - report["finished"] > 5:
        socketio.emit("notice", {"text": "the report is being made"})
        end = time.monotonic() + 15
        rounds = 0
        while time.monotonic() < end:
            rounds += 1
        report.update(finished=time.monotonic(), text=f"The report took {rounds:,} rounds.")
    return report["text"]


MODES = {"fast": fast, "slow": slow, "think_tank": think_tank, "report": blocking_report}


@socketio.on("join")
def join(message):
    join_room(message["room"])


@socketio.on("say")
def say(message):
    socketio.emit("line", {"number": message["number"]}, to=request.sid)


@socketio.on("chat_message")
def chat_message(message):
    answer = MODES[message["mode"]](message["text"])
    socketio.emit("response", {"message_id": message["message_id"], "status": "answered", "text": answer}, to=request.sid)


def push_news():
    """A numbered message a second to everybody in the room. A fresh process knows no rooms and begins with 1."""
    number = 0
    while True:
        socketio.sleep(1)
        number += 1
        socketio.emit("news", {"process": os.getpid(), "number": number}, to="readers")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--direct-port", type=int, default=5000)
    parser.add_argument("--forestay-port", type=int, default=8080)
    parser.add_argument("--network-port", type=int, default=8090)
    arguments = parser.parse_args()
    socketio.start_background_task(push_news)
    server = pywsgi.WSGIServer(("127.0.0.1", arguments.port), app, handler_class=WebSocketHandler, log=None)
    server.start()
    print(f"app: pid {os.getpid()} listens on 127.0.0.1:{arguments.port}", flush=True)
    server.serve_forever()
