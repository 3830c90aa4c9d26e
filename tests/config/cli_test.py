"""The command line, with the real binary: exit codes, messages, flags, masks. Usage: cli_test.py FORESTAY"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

FORESTAY = sys.argv.pop(1)
TWO_KEYS = "listen: 127.0.0.1:8080\nupstream: http://127.0.0.1:5000\n"


class CommandLine(unittest.TestCase):
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

    def forestay(self, *arguments, env=None):
        result = subprocess.run(
            [FORESTAY, *arguments], capture_output=True, text=True, timeout=30, check=False,
            cwd=self.folder.name, env={"PATH": "/usr/bin:/bin", **(env or {})})
        return result.returncode, result.stdout, result.stderr

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
            "config", "-c", "f.yaml", "--listen", "127.0.0.1:1", "--upstream", "http://b:2",
            "--set", "heartbeat.ping_interval=20s", "--set=requests.0.timeout=5s", "--set", "socketio.paths=[/a/, /b/]")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("listen:\n  - 127.0.0.1:1\nupstream:\n  url: http://b:2\n", out)
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
                         "Where clients connect. Port 0 takes any free one.")
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


if __name__ == "__main__":
    unittest.main(verbosity=1)
