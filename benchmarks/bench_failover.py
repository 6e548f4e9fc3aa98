"""What an outage of the first channel costs: the first message, 1,000 messages, 10,000 when it dies half-way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.failover import states
from benchmarks.failover.crowd import PATIENCE_S, Case, Crowd, crowds
from benchmarks.failover.first_message import Cell, first_message
from benchmarks.failover.names import resolvers
from benchmarks.failover.senders import OURS, PEERS, Sender
from benchmarks.report import Report, Target

CAP_S, QUICK_CAP_S = 60.0, 8.0
Cells = Mapping[tuple[str, str], Cell]

# State of the first channel → what the outage may cost the first message, in seconds.
WANTED = {
    states.REFUSED: 0.2,
    states.BLACKHOLED: 1.3,
    states.HANGING: 1.3,
    states.NAMELESS: 1.3,
    states.KNOWN: 0.05,
}


def bench(quick: bool, rounds: int) -> Report:
    report = Report("First message after the first channel died", "python -m benchmarks failover")
    senders = [OURS, *PEERS]
    cap_s = QUICK_CAP_S if quick else CAP_S
    with resolvers() as found:
        if found.missing:
            report.missing.append(f"{states.NAMELESS.name}: {found.missing}")
        cells = first_message(senders, states.ALL, found, rounds, cap_s, print)
    report.missing += [f"{sender.name}: {sender.missing}" for sender in senders if sender.missing]
    report.targets += _first_targets(cells)
    report.lines += _tables(cells, [sender for sender in senders if not sender.missing])
    cases = _cases(1_000 if quick else 10_000)
    found_crowds = crowds(cases, min(rounds, 3), print)
    report.targets += _crowd_targets(found_crowds, cases)
    report.lines += _crowd_table(found_crowds, cases)
    return report


# -- the first message -------------------------------------------------------------------------


def _first_targets(cells: Cells) -> list[Target]:
    targets = []
    for state, wanted in WANTED.items():
        cell = cells.get((OURS.name, state.name))
        if cell is not None and (cost := cost_s(cells, cell)) is not None:
            targets.append(Target(f"first message, {state.name}: over healthy", cost, wanted, False, "s"))
    return [*targets, Target("first message: copies in any run", most_copies(cells), 1, False)]


def cost_s(cells: Cells, cell: Cell) -> float | None:
    """What the state costs this sender over its own healthy time; None if the message did not come."""
    healthy = cells[cell.sender.name, states.HEALTHY.name].arrival_s
    if cell.arrival_s is None or healthy is None:
        return None
    return cell.arrival_s - healthy


def most_copies(cells: Cells) -> int:
    """How many copies of our message the servers may have kept; what a 503 or 429 refused is none."""
    refusing = (states.FULL, states.LIMITED)
    return max(
        run.at_second + (0 if cell.state in refusing else run.at_first)
        for (sender, _), cell in cells.items()
        if sender == OURS.name
        for run in cell.runs
    )


def _tables(cells: Cells, senders: Sequence[Sender]) -> list[str]:
    lines = ["What the outage costs over the sender's own healthy time, seconds until the second has it:", ""]
    lines += _grid(cells, senders, lambda cell: _cost(cells, cell))
    lines += ["Seconds from the start of the command until it arrived (until the command had left):", ""]
    lines += _grid(
        cells,
        senders,
        lambda cell: f"{_seconds(cell.arrival_s, cell)} ({_seconds(cell.exit_s, cell)})",
    )
    lines += [
        "Requests with the message at the first + at the second, at most; one that hangs may have kept what it read:",
        "",
    ]
    lines += _grid(cells, senders, lambda cell: " + ".join(str(number) for number in cell.most))
    return lines


def _grid(cells: Cells, senders: Sequence[Sender], shown: object) -> list[str]:
    assert callable(shown)
    rows = [
        "| state of the first | " + " | ".join(sender.name for sender in senders) + " |",
        "|---" * (len(senders) + 1) + "|",
    ]
    for state in states.ALL:
        row = [cells.get((sender.name, state.name)) for sender in senders]
        if any(cell and cell.runs for cell in row):
            told = [shown(cell) if cell is not None and cell.runs else "–" for cell in row]
            rows.append(f"| {state.name} | " + " | ".join(told) + " |")
    return [*rows, ""]


def _cost(cells: Cells, cell: Cell) -> str:
    cost = cost_s(cells, cell)
    if cell.state is states.HEALTHY:
        return "0"
    return f"{cost:+.2f}" if cost is not None else _seconds(None, cell)


def _seconds(value: float | None, cell: Cell) -> str:
    if value is not None:
        return f"{value:.2f}"
    ended = all(run.exit_s is not None for run in cell.runs)
    return "never" if ended else f"> {cell.cap_s:.0f}"


# -- crowds ------------------------------------------------------------------------------------


def _cases(many: int) -> list[Case]:
    return [
        Case("1,000, healthy", 1_000, "healthy"),
        Case("1,000, first blackholed", 1_000, "blackholed"),
        Case(f"{many:,}, healthy again", many, "healthy"),
        Case(f"{many:,}, first dies half-way, refusing", many, "refusing"),
        Case(f"{many:,}, first dies half-way, in silence", many, "silence"),
    ]


def _healthy_of(found: Mapping[str, Crowd], cases: Sequence[Case], case: Case) -> Crowd:
    return found[next(c.name for c in reversed(cases) if c.first == "healthy" and c.count == case.count)]


def _crowd_targets(found: Mapping[str, Crowd], cases: Sequence[Case]) -> list[Target]:
    targets = []
    for case in cases:
        if case.first == "healthy":
            continue
        allowance = 1.5 if case.first == "blackholed" else PATIENCE_S
        wanted = 1.2 * _healthy_of(found, cases, case).seconds + allowance
        targets.append(
            Target(f"{case.name}: all of it", found[case.name].seconds, round(wanted, 2), False, "s")
        )
    for what in ("unreached", "twice"):
        targets.append(Target(f"crowds: {what}", max(c.worst(what) for c in found.values()), 0, False))
    return targets


def _crowd_table(found: Mapping[str, Crowd], cases: Sequence[Case]) -> list[str]:
    rows = [
        "Many members with two addresses each, urgent; *maybe twice*: the dying platform had read it and not answered.",
        "",
        "| | ÷ healthy | seconds | at first | at second | unreached | twice | maybe twice |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        crowd = found[case.name]
        ratio = crowd.seconds / _healthy_of(found, cases, case).seconds
        counts = ("at_first", "at_second", "unreached", "twice", "maybe_twice")
        told = " | ".join(f"{crowd.worst(what):,}" for what in counts)
        rows.append(f"| {case.name} | {ratio:.2f} | {crowd.seconds:.2f} | {told} |")
    return [*rows, ""]
