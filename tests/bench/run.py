#!/usr/bin/python3
"""CPU, latency and memory of forestay beside Debian's nginx and haproxy: one worker each, all on cpu 1, the load on cpu 0,
measured in turn in the same run. And what rules cost those whom they are not about: forestay with 50 rules beside forestay
with none; and forestay beside nginx, both with TLS towards their users. Prints tables; asserts nothing, because time on a
shared machine proves nothing.

    run.py [--load build/release/tests/bench/bench_load] [--forestay build/release/forestay] [--without forestay]
           [--repeats 5] [--seconds 3] [--idle 5000] [--only idle|rules|tls|ping_pong|...] [--json FILE]
"""
import argparse
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROXIES = {
    "nginx": ("nginx.conf", lambda path, args: ["nginx", "-p", os.path.dirname(path), "-e", "stderr", "-c", path]),
    "haproxy": ("haproxy.cfg", lambda path, args: ["haproxy", "-db", "-q", "-f", path]),
    "forestay": ("forestay.yaml", lambda path, args: [args.forestay, "run", "-c", path]),
}
# The same proxies, with TLS towards their users. Named so, the load speaks it.
TLS = {
    "nginx_tls": "ssl; ssl_certificate {0}; ssl_certificate_key {1}; ssl_protocols TLSv1.2 TLSv1.3; ssl_ecdh_curve X25519",
    "forestay_tls": "tls: {{cert_file: {0}, key_file: {1}}}",
}
# forestay with so many rules, none of them about the load's event.
RULES = {"no_rules": 0, "50_rules": 50}
# Name: connections, outstanding requests of each, requests per second of all (0: as fast as they are answered).
SCENARIOS = {
    "ping_pong": (64, 1, 20000),
    "ping_pong_closed": (64, 1, 0),
    "pipelined": (16, 32, 100000),
    "pipelined_closed": (16, 32, 0),
}


def with_rules(text, count):
    """A configuration with other rules: names, conditions, schemas and patterns of all kinds."""
    rules = [{"name": f"rule_{i}", "match": {"event": f"event_{i}", "where": {"/mode": {"one_of": ["a", i]}, "/q": {"matches": "^why"}}},
              "schema": {"type": "object", "required": ["id"]}, "id": "/id", "answer": {"event": f"answer_{i}"},
              "progress": {"event": f"progress_{i}"}, "timeout": "30s", "fallback": {"event": f"answer_{i}", "data": "{{/id}}"},
              "concurrency": 4, "breaker": {"failures": 5}} for i in range(count)]
    return text[:text.index("requests:")] + "requests: " + json.dumps(rules) + "\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, child, name):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if child.poll() is not None:
            sys.exit(f"{name} ended with {child.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{name} does not listen on {port}")


class Proxies:
    """with Proxies(names, args, upstream_port) as those_running:   name:port:pid of each"""

    def __init__(self, names, args, upstream_port):
        self.names, self.args, self.upstream_port = names, args, upstream_port
        self.directory = tempfile.TemporaryDirectory(prefix="forestay-bench.")
        self.children = []

    def __enter__(self):
        try:
            return self.start()
        except BaseException:  # one did not start: nobody else stays behind
            self.__exit__()
            raise

    def start(self):
        running = []
        for name in self.names:
            template, command = PROXIES["forestay" if name in RULES else name.removesuffix("_tls")]
            port = free_port()
            with open(os.path.join(HERE, template)) as file:
                text = file.read()
            tls = TLS[name].format(*self.certificate()) if name in TLS else ""
            for key, value in {"port": port, "upstream_port": self.upstream_port, "directory": self.directory.name, "tls": tls}.items():
                text = text.replace(f"@{key}@", str(value))
            if name in RULES:
                text = with_rules(text, RULES[name])
            path = os.path.join(self.directory.name, f"{name}.{template}")
            with open(path, "w") as file:
                file.write(text)
            child = subprocess.Popen(["taskset", "-c", str(self.args.proxy_cpu), *command(path, self.args)],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            self.children.append(child)
            wait_for(port, child, name)
            running.append(f"{name}:{port}:{child.pid}")
        return running

    def certificate(self):
        """Files of a certificate that nobody knows, and its key."""
        files = [os.path.join(self.directory.name, name) for name in ("tls.pem", "tls.key")]
        if not os.path.exists(files[0]):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", "/CN=bench", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        return files

    def __exit__(self, *_):
        for child in self.children:
            child.send_signal(signal.SIGKILL)
            child.wait()
        self.directory.cleanup()


def load(args, upstream_port, *arguments):
    """The measurements of one run of the load: dictionaries."""
    command = ["taskset", "-c", str(args.load_cpu), args.load, str(upstream_port), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        results = []
        for line in child.stdout:
            results.append(json.loads(line))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if child.returncode != 0:
        sys.exit(f"the load ended with {child.returncode} after {len(results)} measurements")
    return results


def table(header, rows):
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))))


def ratio(results, value, name, other):
    """The median of the ratios of the pairs that were measured next to each other."""
    by_repeat = {(r["proxy"], r["repeat"]): r[value] for r in results}
    ratios = [by_repeat[name, repeat] / by_repeat[other, repeat] for proxy, repeat in by_repeat
              if proxy == name and by_repeat.get((other, repeat))]
    return f"{statistics.median(ratios):.2f}" if ratios else "-"


def report(scenario, results):
    connections, outstanding, rate = SCENARIOS[scenario]
    paced = f"{rate} requests/s" if rate else "as fast as they are answered"
    print(f"\n{scenario}: {connections} connections x {outstanding} of 128 B, {paced}; medians of "
          f"{len({r['repeat'] for r in results})}")
    rows = []
    for name in dict.fromkeys(r["proxy"] for r in results):
        of_it = [r for r in results if r["proxy"] == name]
        median = {key: statistics.median(r[key] for r in of_it) for key in of_it[0] if isinstance(of_it[0][key], (int, float))}
        rows.append([name, f"{median['cpu_us_per_message']:.3f}", ratio(results, "cpu_us_per_message", name, "nginx"),
                     ratio(results, "cpu_us_per_message", name, "haproxy"), f"{median['messages_per_second']:.0f}",
                     f"{median['cpu_share']:.2f}", f"{median['load_cpu_share']:.2f}",
                     *([f"{median['p50_us']:.0f}", f"{median['p99_us']:.0f}", f"{median['not_sent']:.0f}"] if rate else ["-", "-", "-"])])
    table(["proxy", "CPU us/message", "/nginx", "/haproxy", "messages/s", "CPU", "load's CPU", "p50 us", "p99 us", "not sent"], rows)


def report_idle(results):
    print("\nidle: memory of the proxy's own (RssAnon) per joined session")
    by_name = {r["proxy"]: r["bytes_per_session"] for r in results}
    over = lambda value, other: f"{value / by_name[other]:.2f}" if other in by_name else "-"  # noqa: E731
    table(["proxy", "sessions", "bytes/session", "/nginx", "/haproxy"],
          [[r["proxy"], r["connections"], f"{r['bytes_per_session']:.0f}", over(r["bytes_per_session"], "nginx"),
            over(r["bytes_per_session"], "haproxy")] for r in results])


def report_tls(scenario, results):
    print(f"\nTLS, {scenario}")
    table(["proxy", "CPU us/message", "/nginx_tls", "messages/s", "p50 us", "p99 us"],
          [[name, *(f"{statistics.median(r[key] for r in results if r['proxy'] == name):.{digits}f}" if key else
                    ratio(results, "cpu_us_per_message", name, "nginx_tls")
                    for key, digits in (("cpu_us_per_message", 3), ("", 0), ("messages_per_second", 0), ("p50_us", 0), ("p99_us", 0)))]
           for name in TLS if any(r["proxy"] == name for r in results)])


def report_rules(scenario, results):
    print(f"\nrules, {scenario}: an event that none of them is about")
    table(["forestay with", "CPU us/message", "/no_rules"],
          [[name, f"{statistics.median(r['cpu_us_per_message'] for r in results if r['proxy'] == name):.3f}",
            ratio(results, "cpu_us_per_message", name, "no_rules")] for name in RULES])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", default=os.path.join(ROOT, "build/release/tests/bench/bench_load"))
    parser.add_argument("--forestay", default=os.path.join(ROOT, "build/release/forestay"))
    parser.add_argument("--without", action="append", default=[], choices=PROXIES)
    parser.add_argument("--only", action="append", choices=[*SCENARIOS, "idle", "rules", "tls"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--proxy-cpu", type=int, default=1)
    parser.add_argument("--load-cpu", type=int, default=0)
    parser.add_argument("--json", help="also write all measurements to this file")
    args = parser.parse_args()
    if args.proxy_cpu not in os.sched_getaffinity(0):
        args.proxy_cpu = args.load_cpu = min(os.sched_getaffinity(0))
        print("one cpu for the proxy and the load: the figures mean little", file=sys.stderr)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 2 * args.idle + 1000:
        args.idle = (hard - 1000) // 2
        print(f"idle: {args.idle} sessions, for the limit of descriptors is {hard}", file=sys.stderr)
    wanted = args.only or [*SCENARIOS, "idle", "rules", "tls"]
    names = [name for name in PROXIES if name not in args.without]
    upstream_port = free_port()
    everything = []

    if "idle" in wanted:  # first: by young processes
        with Proxies(names, args, upstream_port) as running:
            results = load(args, upstream_port, "idle", str(args.idle), "--", *running)
        everything += results
        report_idle(results)
    scenarios = [name for name in SCENARIOS if name in wanted]
    for proxies, chosen, tell in [(names, scenarios, report),
                                  (list(RULES), ["ping_pong", "pipelined"] if "rules" in wanted else [], report_rules),
                                  ([name for name in TLS if name.removesuffix("_tls") in names],
                                   ["ping_pong", "ping_pong_closed", "pipelined"] if "tls" in wanted else [], report_tls)]:
        if not chosen or not proxies:
            continue
        with Proxies(proxies, args, upstream_port) as running:
            for name in chosen:
                connections, outstanding, rate = SCENARIOS[name]
                results = load(args, upstream_port, str(args.repeats),
                               f"{name}:{connections}:{outstanding}:{rate}:{args.seconds}", "--", *running)
                everything += results
                if results:
                    tell(name, results)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(everything, file, indent=1)


if __name__ == "__main__":
    main()
