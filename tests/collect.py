#!/usr/bin/env python3
"""Makes one ctest directory out of the tests of several presets, so that one run and one summary cover them all.

    collect.py DIRECTORY PRESET[:REGEX]...        REGEX: only tests with such a name
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def quoted(text):
    return f"[==[{text}]==]"


def value(of):
    return quoted(";".join(of) if isinstance(of, list) else str(of))


def tests_of(preset, pattern):
    shown = subprocess.run(["ctest", "--test-dir", os.path.join(ROOT, "build", preset), "--show-only=json-v1"],
                           capture_output=True, text=True, check=True)
    for test in json.loads(shown.stdout)["tests"]:
        if re.search(pattern, test["name"]):
            if "command" not in test:
                sys.exit(f"{preset}: {test['name']} is not built")
            yield f"{preset}.{test['name']}", test["command"], {p["name"]: p["value"] for p in test.get("properties", [])}


def main():
    directory, presets = sys.argv[1], sys.argv[2:]
    tests = []
    for preset in presets:
        name, _, pattern = preset.partition(":")
        tests += tests_of(name, pattern)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "CTestTestfile.cmake"), "w") as file:
        for name, command, properties in tests:
            file.write(f"add_test({quoted(name)} {' '.join(map(quoted, command))})\n")
            for key, of in properties.items():
                file.write(f"set_tests_properties({quoted(name)} PROPERTIES {key} {value(of)})\n")
    print(f"{len(tests)} tests")


if __name__ == "__main__":
    main()
