#!/usr/bin/python3
"""A real Flask-SocketIO app to put forestay in front of: Debian's packages, nothing changed.

    app.py eventlet|gevent|threading [--port N] [--ping-interval S] [--ping-timeout S] [--cors ORIGIN] [--log FILE]

Threading is what Flask-SocketIO does by itself: without simple-websocket, which Debian does not have, it knows no
websockets. Listens on a free port of 127.0.0.1 and prints {"port": N} when it does. Writes one JSON line to the log file for every
request it hears, at the moment it hears it. GET /seen?tag=T says what happened to the sessions that connected with the
query ?tag=T.
"""
import argparse
import json
import os
import sys
import time
import zlib

from flask import Flask, Response, jsonify, make_response, request
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO

parser = argparse.ArgumentParser()
parser.add_argument("mode", choices=["eventlet", "gevent", "threading"])
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--ping-interval", type=float, default=25)
parser.add_argument("--ping-timeout", type=float, default=20)
parser.add_argument("--cors", help="the origin, or *, that Flask-SocketIO allows; without: its own")
parser.add_argument("--log")
options = parser.parse_args()

app = Flask(__name__)
# Threads of the handlers would overtake each other: the order in which the app has heard something is looked at.
socketio = SocketIO(app, async_mode=options.mode, ping_interval=options.ping_interval, ping_timeout=options.ping_timeout,
                    async_handlers=options.mode != "threading", cors_allowed_origins=options.cors)

seen = {}          # tag -> what happened
late_answers = []  # ids that were answered after their question had waited long
go = {"events": 0}


def record(**what):
    seen.setdefault(request.args.get("tag", ""), []).append(what)


class Everywhere(Namespace):
    """The same handlers in every namespace."""

    def on_connect(self, auth=None):
        record(what="connect", namespace=self.namespace, sid=request.sid, auth=auth)
        if request.args.get("refuse"):
            raise ConnectionRefusedError("not today", {"code": 7})

    def on_disconnect(self):
        record(what="disconnect", namespace=self.namespace, sid=request.sid)

    def on_echo(self, *args):
        socketio.emit("echo", args, to=request.sid, namespace=self.namespace)

    def on_ack(self, *args):
        return args

    def on_binary(self, data):
        """Bytes come, their reverse goes back: as an event and as the ack."""
        socketio.emit("binary", {"reversed": data[::-1], "length": len(data)}, to=request.sid, namespace=self.namespace)
        return data[::-1]

    def on_broadcast(self, data):
        socketio.emit("broadcast", data, namespace=self.namespace)

    def on_numbers(self, count):
        for number in range(count):
            socketio.emit("number", number, to=request.sid, namespace=self.namespace)

    def on_number(self, number):
        record(what="number", number=number)

    def on_whoami(self, *_):
        return {"cookies": dict(request.cookies), "query": request.args.to_dict(), "headers": dict(request.headers),
                "address": request.remote_addr, "host": request.host, "scheme": request.scheme,
                "namespace": self.namespace, "sid": request.sid}

    def on_where(self, *_):
        return os.getpid()

    def on_leave_me(self):
        """The server ends it: a DISCONNECT packet, after which stock clients do not come back by themselves."""
        socketio.server.disconnect(request.sid, namespace=self.namespace)

    def on_think(self, question):
        """{message_id, after}: answered `after` seconds later, or never when it is null. An event is the answer."""
        self.wait(question)
        socketio.emit("response", {"message_id": question["message_id"], "text": "the app's"}, to=request.sid,
                      namespace=self.namespace)

    def on_think_ack(self, question):
        """The same with the ack as the answer."""
        self.wait(question)
        return {"message_id": question["message_id"], "text": "the app's"}

    @staticmethod
    def wait(question):
        record(what="question", message_id=question["message_id"])
        if question.get("after") is None:
            while True:
                socketio.sleep(3600)
        if question["after"] > 0:
            socketio.sleep(question["after"])
            late_answers.append(question["message_id"])

    def on_block(self, seconds):
        """CPU-bound: nobody else in this process gets a turn.

        Whoever stands in front, python-engineio afterwards ends the sessions of which a ping was in flight, and those
        whose writer has waited for something to send for longer than ping_interval + ping_timeout. So no ping is in
        flight, and everybody is sent something."""
        while any(s.last_ping for s in socketio.server.eio.sockets.values()):
            socketio.sleep(0.001)
        socketio.emit("blocking", seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
        return seconds


for path in ("/", "/custom"):
    socketio.on_namespace(Everywhere(path))


@app.route("/")
def front_page():
    return "front page\n"


@app.route("/seen")
def what_was_seen():
    return jsonify(seen.get(request.args.get("tag", ""), []))


@app.route("/late-answers")
def number_of_late_answers():
    return jsonify(len(late_answers))


@app.after_request
def allow_origin(response):
    """?allow_origin=ORIGIN: an app with CORS of its own."""
    if origin := request.args.get("allow_origin"):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


@app.route("/headers", methods=["GET", "POST", "PUT"])
def headers():
    return jsonify({"method": request.method, "headers": dict(request.headers), "address": request.remote_addr,
                    "host": request.host, "scheme": request.scheme, "target": request.full_path,
                    "body": request.get_data(as_text=True)})


@app.route("/cookies")
def cookies():
    response = make_response("two cookies\n")
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


@app.route("/download")
def download():
    """?bytes=N of zeros; ?length=no leaves Content-Length out."""
    left = int(request.args["bytes"])
    block = bytes(1 << 18)

    def body(left=left):
        while left > 0:
            yield block[:left]
            left -= len(block)
    response = Response(body(), mimetype="application/octet-stream")
    if request.args.get("length") != "no":
        response.content_length = left
    return response


@app.route("/upload", methods=["POST", "PUT"])
def upload():
    stream, size, crc = request.stream, 0, 0
    while block := stream.read(1 << 18):
        size += len(block)
        crc = zlib.crc32(block, crc)
    return jsonify({"bytes": size, "crc32": crc, "content_length": request.headers.get("Content-Length"),
                    "transfer_encoding": request.headers.get("Transfer-Encoding")})


@app.route("/events")
def events():
    """Server-sent events: the next one is sent only when POST /events/go has said so."""
    def stream():
        yield ": open\n\n"
        for number in range(1, 6):
            while go["events"] < number:
                socketio.sleep(0.005)
            yield f"data: {number}\n\n"
    go["events"] = 0
    return Response(stream(), mimetype="text/event-stream")


@app.route("/events/go", methods=["POST"])
def events_go():
    go["events"] += 1
    return "go\n"


def logged(wsgi_app):
    log = open(options.log, "a", buffering=1) if options.log else None

    def middleware(environ, start_response):
        if log:
            line = {key: value for key, value in environ.items() if isinstance(value, str)}
            log.write(json.dumps(line) + "\n")
        return wsgi_app(environ, start_response)
    return middleware


def serve():
    app.wsgi_app = logged(app.wsgi_app)
    if options.mode == "eventlet":
        import eventlet
        import eventlet.wsgi
        listener = eventlet.listen(("127.0.0.1", options.port), backlog=512)
        print(json.dumps({"port": listener.getsockname()[1], "pid": os.getpid()}), flush=True)
        eventlet.wsgi.server(listener, app, log_output=False, max_size=10_000)
    elif options.mode == "threading":
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Silent(WSGIRequestHandler):
            def log_request(self, *_):
                pass
        server = make_server("127.0.0.1", options.port, app, threaded=True, request_handler=Silent)
        print(json.dumps({"port": server.port, "pid": os.getpid()}), flush=True)
        server.serve_forever()
    else:
        from gevent import pywsgi
        from geventwebsocket.handler import WebSocketHandler
        server = pywsgi.WSGIServer(("127.0.0.1", options.port), app, handler_class=WebSocketHandler, log=None, backlog=512)
        server.start()
        print(json.dumps({"port": server.server_port, "pid": os.getpid()}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    sys.exit(serve())
