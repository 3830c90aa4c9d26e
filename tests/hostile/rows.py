"""What the rows of hostile_inputs.csv are written with."""
import itertools
import os
import time

from recorder import Recorder  # noqa: F401  (puts tests/real on the path)
from raw import Closed, Connection

DRIVEN = {}     # id -> function(bench): yields (what was tried, what came, what may come)
SLOW = set()    # ids whose deadlines are long: they run beside the others
ELSEWHERE = {}  # id -> which unit test covers it, or why it belongs to a later part


class either(tuple):
    """Any of these may come."""

    def __new__(cls, *values):
        return super().__new__(cls, values)


def row(*ids, slow=False):
    def register(function):
        for name in ids:
            assert name not in DRIVEN, name
            DRIVEN[name] = function
            if slow:
                SLOW.add(name)
        return function
    return register


def elsewhere(why, *ids):
    for name in ids:
        ELSEWHERE[name] = why


class Bench:
    """The running pieces: one recorder, one real app, several forestays in front of them."""

    def __init__(self, recorder, app, forestays, extra):
        self.recorder, self.app, self.forestays, self.extra = recorder, app, forestays, extra
        self.numbers = itertools.count(1)

    def port(self, name="plain"):
        return self.forestays[name].port

    def tag(self):
        """A word that marks one request, to find it again at the recorder."""
        return f"tag{next(self.numbers)}x{os.getpid()}"

    def connection(self, name="plain", seconds=5):
        return Connection(self.port(name), seconds)

    def raw(self, tag, data, name="plain", seconds=5, ends=1.5):
        """Sends these bytes and says what came: 'STATUS close|open [HEARD]', or 'close' when nothing was said."""
        with self.connection(name, seconds) as connection:
            connection.send(data)
            said = []
            try:
                response = connection.read_response()
                said.append(str(response.status))
            except Closed:
                said.append("close")
            except TimeoutError:
                said.append("nothing")
            except (ValueError, IndexError) as error:
                said.append(f"garbage ({error})")
            if said != ["close"]:
                ended = connection.how_it_ended(ends)
                said.append("close" if ended == "reset" else ended)
        if self.recorder.of(tag):
            said.append("HEARD")
        return " ".join(said)

    def head(self, tag, *lines, method="GET", target=None, version="HTTP/1.1", host="Host: app.example", body=""):
        """The bytes of a request whose odd lines are given."""
        top = [f"{method} {target or f'/r/{tag}'} {version}", *([host] if host else []), f"X-Tag: {tag}"]
        return ("\r\n".join([*top, *lines]) + "\r\n\r\n" + body).encode("latin-1")

    def counted(self, before, expected, name, metric, **labels):
        """By how much a counter has grown. /metrics is rendered a few times a second at most, so it may take a moment."""
        end = time.monotonic() + 2
        while time.monotonic() < end and (grown := self.forestays[name].metric(metric, **labels) - before) < expected:
            time.sleep(0.1)
        return grown

    def heard(self, tag, seconds=2):
        """The requests with that tag; waits for the first."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.recorder.of(tag):
            time.sleep(0.01)
        return self.recorder.of(tag)


def close_of(connection, seconds=5):
    """How a websocket ended: the close code, 'close' without one, or 'open'."""
    code = connection.read_close(seconds)
    return "open" if code is None else "close" if code == "reset" else code
