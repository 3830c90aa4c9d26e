"""forestay rules test, with the real binary. Usage: rules_command_test.py FORESTAY

messages.expected is what rules.yaml makes of messages.jsonl; after a change that is meant, it is written again by
    forestay rules test -c tests/app/rules.yaml tests/app/messages.jsonl > tests/app/messages.expected
"""
import json
import os
import subprocess
import sys
import unittest

FORESTAY = os.path.abspath(sys.argv.pop(1))
HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def rules_test(*arguments, messages=None):
    if isinstance(messages, list):
        messages = "".join(json.dumps(message) + "\n" for message in messages)
    done = subprocess.run([FORESTAY, "rules", "test", "-c", "rules.yaml", *arguments], input=messages, capture_output=True,
                          text=True, timeout=60, check=False, cwd=HERE)
    return done.returncode, done.stdout, done.stderr


def ask(at, **more):
    return {"at": at, "from": "client", "event": "price", **more}


class RulesTest(unittest.TestCase):
    maxDiff = None

    def test_says_what_became_of_each_request(self):
        self.assertEqual(rules_test("messages.jsonl"), (0, read("messages.expected"), ""))

    def test_says_the_same_of_standard_input_and_as_json(self):
        code, out, _ = rules_test("--json", "-", messages=read("messages.jsonl"))
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(code, 0)
        self.assertEqual([line["line"] for line in lines[:-1]], [1, 2, 5, 9, 10, 12, 13, 17, 20, 21, 22, 25, 26, 27])
        self.assertEqual(lines[1], {"line": 2, "at": 0.5, "session": "b", "name": "chat_message", "rule": "think_tank",
                                    "fate": "fallback", "code": "timeout_idle", "event": "response", "ended": 15.5,
                                    "with": '{"message_id":"m-1","status":"timeout_idle"}'})
        self.assertEqual(lines[-1]["rules"]["price"], {"requests": 3, "answered": 2, "fallbacks": 1, "joined": 0, "repeated": 0,
                                                       "resent": 2, "progress": 0, "late": 0, "invalid": 0})
        self.assertEqual(lines[-1]["unmatched"], {"bye": 1, "chat_message": 1, "report": 1})

    def test_nothing_waits_for_the_end_of_the_recording(self):
        code, out, _ = rules_test("-", messages=[ask(0, ack=5)])
        self.assertEqual(code, 0)
        self.assertIn('line 1, 0.000 s: price is price; fallback timeout at 10.000 s, after 10.000 s: '
                      'ack [{"error":"timeout","after_ms":10000}]\n', out)

    def test_a_recording_may_be_long(self):
        messages = []
        for i in range(20_000):
            messages += [ask(i, ack=i), {"at": i + 0.5, "from": "app", "ack_of": i, "args": [i]}]
        code, out, _ = rules_test("--json", "-", messages=messages)
        summary = json.loads(out.splitlines()[-1])
        self.assertEqual((code, summary["rules"]["price"]["answered"]), (0, 20_000))

    def test_a_bad_line_is_named(self):
        for line, problem in {
            '{"at": 1': "not JSON",
            '[]': 'an object is expected: {"at": 1.5, "from": "client", ...}',
            '{"from": "client", "event": "x"}': '"at" is missing or no time: seconds as a number, or "1.5s", "200ms", "2m"',
            '{"at": "1 day", "from": "client", "event": "x"}':
                '"at" is missing or no time: seconds as a number, or "1.5s", "200ms", "2m"',
            '{"at": 0.5, "from": "client", "event": "x"}':
                '"at" is before that of the line above: times do not go backwards',
            '{"at": 2, "event": "x"}': '"from" must be "client" or "app"',
            '{"at": 2, "from": "client"}': 'one of "event", "ack_of", "packet", "message" is expected, or "lost": true',
            '{"at": 2, "from": "client", "event": "x", "args": {}}': '"args" must be a list',
            '{"at": 2, "from": "client", "event": "x", "ack": -1}': "an ack id is a number of at most 15 digits",
            '{"at": 2, "from": "client", "evnt": "x"}': 'unknown key "evnt"',
            '{"at": 2, "from": "client", "path": "/other", "message": {}}':
                '"path" is none of a JSON websocket in the configuration: "/other"',
            '{"at": 2, "from": "client", "packet": "2[\\"x\\",NaN]"}':
                "forestay would close the client's connection: protocol_violation",
        }.items():
            with self.subTest(line):
                code, _, err = rules_test("-", messages='{"at": 1, "from": "client", "event": "x"}\n' + line + "\n")
                self.assertEqual((code, err), (1, f"-:2: {problem}\n"))

    def test_wrong_usage_is_told_apart(self):
        self.assertEqual(rules_test()[0], 2)
        self.assertEqual(rules_test("nowhere.jsonl"), (2, "", "forestay: cannot read nowhere.jsonl\n"))
        self.assertEqual(rules_test("--set", "nonsense=1", "messages.jsonl")[0], 1)


if __name__ == "__main__":
    unittest.main()
