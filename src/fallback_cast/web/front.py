"""Takes what programs want announced into the ledger, within what their settings allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from fallback_cast.dispatch.accept import Draft
from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger.announce import KeyConflict, RepeatedContent, Stored
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.view import count_keys_since
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import LedgerError, UserError
from fallback_cast.model.policy import Policy
from fallback_cast.model.texts import say
from fallback_cast.routing.plan import Audience
from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.inlets import Call
from fallback_cast.web.refusals import Refused
from fallback_cast.web.wanted import Taken, Wanted
from fallback_cast.wiring.app import App

ANSWERS_IN = "en"  # programs read them, and those who mend programs


@dataclass(slots=True)
class FrontDesk:
    """`poke` wakes the dispatcher."""

    app: App
    desk: Desk
    poke: Callable[[], None]

    async def hook(self, webhook: WebhookSettings, call: Call) -> tuple[int, Taken]:
        """Raises Refused. 202 for a new announcement, 200 for one that is there already."""
        if call.wanted is None:
            return 200, Taken(id="", code="", repeated=True)
        prefix = f"hook:{webhook.name}:"
        draft = self._draft(call.wanted, prefix + call.key)
        limit = Importance(webhook.max_importance)
        if draft.importance.rank < limit.rank:
            draft = replace(draft, importance=limit)
        if webhook.groups:
            draft = replace(draft, audience=_within(draft.audience, frozenset(webhook.groups)))
        policies = self.app.settings.policies()
        if not webhook.paid:
            policies = {importance: replace(policy, paid="no") for importance, policy in policies.items()}
        return await self._take(draft, policies, prefix, webhook.max_per_day)

    async def program(self, wanted: Wanted, key: str | None) -> tuple[int, Taken]:
        """From `/v1/announcements`. Raises Refused."""
        draft = self._draft(wanted, None if key is None else f"api:{key}")
        return await self._take(draft, self.app.settings.policies(), "", None)

    def _draft(self, wanted: Wanted, key: str | None) -> Draft:
        return Draft(
            title=wanted.title,
            body=wanted.body,
            importance=Importance(wanted.importance),
            language=wanted.language or self.app.club.language,
            link=wanted.link,
            event_at=wanted.event_at,
            place=wanted.place,
            starts_at=wanted.starts_at,
            expires_at=wanted.expires_at,
            audience=Audience(wanted.groups, wanted.private),
            key=key,
        )

    async def _take(
        self, draft: Draft, policies: Mapping[Importance, Policy], prefix: str, max_per_day: int | None
    ) -> tuple[int, Taken]:
        try:
            stored = await self.desk.run(self._store, draft, policies, prefix, max_per_day)
        except KeyConflict as error:
            raise Refused(409, f"this id was used for another text, {error.id}") from None
        except RepeatedContent as error:
            return 200, Taken(id=error.id, code="", repeated=True)
        except LedgerError as error:
            raise Refused(503, say(ANSWERS_IN, error.what), {"Retry-After": "30"}) from None
        except UserError as error:
            raise Refused(400, say(ANSWERS_IN, error.what)) from None
        self.poke()
        return 200 if stored.repeated else 202, Taken(
            id=stored.id, code=stored.code, repeated=stored.repeated
        )

    def _store(
        self,
        ledger: Ledger,
        draft: Draft,
        policies: Mapping[Importance, Policy],
        prefix: str,
        max_per_day: int | None,
    ) -> Stored:
        if max_per_day is not None:
            self._check_count(ledger, draft.key or "", prefix, max_per_day)
        from fallback_cast.dispatch.accept import accept

        return accept(ledger, draft, self.app.check(draft), self.app.channels, policies)

    def _check_count(self, ledger: Ledger, key: str, prefix: str, max_per_day: int) -> None:
        zone = ZoneInfo(self.app.club.timezone)
        now = self.app.clock.now().astimezone(zone)
        midnight = datetime.combine(now.date(), time(), zone)
        if count_keys_since(ledger, prefix, midnight, but=key) >= max_per_day:
            left_s = int((midnight + timedelta(days=1) - now).total_seconds()) + 1
            raise Refused(429, "this webhook has announced enough for today", {"Retry-After": str(left_s)})

    async def status(self, given: str) -> dict[str, object] | None:
        from fallback_cast.ledger.view import header

        if await self.desk.run(header, given) is None:
            return None
        return await self.desk.run(lambda _: self.app.report(given))


def _within(audience: Audience, allowed: frozenset[str]) -> Audience:
    """Raises Refused for a group that this webhook may not write to."""
    if not audience.groups <= allowed:
        raise Refused(400, "this webhook may not write to one of these groups")
    return replace(audience, groups=audience.groups or allowed)
