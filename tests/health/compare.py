"""Replay the corpus for every rule, and write the tables into docs/outages.md: `make outages-table`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median

from fallback_cast.model.health import Signal
from tests.health.rivals import DETECTORS, Detector
from tests.health.traces.corpus import corpus
from tests.health.traces.day import PLATFORM, Day, Row, intervals

PAGE = Path(__file__).parents[2] / "docs" / "outages.md"
BEGIN_MARK, END_MARK = "<!-- tables: make outages-table -->", "<!-- end of tables -->"


@dataclass(frozen=True, slots=True)
class Found:
    """How one outage was noticed: after how many failures, and seconds after the first of them."""

    signals: int
    seconds: float
    back_s: float | None  # seconds from its end until the detector lets messages through again


@dataclass(slots=True)
class Result:
    found: list[Found] = field(default_factory=list)
    missed: int = 0
    false_alarms: int = 0  # openings while the platform worked


def replay(day: Day, detector: Detector) -> Result:
    """What a detector makes of a trace."""
    states = list(_states(day, detector))
    result, truth = Result(), intervals(day)
    was_down = False
    for row, down in states:
        if down and not was_down and not any(begin <= row.at <= end for begin, end in truth):
            result.false_alarms += 1
        was_down = down
    for begin, end in truth:
        found = _found(states, begin, end)
        if found is None:
            result.missed += 1
        else:
            result.found.append(found)
    return result


def _states(day: Day, detector: Detector) -> Iterable[tuple[Row, bool]]:
    for row in day.rows:
        detector.hear(row)
        yield row, detector.is_down(row.at)


def _found(states: Sequence[tuple[Row, bool]], begin: datetime, end: datetime) -> Found | None:
    signals, first = 0, None
    for row, down in states:
        if not begin <= row.at <= end:
            continue
        if _fails(row):
            signals, first = signals + 1, first or row.at
        if down:
            seconds = (row.at - (first or row.at)).total_seconds()
            return Found(signals, seconds, _back(states, end))
    return None


def _fails(row: Row) -> bool:
    """A failure about the platform, whoever counts it."""
    seen = row.evidence
    about = seen is not None and seen.about == PLATFORM
    return about and row.is_call and seen is not None and seen.signal not in (Signal.GOOD, Signal.LIMITED)


def _back(states: Sequence[tuple[Row, bool]], end: datetime) -> float | None:
    later = [(row.at, down) for row, down in states if row.at >= end]
    up = next((at for at, down in later if not down), None)
    return None if up is None else (up - end).total_seconds()


def tables() -> str:
    days = corpus()
    results = {kind.name: {day.name: replay(day, kind()) for day in days} for kind in DETECTORS}
    return "\n".join([*_summary(days, results), "", *_one_by_one(days, results)])


def _summary(days: Sequence[Day], results: dict[str, dict[str, Result]]) -> list[str]:
    outages = sum(len(day.out) for day in days)
    lines = [
        f"{len(days)} traces, {outages} outages, {sum(not day.out for day in days)} traces without one.",
        "Two figures are the median and the worst; *time* is since the first failure, *back* since the end.",
        "",
        "| rule | false alarms | traces with one | outages missed | failures until noticed | time | back |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, by_day in results.items():
        found = [f for result in by_day.values() for f in result.found]
        cells = (
            str(sum(r.false_alarms for r in by_day.values())),
            str(sum(bool(r.false_alarms) for r in by_day.values())),
            str(sum(r.missed for r in by_day.values())),
            _spread([f.signals for f in found]),
            _spread([f.seconds for f in found], " s"),
            _spread([f.back_s for f in found if f.back_s is not None], " s"),
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _spread(values: Sequence[float], unit: str = "") -> str:
    return f"{median(values):.0f}{unit}, {max(values):.0f}{unit}" if values else "–"


def _one_by_one(days: Sequence[Day], results: dict[str, dict[str, Result]]) -> list[str]:
    lines = [
        "Failures until noticed (**missed**: never), or *false* with the number of false alarms:",
        "",
        f"| trace | what happens | {' | '.join(results)} |",
        f"|---|---|{'---|' * len(results)}",
    ]
    for day in days:
        cells = " | ".join(_cell(results[name][day.name]) for name in results)
        lines.append(f"| {day.name} | {day.story} | {cells} |")
    return lines


def _cell(result: Result) -> str:
    parts = [str(found.signals) for found in result.found] + ["**missed**"] * result.missed
    if result.false_alarms:
        parts.append(f"*false {result.false_alarms}*")
    return ", ".join(parts) or "quiet"


def main() -> None:
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN_MARK)
    _, _, tail = rest.partition(END_MARK)
    PAGE.write_text(f"{head}{BEGIN_MARK}\n{tables()}\n{END_MARK}{tail}")
    print(tables())


if __name__ == "__main__":
    main()
