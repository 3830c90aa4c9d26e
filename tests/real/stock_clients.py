"""Stock socket.io-client 4 clients in one node process (stock_clients.js), told what to do from here."""
import json
import os
import subprocess
import threading
import time


class StockClients:
    """with StockClients() as node: client = node.open("alice", url, transports=["websocket"])"""

    def __enter__(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stock_clients.js")
        self.child = subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.happened, self.news = [], threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(10)
        self.reader.join(10)
        self.child.stdout.close()

    def read(self):
        for line in self.child.stdout:
            with self.news:
                self.happened.append({"at": time.monotonic(), **json.loads(line)})
                self.news.notify_all()

    def tell(self, **order):
        self.child.stdin.write(json.dumps(order) + "\n")
        self.child.stdin.flush()

    def sleep(self, seconds):
        """Nobody in this process answers anything for so long."""
        self.tell(do="sleep", ms=int(seconds * 1000))
        self.wait(lambda each: each["what"] == "awake", seconds + 5)

    def open(self, name, url, **options):
        self.tell(do="open", name=name, url=url, options=options)
        return StockClient(self, name)

    def wait(self, wanted, seconds, count=1, since=0):
        """The first `count` of what happened, from the place `since` on, that is wanted; fewer when no more comes in time."""
        end = time.monotonic() + seconds
        with self.news:
            while True:
                found = [each for each in self.happened[since:] if wanted(each)]
                left = end - time.monotonic()
                if len(found) >= count or left <= 0:
                    return found[:count]
                self.news.wait(left)


class StockClient:
    def __init__(self, node, name):
        self.node, self.name = node, name

    def emit(self, *args):
        self.node.tell(do="emit", name=self.name, args=args)

    def ask(self, *args, seconds=5):
        """Emits with a callback and waits for it: what it was called with, or None."""
        since = len(self.node.happened)
        self.node.tell(do="ask", name=self.name, args=args)
        found = self.node.wait(lambda each: each["name"] == self.name and each["what"] == "ack", seconds, since=since)
        return found[0]["args"] if found else None

    def cut(self):
        self.node.tell(do="cut", name=self.name)

    def leave(self):
        self.node.tell(do="leave", name=self.name)

    def now(self):
        """A place in what happens, for `since`."""
        return len(self.node.happened)

    def wait(self, what, seconds=5, count=1, since=0):
        """connect, disconnect, connect_error."""
        return self.node.wait(lambda each: each["name"] == self.name and each["what"] == what, seconds, count, since)

    def hear(self, event, seconds=5, count=1, since=0, **fields):
        """The first arguments of events with that name and these fields, oldest first, each with the time `at`."""
        def wanted(each):
            return (each["name"] == self.name and each["what"] == "event" and each["event"] == event and
                    all(each["args"][0].get(key) == value for key, value in fields.items()))
        return [{**each["args"][0], "at": each["at"]} for each in self.node.wait(wanted, seconds, count, since)]

    def heard(self, event, **fields):
        """All of them so far, without waiting."""
        return self.hear(event, 0, 1 << 30, **fields)
