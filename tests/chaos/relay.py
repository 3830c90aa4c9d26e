#!/usr/bin/python3
"""The network between the clients and whatever they talk to: a TCP relay with a port for each client. It passes on what it
reads, chunk by chunk, and between two chunks things happen to a client's connections, decided by the seed alone:

    cut        both ends see a FIN
    reset      both ends see a RST
    stalled    nothing moves for some seconds, then everything goes on
    half-open  from now on bytes vanish in both directions, and neither end is told, not even when the other one closes

    relay.py --target PORT --clients N --seed N --seconds S --facts FILE

Prints its ports. SIGUSR1: trouble begins, and ends after S seconds.
"""
import argparse
import asyncio
import json
import random
import resource
import signal
import socket
import struct
import sys
import time

KINDS = ("cut", "reset", "stalled", "half-open")
BETWEEN = (4, 12)     # seconds from one trouble of a client to its next
STALL = (1, 5)        # seconds
CHUNK_BYTES = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """One connection of a client, and the one to the target that it became."""

    def __init__(self, near, far):
        self.writers = (near, far)
        self.moving = asyncio.Event()
        self.moving.set()
        self.vanished = False

    async def pump(self, reader, writer):
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await self.moving.wait()
                if not self.vanished:
                    writer.write(chunk)
                    await writer.drain()
            await self.moving.wait()
            if not self.vanished:
                self.cut()
        except OSError:
            if not self.vanished:
                self.reset()

    def cut(self):
        for writer in self.writers:
            writer.close()

    def reset(self):
        for writer in self.writers:
            if end := writer.get_extra_info("socket"):
                if end.fileno() >= 0:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()

    async def stall(self, seconds):
        self.moving.clear()
        await asyncio.sleep(seconds)
        self.moving.set()


class Line:
    """A client's way to the target: a port, and the links that are open."""

    def __init__(self, target, number, seed):
        self.target = target
        self.number = number
        self.links = set()
        self.random = random.Random(f"{seed}-{number}")
        self.stalls = set()

    async def listen(self):
        server = await asyncio.start_server(self.accepted, "127.0.0.1", 0, backlog=128)
        return server.sockets[0].getsockname()[1]

    async def accepted(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()  # nobody listens there
            return
        link = Link(writer, far_writer)
        self.links.add(link)
        await asyncio.gather(link.pump(reader, far_writer), link.pump(far_reader, writer))
        self.links.discard(link)

    async def trouble(self, end, write):
        await asyncio.sleep(self.random.uniform(0, BETWEEN[1]))
        while time.monotonic() < end:
            kind, seconds, pause = self.random.choice(KINDS), self.random.uniform(*STALL), self.random.uniform(*BETWEEN)
            links = [link for link in self.links if not link.vanished]
            write(what="trouble", t=round(time.monotonic(), 4), client=self.number, kind=kind, links=len(links))
            for link in links:
                if kind == "cut":
                    link.cut()
                elif kind == "reset":
                    link.reset()
                elif kind == "stalled":
                    stall = asyncio.ensure_future(link.stall(seconds))
                    self.stalls.add(stall)
                    stall.add_done_callback(self.stalls.discard)
                else:
                    link.vanished = True
            await asyncio.sleep(pause)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--facts", required=True)
    options = parser.parse_args()

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    begin = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, begin.set)
    lines = [Line(options.target, number, options.seed) for number in range(options.clients)]
    print(json.dumps({"ports": [await line.listen() for line in lines]}), flush=True)
    await begin.wait()
    with open(options.facts, "w", buffering=1) as facts:
        def write(**fact):
            facts.write(json.dumps(fact) + "\n")
        end = time.monotonic() + options.seconds
        await asyncio.gather(*(line.trouble(end, write) for line in lines))
        await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(main())
