"""Tables: ratios first, absolute figures second, what missed its target named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.rounds import Outcome


@dataclass(frozen=True)
class Target:
    """A figure with a promise. `at_least`: bigger is better; else smaller is."""

    what: str
    measured: float
    wanted: float
    at_least: bool
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted

    def row(self) -> str:
        sign = "≥" if self.at_least else "≤"
        unit = f" {self.unit}" if self.unit else ""
        verdict = "yes" if self.met else "**no**"
        return f"| {self.what} | {self.measured:.2f}{unit} | {sign} {self.wanted:g}{unit} | {verdict} |"


@dataclass
class Report:
    title: str
    command: str
    targets: list[Target] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        parts = [f"## {self.title}", f"`{self.command}`", ""]
        if self.targets:
            parts += ["| | measured | wanted | met |", "|---|---|---|---|"]
            parts += [target.row() for target in self.targets] + [""]
        parts += self.lines
        parts += [f"Missing: {what}." for what in self.missing]
        return "\n".join(parts) + "\n"

    def data(self) -> dict[str, object]:
        return asdict(self)


def rate_table(outcomes: Sequence[Outcome], ours: Outcome) -> list[str]:
    """One row for each contender, the fastest first."""
    rows = [
        "| client | ours ÷ it | messages/s | µs CPU each | spread |",
        "|---|---|---|---|---|",
    ]
    for outcome in sorted(outcomes, key=lambda o: -o.rate):
        ratio = "–" if outcome is ours else f"{ours.against(outcome):.2f}"
        name = f"**{outcome.contender.name}**" if outcome is ours else outcome.contender.name
        cpu = f"{outcome.cpu_us:,.0f}" if outcome.cpu_us else "–"
        rows.append(f"| {name} | {ratio} | {outcome.rate:,.0f} | {cpu} | {outcome.spread:.0%} |")
    return [*rows, ""]
