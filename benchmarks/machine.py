"""Where and with what the figures were taken, and how quiet it was."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

PACKAGES = ("httpx", "httpx-aiohttp", "aiohttp", "uvloop", "aiosmtplib", "apprise", "sqlalchemy", "typer")


def describe() -> list[str]:
    """Lines for the head of a report."""
    return [
        f"{_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}, {_distribution()}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        + ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        f"load average before: {os.getloadavg()[0]:.2f}",
    ]


def restlessness(times: int = 15) -> float:
    """How much the same small piece of work varies: (slowest - fastest) / median. 0.1 is quiet."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        sum(number * number for number in range(400_000))
        taken.append(time.perf_counter() - started)
    return (max(taken) - min(taken)) / median(taken)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def program_version(*command: str) -> str:
    """The first line of what a program says of its version, or "missing"."""
    if shutil.which(command[0]) is None:
        return "missing"
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return (done.stdout or done.stderr).strip().splitlines()[0]
