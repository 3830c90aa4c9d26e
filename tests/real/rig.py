"""Starts and stops what the tests with the real thing need: apps, forestay, clients. Everything listens on free ports of
127.0.0.1, is waited for, and is ended by the process that started it."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PYTHON = "/usr/bin/python3"  # Debian's, which has the packages


class Process:
    """A child with its output in a file."""

    def __init__(self, name, command, directory, stdin=subprocess.DEVNULL):
        self.name = name
        self.log_path = os.path.join(directory, f"{name}.log")
        self.log = open(self.log_path, "wb")
        # PR_SET_PDEATHSIG would need a preexec function; the rig ends its children in __exit__ and on SIGTERM instead.
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, stdin=stdin)
        self.pid = self.child.pid

    def first_line(self):
        line = self.child.stdout.readline()
        if not line:
            self.child.wait()
            raise RuntimeError(f"{self.name} ended with {self.child.returncode}:\n{self.text()[-2000:]}")
        return json.loads(line)

    def text(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def stop(self, how=signal.SIGTERM, seconds=15):
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise RuntimeError(f"{self.name} did not end within {seconds} s of signal {how}") from None
        finally:
            if self.child.stdout:
                self.child.stdout.close()
            self.log.close()
        return self.child.returncode


class Upstream(Process):
    """An app that prints its port and writes down every request it hears."""

    def __init__(self, name, command, directory):
        self.access_log = os.path.join(directory, f"{name}.access")
        super().__init__(name, [*command, self.access_log], directory)
        self.port = self.first_line()["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def requests(self):
        """What it heard, oldest first, as WSGI environments."""
        if not os.path.exists(self.access_log):
            return []
        with open(self.access_log) as log:
            return [json.loads(line) for line in log]


class Forestay(Process):
    """forestay with a configuration; its addresses are read from its ready file."""

    def __init__(self, binary, upstream_url, directory, name, config, flags):
        path = os.path.join(directory, f"{name}.yaml")
        ready = os.path.join(directory, f"{name}.ready")
        with open(path, "w") as file:
            file.write("listen: 127.0.0.1:0\n")
            file.write(f"upstream: {upstream_url}\n" if not re.search("^upstream:", config, re.MULTILINE) else "")
            file.write("admin: {listen: 127.0.0.1:0}\n" if "admin:" not in config else "")
            file.write(config)
        super().__init__(name, [binary, "run", "-c", path, "--ready-file", ready, *flags], directory)
        # Its log goes to both, depending on the line; keep all of it.
        self.drain = subprocess.Popen(["cat"], stdin=self.child.stdout, stdout=self.log)
        end = time.monotonic() + 20
        while not (os.path.exists(ready) and os.path.getsize(ready)):
            if self.child.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{name} is not ready:\n{self.text()[-3000:]}")
            time.sleep(0.02)
        with open(ready) as file:
            addresses = json.load(file)
        self.port = port_of(addresses["listen"])
        self.admin_port = port_of(addresses["admin"])
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"

    def stop(self, how=signal.SIGTERM, seconds=30):
        try:
            code = super().stop(how, seconds)
        finally:
            self.drain.wait()
        # A drain that was asked for is no failure; a sanitizer that has something to say, if only at the end, is one.
        if how == signal.SIGTERM and code != 0:
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.text()[-6000:]}")
        return code

    def metrics(self):
        """{'name{label="value"}': number} of /metrics."""
        with urllib.request.urlopen(f"{self.admin_url}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return {key: float(value) for key, value in
                (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))}

    def metric(self, name, **labels):
        """The sum of all series of that name that have those labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for key, value in self.metrics().items()
                   if re.match(rf"{name}(\{{|$)", key) and all(label in key for label in wanted))

    def memory(self):
        """{'VmHWM': bytes, 'VmRSS': bytes, 'RssAnon': bytes}."""
        with open(f"/proc/{self.pid}/status") as status:
            return {key: int(value.split()[0]) * 1024 for key, value in
                    (line.split(":", 1) for line in status if line.startswith(("VmHWM", "VmRSS", "RssAnon")))}


def port_of(addresses):
    address = addresses[0] if isinstance(addresses, list) else addresses
    return int(str(address).rsplit(":", 1)[1])


class Rig:
    """with Rig(binary) as rig: ...   Ends everything it started, newest first, and keeps the logs when asked to by
    FORESTAY_KEEP_LOGS."""

    def __init__(self, binary=None):
        self.binary = binary
        self.running = []
        self.directory = tempfile.mkdtemp(prefix="forestay-real.")

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, kind, *_):
        problems = []
        for process in reversed(self.running):
            try:
                process.stop()
            except RuntimeError as problem:
                problems.append(str(problem))
        if os.environ.get("FORESTAY_KEEP_LOGS"):
            print(f"logs: {self.directory}")
        else:
            subprocess.run(["rm", "-rf", self.directory], check=True)
        if problems and kind is None:
            raise RuntimeError("; ".join(problems))

    def started(self, process):
        self.running.append(process)
        return process

    def stop(self, process):
        self.running.remove(process)
        return process.stop()

    def stop_hard(self, process):
        """As a crash does."""
        self.running.remove(process)
        return process.stop(signal.SIGKILL)

    def app(self, mode="eventlet", name=None, **options):
        flags = [text for key, value in options.items() for text in (f"--{key.replace('_', '-')}", str(value))]
        return self.started(Upstream(name or mode, [PYTHON, os.path.join(HERE, "app.py"), mode, *flags, "--log"], self.directory))

    def eio3_app(self):
        return self.started(Upstream("eio3", ["node", os.path.join(HERE, "eio3_server.js")], self.directory))

    def forestay(self, upstream_url, config="", name="forestay", flags=()):
        return self.started(Forestay(self.binary, upstream_url, self.directory, name, config, flags))

    def file(self, name, content):
        """A file of its own in the rig's directory, readable by nobody else: secrets, keys."""
        path = os.path.join(self.directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(content)
        return path


class Checks:
    """What was tried and what came out, as a table."""

    def __init__(self, title):
        print(f"\n{title}", flush=True)
        self.failures = []

    def expect(self, met, text, detail=""):
        print(f"  {'ok    ' if met else 'FAILED'} {text}{f': {detail}' if detail else ''}", flush=True)
        if not met:
            self.failures.append(f"{text}: {detail}" if detail else text)
        return met

    def exit_code(self):
        if self.failures:
            print(f"\n{len(self.failures)} failed:")
            for failure in self.failures:
                print(f"  {failure}")
        return 1 if self.failures else 0
