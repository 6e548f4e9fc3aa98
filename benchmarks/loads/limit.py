"""The limit of this machine: wrk for HTTP, smtp-source for email, in C and without any thought."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.loads.meter import Reading, measured
from benchmarks.servers import program

_LUA = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"chat_id":1,"text":"' .. string.rep("x", 300) .. '"}'
"""


def wrk(url: str, seconds: int) -> Reading:
    """wrk sends for a time, not a number."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "post.lua")
        script.write_text(_LUA)
        command = [
            program("wrk"),
            "-t1",
            "-c50",
            f"-d{seconds}s",
            "-s",
            str(script),
            f"{url}/bot1:x/sendMessage",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    assert found, done.stdout
    return Reading(int(found[1]), float(found[2]))


def smtp_source(port: int, count: int, sessions: int) -> Reading:
    command = [program("smtp-source"), "-d", "-s", sessions, "-m", count, "-l", 900, f"127.0.0.1:{port}"]
    with measured(count) as reading:
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return reading


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads.limit")
    parser.add_argument("tool", choices=("wrk", "smtp-source"))
    parser.add_argument("--url")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--port", type=int)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=10)
    given = parser.parse_args(arguments)
    if given.tool == "wrk":
        wrk(given.url, given.seconds).print()
    else:
        smtp_source(given.port, given.count, given.connections).print()


if __name__ == "__main__":
    main(sys.argv[1:])
