#!/usr/bin/python3
"""deploy/forestay.service: systemd finds nothing wrong with it and little exposed, and forestay can live in it: as nobody,
without a place to write to, with its system calls only. A session, uploads, secrets as credentials, a port below 1024.

    service_test.py BINARY
"""
import http.client
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zlib

from credentials import jwt
from rig import HERE, PYTHON, ROOT, Checks, Process, Rig

UNIT = os.path.join(ROOT, "deploy", "forestay.service")
EXPOSURE_MAX = 20  # tenths; systemd calls anything below 25 fine
NOBODY = 65534
JWT_KEY = "jwt-secret-key-0123456789abcdefghijkl"
LARGE = bytes(range(256)) * (4 << 10) * 24  # 24 MiB

CONFIG = """
listen: ["127.0.0.1:0"{privileged}]
upstream: http://localhost:{port}
admin: {{listen: 127.0.0.1:0}}
logging: {{format: json}}
auth:
  protect: [/socket.io/]
  any_of: [{{jwt: {{algorithms: [HS256], secret_file: "${{CREDENTIALS_DIRECTORY}}/jwt"}}}}]
  from: {{connect: [token]}}
"""


class Service(Process):
    """forestay as the unit runs it. Its addresses are in its log: there is no place for a ready file."""

    def __init__(self, rig, name, config, confined=True, writable=None):
        open_to_all = os.path.join(rig.directory, name)
        os.mkdir(open_to_all)
        path = os.path.join(open_to_all, "forestay.yaml")
        with open(path, "w") as file:
            file.write(config)
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(f"\0forestay-{os.getpid()}-{name}")
        self.notices.settimeout(20)
        own = {"NOTIFY_SOCKET": f"@forestay-{os.getpid()}-{name}", "CREDENTIALS_DIRECTORY": os.path.join(rig.directory, "credentials"),
               "TMPDIR": writable or "/proc"}
        binary = os.path.join(rig.directory, "forestay")
        command = [binary, "run", "-c", path]
        if confined:
            command = [PYTHON, os.path.join(HERE, "confined.py"), UNIT, *(["--writable", writable] if writable else []), *command]
        super().__init__(name, ["env", *(f"{key}={value}" for key, value in own.items()), *command], rig.directory)
        try:
            self.ready = self.notices.recv(100) == b"READY=1"
        except TimeoutError:
            self.stop(signal.SIGKILL)
            raise RuntimeError(f"{name} is not ready:\n{self.text()[-3000:]}") from None
        self.says("started")
        self.addresses = re.findall('"listen":"([^"]*)"', self.text())
        self.port = int(self.addresses[0].rsplit(":", 1)[1])

    def events(self, name):
        return [event for line in self.text().splitlines() if line.endswith("}") and (event := json.loads(line))["event"] == name]

    def says(self, name, seconds=10):
        """The log has a thread of its own: a line may come after READY=1."""
        end = time.monotonic() + seconds
        while not (events := self.events(name)) and time.monotonic() < end:
            time.sleep(0.02)
        return events

    def status(self):
        with open(f"/proc/{self.pid}/status") as status:
            return {key: value.split() for key, value in (line.split(":", 1) for line in status)}


def unit_is_sound(rig, checks):
    """As systemd reads it; it wants the binary to be there."""
    copy = os.path.join(rig.directory, "forestay.service")
    with open(UNIT) as unit, open(copy, "w") as file:
        file.write(unit.read().replace("/usr/local/bin/forestay", os.path.join(rig.directory, "forestay")))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    checks.expect(done.returncode == 0 and not done.stderr, "systemd-analyze verify", done.stderr.strip() or "nothing to say")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", copy],
                          capture_output=True, text=True)
    overall = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
    checks.expect(done.returncode == 0, f"systemd-analyze security, at most {EXPOSURE_MAX / 10}", re.sub("^[^a-zA-Z]*", "", overall))


def outcome(service, token):
    client = subprocess.run(["node", os.path.join(HERE, "guard_client.js"), f"http://127.0.0.1:{service.port}", json.dumps({"auth": {"token": token}})],
                            capture_output=True, text=True, timeout=20, check=True)
    return json.loads(client.stdout)


def upload(service, chunked):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    try:
        pieces = (LARGE[at:at + (1 << 20)] for at in range(0, len(LARGE), 1 << 20))
        if chunked:
            connection.request("POST", "/upload", pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        else:
            connection.request("POST", "/upload", LARGE)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before all of it was sent
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def serves(service, checks, name):
    token = jwt({"sub": "bob", "exp": int(time.time()) + 3600}, JWT_KEY)
    seen = outcome(service, token)
    checks.expect(seen["connected"] and seen["whoami"] and not seen["errors"], f"{name}: a session, its token judged by a key from a credential",
                  seen["errors"] or "connected")
    seen = outcome(service, "nonsense")
    checks.expect(not seen["connected"] and seen["errors"] == ["unauthorized"], f"{name}: another token is refused", seen["errors"])
    status, body = upload(service, chunked=False)
    checks.expect(status == 200 and body["crc32"] == zlib.crc32(LARGE), f"{name}: an upload of {len(LARGE) >> 20} MiB", f"{status} {body}")


def is_confined(service, checks, root):
    status = service.status()
    seccomp, no_new, uid = status["Seccomp"][0], status["NoNewPrivs"][0], int(status["Uid"][1])
    capabilities = [int(status[key][0], 16) for key in ("CapBnd", "CapEff", "CapPrm")]
    confined = seccomp == "2" and no_new == "1" and uid != 0 and (not root or (uid == NOBODY and capabilities == [1 << 10] * 3))
    checks.expect(confined, "it is nobody, without privileges but CAP_NET_BIND_SERVICE, behind a system call filter",
                  f"uid {uid}, capabilities {[hex(one) for one in capabilities]}, Seccomp {seccomp}, NoNewPrivs {no_new}")


def stops(service, checks, rig, name):
    code = rig.stop(service)
    checks.expect(code == 0 and service.notices.recv(100) == b"STOPPING=1", f"{name}: says STOPPING=1 and ends well when it is told to stop", f"exit code {code}")
    service.notices.close()


def main():
    missing = [name for name, there in (("systemd", shutil.which("systemd-analyze")), ("python3-seccomp", importlib.util.find_spec("seccomp"))) if not there]
    if missing:
        print(f"not here: apt-get install {' '.join(missing)}")
        return 77
    checks = Checks("The unit, and forestay in it")
    root = os.geteuid() == 0
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        os.chmod(rig.directory, 0o711)  # nobody looks in by name
        shutil.copy(rig.binary, os.path.join(rig.directory, "forestay"))
        unit_is_sound(rig, checks)
        os.mkdir(os.path.join(rig.directory, "credentials"))
        with open(os.open(os.path.join(rig.directory, "credentials", "jwt"), os.O_WRONLY | os.O_CREAT, 0o400), "w") as file:
            file.write(JWT_KEY)
        if root:
            for path in ("credentials", "credentials/jwt"):
                os.chown(os.path.join(rig.directory, path), NOBODY, NOBODY)
        app = rig.app("eventlet")
        config = CONFIG.format(port=app.port, privileged=', "127.77.0.1:443"' if root else "")

        service = rig.started(Service(rig, "read_only", config))
        checks.expect(service.ready, "it says READY=1 once it listens", " ".join(service.addresses))
        is_confined(service, checks, root)
        serves(service, checks, "nothing can be written to")
        warned = service.says("no_temporary_file")
        status, body = upload(service, chunked=True)
        checks.expect(len(warned) == 1 and (status, body["reason"]) == (411, "no_temporary_file"),
                      "an upload without Content-Length, with no place to keep it: told at the start, and the client told what to do", f"{status} {body}")
        if root:
            socket.create_connection(("127.77.0.1", 443), timeout=5).close()
            checks.expect(not service.events("running_as_root"), "a port below 1024, without being root", service.addresses[-1])
        stops(service, checks, rig, "nothing can be written to")

        writable = os.path.join(rig.directory, "tmp")
        os.mkdir(writable)
        os.chmod(writable, 0o777)
        service = rig.started(Service(rig, "private_tmp", config, writable=writable))
        status, body = upload(service, chunked=True)
        checks.expect(status == 200 and body["crc32"] == zlib.crc32(LARGE) and not service.events("no_temporary_file"),
                      "with a private /tmp: an upload without Content-Length", f"{status} {body}")
        stops(service, checks, rig, "with a private /tmp")
        if root:
            service = rig.started(Service(rig, "root", config.replace("127.77", "127.78"), confined=False, writable=writable))
            checks.expect(len(service.says("running_as_root")) == 1, "as root: a warning")
            stops(service, checks, rig, "as root")
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
