"""What corrections and cancellations promise, checked on a world that is over (design §8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text

from fallback_cast.model.message import keys_until
from tests.dispatch.play import Touch
from tests.dispatch.promises import EPSILON, SUCCESS, TICK_S, Aftermath, Try

MAY_HAVE = (*SUCCESS, "unknown")


@dataclass(frozen=True)
class Row:
    id: int
    announcement: str
    state: str
    via: str
    routes: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    amends: int | None
    revision: int


class Changes:
    """The changes of a world, and the rows that came of them."""

    def __init__(self, after: Aftermath) -> None:
        self.after, self.play = after, after.play
        with after.play.stage.ledger.reading() as connection:
            self.rows = [
                Row(
                    r.id,
                    r.announcement_id,
                    r.state,
                    r.via or "",
                    tuple((c, a) for c, a in json.loads(r.routes)),
                    tuple(json.loads(r.reasons or "[]")),
                    r.amends,
                    r.revision,
                )
                for r in connection.execute(text("SELECT * FROM delivery ORDER BY id"))
            ]
            self.revisions = {
                r.id: r.revision for r in connection.execute(text("SELECT id, revision FROM announcement"))
            }
        self.row = {row.id: row for row in self.rows}
        self.revision_of = {
            key: (row.announcement, number)
            for row in self.rows
            for route in row.routes
            for number, key in enumerate(keys_until(row.announcement, row.revision, *route), 1)
        }

    def moments(self, id: str) -> list[float]:
        """When each later revision was stored; the first of them is revision 2."""
        return [at for change, at in self.play.changed if f"a{change.news}" == id]

    def tries(self, row: Row, route: tuple[str, str], *, newest: bool) -> list[Try]:
        keys = keys_until(row.announcement, row.revision, *route)
        return [t for key in (keys[-1:] if newest else keys[:-1]) for t in self.after.tries_of[key]]

    def touches(self) -> Iterator[tuple[Touch, str, int]]:
        for touch in self.play.log:
            id, revision = self.revision_of[touch.key]
            yield touch, id, revision


def everything_ends(world: Changes) -> None:
    cancelled = {f"a{change.news}" for change, _ in world.play.changed if change.cancels}
    for id, state in world.after.states.items():
        assert state == ("cancelled" if id in cancelled else "settled"), id
        assert world.revisions[id] == 1 + len(world.moments(id))
    for row in world.rows:
        assert row.state in ("reached", "unreached", "excluded", "expired", "cancelled"), row
        assert row.state in ("reached", "cancelled") or row.reasons, f"nobody says why: {row}"
        assert row.state != "cancelled" or row.announcement in cancelled, row
        assert row.revision == world.revisions[row.announcement], row


def nothing_old_goes_out_after_a_change(world: Changes) -> None:
    """What is on its way at that moment may arrive; nothing is begun, or tried again, with an old text."""
    for touch, id, revision in world.touches():
        later = world.moments(id)[revision - 1 :]
        if later:
            assert touch.at <= later[0] + TICK_S + 10 * world.after.facts.commit, (touch, later)
            assert world.after.try_of(touch).begun <= later[0] + EPSILON, (touch, later)


def the_text_is_the_revisions(world: Changes) -> None:
    titles: dict[tuple[str, int], set[str]] = {}
    for touch, id, revision in world.touches():
        bare = touch.text.removeprefix("CORRECTION ").removeprefix("CANCELLED ").split(" c0.")[0]
        titles.setdefault((id, revision), set()).add(bare)
    assert all(len(found) == 1 for found in titles.values()), titles


def who_knew_is_told(world: Changes) -> None:
    """Each address that took an old text, or may have, has the newest, or its recipient a named state."""
    for row in (row for row in world.rows if row.amends is None):
        for route in row.routes:
            knew = any(t.outcome in MAY_HAVE for t in world.tries(row, route, newest=False))
            news = [r for r in world.rows if r.amends == row.id and r.routes[0] == route]
            if not knew:
                assert all(r.state == "excluded" for r in news), f"told for nothing: {news}"
                continue
            [one] = news
            assert one.state in ("reached", "unreached", "expired"), one
            if one.state == "reached":
                there = next(r for r in one.routes if r[0] == one.via)
                assert any(t.outcome in SUCCESS for t in world.tries(one, there, newest=True)), one


def marks_go_to_who_may_have_known(world: Changes) -> None:
    for touch, _, revision in world.touches():
        row = world.row[world.after.try_of(touch).delivery]
        earlier = [
            t
            for route in row.routes
            for key in keys_until(row.announcement, revision, *route)[:-1]
            for t in world.after.tries_of[key]
        ]
        if touch.text.startswith("CORRECTION"):
            assert any(t.outcome in MAY_HAVE or t.ended > touch.at - TICK_S for t in earlier), touch
        if touch.edits:
            before = keys_until(row.announcement, revision, touch.channel, touch.address)[:-1]
            assert any(t.outcome in SUCCESS for key in before for t in world.after.tries_of[key]), touch


def few_are_told_twice(world: Changes) -> None:
    for key, tries in world.after.tries_of.items():
        unsure = sum(t.outcome == "unknown" for t in tries)
        arrivals = [touch for touch in world.after.arrivals(key) if not touch.edits]
        assert len(arrivals) <= 1 + unsure, f"told twice: {arrivals} {tries}"


CHANGES = (
    everything_ends,
    nothing_old_goes_out_after_a_change,
    the_text_is_the_revisions,
    who_knew_is_told,
    marks_go_to_who_may_have_known,
    few_are_told_twice,
)
