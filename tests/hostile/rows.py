"""What the rows of hostile_inputs.csv and http_correctness.csv are written with.

A row is driven by a function that yields checks: what was tried, what came, what may come. One function may drive several
rows: a check whose name begins with ids ("H01 H02: ...") counts for these only, any other for all of them."""
import itertools
import os
import re
import time

from recorder import Recorder  # noqa: F401  (puts tests/real on the path)
from raw import Closed, Connection

DRIVEN = {}      # id -> function(bench): yields (what was tried, what came, what may come)
SLOW = set()     # ids whose deadlines are long: they run beside the others
AS_IN = {}       # id -> other ids, whose checks are its own too
UNIT_TESTS = {}  # id -> (program, case, why it is not driven over sockets)
PENDING = {}     # id -> what it waits for
ON_PURPOSE = {}  # id -> why what we expect is not what its line in the table says


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


def as_in(name, *others):
    """That row says what these say."""
    AS_IN[name] = others


def unit_test(name, program, case, why):
    UNIT_TESTS[name] = (program, case, why)


def pending(what, *ids):
    """Rows about something that forestay does not have."""
    for name in ids:
        PENDING[name] = what


def on_purpose(why, *ids):
    for name in ids:
        ON_PURPOSE[name] = why


IDS = re.compile(r"((?:(?:HC-)?[A-Z]\d\d )*(?:HC-)?[A-Z]\d\d): ")


def ids_of(what, registered):
    """The rows that a check of that name counts for."""
    named = IDS.match(what)
    return named[1].split() if named else registered


class Bench:
    """The running pieces: one recorder, one real app, several forestays in front of them."""

    def __init__(self, rig, recorder, apps, forestays, extra):
        self.rig, self.recorder, self.apps, self.forestays, self.extra = rig, recorder, apps, forestays, extra
        self.numbers = itertools.count(1)
        self.sanitized = "asan" in rig.binary  # as the preset's folder

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
        if self.was_heard(tag, name):
            said.append("HEARD")
        return " ".join(said)

    def was_heard(self, tag, name="plain"):
        """Whether that forestay's app has heard a request with this tag."""
        if name not in self.apps:
            return bool(self.recorder.of(tag))
        if not os.path.exists(self.apps[name].access_log):
            return False
        with open(self.apps[name].access_log) as log:
            return tag in log.read()

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
