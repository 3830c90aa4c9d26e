#!/usr/bin/python3
"""The story of the pack ai_council: python3-websockets and a FastAPI app under uvicorn. A heartbeat comes every second here,
and five minutes are three seconds.

    ai_council_test.py FORESTAY
"""
import asyncio
import os
import sys
import time

from story import Checks, Rig, Talker, heard, refusal, start_app, start_forestay, until

from credentials import flip, jwt

KEY = "council-jwt-secret-key-0123456789abcdef"
SETTINGS = {
    "requests.question.timeout": "4s",
    "requests.question.idle_timeout": "{first: 1s, next: 800ms}",
    "websockets.heartbeat.interval": "1s",
    "websockets.idle_timeout": "3s",
    "resume.client.hold": "4s",
}


class Member(Talker):
    """A client as the app's page has it: answers heartbeats, acknowledges what it is told to, and comes back."""

    @classmethod
    async def open(cls, url, name="alice", **options):
        member = await super().open(f"{url}?token={jwt({'sub': name, 'exp': int(time.time()) + 600}, KEY)}", **options)
        member.lives = True
        member.answering = asyncio.create_task(member.answer_heartbeats())
        return member

    async def answer_heartbeats(self):
        while self.closed is None:
            if await self.hear(1, type="heartbeat") and self.lives and self.closed is None:
                await self.say(type="heartbeat_response", timestamp=time.time())

    async def ask(self, message_id, text):
        await self.say(type="question", timestamp=time.time(), message_id=message_id, data={"text": text})

    async def verdict(self, message_id, seconds=5, kind="verdict"):
        """The message, however deep its id is."""
        def found():
            return [each for each in self.heard(type=kind) if each["data"].get("in_reply_to") == message_id]
        await until(found, seconds)
        return (found() or [{}])[0]


async def refusals(checks, app, url):
    for what, query in (("without a token", ""), ("with a tampered one", f"?token={flip(jwt({'sub': 'eve', 'exp': 2e9}, KEY))}"),
                        ("with an expired one", f"?token={jwt({'sub': 'eve', 'exp': int(time.time()) - 600}, KEY)}")):
        status = await refusal(f"{url}/ws/r-0{query}")
        checks.expect(status == 401, f"a client {what} is refused", status)
    checks.expect(not heard(app), "and the app has heard nothing", heard(app))


async def normal_use(checks, app, url):
    alice = await Member.open(f"{url}/ws/r-1")
    hello = await alice.hear(type="connection_established")
    checks.expect(hello.get("session_id"), "first comes the session's name", hello)
    await alice.ask("q-1", "tea or coffee")
    verdict = await alice.verdict("q-1")
    opinions = [each["message_id"] for each in alice.heard(type="opinion")]
    checks.expect(verdict.get("data", {}).get("text") == "Decided: tea or coffee" and opinions == [1, 2, 3] and verdict["message_id"] == 4,
                  "three opinions and a verdict, numbered", f"{opinions} {verdict}")
    await alice.ask("q-1", "tea or coffee")
    await until(lambda: len(alice.heard(type="verdict")) == 2)
    asked = len([each for each in heard(app, event="message") if each["message"]["message_id"] == "q-1"])
    checks.expect(asked == 1 and len(alice.heard(type="verdict")) == 2, "the same question again: the same verdict, the council sits once", asked)
    connected = heard(app, event="connect")
    checks.expect(connected == [{"event": "connect", "request_id": "r-1", "user": "alice"}], "the app sees the path and is told who it is", connected)
    return alice, hello


async def heartbeats(checks, app, url, alice):
    silent = await Member.open(f"{url}/ws/r-2", "silent")
    silent.lives = False
    begun = time.monotonic()
    ended = await silent.ends(6)
    took = time.monotonic() - begun
    checks.expect(ended is not None and 2.5 < took < 4, "a client without a sign of life is closed", f"{ended} after {took:.1f} s")
    checks.expect(alice.closed is None, "one that answers heartbeats lives on", alice.closed)
    kinds = {each["message"]["type"] for each in heard(app, event="message")}
    checks.expect(kinds == {"question"}, "the app hears nothing of heartbeats", kinds)


async def fallbacks(checks, app, alice):
    await alice.ask("q-2", "deadlock")
    answer = await alice.verdict("q-2", kind="no_verdict")
    opinions = [each for each in alice.heard(type="opinion") if each["data"]["in_reply_to"] == "q-2"]
    checks.expect(answer.get("data", {}).get("code") == "timeout_idle" and len(opinions) == 3, "opinions, but no verdict: that is said", answer)
    before = len(heard(app, event="message"))
    await alice.say(type="question", timestamp=1, message_id="q-3", data={})
    answer = await alice.hear(type="error")
    checks.expect(answer and answer["data"]["code"] == "protocol_schema" and answer["data"]["in_reply_to"] == "q-3" and
                  len(heard(app, event="message")) == before, "a question without a text is refused", answer)


async def reconnection(checks, app, url):
    first = await Member.open(f"{url}/ws/r-3", "bob")
    hello = await first.hear(type="connection_established")
    connections = len(heard(app, event="connect", request_id="r-3"))
    await first.ask("q-4", "war or peace")
    await until(lambda: len(first.heard(type="opinion")) == 1)
    await first.say(type="ack", timestamp=time.time(), message_id=1, data={})
    await until(lambda: len(first.heard(type="opinion")) == 2)
    await asyncio.sleep(0.05)
    await first.vanish()
    await asyncio.sleep(0.8)  # the third opinion and the verdict come meanwhile
    second = await Member.open(f"{url}/ws/r-3", "bob")
    await second.say(type="reconnect", timestamp=time.time(), session_id=hello["session_id"], last_message_id=1, data={})
    await second.verdict("q-4")
    got = [each["message_id"] for each in second.heard() if isinstance(each.get("message_id"), int)]
    resumed = second.heard(type="connection_established", resumed=True)
    checks.expect(resumed and got == [2, 3, 4], "a connection is lost: what is behind the last acknowledged comes again, in order", f"{got} {resumed}")
    ends = heard(app, event="disconnect", request_id="r-3")
    checks.expect(len(ends) <= len(heard(app, event="connect", request_id="r-3")) - connections, "for the app its client never went", ends)
    await second.ask("q-5", "and now")
    verdict = await second.verdict("q-5")
    checks.expect(verdict.get("message_id") == 8, "and it goes on from there", verdict)
    thief = await Member.open(f"{url}/ws/r-3", "mallory")
    await thief.say(type="reconnect", timestamp=time.time(), session_id=hello["session_id"], last_message_id=0, data={})
    await until(lambda: thief.heard(type="connection_established", resumed=False))
    checks.expect(thief.heard(type="connection_established", resumed=False) and not thief.heard(type="verdict"),
                  "somebody else who knows the session's name gets a fresh one", thief.heard())
    return second, thief


async def loss(checks, rig, app, url, alice):
    await alice.ask("q-6", "to be or not")
    await until(lambda: [each for each in alice.heard(type="opinion") if each["data"]["in_reply_to"] == "q-6"])
    rig.stop_hard(app)
    answer = await alice.verdict("q-6", kind="no_verdict")
    code = await alice.ends()
    checks.expect(answer.get("data", {}).get("code") == "connection_lost" and code == 1013, "the app dies: that is said, then closed", f"{code} {answer}")
    start_app(rig, "ai_council", port=app.port)
    alice = await Member.open(f"{url}/ws/r-4")
    await alice.ask("q-6", "to be or not")
    verdict = await alice.verdict("q-6")
    checks.expect(verdict, "it is back, and decides", verdict)
    await alice.leave()


async def story(rig, checks):
    os.environ["AI_COUNCIL_JWT_SECRET_FILE"] = rig.file("jwt.key", KEY)
    app = start_app(rig, "ai_council")
    forestay = start_forestay(rig, app, "ai_council", settings=SETTINGS)
    await refusals(checks, app, forestay.url)
    alice, _ = await normal_use(checks, app, forestay.url)
    await heartbeats(checks, app, forestay.url, alice)
    await fallbacks(checks, app, alice)
    others = await reconnection(checks, app, forestay.url)
    await loss(checks, rig, app, forestay.url, alice)
    for each in others:
        await each.ends(1)


def main():
    checks = Checks("The pack ai_council")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        asyncio.run(story(rig, checks))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
