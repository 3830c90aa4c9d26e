#!/usr/bin/python3
"""The story of the pack minerva: stock socket.io-client 4 clients and a Flask-SocketIO app with pings of one second.

    minerva_test.py FORESTAY
"""
import os
import sys
import time
import urllib.parse
import urllib.request

from story import Checks, Rig, heard, start_app, start_forestay, waits_for

from credentials import flip, jwt
from raw import Polling
from stock_clients import StockClients

KEY = "minerva-flask-secret-key-0123456789"
JWT_KEY = "minerva-jwt-secret-key-0123456789abcdef"
SETTINGS = {
    "requests.think_tank.timeout": "6s",
    "requests.think_tank.idle_timeout": "{first: 600ms, next: 600ms}",
    "requests.think_tank.queue.status_every": "100ms",
    "requests.think_tank.breaker": "{failures: 3, open: 1s}",
    "requests.chat.timeout": "700ms",
    "resume.client.hold": "5s",
}


def login(app, user):
    with urllib.request.urlopen(f"{app.url}/login?user={user}", timeout=5) as answer:
        return answer.headers["Set-Cookie"].split(";")[0]


def most_at_once(app):
    with urllib.request.urlopen(f"{app.url}/most", timeout=5) as answer:
        return int(answer.read())


def announce(app, text):
    urllib.request.urlopen(urllib.request.Request(f"{app.url}/say?text={urllib.parse.quote(text)}", method="POST"), timeout=5).close()


def refusals(checks, node, app, forestay):
    for what, options in (("without a credential", {}), ("with a foreign token", {"auth": {"token": flip(jwt({"sub": "eve", "exp": 2e9}, JWT_KEY))}})):
        stranger = node.open(what, forestay.url, transports=["websocket"], **options)
        told = stranger.wait("connect_error", count=2, seconds=0.6)
        checks.expect(len(told) == 1 and not told[0]["active"], f"a client {what} is told once, and stops", told)
    page = node.open("a foreign page", forestay.url, transports=["websocket"], reconnection=False,
                     extraHeaders={"Origin": "https://evil.example", "Cookie": login(app, "alice")})
    checks.expect(page.wait("connect_error") and not page.wait("connect", 0), "a page of another origin is refused, cookie or not")
    checks.expect(not heard(app), "of none of them the app has heard", heard(app))


def normal_use(checks, node, app, forestay, cookie):
    opening = Polling(forestay.port, [("Cookie", cookie)]).opening.body.decode()
    checks.expect('"pingInterval":25000' in opening and '"pingTimeout":20000' in opening,
                  "clients get pings every 25 s and 20 s to answer, whatever the app has", opening[:120])
    alice = node.open("alice", forestay.url, transports=["websocket"], extraHeaders={"Origin": forestay.url, "Cookie": cookie})
    bob = node.open("bob", forestay.url, transports=["polling", "websocket"], auth={"token": jwt({"sub": "bob", "exp": int(time.time()) + 600}, JWT_KEY)})
    checks.expect(alice.wait("connect") and bob.wait("connect"), "one with the app's cookie and one with a token are let in")
    users = sorted(each["user"] or "" for each in heard(app, event="connect"))
    checks.expect(users == ["alice", "bob"], "and the app is told who they are", users)
    for client in (alice, bob):
        client.emit("chat_message", {"message_id": f"{client.name}-1", "text": "hello"})
        answer = client.hear("response", message_id=f"{client.name}-1")
        checks.expect(answer and answer[0]["status"] == "ok", f"{client.name} gets the app's own answer", answer)
    alice.emit("chat_message", {"message_id": "t-1", "text": "takes 1.2", "mode": "think_tank", "model": "owl"})
    answer = alice.hear("response", message_id="t-1")
    steps = len(alice.heard("progress", message_id="t-1"))
    checks.expect(answer and answer[0]["status"] == "ok" and steps >= 4, "Think Tank: progress, twice as long as it may be silent, then the answer",
                  f"{steps} steps, {answer}")
    return alice, bob


def queueing(checks, app, alice, bob):
    """Alice has four at the app and four in line when bob asks two; then the line is A B A B A A."""
    def ask(client, count):
        for number in range(count):
            client.emit("chat_message", {"message_id": f"{client.name}-q{number}", "text": "takes 0.3", "mode": "think_tank", "model": "owl"})
        return [f"{client.name}-q{number}" for number in range(count)]
    ids = ask(alice, 8)
    alice.hear("queue_position", message_id="alice-q7")
    ids += ask(bob, 2)
    answers = {each: ((alice if "alice" in each else bob).hear("response", message_id=each) or [{}])[0] for each in ids}
    failed = {each: answer.get("code") for each, answer in answers.items() if answer.get("status") != "ok"}
    checks.expect(not failed, "ten Think Tank questions: each gets the app's answer", failed)
    checks.expect(most_at_once(app) == 4, "the app never had more than four at once", most_at_once(app))
    told = [each["place"] for each in alice.heard("queue_position", message_id="alice-q7")]
    last = told[told.index(max(told)):] if told else []
    checks.expect(told[:1] == [4] and max(told) <= 6 and last == sorted(last, reverse=True) and last[-1] <= 2,
                  "who waits sees its place: fourth, sixth when bob has his turns, and down to the front", told)
    checks.expect(not failed and answers["bob-q1"]["at"] < answers["alice-q7"]["at"], "and bob does not wait for all of alice's")


def repetition(checks, app, alice):
    question = {"message_id": "r-1", "text": "takes 0.5", "mode": "think_tank", "model": "owl"}
    alice.emit("chat_message", question)
    time.sleep(0.2)
    alice.emit("chat_message", question)
    alice.hear("response", message_id="r-1")
    time.sleep(0.2)
    checks.expect(len(alice.heard("response", message_id="r-1")) == 1, "the same question while the first is under way: one answer")
    alice.emit("chat_message", question)
    checks.expect(len(alice.hear("response", count=2, message_id="r-1")) == 2, "the same question later: its answer again")
    checks.expect(len(heard(app, message_id="r-1")) == 1, "and the app was asked once", len(heard(app, message_id="r-1")))


def fallbacks(checks, app, alice):
    alice.emit("chat_message", {"message_id": "f-1", "text": "no answer", "mode": "think_tank", "model": "owl"})
    answer = (alice.hear("response", message_id="f-1") or [{}])[0]
    checks.expect(answer.get("text") == "The model owl is unavailable: no sign of progress in time." and answer.get("code") == "timeout_idle" and
                  answer.get("model") == "owl", "a model that shows nothing is named as unavailable", answer)
    alice.emit("chat_message", {"message_id": "f-2", "text": "takes 1.1"})
    answer = (alice.hear("response", message_id="f-2") or [{}])[0]
    checks.expect(answer.get("status") == "unavailable" and answer.get("code") == "timeout", "a chat that takes too long gets its fallback", answer)
    late = alice.hear("late_response", message_id="f-2")
    checks.expect(late and late[0]["status"] == "ok" and len(alice.heard("response", message_id="f-2")) == 1,
                  "and what the app says after that comes as late_response", late)
    alice.emit("chat_message", {"message_id": "f-3", "text": "hello", "mode": "think_tank"})
    answer = (alice.hear("response", message_id="f-3") or [{}])[0]
    checks.expect(answer.get("code") == "protocol_schema" and not heard(app, message_id="f-3"),
                  "a Think Tank question without a model is answered at once, and does not reach the app", answer)


def breaker(checks, app, alice):
    """The one that has failed above counts too, unless one was answered since."""
    for number in range(3):
        alice.emit("chat_message", {"message_id": f"b-{number}", "text": "no answer", "mode": "think_tank", "model": "owl"})
    for number in range(3):
        alice.hear("response", message_id=f"b-{number}")
    alice.emit("chat_message", {"message_id": "b-open", "text": "takes 0.1", "mode": "think_tank", "model": "owl"})
    answer = (alice.hear("response", 0.4, message_id="b-open") or [{}])[0]
    checks.expect(answer.get("code") == "breaker_open" and not heard(app, message_id="b-open"),
                  "after three failures in a row the app is not asked any more", answer)
    time.sleep(1.1)
    alice.emit("chat_message", {"message_id": "b-probe", "text": "takes 0.1", "mode": "think_tank", "model": "owl"})
    answer = (alice.hear("response", message_id="b-probe") or [{}])[0]
    checks.expect(answer.get("status") == "ok", "until one that is let through finds it well", answer)


def reconnection(checks, node, app, alice):
    since = alice.now()
    alice.cut()
    announce(app, "while you were away")
    back = alice.wait("connect", since=since)
    checks.expect(back and back[0]["recovered"], "a network that blinks: the client has its session again", back)
    checks.expect(len(alice.hear("announcement", text="while you were away")) == 1, "and what was said meanwhile, once")
    alice.emit("chat_message", {"message_id": "c-1", "text": "takes 0.5", "mode": "think_tank", "model": "owl"})
    waits_for(lambda: heard(app, message_id="c-1"))
    alice.cut()
    answer = alice.hear("response", message_id="c-1")
    checks.expect(answer and answer[0]["status"] == "ok", "so is the answer to what it had asked", answer)
    since = alice.now()
    node.sleep(3)
    time.sleep(0.5)
    checks.expect(not alice.wait("disconnect", 0, since=since) and not heard(app, event="disconnect"),
                  "a client that does nothing for three times the app's patience stays", heard(app, event="disconnect"))


def restart(checks, rig, app, alice):
    alice.emit("chat_message", {"message_id": "d-1", "text": "takes 3", "mode": "think_tank", "model": "owl"})
    alice.hear("progress", message_id="d-1")
    since, killed = alice.now(), time.monotonic()
    rig.stop_hard(app)
    answer = (alice.hear("response", message_id="d-1") or [{}])[0]
    checks.expect(answer.get("code") == "connection_lost" and answer["at"] - killed < 1, "the app dies: who waits is told at once",
                  f"{answer} after {answer.get('at', killed) - killed:.2f} s")
    app = start_app(rig, "minerva", *OPTIONS, port=app.port)
    back = alice.wait("connect", 10, since=since)
    checks.expect(back and not alice.wait("disconnect", 0, since=since), "it comes back: `connect` fires again, without a disconnect", back)
    alice.emit("chat_message", {"message_id": "d-2", "text": "hello"})
    answer = alice.hear("response", message_id="d-2")
    checks.expect(answer and answer[0]["status"] == "ok", "and it answers", answer)
    return app


OPTIONS = ("--ping-interval", 1, "--ping-timeout", 1, "--secret-key", KEY)


def main():
    checks = Checks("The pack minerva")
    with Rig(os.path.abspath(sys.argv[1])) as rig, StockClients() as node:
        os.environ["MINERVA_SECRET_KEY_FILE"] = rig.file("flask.key", KEY)
        os.environ["MINERVA_JWT_SECRET_FILE"] = rig.file("jwt.key", JWT_KEY)
        app = start_app(rig, "minerva", *OPTIONS)
        forestay = start_forestay(rig, app, "minerva", settings=SETTINGS)
        cookie = login(app, "alice")
        refusals(checks, node, app, forestay)
        alice, bob = normal_use(checks, node, app, forestay, cookie)
        queueing(checks, app, alice, bob)
        repetition(checks, app, alice)
        fallbacks(checks, app, alice)
        breaker(checks, app, alice)
        reconnection(checks, node, app, alice)
        app = restart(checks, rig, app, alice)
        alice.leave()
        gone = waits_for(lambda: heard(app, event="disconnect", user="alice"))
        checks.expect(gone, "when she leaves the app hears it", gone)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
