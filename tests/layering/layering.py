#!/usr/bin/env python3
"""Reads every #include line: a ring may include itself and rings further in, never outwards.

Also: a pure ring asks no clock, no randomness, no environment, and knows no socket, thread or log; heavy headers stay out
of headers. Exit 1 with one line per offence. `layering.py --self-test` proves that each kind of offence is found.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

# From the inside out. What a ring may include: itself and the rings named here.
RINGS = {
    "proxy/wire": [],
    "rules": ["proxy/wire"],
    "proxy/auth": ["proxy/wire"],
    "proxy/session": ["proxy/wire", "rules", "proxy/auth"],
    "proxy/net": ["proxy/wire", "rules", "proxy/auth", "proxy/session"],
    "proxy/telemetry": ["proxy/wire", "rules", "proxy/auth", "proxy/session", "proxy/net"],
    "config": ["proxy/wire", "rules", "proxy/auth", "proxy/session", "proxy/net", "proxy/telemetry"],
    "proxy/app": ["proxy/wire", "rules", "proxy/auth", "proxy/session", "proxy/net", "proxy/telemetry", "config"],
}
PURE = ["proxy/wire", "rules", "proxy/auth", "proxy/session"]
FORBIDDEN_IN_PURE = re.compile(
    r"\bnow\s*\(\s*\)|\brandom_device\b|\bgetenv\b|\bRAND_bytes\b|\bstd::rand\b|\btime\s*\(\s*(?:nullptr|NULL|0)\s*\)|"
    r"\bclock_gettime\b|\bgettimeofday\b|\bstd::thread\b|\bstd::mutex\b|\bthread_local\b|\bstd::c(?:out|err|log)\b|\bprintf\s*\(")
HEAVY = re.compile(r"boost/(?:asio|beast)|spdlog/|prometheus/|<sys/socket\.h>|<sys/epoll\.h>|<thread>|<mutex>|<fstream>|<iostream>")
HEAVY_IN_HEADERS = re.compile(r"boost/(?:asio|beast)[/.]|spdlog/|prometheus/")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<][^">]+[">])')


def ring_of(path):
    return next((ring for ring in sorted(RINGS, key=len, reverse=True) if path.startswith(ring + "/")), None)


def offences(root):
    for ring, inner in RINGS.items():
        for file in sorted((root / ring).rglob("*")):
            if file.suffix not in (".h", ".cpp"):
                continue
            name = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text().splitlines(), 1):
                where = f"{name}:{number}: "
                include = INCLUDE.match(line)
                if include:
                    target = include[1].strip('"<>')
                    to = ring_of(target)
                    if include[1][0] == '"' and to is None:
                        yield where + f"{target} is not written from the root of the tree"
                    if to and to != ring and to not in inner:
                        yield where + f"an arrow outwards: {ring} includes {to}"
                    if ring in PURE and HEAVY.search(include[1]):
                        yield where + f"{include[1]} in a pure ring"
                    if file.suffix == ".h" and HEAVY_IN_HEADERS.search(include[1]):
                        yield where + f"{include[1]} in a header: every file that includes it pays"
                elif ring in PURE:
                    code = line.split("//")[0]
                    found = FORBIDDEN_IN_PURE.search(code)
                    if found:
                        yield where + f"`{found[0]}` in a pure ring"


ROOT = {"proxy", "rules", "config", "tests", "deploy", "CMakeLists.txt", "README.md",
        "CMakePresets.json", "LICENSE", "CHANGELOG.md"}  # the last three: tools look for them here


def strangers(root):
    """What stands at the top of the tree and should not."""
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode != 0:  # a tarball, or somebody else's checkout: git cannot say what is ours
        return
    tops = {name.split("/")[0] for name in listed.stdout.split("\n") if name}
    for top in sorted(tops - ROOT):
        if not top.startswith("."):
            yield f"{top}: nothing else belongs at the top of the tree"


def self_test():
    cases = {
        "proxy/wire/a.h": '#include "proxy/session/session.h"',
        "rules/a.cpp": "auto t = std::chrono::steady_clock::now();",
        "proxy/auth/a.cpp": "std::random_device device;",
        "proxy/session/a.cpp": 'auto* p = getenv("X");',
        "proxy/session/b.h": "#include <boost/asio/io_context.hpp>",
        "proxy/net/a.h": "#include <boost/beast/http.hpp>",
        "proxy/net/b.cpp": '#include "config/config.h"',
        "config/a.cpp": '#include "load.h"',
    }
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, line in cases.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(line + "\n")
        found = {offence.split(":")[0] for offence in offences(root)}
    missed = set(cases) - found
    assert not missed, f"not found: {missed}"


if __name__ == "__main__":
    if "--self-test" in sys.argv:
        self_test()
        print("each kind of offence is found")
        sys.exit(0)
    tree = pathlib.Path(__file__).resolve().parents[2]
    found = list(offences(tree)) + list(strangers(tree))
    print("\n".join(found) or "all arrows point inwards")
    sys.exit(1 if found else 0)
