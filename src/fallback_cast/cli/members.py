"""`members list`, `pause` and `unsuppress`; and whom an organiser means by what was typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from fallback_cast.cli.members_file import day_of
from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.ledger.members import Member, each_member, find_members
from fallback_cast.ledger.roster import pause_member
from fallback_cast.ledger.suppress import unsuppress
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import did_you_mean
from fallback_cast.wiring.app import App, open_app


def spellings(channels: Mapping[str, Channel], address: str) -> dict[str, str]:
    """The address as each channel spells it; channels on which it is none are left out."""
    found = {}
    for channel in channels.values():
        with suppress(ValueError):
            found[channel.name] = channel.normalise(address)
    return found


def find(app: App, given: str) -> Member:
    """The one member that is meant. Raises UserError for nobody, or for several."""
    found = find_members(app.ledger, given.strip(), spellings(app.channels, given))
    if len(found) == 1:
        return found[0]
    if found:
        people = ", ".join(f"{member.name} (id {member.id})" for member in found[:10])
        raise UserError(
            Phrase("this fits several members: {people}", people=people),
            where="members",
            hint="give the number or the id of one",
        )
    raise UserError(
        "there is no such member",
        where="members",
        hint="give the whole name, an address, the number or the id",
    )


def check_channel(name: str | None, option: str, names: Sequence[str]) -> None:
    if name is not None and name not in names:
        raise UserError(
            Phrase("there is no channel {name!r}", name=name), where=option, hint=did_you_mean(name, names)
        )


def run_list(terminal: Terminal, group: str | None, channel: str | None, without: str | None) -> int:
    """Names, groups and channels. Addresses stay in the ledger."""
    settings = terminal.settings()
    ranks = [c.name for c in settings.channel]
    check_channel(channel, "--channel", ranks)
    check_channel(without, "--without", ranks)

    def wanted(member: Member) -> bool:
        usable = channels_of(member, ranks)
        return (
            (group is None or group in member.groups)
            and (channel is None or channel in usable)
            and (without is None or without not in usable)
        )

    with open_app(settings) as app:
        today = app.today()
        found: Iterator[Member] = filter(wanted, each_member(app.ledger))
        if terminal.json:
            terminal.object({"members": [_short_object(member, ranks, today) for member in found]})
            return EXIT_OK
        shown = False
        for member in found:
            shown = True
            terminal.data(f"{member.name:<24}  {_line(terminal, member, ranks, today)}".rstrip())
    if not shown:
        if group or channel or without:
            terminal.say("no member fits")
        else:
            terminal.say("there are no members; `fallback-cast members import FILE` brings them in")
    return EXIT_OK


def channels_of(member: Member, ranks: Sequence[str]) -> list[str]:
    """Where the member can be told, in rank order; addresses on channels that are gone are of no use."""
    order = {name: position for position, name in enumerate(member.ranks)}
    names = sorted(ranks, key=lambda name: order.get(name, len(order)))
    return [name for name in names if name in member.addresses and name not in member.refused]


def _line(terminal: Terminal, member: Member, ranks: Sequence[str], today: str) -> str:
    parts = [", ".join(channels_of(member, ranks)) or terminal.text("no address on any channel")]
    parts += [f"[{' '.join(member.groups)}]"] if member.groups else []
    refused = [name for name in ranks if name in member.refused and name in member.addresses]
    parts += [terminal.text("no consent: {names}", names=", ".join(refused))] if refused else []
    if member.paused_on(today):
        parts.append(
            terminal.text("paused until {day}", day=member.paused_until)
            if member.paused_until
            else terminal.text("paused")
        )
    return "  ".join(parts)


def _short_object(member: Member, ranks: Sequence[str], today: str) -> dict[str, object]:
    return {
        "id": member.id,
        "number": member.number,
        "name": member.name,
        "language": member.language,
        "groups": list(member.groups),
        "paused": member.paused_on(today),
        "paused_until": member.paused_until,
        "channels": channels_of(member, ranks),
    }


def run_pause(terminal: Terminal, who: str, until: str | None, off: bool) -> int:
    day = _day(until, off)
    with open_app(terminal.settings()) as app:
        if day is not None and day < app.today():
            raise UserError("this day is over", where="--until", hint="give a day to come")
        member = find(app, who)
        pause_member(app.ledger, member.id or 0, not off, day)
    if terminal.json:
        terminal.object({"id": member.id, "paused": not off, "paused_until": day})
    elif off:
        terminal.data(terminal.text("{name}: is told again", name=member.name))
    elif day is None:
        terminal.data(terminal.text("{name}: paused", name=member.name))
    else:
        terminal.data(terminal.text("{name}: paused until {day}", name=member.name, day=day))
    return EXIT_OK


def _day(until: str | None, off: bool) -> str | None:
    if until is None:
        return None
    if off:
        raise UserError("--off and --until do not go together", hint="give one of the two")
    day = day_of(until)
    if day is None:
        raise UserError("this is no day", where="--until", hint="write for example 2026-12-31")
    return day


def run_unsuppress(terminal: Terminal, address: str, channel: str | None) -> int:
    """A complaint, too: the organiser says that the person asks for it."""
    with open_app(terminal.settings()) as app:
        check_channel(channel, "--channel", list(app.channels))
        routes = spellings(app.channels, address)
        if channel is not None:
            routes = {name: text for name, text in routes.items() if name == channel}
        ended = unsuppress(app.ledger, list(routes.items()))
    if terminal.json:
        terminal.object({"ended": ended})
    else:
        terminal.data(terminal.text("suppressions ended: {count}", count=ended))
        if not ended:
            terminal.say("nothing was held against this address")
    return EXIT_OK
