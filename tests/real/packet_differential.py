#!/usr/bin/env python3
"""What forestay reads in a packet, the real servers read too.

Recorded packets and mutants of them go through three parsers: forestay's strict one (packet_reader), python-engineio with
python-socketio, and socket.io-parser (packet_reader.js). Whatever forestay accepts both must accept, and all three must
agree about type, namespace, id, attachments and event name. Of the recorded ones the servers must say what is recorded.

  packet_differential.py PACKET_READER [--modules NODE_MODULES] [--mutants N] [--seed N]
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys

from engineio import packet as engineio_packet
from socketio import packet as socketio_packet

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors" / "parser_differentials.json"
# Of all that is tried; fewer would show that the mutants have gone wild.
ACCEPTED_MIN = 0.05

PIECES = [
    "0", "1", "2", "3", "4", "5", "6", "9", "10", "01", "٤", "２", "/", ",", "-", "?", "[", "]", "{", "}", '"', "\\", ":", " ", "\t", "\n",
    "\u00a0", "\ufeff", "\u0000", "null", "true", "NaN", "Infinity", "-0", "1e400", '["x"]', '"x"', '"connect"', "/admin,", "/a?b=1,",
    "\\u0063onnect", "\\ud800", "\\u00e9", "é", "😀", '{"_placeholder":true,"num":0}', '{"num":1,"_placeholder":true}', "1-", "2-", "0-",
    "9007199254740991", "9007199254740993", "[[[[", "]]]]", "probe", "b",
]


def python_reads(text):
    """The same members as packet_reader.js."""
    try:
        outer = engineio_packet.Packet(encoded_packet=text)
    except Exception as error:  # whatever it is, the server drops the connection
        return {"text": "THROW " + type(error).__name__}
    if outer.packet_type != engineio_packet.MESSAGE:
        return {"text": f"EIO:{outer.packet_type}"}
    try:
        packet = socketio_packet.Packet(encoded_packet=outer.data)
    except Exception as error:
        return {"text": "THROW " + type(error).__name__}
    # The parser takes these; the server that it is for does not.
    if packet.packet_type == 4:
        return {"text": "THROW(later) unexpected CONNECT_ERROR"}
    if packet.packet_type not in (0, 1, 2, 3, 5, 6) or isinstance(packet.packet_type, float):
        return {"text": "THROW(later) unknown packet type" + (f" {packet.packet_type}" if isinstance(packet.packet_type, int) else "")}
    namespace = packet.namespace or "/"
    number = "" if packet.id is None else f" id={packet.id}"
    if packet.packet_type in (5, 6):
        said = f"WAIT att={packet.attachment_count} type={packet.packet_type} nsp={namespace}{number}"
    else:
        said = f"type={packet.packet_type} nsp={namespace}{number} data={None if packet.data is None else json.dumps(packet.data)}"
    is_list = isinstance(packet.data, list)
    read = {"type": packet.packet_type, "nsp": namespace, "id": packet.id, "text": said,
            "attachments": packet.attachment_count if packet.packet_type in (5, 6) else 0,
            "event": packet.data[0] if packet.packet_type in (2, 5) and is_list and packet.data else None,
            "arguments": len(packet.data) if is_list else 0, "data": packet.data}
    if packet.packet_type in (5, 6):
        try:
            read["whole"] = [packet.add_attachment(b"b%d" % i) for i in range(min(packet.attachment_count, 20))][-1:] == [True]
        except Exception as error:
            read["whole"] = f"THROW {type(error).__name__}"
    return read


def all_read(program, texts):
    """One answer for each text."""
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    done = subprocess.run(program, input=lines, capture_output=True, text=True, encoding="utf-8", check=True)
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(texts), f"{program[0]}: {len(answers)} answers to {len(texts)} packets: {done.stderr}"
    return [json.loads(answer) for answer in answers]


def mutant(chance, seeds):
    text = chance.choice(seeds)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.choice((0, 0, 1, 1, 2, 5)))
        kind = chance.random()
        if kind < 0.6:
            text = text[:at] + chance.choice(PIECES) + text[to:]
        elif kind < 0.75:
            text = text[:at] + text[to:]
        elif kind < 0.85:
            text = text[:at] + text[at:to] * 2 + text[to:]
        elif kind < 0.95:
            other = chance.choice(seeds)
            text = text[:at] + other[chance.randrange(len(other) + 1):]
        else:
            text = text[:at] + chr(chance.choice((chance.randrange(0x20, 0x7F), chance.randrange(0x80, 0x3000)))) + text[to:]
    return text[:2000]


def differences(ours, python, javascript):
    """What is not the same, as text; empty when all agree."""
    found = []
    for name, theirs in (("python-socketio", python), ("socket.io-parser", javascript)):
        if "type" not in theirs:
            found.append(f"{name} refuses it: {theirs['text']}")
            continue
        for what in ("type", "nsp", "id", "attachments", "event"):
            if theirs[what] != ours[what]:
                found.append(f"{name}: {what} {theirs[what]!r}, ours {ours[what]!r}")
        if ours["attachments"] and theirs["whole"] is not True:
            found.append(f"{name}: not whole with its attachments ({theirs['whole']})")
    if "type" in python and "type" in javascript:
        if python["arguments"] != javascript["arguments"]:
            found.append("the servers differ in the number of arguments")
        if not ours["attachments"] and ours["payload"] and json.loads(ours["payload"]) != python["data"]:
            found.append("python-socketio has another payload")
    return found


def written_short(row):
    """Long packets are recorded by their beginning and length."""
    return "...(" in row["raw"]


def recorded_problems(rows, python, javascript):
    for row, theirs_python, theirs_javascript in zip(rows, python, javascript):
        for name, theirs, recorded in (("python-socketio", theirs_python, row["python_socketio_5_7_2"]),
                                       ("socket.io-parser", theirs_javascript, row["socketio_parser_4_2_7"])):
            if " digits " in recorded or "chars)" in recorded:
                continue
            if theirs["text"] != recorded:
                yield f"{row['raw']!r}: {name} says {theirs['text']!r}, recorded is {recorded!r}"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("reader")
    options.add_argument("--modules", default=str(HERE / "node_modules"))
    options.add_argument("--mutants", type=int, default=40000)
    options.add_argument("--seed", type=int, default=20261128)
    options = options.parse_args()
    print(f"seed {options.seed}, {options.mutants} mutants", flush=True)

    rows = [row for row in json.loads(VECTORS.read_text())["rows"] if not written_short(row)]
    recorded = [row["raw"] for row in rows]
    chance = random.Random(options.seed)
    # As many of what is accepted as of all else together, and some longer ones.
    good = [row["raw"] for row in rows if row["forestay"] == "accept"] + [
        '452-/a,3["e",{"a":{"_placeholder":true,"num":0}},[{"num":1,"_placeholder":true}]]',
        '42/chat,12["message",{"text":"na\\u00efve \\"quoted\\"","n":[1,-2.5e3,true,null]}]', '40/chat,{"token":"a.b.c","n":{"d":[1]}}',
        '461-/a,9[{"_placeholder":true,"num":0}]', '43/chat,7[{"ok":true},"x"]']
    seeds = recorded + good * max(1, len(recorded) // len(good))
    texts = recorded + [mutant(chance, seeds) for _ in range(options.mutants)]

    ours = all_read([options.reader], texts)
    javascript = all_read(["node", str(HERE / "packet_reader.js"), options.modules], texts)
    python = [python_reads(text) for text in texts]

    problems = list(recorded_problems(rows, python, javascript))
    accepted = at_odds = 0
    for text, mine, theirs_python, theirs_javascript in zip(texts, ours, python, javascript):
        disagree = any(theirs_python.get(what) != theirs_javascript.get(what) for what in ("type", "nsp", "id", "attachments", "event"))
        at_odds += disagree
        if mine is None:
            continue
        accepted += 1
        problems += [f"{text!r}: {difference}" for difference in differences(mine, theirs_python, theirs_javascript)]
    print(f"{len(texts)} packets, {accepted} accepted; the servers are at odds over {at_odds}, of those that are accepted over none"
          if not problems else f"{len(problems)} problems")
    if accepted < ACCEPTED_MIN * len(texts):
        problems.append(f"only {accepted} of {len(texts)} packets are accepted: the mutants are too wild to show anything")
    for problem in problems[:50]:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
