"""Runs the comparisons and prints their tables: `python -m benchmarks [http email …] [--quick]`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.report import Report
from benchmarks.servers import Missing

SUITES = ("http", "email", "failover", "startup", "memory")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suite", nargs="*", metavar="SUITE", help=f"any of {', '.join(SUITES)}; all if none")
    parser.add_argument("--quick", action="store_true", help="a small load, few rounds: an impression only")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    given = parser.parse_args(arguments)
    unknown = set(given.suite) - set(SUITES)
    if unknown:
        parser.error(f"no suite {sorted(unknown)[0]!r}; there are {', '.join(SUITES)}")
    rounds = given.rounds or (2 if given.quick else 5)
    head = machine.describe()
    noise = machine.restlessness()
    reports = [_bench(name, given.quick, rounds) for name in given.suite or SUITES]
    noise = max(noise, machine.restlessness())
    print("\n" + "\n".join(f"{line}  " for line in head))
    print(f"The same small piece of work varied by {noise:.0%} before or after.\n")
    for report in reports:
        print(report.markdown())
    if given.json:
        given.json.write_text(json.dumps({"machine": head, "reports": [r.data() for r in reports]}, indent=1))
    return 0


def _bench(name: str, quick: bool, rounds: int) -> Report:
    print(f"{name}:", flush=True)
    try:
        report: Report = importlib.import_module(f"benchmarks.bench_{name}").bench(quick, rounds)
    except Missing as missing:
        return Report(name, f"python -m benchmarks {name}", missing=[str(missing)])
    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
