"""What `health` prints for other programs: JSON, a monitoring plugin's line, Prometheus' text format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from fallback_cast.dispatch.checkup import ChannelFinding, Findings, certificate_days
from fallback_cast.health.look import OWN_RESOLVER
from fallback_cast.model.health import Verdict
from fallback_cast.model.texts import Phrase, say, say_reason, translate

UP, WARNING, DOWN, UNKNOWN = range(4)  # exit codes of monitoring plugins
WORDS = {UP: "OK", WARNING: "WARNING", DOWN: "CRITICAL", UNKNOWN: "UNKNOWN"}
_OVERALL = {UP: "up", WARNING: "suspect", DOWN: "down", UNKNOWN: "unknown"}
_GRAVITY = (UP, WARNING, UNKNOWN, DOWN)


def code_of(channel: ChannelFinding) -> int:
    if channel.asked_by_hand:
        return UP
    code = {Verdict.UP: UP, Verdict.DOWN: DOWN, Verdict.OFFLINE: DOWN, Verdict.UNKNOWN: UNKNOWN}
    found = code.get(channel.verdict, WARNING)
    return WARNING if found == UP and channel.doubtful else found


def exit_code(found: Findings) -> int:
    """0 up, 1 warning, 2 down, 3 unknown: the gravest of all channels; offline is down."""
    if found.offline:
        return DOWN
    codes = [code_of(c) for c in found.channels]
    if found.own_resolver_fails:
        codes.append(WARNING)
    return max(codes, key=_GRAVITY.index, default=UNKNOWN)


# -- JSON (design §11) ---------------------------------------------------------------------------


def to_object(found: Findings) -> dict[str, Any]:
    return {
        "verdict": "offline" if found.offline else _OVERALL[exit_code(found)],
        "offline": bool(found.offline),
        "channels": [_channel_object(channel) for channel in found.channels],
        "own_resolver_fails": found.own_resolver_fails,
    }


def _channel_object(channel: ChannelFinding) -> dict[str, Any]:
    several = len({looked.provider for looked in channel.checks}) > 1
    return {
        "name": channel.name,
        "kind": channel.kind,
        "verdict": channel.verdict.value,
        "layer": channel.layer.value if channel.layer else None,
        "since": channel.since.isoformat() if channel.since else None,
        "reason": channel.reason or None,
        "failure_domains": list(channel.failure_domains),
        "checks": [
            {
                "layer": looked.check.layer.value,
                "ok": looked.check.ok,
                "elapsed_s": round(looked.check.elapsed_s, 4),
                "detail": _detail(looked.provider if several else "", looked.check.detail),
            }
            for looked in channel.checks
        ],
    }


def _detail(provider: str, detail: str) -> str | None:
    parts = [part for part in (provider, str(detail)) if part]
    return ": ".join(parts) or None


# -- a monitoring plugin's line ------------------------------------------------------------------


def to_nagios(found: Findings, language: str) -> str:
    """`STATUS - text | perfdata`, one line (monitoring-plugins.org/doc/guidelines.html, 2026-11)."""
    code = exit_code(found)
    return f"{WORDS[code]} - {_one_line(_summary(found, language))} | {' '.join(_perfdata(found))}"


def unknown_line(text: str) -> str:
    """When the check itself could not be done."""
    return f"{WORDS[UNKNOWN]} - {_one_line(text)}"


def _summary(found: Findings, language: str) -> str:
    if found.offline:
        return say(
            language, Phrase("{head}: {rest}", head=Phrase("our own network is down"), rest=found.offline)
        )
    looked_at = [c for c in found.channels if not c.asked_by_hand]
    troubled = [c for c in looked_at if code_of(c) != UP]
    if not looked_at:
        return say(language, "there is no channel to look at")
    if not troubled and found.own_resolver_fails:
        return say(language, OWN_RESOLVER)
    if not troubled:
        count = len(looked_at)
        return say(
            language,
            Phrase("1 channel works") if count == 1 else Phrase("{count} channels work", count=count),
        )
    gravest_first = sorted(troubled, key=lambda c: -_GRAVITY.index(code_of(c)))
    return ", ".join(in_words(channel, language) for channel in gravest_first)


def in_words(channel: ChannelFinding, language: str) -> str:
    """`telegram: down: its name is not found on the internet (…)`"""
    rest = say_reason(language, channel.reason) or say(language, channel.verdict.value)
    return translate(language, "{head}: {rest}").format(head=channel.name, rest=rest)


def _perfdata(found: Findings) -> Iterator[str]:
    looked_at = [c for c in found.channels if not c.asked_by_hand]
    up = sum(1 for c in looked_at if c.verdict is Verdict.UP)
    yield f"'up'={up};;;0;{len(looked_at)}"
    for channel in looked_at:
        if channel.checks:
            yield f"'{channel.name}'={sum(one.check.elapsed_s for one in channel.checks):.4f}s;;;0;"


def _one_line(text: str) -> str:
    """A bar begins the figures, and a line break ends what is shown."""
    return " ".join(text.replace("|", "/").split())


# -- Prometheus ----------------------------------------------------------------------------------

Sample = tuple[dict[str, str], float]
_VERDICTS = tuple(Verdict)


def to_prometheus(found: Findings) -> str:
    """The text format for node_exporter's textfile collector (prometheus.io, "Exposition formats")."""
    families: Sequence[tuple[str, str, Callable[[Findings], Iterator[Sample]]]] = (
        ("channel_up", "Whether a channel is judged up (1) or not (0).", _up),
        (
            "channel_verdict",
            "The verdict on a channel: 1 for the one that holds, 0 for the others.",
            _verdict,
        ),
        ("channel_verdict_since_seconds", "Since when the verdict holds, in seconds since 1970.", _since),
        ("probe_success", "Whether a layer of a probe worked (1) or not (0).", _success),
        ("probe_duration_seconds", "How long a layer of a probe took.", _duration),
        ("certificate_days_left", "Whole days until a server's certificate ends.", _days),
        (
            "offline",
            "Whether our own network is judged down (1) or not (0).",
            lambda f: iter([({}, bool(f.offline))]),
        ),
        (
            "health_last_run_seconds",
            "When the check was done, in seconds since 1970.",
            lambda f: iter([({}, f.at.timestamp())]),
        ),
    )
    lines = []
    for name, told, samples in families:
        full = f"fallback_cast_{name}"
        lines += [f"# HELP {full} {told}", f"# TYPE {full} gauge"]
        lines += [f"{full}{_labels(labels)} {float(value):.17g}" for labels, value in samples(found)]
    return "\n".join(lines) + "\n"


def _up(found: Findings) -> Iterator[Sample]:
    for c in found.channels:
        yield {"channel": c.name, "kind": c.kind}, c.verdict is Verdict.UP


def _verdict(found: Findings) -> Iterator[Sample]:
    for c in found.channels:
        for verdict in _VERDICTS:
            yield {"channel": c.name, "verdict": verdict.value}, c.verdict is verdict


def _since(found: Findings) -> Iterator[Sample]:
    for c in found.channels:
        if c.since is not None:
            yield {"channel": c.name}, c.since.timestamp()


def _success(found: Findings) -> Iterator[Sample]:
    for labels, checks in _by_layer(found):
        yield labels, all(check.ok for check in checks)


def _duration(found: Findings) -> Iterator[Sample]:
    for labels, checks in _by_layer(found):
        yield labels, sum(check.elapsed_s for check in checks)


def _by_layer(found: Findings) -> Iterator[tuple[dict[str, str], list[Any]]]:
    """One sample a layer, though a probe may look at several addresses of it."""
    for c in found.channels:
        decisive = [one for one in c.checks if one.check.decisive]
        key = sorted(decisive, key=lambda one: (one.provider, one.check.layer.value))
        for (provider, layer), looked in groupby(key, lambda one: (one.provider, one.check.layer.value)):
            yield {"channel": c.name, "provider": provider, "layer": layer}, [one.check for one in looked]


def _days(found: Findings) -> Iterator[Sample]:
    for c in found.channels:
        least: dict[str, int] = {}
        for looked in c.checks:
            days = certificate_days(looked.check)
            if days is not None:
                least[looked.provider] = min(days, least.get(looked.provider, days))
        for provider, days in least.items():
            yield {"channel": c.name, "provider": provider}, days


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + inner + "}"


def _escaped(value: str) -> str:
    return re.sub(r'([\\"])', r"\\\1", value).replace("\n", "\\n")
