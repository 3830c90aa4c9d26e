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

from story import Checks, Rig, Talker, heard, refusal, start_app, start_forestay, until, waits_for

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
    answers = len([number for number in range(64) if await hasty.hear(request_id=f"h-{number}", seconds=1)])
    checks.expect(reached() == 64 and answers == 64 and hasty.closed is None, "more wait for their turn, one a second; none is lost",
                  f"{reached()} reached the app, {answers} answers, {hasty.closed}")
    await hasty.leave()


def pings(checks, forestay):
    with Connection(forestay.port) as deaf:
        deaf.upgrade("/ws/chat")
        begun, pinged, how = time.monotonic(), 0, "open"
        deaf.wait_at_most(6)
        try:
            while True:
                opcode, _, _ = deaf.read_frame()
                pinged += opcode == PING
        except Closed as closed:
            how = closed.how
        except TimeoutError:
            pass
        took = time.monotonic() - begun
        checks.expect(pinged and how != "open" and 1.5 < took < 4, "a client that answers no ping is given up", f"{pinged} pings, {how} after {took:.1f} s")


def slow(checks, forestay):
    def away():
        return forestay.metric("forestay_client_legs", state="away")
    before = away()
    with Connection(forestay.port) as reader:
        reader.upgrade("/ws/chat")
        reader.send_text(json.dumps({"type": "chat_message", "request_id": "w-1", "content": "flood 300"}))
        begun = time.monotonic()
        gone = waits_for(lambda: away() > before, 4)
        took = time.monotonic() - begun
        checks.expect(gone and 0.9 < took < 3, "one that takes nothing of what is said to it, too", f"after {took:.1f} s")


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
    chat, hit = stats["requests"]["chat"], stats["limits_hit"]
    checks.expect(chat["started"] == chat["answered_by_upstream"] + chat["answered_by_fallback"] + chat["outstanding"] and chat["started"] > 60 and
                  chat["fallbacks"].get("timeout", 0) >= 1, "/api/stats tells of the requests", chat)
    checks.expect(hit["per_ip"] == 1 and hit["message_rate"] >= 1, "and of the limits that were hit", hit)
    closed = forestay.metric("forestay_sessions_closed_total", reason="limit")
    checks.expect(closed == 1, "/metrics of whoever was closed for one", closed)


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


async def whole_story(rig, checks):
    app = start_app(rig, "advakod")
    forestay = start_forestay(rig, app, "advakod", settings=SETTINGS)
    url = f"{forestay.url}/ws/chat"
    alice, session = await normal_use(checks, app, url)
    await sizes(checks, app, url)
    await crowd(checks, forestay, url)
    await rates(checks, app, url)
    for story in (pings, slow):  # in a thread, so that Alice goes on answering pings
        await asyncio.to_thread(story, checks, forestay)
    alice = await away(checks, app, url, alice, session)
    statistics(checks, forestay)
    await loss(checks, rig, app, url, alice)


def main():
    checks = Checks("The pack advakod")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        asyncio.run(whole_story(rig, checks))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
