#!/usr/bin/python3
"""A stock client with `retries: 4, ackTimeout: 500` and a handler that is slower than that. By itself the app does the work as
often as the client asks; behind a rule with `repeat: {by: content}` it does it once, and the client gets its answer.

    retries_test.py BINARY            --direct shows what happens without forestay: it fails
"""
import json
import os
import sys
import time
import urllib.request

from rig import Checks, Rig
from stock_clients import StockClients

CONFIG = """
requests:
  - name: think_ack
    match: {event: think_ack, ack: true}
    id: ack
    timeout: 10s
    repeat: {window: 1m, by: content}
    fallback: {ack: [{text: "the fallback"}]}
"""


def times_asked(app, tag, message_id):
    with urllib.request.urlopen(f"{app.url}/seen?tag={tag}", timeout=5) as answer:
        return sum(each.get("message_id") == message_id for each in json.load(answer))


def retries(checks, node, app, url, transport, takes):
    tag = f"{transport}-{takes}"
    client = node.open(tag, url, transports=[transport], query={"tag": tag}, retries=4, ackTimeout=500)
    client.wait("connect")
    question = {"message_id": "slow", "after": takes}
    begun = time.monotonic()
    answer = client.ask("think_ack", question, seconds=10)
    took = time.monotonic() - begun
    checks.expect(answer == [None, {"message_id": "slow", "text": "the app's"}] and takes <= took < takes + 0.5,
                  f"{transport}: a handler that takes {takes} s, tried every 0.5 s: the client gets its answer", f"{took:.2f} s, {answer}")
    time.sleep(1)
    asked = times_asked(app, tag, "slow")
    checks.expect(asked == 1, "the app has seen it once", asked)
    begun = time.monotonic()
    answer = client.ask("think_ack", question)
    took = time.monotonic() - begun
    checks.expect(answer == [None, {"message_id": "slow", "text": "the app's"}] and took < 0.3 and times_asked(app, tag, "slow") == 1,
                  "asked once more: the same answer, at once", f"{took:.2f} s, {answer}")
    other = client.ask("think_ack", {"message_id": "quick", "after": 0})
    checks.expect(other and other[1]["message_id"] == "quick" and times_asked(app, tag, "quick") == 1, "another question is another one", other)
    client.leave()


def main():
    direct = sys.argv[1] == "--direct"
    checks = Checks("Stock clients that try again")
    with Rig(None if direct else os.path.abspath(sys.argv[1])) as rig, StockClients() as node:
        app = rig.app("gevent")
        url = app.url if direct else rig.forestay(app.url, CONFIG).url
        retries(checks, node, app, url, "websocket", 1.7)
        retries(checks, node, app, url, "polling", 2.2)
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
