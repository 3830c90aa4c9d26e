#!/usr/bin/python3
"""The story of the pack advakod: python3-websockets and a FastAPI app under uvicorn. Pings come every second here.

    advakod_test.py FORESTAY
"""
import asyncio
import json
import os
import sys
import time
import urllib.request

from story import Checks, Rig, Talker, heard, refusal, start_app, start_forestay, until

from raw import PING, Closed, Connection

SETTINGS = {
    "requests.chat.timeout": "700ms",
    "heartbeat": "{ping_interval: 1s, ping_timeout: 1s}",
    "limits.slow_client_timeout": "1s",
    "resume.client.hold": "3s",
}


async def normal_use(checks, app, url):
    alice = await Talker.open(url)
    hello = await alice.hear(type="connection_established")
    await alice.say(type="chat_message", request_id="m-1", content="May I?")
    answer = await alice.hear(type="chat_response")
    checks.expect(answer.get("content") == "6 letters" and answer.get("message_id") == 1, "a question gets the app's answer, numbered", answer)
    await alice.say(type="chat_message", request_id="m-2", content="no answer")
    answer = await alice.hear(type="chat_error")
    checks.expect(answer.get("code") == "timeout" and answer.get("request_id") == "m-2", "or the fallback", answer)
    await alice.say(type="chat_message", request_id="m-3")
    answer = await alice.hear(type="error")
    checks.expect(answer.get("code") == "protocol_schema" and not heard(app, request_id="m-3"), "what has no content goes nowhere", answer)
    return alice, hello["session"]


async def sizes(checks, app, url):
    """64 KiB is the message, whatever is in it."""
    ends = await Talker.open(url)
    frame = len(json.dumps({"type": "chat_message", "request_id": "s-1", "content": ""}))
    await ends.say(type="chat_message", request_id="s-1", content="x" * (65536 - frame))
    answer = await ends.hear(type="chat_response")
    checks.expect(answer.get("content") == f"{65536 - frame} letters", "64 KiB are taken", answer)
    await ends.say(type="chat_message", request_id="s-2", content="x" * (65537 - frame))
    code = await ends.ends()
    checks.expect(code == 1009 and not heard(app, request_id="s-2"), "one byte more is not", code)


async def crowd(checks, forestay, url):
    """Alice is one of ten."""
    others = [await Talker.open(url) for _ in range(9)]
    status = await refusal(url)
    checks.expect(status == 429, "the eleventh connection of an address is refused", status)
    await others.pop().leave()
    await asyncio.sleep(0.2)
    status = await refusal(url)
    checks.expect(status is None, "when one has gone there is room again", status)
    for each in others:
        await each.leave()


async def rates(checks, app, url):
    def reached():
        return sum((each["request_id"] or "").startswith("h-") for each in heard(app, event="message"))
    hasty = await Talker.open(url)
    for number in range(64):
        await hasty.say(type="chat_message", request_id=f"h-{number}", content="x")
    await asyncio.sleep(0.8)
    at_once = reached()
    checks.expect(60 <= at_once <= 61, "sixty messages in a minute are taken at once", at_once)
    await until(lambda: reached() == 64, 6)
    answers = sum(bool(await hasty.hear(request_id=f"h-{number}", seconds=1)) for number in range(64))
    checks.expect(reached() == 64 and answers == 64 and hasty.closed is None, "more wait for their turn, one a second; none is lost",
                  f"{reached()} reached the app, {answers} answers, {hasty.closed}")
    await hasty.leave()


async def pings(checks, url, forestay):
    with Connection(forestay.port) as deaf:
        checks.expect(deaf.upgrade("/ws/chat").status == 101, "a client that answers no pings")
        begun, pinged = time.monotonic(), 0
        deaf.wait_at_most(6)
        try:
            while True:
                opcode, _, _ = deaf.read_frame()
                pinged += opcode == PING
        except Closed as closed:
            took, how = time.monotonic() - begun, closed.how
        except TimeoutError:
            took, how = 6, "open"
        checks.expect(pinged and how != "open" and 1.5 < took < 4, "is asked, and given up", f"{pinged} pings, {how} after {took:.1f} s")


async def slow(checks, forestay):
    with Connection(forestay.port) as reader:
        reader.upgrade("/ws/chat")
        reader.send_text(json.dumps({"type": "chat_message", "request_id": "w-1", "content": "flood 300"}))
        begun = time.monotonic()

        def closed():
            return forestay.metric("forestay_client_legs", state="away") + forestay.metric("forestay_session_closes_total", reason="slow_client")
        gone = await until(closed, 6)
        checks.expect(gone, "a client that takes nothing for its time is given up", f"after {time.monotonic() - begun:.1f} s")


async def away(checks, app, url, alice, session):
    told = f"{app.url}/notify?content="
    await alice.say(type="chat_message", request_id="a-1", content="hello")
    last = (await alice.hear(type="chat_response"))["message_id"]
    await alice.vanish()
    await asyncio.sleep(0.1)
    for number in range(3):
        await asyncio.to_thread(lambda: urllib.request.urlopen(urllib.request.Request(f"{told}{number}", method="POST"), timeout=5).close())
    back = await Talker.open(url)
    await back.say(type="reconnect", session=session, last_message_id=last)
    await until(lambda: len(back.heard(type="notification")) == 3)
    got = [(each["message_id"] - last, each["content"]) for each in back.heard(type="notification")]
    checks.expect(got == [(1, "0"), (2, "1"), (3, "2")], "what was said while she was away waited for her", got)
    return back


def statistics(checks, forestay):
    with urllib.request.urlopen(f"{forestay.admin_url}/api/stats", timeout=5) as answer:
        stats = json.load(answer)
    text = json.dumps(stats)
    print(f"         {text[:1500]}")
    checks.expect("chat" in text and "per_ip" in text, "/api/stats tells of the rule and of the limits")


async def loss(checks, rig, app, url, alice):
    await alice.say(type="chat_message", request_id="l-1", content="no answer")
    await asyncio.sleep(0.1)
    rig.stop_hard(app)
    answer = await alice.hear(type="chat_error")
    code = await alice.ends()
    checks.expect(answer.get("code") == "connection_lost" and code == 1013, "the app dies: that is said, then closed", f"{code} {answer}")
    start_app(rig, "advakod", port=app.port)
    alice = await Talker.open(url)
    await alice.say(type="chat_message", request_id="l-1", content="hello")
    answer = await alice.hear(type="chat_response")
    checks.expect(answer.get("content") == "5 letters", "it is back", answer)
    await alice.leave()


async def story(rig, checks):
    app = start_app(rig, "advakod")
    forestay = start_forestay(rig, app, "advakod", settings=SETTINGS)
    url = f"{forestay.url}/ws/chat"
    alice, session = await normal_use(checks, app, url)
    await sizes(checks, app, url)
    await crowd(checks, forestay, url)
    await rates(checks, app, url)
    await pings(checks, url, forestay)
    await slow(checks, forestay)
    await asyncio.sleep(3.5)  # those who are waited for in vain
    alice = await away(checks, app, url, alice, session)
    statistics(checks, forestay)
    await loss(checks, rig, app, url, alice)


def main():
    checks = Checks("The pack advakod")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        asyncio.run(story(rig, checks))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
