"""What a program asks to be announced, as JSON; the same for webhooks and `/v1/announcements`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from fallback_cast.model.announcement import MAX_BODY_BYTES, MAX_TITLE


def _dated(value: Any) -> Any:
    """pydantic would take "0" for the beginning of 1970."""
    if isinstance(value, str) and not _RFC3339.match(value):
        raise ValueError("a moment is written as in RFC 3339: 2026-11-28T14:30:00+01:00")
    return value


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


_RFC3339 = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d")
Moment = Annotated[AwareDatetime, BeforeValidator(_dated), AfterValidator(_utc)]


class Wanted(BaseModel):
    """One announcement. Unknown keys are refused: a slip in `importance` must not go unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    title: str = Field(min_length=1, max_length=MAX_TITLE)
    body: str = Field(min_length=1, max_length=MAX_BODY_BYTES, description="Markdown")
    importance: Literal["info", "normal", "urgent"] = "normal"
    groups: frozenset[str] = Field(default=frozenset(), description="Only to members of these groups")
    private: bool = Field(default=False, description="Not to public places")
    link: str | None = Field(default=None, max_length=2000, pattern=r"^https?://")
    event_at: Moment | None = Field(default=None, description="When what is announced takes place")
    place: str | None = Field(default=None, max_length=200)
    starts_at: Moment | None = Field(default=None, description="Not before")
    expires_at: Moment | None = Field(default=None, description="Of no use after")
    language: Literal["fr", "en"] | None = None


class Enveloped(BaseModel):
    """The payload that Standard Webhooks recommends: the announcement as `data` of an event."""

    model_config = ConfigDict(hide_input_in_errors=True)

    type: str
    data: Wanted


class Taken(BaseModel):
    """It is in the ledger, and survives what may come (P1)."""

    id: str
    code: str = Field(description="By which members check it on the club's page; empty for a repeated one")
    repeated: bool = Field(description="It was there before: nobody is told twice")
