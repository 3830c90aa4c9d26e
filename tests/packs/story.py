"""What the stories of the rule packs have in common: the app of tests/apps, forestay with the pack and shorter times, and a
client of a JSON websocket (python3-websockets)."""
import asyncio
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "real"))

import websockets  # noqa: E402: none of these is in this folder
from rig import PYTHON, ROOT, Checks, Rig, Upstream  # noqa: E402, F401


def start_app(rig, name, *options, port=0):
    """The app of that name. Started again on the port it had, it goes on with the same log."""
    command = [PYTHON, os.path.join(ROOT, "tests", "apps", f"{name}.py"), "--port", str(port), *map(str, options)]
    return rig.started(Upstream(name, command, rig.directory))


def heard(app, **fields):
    """What the app has heard, as far as it has these fields."""
    return [each for each in app.requests() if all(each.get(key) == value for key, value in fields.items())]


def start_forestay(rig, app, pack, config="", settings=None, name="forestay"):
    """forestay with the pack. `settings` are flags; "requests.RULE.timeout" and "websockets.timeout" (of the first) may be
    written as if names were positions."""
    path = os.path.join(ROOT, "rules", "packs", f"{pack}.yaml")
    with open(path) as file:
        rules = re.findall(r"^  - name: (\w+)$", file.read(), re.MULTILINE)
    flags = []
    for key, value in (settings or {}).items():
        key = re.sub(r"^requests\.([a-z_]+)", lambda rule: f"requests.{rules.index(rule[1])}", key)
        key = re.sub(r"^websockets\.([a-z_])", r"websockets.0.\1", key)
        flags += ["--set", f"{key}={value}"]
    return rig.forestay(app.url, f"include: {path}\n{config}", name, flags)


def waits_for(condition, seconds=5):
    """Its last value: true as soon as it is, or what it was when the time was over."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


async def until(condition, seconds=5):
    """The same, while a Talker goes on listening."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        await asyncio.sleep(0.02)
    return value


class Talker:
    """A stock client of a JSON websocket that keeps what it hears until somebody asks for it.

        talker = await Talker.open(f"{ws_url}/ws", subprotocols=[...])
    """

    @classmethod
    async def open(cls, url, **options):
        talker = cls()
        talker.ws = await websockets.connect(url.replace("http://", "ws://"), max_size=None, **options)
        talker.messages, talker.closed, talker.news = [], None, asyncio.Event()
        talker.listening = asyncio.create_task(talker.listen())
        return talker

    async def listen(self):
        try:
            async for message in self.ws:
                self.messages.append((time.monotonic(), message if isinstance(message, bytes) else json.loads(message)))
                self.news.set()
        except websockets.ConnectionClosed:
            pass
        self.closed = self.ws.close_code
        self.news.set()

    async def say(self, message=None, **fields):
        """An object of these fields, or the text or bytes as they are. When it is closed nobody hears it: see `closed`."""
        try:
            await self.ws.send(json.dumps(fields) if message is None else message)
        except websockets.ConnectionClosed:
            pass

    def heard(self, **fields):
        """Messages that nobody has taken and that have these fields."""
        return [message for _, message in self.messages if matches(message, fields)]

    async def hear(self, seconds=5, **fields):
        """Takes the first message that has these fields; {} when none has come in time."""
        end = time.monotonic() + seconds
        while True:
            for index, (_, message) in enumerate(self.messages):
                if matches(message, fields):
                    del self.messages[index]
                    return message
            self.news.clear()
            if self.closed is not None:
                return {}
            try:
                await asyncio.wait_for(self.news.wait(), end - time.monotonic())
            except asyncio.TimeoutError:
                return {}

    async def ends(self, seconds=5):
        """The code with which it was closed; None while it is open."""
        await until(lambda: self.closed is not None, seconds)
        return self.closed

    async def leave(self):
        await self.ws.close()
        await self.listening

    async def vanish(self):
        """As a network that breaks: no goodbye."""
        self.ws.transport.abort()
        await self.listening


def matches(message, fields):
    return isinstance(message, dict) and all(message.get(key) == value for key, value in fields.items())


async def refusal(url, **options):
    """The HTTP status with which the handshake was refused, or None when it was not."""
    try:
        talker = await Talker.open(url, **options)
    except websockets.InvalidStatusCode as refused:
        return refused.status_code
    await talker.leave()
    return None
