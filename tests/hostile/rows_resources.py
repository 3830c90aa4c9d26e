"""Group R: resources."""
import os
import resource
import time

from raw import TEXT, Connection, frame, websocket
from rows import close_of, on_purpose, row, unit_test

OWN = ("Origin", "http://app.example")
POLL = "/socket.io/?EIO=4&transport=polling"

on_purpose("the app is not read meanwhile, so nothing overflows; who reads nothing would not read a close frame either", "R03")

unit_test("W22", "net_tests", "handshakes_beyond_the_turns_wait_in_line", "64 of a loop at a time; the others wait, no longer than upstream.handshake_timeout")
on_purpose("there is no list of names: any well-formed Host goes on, and pages are judged by their Origin", "U06")
unit_test("R05", "wire_tests", "keys_that_collide_under_one_key_do_not_under_another", "who does not know the key can not make them collide")
unit_test("R07", "net_tests", "a_throwing_owner_loses_its_socket_and_no_other", "no byte that a peer can send is known to make us throw")


@row("U06")
def server_names(bench):
    tag = bench.tag()
    yield "a Host that nobody has named", bench.raw(tag, bench.head(tag, "Connection: close", host="Host: unheard.of")), "200 close HEARD"
    tag = bench.tag()
    got = bench.raw(tag, bench.head(tag, "Connection: close", "Origin: http://app.example", host="Host: unheard.of", target=f"{POLL}&tag={tag}"))
    yield "a page of another name", got, "403 close"


def at_once(bench, name, count):
    """That many connections, each of which asks for a session; they stay open."""
    connections, answers = [], []
    for _ in range(count):
        connections.append(Connection(bench.port(name)))
        answers.append(connections[-1].request("GET", POLL, [OWN]))
    for connection in connections:
        connection.socket.close()
    return [(answer.status, int(answer.get("Retry-After") or 0) > 0) for answer in answers]


@row("R01")
def connections(bench):
    """The forestay called crowded takes ten."""
    answers = at_once(bench, "crowded", 14)
    yield "14 connections, 10 allowed", sorted(answers), [(200, False)] * 10 + [(503, True)] * 4


@row("R02")
def connections_of_one_address(bench):
    """The forestay called lonely takes three of an address."""
    answers = at_once(bench, "lonely", 5)
    yield "5 sessions of one address, 3 allowed", answers, [(200, False)] * 3 + [(429, True)] * 2
    with bench.connection("lonely") as connection:
        yield "a websocket", connection.upgrade("/ws", [OWN]).status, 429


@row("R03", slow=True)
def flooded(bench):
    """The app says a gigabyte, and nobody reads it."""
    for kind, target, transport in (("engine.io", "/socket.io/?EIO=4&transport=websocket&act=flood", "websocket"), ("plain", "/ws?act=flood", "plain_websocket")):
        before = bench.forestays["hasty"].memory()["RssAnon"]
        with Connection(bench.port("hasty"), 15) as connection:
            connection.upgrade(target, [OWN])
            if kind == "engine.io":
                connection.read_text()
                connection.send_text("40")
            started, highest = time.monotonic(), 0
            time.sleep(1)  # until it is in the numbers
            while time.monotonic() - started < 16 and bench.forestays["hasty"].metric("forestay_client_connections", transport=transport) > 0:
                highest = max(highest, bench.forestays["hasty"].memory()["RssAnon"] - before)
                time.sleep(0.3)
            seconds = time.monotonic() - started
            connection.wait_at_most(5)
            ended = close_of(connection)
        yield f"closed in the end: {kind}", (ended != "open", seconds < 15), (True, True)
        yield f"memory: {kind}", highest < 12 << 20, True


@row("R04")
def many_event_names(bench):
    lines = len(bench.forestays["plain"].metrics())
    with websocket(bench.port(), [OWN]) as connection:
        connection.wait_at_most(30)
        for first in range(0, 20_000, 1000):
            connection.send(b"".join(frame(TEXT, f'42["name{i}"]'.encode()) for i in range(first, first + 1000)))
            echoed = [connection.read_text() for _ in range(1000)]
        alive = echoed[-1]
    time.sleep(0.3)
    yield "20000 event names", (alive, len(bench.forestays["plain"].metrics()) - lines < 10), ('42["name19999"]', True)


@row("R06", slow=True)
def no_descriptors(bench):
    """Those that find no descriptor are turned away or wait; nothing spins, and afterwards everybody is served."""
    forestay = bench.forestays["starved"]
    _, hard = resource.prlimit(forestay.pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir(f"/proc/{forestay.pid}/fd"))
    resource.prlimit(forestay.pid, resource.RLIMIT_NOFILE, (used + 4, hard))
    try:
        waiting = [Connection(forestay.port, 1) for _ in range(40)]
        spent = cpu_seconds(forestay.pid)
        time.sleep(2)
        spent = cpu_seconds(forestay.pid) - spent
        for connection in waiting:
            connection.socket.close()
    finally:
        resource.prlimit(forestay.pid, resource.RLIMIT_NOFILE, (hard, hard))
    time.sleep(0.5)
    with Connection(forestay.port) as connection:
        status = connection.request("GET", "/after").status
    yield "40 connections, 4 descriptors", (spent < 0.5, forestay.child.poll(), status), (True, None, 200)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
