#!/usr/bin/python3
"""The story of the pack knowledge_base: python3-websockets and a FastAPI app under uvicorn. An hour is 3 seconds here.

    knowledge_base_test.py FORESTAY
"""
import asyncio
import os
import signal
import socket
import sys
import time

from story import Checks, Rig, Talker, heard, refusal, start_app, start_forestay, until

SETTINGS = {
    "requests.ingest.timeout": "3s",
    "requests.ingest.idle_timeout": "{first: 1s, next: 600ms}",
    "requests.query.timeout": "700ms",
}
OPTIONS = ("--every", 0.2)


async def normal_use(checks, app, url):
    user = await Talker.open(url)
    await user.say(type="query", request_id="q-1", text="where is it")
    answer = await user.hear(request_id="q-1")
    checks.expect(answer.get("results") == ["WHERE IS IT"], "a query gets the app's results", answer)
    await user.say(type="query", request_id="q-2", text="fails")
    answer = await user.hear(request_id="q-2")
    checks.expect(answer == {"type": "error", "request_id": "q-2", "message": "the index is broken"}, "the app's own error is an answer too", answer)
    await user.say(bytes(100_000))
    await until(lambda: any(isinstance(each, bytes) for _, each in user.messages))
    checks.expect((b"100000") in [each for _, each in user.messages], "documents pass through", heard(app, event="document"))
    user.messages.clear()

    await user.say(type="ingest", request_id="i-1", source="8 documents")
    await user.say(type="ingest", request_id="i-1", source="8 documents")
    answer = await user.hear(type="ingested")
    steps = len(user.heard(type="progress"))
    checks.expect(answer.get("documents") == 8 and steps == 7, "an ingestion goes on as long as it shows progress", f"{steps} steps, {answer}")
    asked = sum("i-1" in each["text"] for each in heard(app, event="message"))
    await user.say(type="ingest", request_id="i-1", source="8 documents")
    again = await user.hear(type="ingested")
    checks.expect(asked == 1 and again == answer, "asked for three times it is done once", f"{asked}, {again}")
    return user


async def fallbacks(checks, app, user):
    await user.say(type="query", request_id="q-3", text="takes 1.2")
    answer = await user.hear(request_id="q-3")
    checks.expect(answer.get("code") == "timeout" and answer.get("message") == "No results: no answer in time.", "a query that takes too long", answer)
    late = await user.hear(request_id="q-3")
    checks.expect(late.get("type") == "late_results" and late.get("results") == ["TAKES 1.2"], "its results come as late_results", late)
    await user.say(type="ingest", request_id="i-2", source="9 documents, stuck after 3")
    begun = time.monotonic()
    answer = await user.hear(type="error", request_id="i-2")
    took = time.monotonic() - begun
    steps = len(user.heard(type="progress", request_id="i-2"))
    checks.expect(answer.get("code") == "timeout_idle" and steps == 3 and 1.0 < took < 1.7, "an ingestion that is stuck", f"{steps} steps, {took:.2f} s, {answer}")
    await user.say(type="ingest", request_id="i-3", source="19 documents")
    begun = time.monotonic()
    answer = await user.hear(type="error", request_id="i-3")
    took = time.monotonic() - begun
    checks.expect(answer.get("code") == "timeout" and 2.9 < took < 3.4, "one that is busy for more than its hour", f"{took:.2f} s, {answer}")
    late = await user.hear(type="ingested", request_id="i-3")
    checks.expect(late.get("documents") == 19, "that it did finish is told too", late)


async def refusals(checks, app, url, user):
    before = len(heard(app, event="message"))
    for text, code, request_id in (('{"type": "query",', "protocol_json", None), ('"hello"', "protocol_json", None),
                                   ('{"type": "query", "request_id": "q-4"}', "protocol_schema", "q-4"),
                                   ('{"type": "ingest", "request_id": 7, "source": "1 document"}', "protocol_schema", 7)):
        await user.say(text)
        answer = await user.hear(type="error")
        checks.expect(answer.get("code") == code and answer.get("request_id") == request_id and answer.get("message"), f"refused: {text}", answer)
    checks.expect(len(heard(app, event="message")) == before, "of none of these the app has heard", len(heard(app, event="message")) - before)
    status = await refusal(url, extra_headers={"Origin": "https://evil.example", "Cookie": "session=x"})
    checks.expect(status == 403, "a page of another origin is refused", status)


async def orphans(checks, rig, app, url, user):
    other = await Talker.open(url)
    await user.say(type="ingest", request_id="o-1", source="9 documents")
    await user.say(type="query", request_id="o-2", text="takes 5")
    await other.say(type="query", request_id="o-1", text="takes 5")
    await user.hear(type="progress", request_id="o-1")
    killed = time.monotonic()
    rig.stop_hard(app)
    answers = [await user.hear(type="error", request_id="o-1"), await user.hear(type="error", request_id="o-2"), await other.hear(type="error")]
    took = time.monotonic() - killed
    checks.expect([each.get("code") for each in answers] == ["connection_lost"] * 3 and took < 0.5, "the app dies: who waits is told at once",
                  f"after {took:.2f} s: {answers}")
    codes = [await user.ends(), await other.ends()]
    checks.expect(codes == [1013, 1013], "and then closed, to try again later", codes)
    status = await refusal(url)
    checks.expect(status in (502, 503, 504), "while it is away there is nothing to talk to", status)
    app = start_app(rig, "knowledge_base", *OPTIONS, port=app.port)
    user = await Talker.open(url)
    await user.say(type="query", request_id="o-2", text="again")
    answer = await user.hear(request_id="o-2")
    checks.expect(answer.get("results") == ["AGAIN"], "it is back: so are its users, and the same request_id is a new request", answer)
    await user.leave()
    return app


async def slow_to_connect(checks, rig):
    """The app has its hands full and takes no connection: its backlog is full, and SYNs are dropped."""
    app = start_app(rig, "knowledge_base", *OPTIONS, "--backlog", 1)
    forestay = start_forestay(rig, app, "knowledge_base", name="patient")
    os.kill(app.pid, signal.SIGSTOP)
    crowd = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", app.port))
        crowd.append(one)
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    opening = asyncio.create_task(Talker.open(f"{forestay.url}/ws"))
    await asyncio.sleep(2.3)  # the default patience is 2 s
    waiting = not opening.done()
    os.kill(app.pid, signal.SIGCONT)
    for one in crowd:
        one.close()
    try:
        user = await asyncio.wait_for(opening, 15)
        await user.say(type="query", request_id="s-1", text="at last")
        answer = await user.hear(request_id="s-1")
        await user.leave()
    except Exception as problem:  # whatever the client library says
        answer = {"problem": repr(problem)}
    checks.expect(waiting and answer.get("results") == ["AT LAST"], "an app that takes no connection for a while is waited for",
                  f"{time.monotonic() - begun:.1f} s, {answer}")


async def story(rig, checks):
    app = start_app(rig, "knowledge_base", *OPTIONS)
    forestay = start_forestay(rig, app, "knowledge_base", settings=SETTINGS)
    url = f"{forestay.url}/ws"
    user = await normal_use(checks, app, url)
    await fallbacks(checks, app, user)
    await refusals(checks, app, url, user)
    await orphans(checks, rig, app, url, user)
    await slow_to_connect(checks, rig)


def main():
    checks = Checks("The pack knowledge_base")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        asyncio.run(story(rig, checks))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
