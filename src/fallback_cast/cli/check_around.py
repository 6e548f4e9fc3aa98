"""What `check` sees around the channels: shared domains, settings for outages, certificates that end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fallback_cast.channels.kit.names import parse_server
from fallback_cast.cli.check_domains import (
    DomainsFound,
    judge,
    print_domains,
    shared_objects,
    unknown_objects,
)
from fallback_cast.cli.check_settings import Ending, advice_of, ending_certificates, near_of
from fallback_cast.cli.terminal import Terminal
from fallback_cast.health.discover import discover, load
from fallback_cast.health.facts import Findings, Subject
from fallback_cast.health.judgement import Judgement
from fallback_cast.health.line import offline_by
from fallback_cast.health.look import OWN_RESOLVER, own_resolver_fails
from fallback_cast.model.channel import Provider
from fallback_cast.model.health import Check, failed_check
from fallback_cast.model.texts import Phrase, say
from fallback_cast.wiring.app import App
from fallback_cast.wiring.domains import references_of, subjects_of


@dataclass(frozen=True, slots=True)
class Look:
    """Whom we looked at, and what was found."""

    subjects: Sequence[Subject]
    references: Sequence[Subject]
    findings: Findings
    seen: Sequence[tuple[str, Check]]  # of each reference, by its name


@dataclass(frozen=True, slots=True)
class Surroundings:
    domains: DomainsFound
    ending: Sequence[Ending]
    advice: Sequence[Phrase]
    offline: Judgement | None  # our own line's, if nothing of the internet can be reached
    own_resolver_fails: bool

    @property
    def warns(self) -> bool:
        return self.domains.warns or bool(self.ending) or self.own_resolver_fails


async def look_around(app: App) -> Look:
    """All channels, whichever were asked for: what one shares, it shares with the others."""
    load()
    subjects = subjects_of(app.channels, app.club)
    references = references_of(app.settings.health.references)
    resolvers = [parse_server(written) for written in app.settings.health.resolvers]
    async with asyncio.TaskGroup() as group:
        finding = group.create_task(discover([*subjects, *references], resolvers))
        looks = [(each.name, group.create_task(each.look())) for each in app.references]
    seen = [(name, look.result()) for name, look in looks]
    return Look(subjects, references, finding.result(), seen)


def judged(
    app: App, look: Look, only: Sequence[str], probes: Sequence[tuple[Provider, Sequence[Check]]]
) -> Surroundings:
    """What there is to say; with `only`, of these channels."""
    chosen = [subject for subject in look.subjects if not only or subject.member.name in only]
    hosts = {endpoint.host for one in chosen for reach in one.providers for endpoint in reach.endpoints}
    seen = [(provider.endpoints[0].host, checks) for provider, checks in probes if provider.endpoints]
    local = {provider for c in app.channels.values() if c.traits.local for provider in c.providers}
    works = any(failed_check(checks) is None for provider, checks in probes if provider not in local)
    near = near_of(look.references, look.subjects, look.findings)
    return Surroundings(
        judge(look.subjects, look.findings, only),
        ending_certificates(look.findings, seen, hosts),
        [] if only else advice_of(app.settings, near),
        None if works else offline_by(look.seen, app.clock.now()),
        own_resolver_fails(checks for _, checks in probes),
    )


def surroundings_object(terminal: Terminal, around: Surroundings) -> dict[str, Any]:
    """The keys of `check --json` beside the channels. Sentences are in the user's language."""
    return {
        "own_resolver_fails": around.own_resolver_fails,
        "shared_domains": shared_objects(terminal, around.domains),
        "unknown_domains": unknown_objects(terminal, around.domains),
        "certificates_ending": [{"host": one.host, "days": one.days} for one in around.ending],
        "advice": [say(terminal.language, one) for one in around.advice],
    }


def print_surroundings(terminal: Terminal, around: Surroundings) -> None:
    if around.own_resolver_fails:
        terminal.print(f"[yellow]![/] {terminal.text(OWN_RESOLVER)}")
    print_domains(terminal, around.domains)
    for one in around.ending:
        terminal.print(f"[yellow]![/] {say(terminal.language, one.text)}")
    for text in around.advice:
        terminal.say("advice: {advice}", advice=text)
