"""From what clients, app and network wrote down to one row of the table. Pure: lists of facts in, numbers out.

A message is a numbered note or hello of a client, or a numbered push of the app. Each is exactly one of: delivered once,
duplicated, told as lost, lost in silence, or (pushes only) gone with the app that was killed before it had sent them.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass, field

FATES = ("once", "told", "silent", "duplicated", "apps_own")
FLUSHED = 0.3  # seconds after which a push has surely left the app


@dataclass
class Row:
    disconnects: int = 0
    refused: int = 0                 # attempts of the client library that failed
    once: int = 0
    told: int = 0
    silent: int = 0
    duplicated: int = 0
    apps_own: int = 0
    out_of_order: int = 0
    told_yet_delivered: int = 0      # the loss of the ack was told, not that of the note
    fresh_sessions: int = 0          # connects that were not recovered, after the first of each client
    asked_once: int = 0
    asked_twice: int = 0
    asked_never: int = 0
    asked_cut_off: int = 0           # broken off before it had come to anybody; the client saw the disconnect
    fallbacks: int = 0
    back_after: float | None = None  # seconds; None: somebody did not come back
    connects_per_second: int = 0
    examples: list = field(default_factory=list)

    @property
    def sent(self):
        return sum(getattr(self, fate) for fate in FATES)

    def count(self, fate, example):
        setattr(self, fate, getattr(self, fate) + 1)
        if fate in ("silent", "duplicated", "out_of_order", "asked_twice", "asked_never"):
            self.examples.append(f"{fate}: {example}")


def evaluate(clients, app, last_trouble, kills=(), tracked=None):
    """`clients` and `app`: facts in the order in which they happened (of one client; of the app). `last_trouble`: when it
    was. `kills`: when the lives of the app ended. `tracked`: how many asks the proxy has tracked, where that is known."""
    row = Row()
    of_client = defaultdict(list)
    for fact in clients:
        of_client[fact["client"]].append(fact)
    count_notes(row, of_client, app)
    count_hellos(row, of_client, app)
    count_pushes(row, of_client, app, dict(enumerate(kills, 1)))
    count_asks(row, of_client, app, tracked)
    for facts in of_client.values():
        row.disconnects += sum(fact["what"] == "disconnect" for fact in facts)
        row.refused += sum(fact["what"] == "refused" for fact in facts)
        row.fresh_sessions += len(fresh_sids(facts)) - 1
    row.back_after = back_after(of_client, last_trouble)
    row.connects_per_second = busiest_second([fact["t"] for fact in app if fact["what"] == "handshake"])
    return row


def count_order(row, heard):
    """`heard`: (who, number) in the order of arrival. One that comes after a higher one is out of order, unless it is there
    a second time: then it is a duplicate and nothing else."""
    highest, known = {}, set()
    for who, number in heard:
        if (who, number) in known:
            continue
        known.add((who, number))
        if who in highest and number < highest[who]:
            row.count("out_of_order", f"client {who}: {number} after {highest[who]}")
        highest[who] = max(number, highest.get(who, number))


def count_notes(row, of_client, app):
    heard = [(fact["client"], fact["n"]) for fact in app if fact["what"] == "note"]
    times = Counter(heard)
    for client, facts in of_client.items():
        ends = {fact["n"]: fact["how"] for fact in facts if fact["what"] == "end"}
        for note in (fact for fact in facts if fact["what"] == "note"):
            delivered, how = times[client, note["n"]], ends.get(note["n"])
            told = how in ("error", "fallback")
            row.told_yet_delivered += delivered == 1 and told
            row.count("duplicated" if delivered > 1 else "once" if delivered else "told" if told else "silent",
                      f"note {note['n']} of client {client}, sent at {note['t']:.2f}, ended with {how}")
    count_order(row, heard)


def count_hellos(row, of_client, app):
    """A hello has no ack. Its loss is told by whatever makes the client say it again."""
    heard = [(fact["client"], fact["n"]) for fact in app if fact["what"] == "hello"]
    times = Counter(heard)
    for client, facts in of_client.items():
        changes = [fact for fact in facts if fact["what"] in ("connect", "disconnect")]
        for place, change in enumerate(changes):
            if change["what"] == "connect":
                delivered, told = times[client, change["n"]], place + 1 < len(changes)
                row.count("duplicated" if delivered > 1 else "once" if delivered else "told" if told else "silent",
                          f"hello {change['n']} of client {client}, sent at {change['t']:.2f}")
    count_order(row, heard)


def fresh_sids(facts):
    return [fact["sid"] for fact in facts if fact["what"] == "connect" and not fact["recovered"]]


def count_pushes(row, of_client, app, killed):
    """A push that is missing is lost in silence when a higher one of the same session has come, or when nothing followed
    that could have told it. A fresh session tells: from then on the client must ask the app for what it has missed."""
    never = float("inf")
    emitted = defaultdict(list)
    for fact in app:
        if fact["what"] == "push":
            emitted[fact["client"]].append(fact)
    for client, facts in of_client.items():
        heard = [(fact["life"], fact["n"]) for fact in facts if fact["what"] == "push"]
        times = Counter(heard)
        sessions = fresh_sids(facts)
        began = {sid: place for place, sid in enumerate(sessions)}  # later ones tell
        highest = defaultdict(int)  # of those of a session that came
        for push in emitted[client]:
            if times[push["life"], push["n"]]:
                highest[push["sid"]] = push["n"]
        for push in emitted[client]:
            life, n, sid = push["life"], push["n"], push["sid"]
            if times[life, n]:
                fate = "duplicated" if times[life, n] > 1 else "once"
            elif n < highest[sid]:
                fate = "silent"
            elif push["t"] > killed.get(life, never) - FLUSHED:
                fate = "apps_own"
            else:
                fate = "told" if began.get(sid, len(sessions)) + 1 < len(sessions) else "silent"
            row.count(fate, f"push {n} of life {life} to client {client}, emitted at {push['t']:.2f}")
        count_order(row, [(client, number) for number in heard])


def count_asks(row, of_client, app, tracked):
    arrived = {fact["id"] for fact in app if fact["what"] == "ask"}
    for facts in of_client.values():
        answers = Counter(fact["id"] for fact in facts if fact["what"] == "answer")
        row.fallbacks += sum(fact["what"] == "answer" and fact["late"] for fact in facts)
        last_disconnect = max((fact["t"] for fact in facts if fact["what"] == "disconnect"), default=0)
        for ask in (fact for fact in facts if fact["what"] == "ask"):
            times = answers[ask["id"]]
            cut_off = ask["id"] not in arrived and ask["t"] <= last_disconnect
            row.count("asked_once" if times == 1 else "asked_twice" if times else "asked_cut_off" if cut_off else "asked_never",
                      f"ask {ask['id']}, sent at {ask['t']:.2f}, answered {times} times")
    # The proxy knows better which have come to it: none of those is excused.
    if tracked is not None:
        missed = tracked - row.asked_once - row.asked_twice - row.asked_never
        if missed > 0:
            row.asked_cut_off -= missed
            row.asked_never += missed
            row.examples.append(f"asked_never: {missed} more that the proxy had tracked")


def back_after(of_client, last_trouble):
    """Until each client has had an ack of something said since, and a push."""
    latest = 0.0
    for facts in of_client.values():
        since = [fact for fact in facts if fact["t"] > last_trouble]
        said = {fact["n"] for fact in since if fact["what"] == "note"}
        acks = [fact["t"] for fact in since if fact["what"] == "end" and fact["how"] == "ack" and fact["n"] in said]
        pushes = [fact["t"] for fact in since if fact["what"] == "push"]
        if not acks or not pushes:
            return None
        latest = max(latest, acks[0] - last_trouble, pushes[0] - last_trouble)
    return latest


def busiest_second(times):
    """The most of them within any one second."""
    most, first = 0, 0
    for last, time in enumerate(times):
        while time - times[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most
