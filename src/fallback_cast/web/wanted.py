"""What a program asks to be announced, as JSON; the same for webhooks and `/v1/announcements`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from fallback_cast.model.announcement import MAX_BODY_BYTES, MAX_TITLE


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class Wanted(BaseModel):
    """One announcement. Unknown keys are refused: a slip in `importance` must not go unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

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
