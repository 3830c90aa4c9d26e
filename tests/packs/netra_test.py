#!/usr/bin/python3
"""The story of the pack netra: python3-websockets and a FastAPI app under uvicorn.

    netra_test.py FORESTAY
"""
import asyncio
import json
import os
import sys
import time
import urllib.request

from story import Checks, Rig, Talker, heard, refusal, start_app, start_forestay

from credentials import flip, jwt

KEY = "netra-jwt-secret-key-0123456789abcdef"
SETTINGS = {
    "requests.user_message.timeout": "3s",
    "requests.user_message.idle_timeout": "{first: 700ms, next: 500ms}",
    "requests.user_message.rate": "12/m",
}


def token(user, **claims):
    return jwt({"sub": user, "exp": int(time.time()) + 600, **claims}, KEY)


async def refusals(checks, app, url):
    expired = jwt({"sub": "eve", "exp": int(time.time()) - 600}, KEY)
    for what, target, options in (
            ("without a token", "/ws", {}), ("with an expired one", f"/ws?token={expired}", {}),
            ("with a tampered one", f"/ws?token={flip(token('eve'))}", {}),
            ("with a tampered one as a subprotocol", "/ws", {"subprotocols": ["bearer", flip(token("eve"))]}),
            ("with two different ones", f"/ws?token={token('eve')}", {"subprotocols": ["bearer", token("mallory")]})):
        status = await refusal(url + target, **options)
        checks.expect(status in (400, 401), f"a client {what} is refused", status)
    for origin, wanted in (("https://evil.example", 403), ("http://localhost:3000", 403)):
        status = await refusal(f"{url}/ws?token={token('eve')}", origin=origin)
        checks.expect(status == wanted, f"a page of {origin} is refused", status)
    checks.expect(not heard(app), "of none of them the app has heard", heard(app))


async def normal_use(checks, app, url):
    alice = await Talker.open(f"{url}/ws?token={token('alice')}")
    bob = await Talker.open(f"{url}/ws", subprotocols=["bearer", token("bob")])
    carol = await Talker.open(f"{url}/ws", extra_headers={"Authorization": f"Bearer {token('carol')}"})
    users = [each["user"] for each in heard(app, event="connect")]
    checks.expect(users == ["alice", "bob", "carol"], "a token in the query, as a subprotocol, in a header: the app is told who it is", users)
    checks.expect(bob.ws.subprotocol == "bearer", "the subprotocol is answered with the marker", bob.ws.subprotocol)
    for user in (alice, bob, carol):
        await user.say(type="user_message", id="m-1", payload={"text": "one two three"})
        answer = await user.hear(type="agent_completed", id="m-1")
        chunks = [each["payload"]["text"] for each in user.heard(type="agent_chunk", id="m-1")]
        checks.expect(answer.get("payload") == {"text": "three two one"} and chunks == ["one", "two", "three"], "chunks, and then the answer", f"{chunks} {answer}")
    await carol.leave()
    await alice.say(type="user_message", id="m-2", payload={"text": "a b c d e f g h i j"})
    await alice.hear(type="agent_chunk", id="m-2")
    await alice.say(type="stop_agent", id="m-2")
    answer = await alice.hear(type="agent_completed", id="m-2")
    checks.expect(answer.get("payload", {}).get("stopped"), "an agent is stopped", answer)
    before = len(heard(app, event="message"))
    await alice.say(type="ping", timestamp=17.5)
    pong = await alice.hear(type="pong")
    checks.expect(pong == {"type": "pong", "timestamp": 17.5} and len(heard(app, event="message")) == before, "forestay answers the application's ping", pong)
    return alice, bob


async def fallbacks(checks, alice):
    await alice.say(type="user_message", id="f-1", payload={"text": "no answer"})
    answer = await alice.hear(id="f-1", type="agent_failed")
    checks.expect(answer.get("payload", {}).get("code") == "timeout_idle", "an agent that says nothing has failed", answer)
    await alice.say(type="user_message", id="f-2", payload={"text": "some words then break here"})
    answer = await alice.hear(id="f-2", type="agent_aborted")
    chunks = len(alice.heard(id="f-2", type="agent_chunk"))
    checks.expect(answer.get("payload", {}).get("code") == "timeout_idle" and chunks == 3 and not alice.heard(id="f-2", type="agent_failed"),
                  "one that falls silent in the middle was aborted", f"{chunks} chunks, {answer}")


async def validation(checks, app, alice):
    before = len(heard(app, event="message"))
    for text, code, message_id in (
            ("hello", "protocol_json", None), ("[1, 2]", "protocol_json", None), ('{"type": "user_message", "id": "v-1"', "protocol_json", None),
            ('{"type": "user_message", "id": "v-2"}', "protocol_schema", "v-2"),
            ('{"type": "user_message", "id": "v-3", "payload": {"text": ""}}', "protocol_schema", "v-3"),
            ('{"type": "user_message", "payload": {"text": "x"}}', "protocol_schema", None),
            ('{"type": "stop_agent"}', "protocol_schema", None), ('{"type": "drop_tables", "id": "v-4"}', "protocol_schema", "v-4"),
            ('{"id": "v-5"}', "protocol_schema", "v-5")):
        await alice.say(text)
        answer = await alice.hear(seconds=1)
        payload = answer.get("payload", {})
        shape = answer.get("type") == "error" and set(answer) == {"type", "id", "payload"} and set(payload) == {"code", "message", "detail"}
        checks.expect(shape and payload["code"] == code and answer["id"] == message_id, f"refused: {text}", answer)
    checks.expect(len(heard(app, event="message")) == before, "of none of these the app has heard", len(heard(app, event="message")) - before)


async def rates(checks, app, bob):
    """Bob has said something before, and gets one more every 5 seconds."""
    for number in range(15):
        await bob.say(type="user_message", id=f"r-{number}", payload={"text": "x"})
    failed = [await bob.hear(1 if number == 14 else 0.5, id=f"r-{number}", type="agent_failed") for number in range(11, 15)]
    refused = [each for each in failed if each]
    checks.expect(2 <= len(refused) <= 4 and failed[-1].get("payload", {}).get("code") == "overload_rate",
                  "what one user says beyond the rate is refused", refused)
    checks.expect(len(heard(app, event="message", user="bob")) <= 14, "and does not reach the app")


async def client_config(checks, rig, app, forestay):
    with urllib.request.urlopen(f"{forestay.url}/ws/config", timeout=5) as answer:
        config = json.load(answer)
    at = config["endpoints"]
    checks.expect(at == {"socketio": [], "websockets": [{"path": "/ws", "auth": True, "format": "json"}]}, "/ws/config says where to connect", at)
    auth = config["auth"]
    checks.expect(auth["methods"] == ["jwt"] and auth["from"]["query"] == ["token"] and auth["from"]["protocol"] == ["bearer"], "how to log in", auth)
    rest = {key: config[key] for key in ("origins", "heartbeat", "limits")}
    checks.expect(rest["origins"]["allowed"] == ["same-origin"] and not rest["origins"]["dev"] and rest["heartbeat"]["ping_interval_ms"] == 25000 and
                  rest["limits"]["max_message_bytes"] == 1 << 20, "from which pages, with which timings and limits", rest)
    checks.expect(KEY not in json.dumps(config), "and keeps the key to itself")
    os.environ["NETRA_DEV"] = "true"
    developing = start_forestay(rig, app, "netra", name="developing")
    del os.environ["NETRA_DEV"]
    for port in (3000, 5173, 8080):
        for host in ("http://localhost", "http://127.0.0.1"):
            status = await refusal(f"{developing.url}/ws?token={token('dave')}", origin=f"{host}:{port}")
            checks.expect(status is None, f"in development a page of {host}:{port} is let in", status)
    status = await refusal(f"{developing.url}/ws?token={token('dave')}", origin="http://localhost.evil.example:3000")
    checks.expect(status == 403, "but none that only sounds like it", status)
    status = await refusal(f"{developing.url}/ws", origin="http://localhost:3000")
    checks.expect(status == 401, "and none without a token", status)


async def loss(checks, rig, app, url, alice):
    await alice.say(type="user_message", id="l-1", payload={"text": "a b c d e f g h"})
    await alice.hear(type="agent_chunk", id="l-1")
    killed = time.monotonic()
    rig.stop_hard(app)
    answer = await alice.hear(type="agent_aborted", id="l-1")
    took = time.monotonic() - killed
    code = await alice.ends()
    checks.expect(answer.get("payload", {}).get("code") == "connection_lost" and took < 0.5 and code == 1013,
                  "the app dies: who waits is told at once, then closed", f"{took:.2f} s, {code}, {answer}")
    start_app(rig, "netra", port=app.port)
    alice = await Talker.open(f"{url}/ws?token={token('alice')}")
    await alice.say(type="user_message", id="l-1", payload={"text": "again"})
    answer = await alice.hear(type="agent_completed", id="l-1")
    checks.expect(answer.get("payload") == {"text": "again"}, "it is back, and so is she", answer)
    await alice.leave()
    passing = await Talker.open(f"{url}/ws?token={jwt({'sub': 'zoe', 'exp': int(time.time()) - 28}, KEY)}")  # the leeway is 30 s
    code = await passing.ends()
    checks.expect(code is not None, "when a token ends, so does its connection", code)


async def story(rig, checks):
    os.environ["NETRA_JWT_SECRET_FILE"] = rig.file("jwt.key", KEY)
    app = start_app(rig, "netra")
    forestay = start_forestay(rig, app, "netra", settings=SETTINGS)
    await refusals(checks, app, forestay.url)
    alice, bob = await normal_use(checks, app, forestay.url)
    await fallbacks(checks, alice)
    alice.messages.clear()
    await validation(checks, app, alice)
    await rates(checks, app, bob)
    await client_config(checks, rig, app, forestay)
    await loss(checks, rig, app, forestay.url, alice)


def main():
    checks = Checks("The pack netra")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        asyncio.run(story(rig, checks))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
