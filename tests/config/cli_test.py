"""The command line, with the real binary: exit codes, messages, flags, masks. Usage: cli_test.py FORESTAY"""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

FORESTAY = sys.argv.pop(1)
TWO_KEYS = "listen: 127.0.0.1:8080\nupstream: http://127.0.0.1:5000\n"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, text, name="f.yaml", mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def forestay(self, *arguments, env=None, given=""):
        result = subprocess.run(
            [FORESTAY, *arguments], input=given, capture_output=True, text=True, timeout=30, check=False,
            cwd=self.folder.name, env={"PATH": "/usr/bin:/bin", **(env or {})})
        return result.returncode, result.stdout, result.stderr


class Tokens(Case):
    def test_a_fresh_token_is_printed_once_with_the_line_for_the_configuration(self):
        code, out, err = self.forestay("token", "new", "--name", "ci", "--expires", "2027-01-31")
        token, line = out.splitlines()
        self.assertEqual(code, 0)
        self.assertRegex(token, r"^fst_[A-Za-z0-9_-]{32}$")
        self.assertEqual(line, hashlib.sha256(token.encode()).hexdigest() + " name=ci expires=2027-01-31")
        self.assertIn("sha256_file", err)
        self.assertNotIn(token, err)
        again = self.forestay("token", "new", "--quiet")
        self.assertNotEqual(again[1].splitlines()[0], token)
        self.assertEqual(again[2], "")
        self.write(line + "\n", "hashes")
        self.write("listen: 127.0.0.1:0\nupstream: http://127.0.0.1:1\n"
                   "auth: {protect: /, any_of: [{token: {sha256_file: hashes}}]}\n")
        self.assertEqual(self.forestay("check", "-c", "f.yaml"), (0, "f.yaml is fine\n", ""))

    def test_the_hash_of_a_token_on_standard_input(self):
        expected = hashlib.sha256(b"abc").hexdigest()
        for given in ("abc", "abc\n", "abc\r\nmore\n"):
            self.assertEqual(self.forestay("token", "hash", given=given), (0, expected + "\n", ""))
        code, out, err = self.forestay("token", "hash", given="\n")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("standard input", err)

    def test_what_a_line_could_not_say_is_refused(self):
        for wrong in (("--name", "a b"), ("--name", "a\nb"), ("--expires", "2027-02-29"), ("--expires", "soon")):
            code, out, err = self.forestay("token", "new", *wrong)
            self.assertEqual((code, out), (2, ""), wrong)
            self.assertIn(wrong[0], err)


class CommandLine(Case):
    def test_check_says_that_a_configuration_is_fine(self):
        self.write(TWO_KEYS)
        self.assertEqual(self.forestay("check", "-c", "f.yaml"), (0, "f.yaml is fine\n", ""))

    def test_check_says_all_problems_with_their_places_and_exits_with_1(self):
        self.write("listen: 8080\nupstraem: http://a\nheartbeat: {ping_interval: 30}\nlisten: x:1\n")
        code, out, err = self.forestay("check", "-c", "f.yaml")
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err.splitlines(), [
            'f.yaml:1:1: upstream is missing: a URL such as http://127.0.0.1:5000 is expected',
            'f.yaml:1:9: listen: "8080" does not say on which address: write 127.0.0.1:8080 for this machine only, '
            '0.0.0.0:8080 for all',
            'f.yaml:2:1: unknown key "upstraem": did you mean "upstream"?',
            'f.yaml:3:28: heartbeat.ping_interval: "30" has no unit: write 500ms, 30s, 5m, 24h or 31d',
            'f.yaml:4:1: duplicate key "listen": it stands in line 1 already',
            'f.yaml has 5 problems'])

    def test_warnings_do_not_fail_a_check(self):
        self.write("listen: 0.0.0.0:8080\nupstream: http://a:1\n")
        code, out, err = self.forestay("check", "-c", "f.yaml")
        self.assertEqual((code, out), (0, "f.yaml is fine, with 1 warning\n"))
        self.assertEqual(err, "f.yaml:1:9: warning: everybody who reaches this address may use the app: "
                              "auth.protect is empty\n")

    def test_a_secret_that_everybody_can_read_is_a_warning(self):
        self.write("key", name="key", mode=0o644)
        self.write(TWO_KEYS + "auth: {protect: /, any_of: [{flask_session: {secret_key_file: key}}]}\n")
        code, _, err = self.forestay("check", "-c", self.path("f.yaml"))
        self.assertEqual(code, 0)
        self.assertIn('f.yaml:3:63: warning: "' + self.path("key") + '" holds a secret', err)
        os.chmod(self.path("key"), 0o640)
        self.assertEqual(self.forestay("check", "-c", "f.yaml"), (0, "f.yaml is fine\n", ""))

    def test_a_file_that_is_not_there(self):
        self.assertEqual(self.forestay("check", "-c", "nope.yaml"),
                         (1, "", 'nope.yaml: cannot read "nope.yaml": No such file or directory\n'
                                 'nope.yaml has 1 problem\n'))
        code, _, err = self.forestay("check", "-c", ".")
        self.assertEqual((code, err.splitlines()[0]), (1, '.: cannot read ".": not a file'))

    def test_flags_alone_are_a_configuration(self):
        self.assertEqual(
            self.forestay("check", "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--upstream", "http://[::1]:5000"),
            (0, "the configuration is fine\n", ""))

    def test_flags_go_over_the_file(self):
        self.write(TWO_KEYS + "requests: [{name: a, match: {event: x}, timeout: 1s, fallback: {ack: []}}]\n")
        code, out, err = self.forestay(
            "config", "-c", "f.yaml", "--listen", "127.0.0.1:1", "--upstream", "http://b:2", "--upstream", "http://b:3",
            "--set", "heartbeat.ping_interval=20s", "--set=requests.0.timeout=5s", "--set", "socketio.paths=[/a/, /b/]")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("listen:\n  - 127.0.0.1:1\nupstream:\n  url:\n    - http://b:2\n    - http://b:3\n", out)
        self.assertIn("  ping_interval: 20s\n", out)
        self.assertIn("    timeout: 5s\n", out)
        self.assertIn("  paths:\n    - /a/\n    - /b/\n", out)

    def test_problems_of_flags_name_the_flag(self):
        self.write(TWO_KEYS)
        code, _, err = self.forestay("check", "-c", "f.yaml", "--set", "heartbaet.x=1", "--listen", "8080")
        self.assertEqual(code, 1)
        self.assertIn('--set heartbaet.x: unknown key "heartbaet": did you mean "heartbeat"?\n', err)
        self.assertIn('--listen: listen[0]: "8080" does not say on which address', err)

    def test_config_reads_its_own_output(self):
        self.write(TWO_KEYS + "cors: {allowed_origins: [same-origin, 'https://*.example.com']}\n")
        code, out, _ = self.forestay("config", "-c", "f.yaml")
        self.assertEqual(code, 0)
        self.write(out, name="again.yaml")
        self.assertEqual(self.forestay("config", "-c", "again.yaml"), (0, out, ""))

    def test_config_masks_secrets_of_files_flags_and_the_environment(self):
        self.write(TWO_KEYS + "auth:\n  protect: /\n  any_of:\n"
                              "    - flask_session: {secret_key: \"${KEY}\"}\n"
                              "    - jwt: {algorithms: HS256, secret: canary-canary-canary-canary-1}\n")
        code, out, err = self.forestay("config", "-c", "f.yaml", "--set", "admin.token=canary", env={"KEY": "canary"})
        self.assertEqual(code, 1, "29 bytes are too few for HS256")
        self.assertNotIn("canary", out + err)
        code, out, err = self.forestay(
            "config", "-c", "f.yaml", "--set", "admin.token=canary", "--set",
            "auth.any_of.1.jwt.secret=canary-canary-canary-canary-1234", env={"KEY": "canary"})
        self.assertEqual(code, 0)
        self.assertNotIn("canary", out + err)
        self.assertEqual(out.count('"***"'), 3)

    def test_config_of_a_bad_configuration_shows_problems_only(self):
        self.write("listen: x\n")
        code, out, err = self.forestay("config", "-c", "f.yaml")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("f.yaml:1:9: listen: ", err)

    def test_defaults_schema_and_reference_need_no_file(self):
        code, out, _ = self.forestay("config", "--defaults")
        self.assertEqual(code, 0)
        self.assertIn("  ping_interval: 25s\n", out)
        code, out, _ = self.forestay("config", "--schema")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["properties"]["listen"]["description"],
                         "Where clients connect. Port 0 takes any free one. With `tls`, `http://host:port` is an address without.")
        code, out, _ = self.forestay("config", "--reference")
        self.assertEqual((code, out.splitlines()[0]), (0, "# Configuration"))

    def test_wrong_usage_exits_with_2(self):
        for arguments in [[], ["fly"], ["check", "--nope"], ["check", "stray"], ["check", "-c"], ["check", "--set", "a"],
                          ["check", "--set", "=a"], ["config", "--defaults", "--schema"], ["run", "--listen"]]:
            code, out, err = self.forestay(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertNotEqual(err, "", arguments)

    def test_help_and_version_exit_with_0(self):
        code, out, err = self.forestay("--version")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^forestay \d+\.\d+\.\d+\n$")
        code, out, err = self.forestay("--help")
        self.assertEqual((code, err), (0, ""))
        for command in ["run", "check", "config"]:
            self.assertIn("\n  " + command + " ", out)
            code, text, _ = self.forestay(command, "--help")
            self.assertEqual(code, 0)
            self.assertIn("--set KEY=VALUE", text)

    def test_colours_are_for_terminals_only(self):
        self.write("listen: x\n")
        self.assertNotIn("\033", "".join(self.forestay("check", "-c", "f.yaml")[1:]))
        for env, coloured in [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)]:
            self.assertEqual("\033" in self.on_a_terminal("check", "-c", "f.yaml", env=env), coloured, env)

    def on_a_terminal(self, *arguments, env):
        ours, theirs = os.openpty()
        with subprocess.Popen([FORESTAY, *arguments], stdout=theirs, stderr=theirs, cwd=self.folder.name, env=env) as child:
            child.wait(timeout=30)
        os.close(theirs)
        shown = os.read(ours, 1 << 16).decode()
        os.close(ours)
        return shown


class Run(Case):
    def start(self, *arguments):
        """Runs until its listeners are up; returns the process and what the ready file says."""
        ready = self.path("ready.json")
        child = subprocess.Popen(
            [FORESTAY, "run", "--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:9", "--set",
             "admin.listen=127.0.0.1:0", "--ready-file", ready, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder.name)
        self.addCleanup(self.end, child)
        limit = time.monotonic() + 30
        while not os.path.exists(ready):
            if child.poll() is not None or time.monotonic() > limit:
                self.fail("never ready: " + str(child.communicate(timeout=30)))
            time.sleep(0.01)
        with open(ready, encoding="utf-8") as file:
            return child, json.load(file)

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.kill()
        child.communicate()

    def test_the_ready_file_names_what_was_bound(self):
        child, ready = self.start("--listen", "[::1]:0", "--listen", "unix:" + self.path("f.sock"))
        self.assertEqual(ready["pid"], child.pid)
        self.assertEqual(len(ready["admin"]), 1)
        self.assertEqual(len(ready["listen"]), 3)
        self.assertEqual(ready["listen"][2], "unix:" + self.path("f.sock"))
        for address in ready["listen"][:2] + ready["admin"]:
            host, _, port = address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), timeout=30).close()

    def test_the_first_line_of_the_log_says_who_where_and_for_whom(self):
        child, ready = self.start("--set", "logging.format=json")
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=30)
        self.assertEqual((child.returncode, out), (0, ""))
        first = json.loads(err.splitlines()[0])
        self.assertEqual(first["event"], "started")
        self.assertRegex(first["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual((first["listen"], first["admin"]), (ready["listen"][0], ready["admin"][0]))
        self.assertEqual(first["upstream"], "http://127.0.0.1:9")

    def test_a_signal_that_comes_with_the_ready_file_is_already_a_wish(self):
        for number in [signal.SIGTERM, signal.SIGINT]:
            child, _ = self.start()
            child.send_signal(number)
            child.communicate(timeout=30)
            self.assertEqual(child.returncode, 0, number)
            os.remove(self.path("ready.json"))

    def test_a_second_signal_cuts_a_drain_that_takes_long(self):
        child, ready = self.start("--set", "drain.timeout=1h")
        host, _, port = ready["listen"][0].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
            child.send_signal(signal.SIGTERM)
            while "draining" not in (line := child.stderr.readline()):
                self.assertNotEqual(line, "")
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=30)
        self.assertEqual(child.returncode, 0)

    def test_risky_settings_are_in_the_log(self):
        child, _ = self.start("--set", "auth.from.query=[token]", "--set", "logging.format=json")
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=30)
        entries = [json.loads(line) for line in err.splitlines()]
        self.assertEqual([(e["level"], e["at"]) for e in entries if e["event"] == "risky_setting"],
                         [("warning", "--set auth.from.query")])

    def test_what_cannot_be_had_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = "127.0.0.1:" + str(other.getsockname()[1])
            for arguments in [["--listen", taken, "--set", "admin.listen=off"],
                              ["--listen", "127.0.0.1:0", "--set", "admin.listen=" + taken]]:
                code, out, err = self.forestay("run", "--upstream", "http://127.0.0.1:9", *arguments)
                self.assertEqual((code, out), (1, ""), arguments)
                self.assertRegex(err, r"^forestay: cannot listen on " + taken + r"[^\n]*: Address already in use\n$")

    def test_an_address_of_another_machine(self):
        code, _, err = self.forestay("run", "--upstream", "http://127.0.0.1:9", "--listen", "192.0.2.1:8080", "--set",
                                     "auth.protect=[]", "--set", "admin.listen=off")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"^forestay: [^\n]*192\.0\.2\.1:8080[^\n]*\n$")

    def test_a_ready_file_that_cannot_be_written(self):
        code, _, err = self.forestay("run", "--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--set",
                                     "admin.listen=off", "--ready-file", self.path("no/such/folder/ready.json"))
        self.assertEqual(code, 1)
        self.assertIn("forestay: cannot write ", err)

    def test_a_bad_configuration_is_told_and_nothing_runs(self):
        self.write("listen: x\n")
        code, out, err = self.forestay("run", "-c", "f.yaml")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("f.yaml:1:9: listen: ", err)


if __name__ == "__main__":
    unittest.main(verbosity=1)
