#!/usr/bin/python3
"""A real Prometheus scrapes a real forestay: the target is up, what forestay exports can be asked for, its linter has
nothing to say, and the example alert rules are understood and evaluate.

    prometheus_test.py BINARY
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from rig import ROOT, Checks, Process, Rig

CONFIG = """
requests:
  - name: think
    match: {event: think}
    id: ack
    timeout: 3s
    fallback: {ack: [null]}
"""
RULES = os.path.join(ROOT, "deploy", "prometheus-rules.yml")
EXPECTED = [
    "forestay_build_info",
    'forestay_requests_started_total{rule="think"}',
    'forestay_requests_answered_total{by="fallback"}',
    'forestay_request_fallbacks_total{rule="think",code="timeout"}',
    'forestay_request_duration_seconds_bucket{rule="think",le="+Inf"}',
    'forestay_breaker_state{rule="think",state="closed"}',
    'forestay_client_legs{state="websocket"}',
    'forestay_upstream_legs{state="attached"}',
    'forestay_upstream_up{upstream=~"127.0.0.1:.*"}',
    'forestay_session_reports_total{kind="upstream_back"}',
    "forestay_client_absence_seconds_count",
    'forestay_sessions_closed_total{side="upstream",reason="connection_lost"}',
    'forestay_origin_refused_total{reason="mismatch"}',
    'forestay_auth_refused_total{reason="expired"}',
    'forestay_http_requests_total{status="2xx"}',
    "forestay_loop_lag_seconds_count",
    "process_resident_memory_bytes",
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus(Process):
    """Debian's prometheus, scraping one target every second."""

    def __init__(self, target, directory):
        self.port = free_port()
        path = os.path.join(directory, "prometheus.yml")
        shutil.copy(RULES, directory)
        with open(path, "w") as file:
            json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                       "rule_files": [os.path.basename(RULES)],
                       "scrape_configs": [{"job_name": "forestay", "static_configs": [{"targets": [target]}]}]}, file)
        super().__init__("prometheus", ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={directory}/tsdb",
                                        f"--web.listen-address=127.0.0.1:{self.port}"], directory)

    def ask(self, what, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]

    def wait_for(self, what, seconds, found):
        """What `found` makes of the answer as soon as that is something; the last answer when it never is."""
        end, answer = time.monotonic() + seconds, None
        while time.monotonic() < end:
            if self.child.poll() is not None:
                raise RuntimeError(f"prometheus ended:\n{self.text()[-2000:]}")
            try:
                answer = found(self.ask(what))
                if answer:
                    return answer
            except OSError as problem:  # not listening yet, or not ready
                answer = str(problem)
            time.sleep(0.2)
        raise RuntimeError(f"{what}: {answer}\n{self.text()[-2000:]}")


def up(data):
    return [target for target in data["activeTargets"] if target["health"] == "up"]


def evaluated(data):
    rules = [rule for group in data["groups"] for rule in group["rules"]]
    return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None


def main():
    checks = Checks("Debian's Prometheus in front of forestay")
    with Rig(os.path.abspath(sys.argv[1])) as rig:
        app = rig.app("eventlet")
        forestay = rig.forestay(app.url, CONFIG)
        with urllib.request.urlopen(f"{forestay.admin_url}/metrics", timeout=5) as answer:
            checks.expect(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), "content type",
                          answer.headers["Content-Type"])
            text = answer.read()
        lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
        checks.expect(lint.returncode == 0, "promtool check metrics", (lint.stdout + lint.stderr).decode().strip())
        rules = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, check=False)
        checks.expect(rules.returncode == 0, "promtool check rules", rules.stderr.decode().strip())

        prometheus = rig.started(Prometheus(f"127.0.0.1:{forestay.admin_port}", rig.directory))
        targets = prometheus.wait_for("targets", 60, up)
        checks.expect(len(targets) == 1 and not targets[0]["lastError"], "the target is up")
        for query in EXPECTED:
            result = prometheus.ask("query", query=query)["result"]
            checks.expect(len(result) == 1, query, result[0]["value"][1] if len(result) == 1 else f"{len(result)} series")
        info = prometheus.ask("query", query="forestay_build_info")["result"]
        checks.expect(info and info[0]["metric"].get("version") and info[0]["metric"].get("compiler"), "version and compiler",
                      str(info[0]["metric"]) if info else "")
        broken = [f"{rule['name']}: {rule.get('lastError')}" for rule in prometheus.wait_for("rules", 60, evaluated)
                  if rule["health"] != "ok"]
        checks.expect(not broken, "every alert rule evaluates", "; ".join(broken))
    return checks.exit_code()


if __name__ == "__main__":
    sys.exit(main())
