"""How the FastAPI apps of this folder are started, and how all of them write down what they hear.

    NAME.py [--port N] [--backlog N] LOG

They listen on that port of 127.0.0.1, or on any free one, print {"port": N} when they do, and append one JSON line to LOG for
each thing that they hear, at the moment at which they hear it.
"""
import argparse
import asyncio
import json
import os
import socket


def read_options(**more):
    """`more`: names and defaults of the app's own options."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--backlog", type=int, default=512)
    for name, default in more.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("log")
    return parser.parse_args()


class Log:
    def __init__(self, path):
        self.file = open(path, "a", buffering=1)

    def heard(self, **what):
        self.file.write(json.dumps(what) + "\n")


def say_port(port):
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)


def serve(app, options):
    import uvicorn

    async def run():
        listening = socket.create_server(("127.0.0.1", options.port), backlog=options.backlog)
        config = uvicorn.Config(app, log_level="warning", ws="websockets", backlog=options.backlog)
        say_port(listening.getsockname()[1])
        await uvicorn.Server(config).serve(sockets=[listening])
    asyncio.run(run())
