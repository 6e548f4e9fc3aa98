"""`check`: settings, credentials and reach of every channel, without messaging anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fallback_cast.cli.check_around import (
    Surroundings,
    judged,
    look_around,
    print_surroundings,
    surroundings_object,
)
from fallback_cast.cli.live import translate_reason
from fallback_cast.cli.terminal import Terminal
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.errors import Layer, UserError
from fallback_cast.model.health import Check, failed_check
from fallback_cast.model.texts import Phrase, say
from fallback_cast.wiring.app import App, open_app
from fallback_cast.workers.local import run as run_loop

UP, WARNING, DOWN, UNKNOWN = range(4)  # the monitoring plugins' convention
BUDGET_S = 20.0

Probes = dict[str, list[tuple[Provider, Sequence[Check]]]]


def run(terminal: Terminal, only: Sequence[str]) -> int:
    from fallback_cast.cli.people import manual_question

    settings = terminal.settings()
    with open_app(settings, ask_posted=manual_question(terminal)) as app:
        unknown = [name for name in only if name not in app.channels]
        if unknown:
            raise UserError(
                Phrase("there is no channel {name!r}", name=unknown[0]), hint=", ".join(app.channels)
            )
        chosen = {name: app.channels[name] for name in (only or app.channels)}
        probes, around = run_loop(_look_at(app, chosen, only))
        found = [_channel_object(app, channel, probes[name]) for name, channel in chosen.items()]
        if around.offline is not None:
            _blame_our_line(app, found)
        code = max((_code(channel["verdict"]) for channel in found), default=UNKNOWN)
        if terminal.json:
            words = {UP: "up", WARNING: "suspect", DOWN: "down", UNKNOWN: "unknown"}
            offline = around.offline is not None
            head = {"verdict": "offline" if offline else words[code], "offline": offline, "channels": found}
            terminal.object({**head, **surroundings_object(terminal, around)})
        else:
            if around.offline is not None:
                terminal.print(f"[red]✗[/] {say(terminal.language, around.offline.reason)}")
            for channel in found:
                _print_channel(terminal, channel)
            print_surroundings(terminal, around)
        return max(code, WARNING if settings.warnings or around.warns else UP)


async def _look_at(
    app: App, chosen: Mapping[str, Channel], only: Sequence[str]
) -> tuple[Probes, Surroundings]:
    """The probes, and meanwhile what the channels have in common."""
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look_around(app))
        probing = group.create_task(_probe_all(chosen))
    probes = probing.result()
    return probes, judged(app, looking.result(), only, [one for each in probes.values() for one in each])


async def _probe_all(channels: Mapping[str, Channel]) -> Probes:
    found: Probes = {name: [] for name in channels}

    async def probe(name: str, provider: Provider) -> None:
        try:
            async with asyncio.timeout(BUDGET_S):
                checks = await provider.probe()
        except TimeoutError:
            checks = [Check(Layer.SERVICE, False, BUDGET_S, "no answer to the probe in time")]
        found[name].append((provider, checks))

    async with asyncio.TaskGroup() as group:
        for name, channel in channels.items():
            for provider in channel.providers:
                group.create_task(probe(name, provider))
    for channel in channels.values():
        for provider in channel.providers:
            await provider.close()
    return found


def _channel_object(
    app: App, channel: Channel, probes: Sequence[tuple[Provider, Sequence[Check]]]
) -> dict[str, Any]:
    failures = [failed_check(checks) for _, checks in probes]
    failed = next((f for f in failures if f), None)
    all_failed = all(failures)
    return {
        "name": channel.name,
        "kind": channel.kind,
        "verdict": "up" if failed is None else "down" if all_failed else "suspect",
        "layer": failed.layer.value if failed else None,
        "since": None,
        "reason": failed.detail if failed else None,
        "failure_domains": sorted({d for provider, _ in probes for d in provider.failure_domains}),
        "place": channel.place() is not None,
        "checks": [
            {
                "provider": provider.name,
                "layer": check.layer.value,
                "ok": check.ok,
                "elapsed_s": round(check.elapsed_s, 3),
                "detail": check.detail,
            }
            for provider, checks in probes
            for check in checks
        ],
    }


def _blame_our_line(app: App, found: Iterable[dict[str, Any]]) -> None:
    """Nothing is known of whoever is reached over the internet."""
    for channel in found:
        if not app.channels[channel["name"]].traits.local:
            channel["verdict"] = "offline"


def _code(verdict: str) -> int:
    return {"up": UP, "suspect": WARNING, "down": DOWN, "offline": DOWN}.get(verdict, UNKNOWN)


def _print_channel(terminal: Terminal, channel: Mapping[str, Any]) -> None:
    marks = {"up": "[green]✓[/]", "suspect": "[yellow]![/]", "down": "[red]✗[/]", "offline": "[red]✗[/]"}
    terminal.print(f"{marks[channel['verdict']]} [bold]{channel['name']}[/] ({channel['kind']})")
    for check in channel["checks"]:
        mark = "✓" if check["ok"] else "✗"
        detail = f"  {translate_reason(terminal, check['detail'])}" if check["detail"] else ""
        layer = terminal.text(check["layer"])
        line = f"    {mark} {check['provider']}: {layer} ({check['elapsed_s']:.3f} s){detail}"
        terminal.print(line, markup=False)
    if channel["layer"]:
        terminal.print(f"    → {terminal.text(_ADVICE[channel['layer']])}", markup=False)


_ADVICE = {
    "name": "check the host name in the settings, and this machine's name server",
    "route": "check host and port in the settings, the firewall, and whether the server runs",
    "tls": "the certificate is refused: check the host name, `security`, and this machine's clock",
    "service": "the service answers wrongly: see its status page, and try again later",
    "account": "the account is refused: check the user name, password or token, and its rights",
    "rate": "the provider asks for patience: try again later",
}
