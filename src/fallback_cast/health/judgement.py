"""A judgement: verdict, layer, since when, on which evidence, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fallback_cast.health.signals import CERTIFICATE
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal, Verdict
from fallback_cast.model.texts import Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is held of one provider, or (verdict *offline*) of our own line, at one moment.

    `since` is when this verdict was given, `began_at` when the first failure of this outage or
    suspicion was seen: the outage is as old as that. `detail` is the last failure as it was told.
    """

    verdict: Verdict
    since: datetime
    layer: Layer | None = None
    detail: str = ""
    evidence: tuple[Evidence, ...] = ()
    configuration: bool = False  # our account or settings are refused: a person must act
    retry_at: datetime | None = None  # while down: no probe is due before this
    openings: int = 0  # how often it went down without a recovery that lasted
    failures: float = 0.0  # weight of the failures in a row
    flapping: bool = False  # comes and goes: one message at a time until it is quiet
    captive: bool = False  # offline: somebody on our line answers in place of the references
    began_at: datetime | None = None
    lived_at: datetime | None = None  # the last sign of life, a refusal or a limit included
    seen_at: datetime | None = None  # the last evidence of any kind

    @property
    def reason(self) -> Phrase:
        """The judgement in one sentence that a volunteer understands."""
        match self.verdict:
            case Verdict.UP:
                return _works(self)
            case Verdict.SUSPECT:
                return _doubt(self)
            case Verdict.DOWN:
                return _down(self)
            case Verdict.RECOVERING:
                return COMES_AND_GOES if self.flapping else COMES_BACK
            case Verdict.OFFLINE:
                return _offline(self)
            case Verdict.UNKNOWN:
                return LONG_AGO if self.seen_at else NEVER_SEEN

    @property
    def certificate(self) -> bool:
        """Whether it is down for a certificate that is not valid: its operator's affair alone."""
        return self.layer is Layer.TLS and self.detail.startswith(CERTIFICATE)


COMES_BACK = Phrase("it comes back: one message goes first")
COMES_AND_GOES = Phrase("it comes and goes: one message at a time until it has been quiet for a while")
NEVER_SEEN = Phrase("nothing is known yet: nobody has looked")
LONG_AGO = Phrase("nothing is known any more: nobody has looked for a long time")


def _works(judged: Judgement) -> Phrase:
    if not judged.evidence:
        return Phrase("it works")
    if judged.evidence[-1].source == "send":
        return Phrase("it works: the last message was taken")
    return Phrase("it works: the last probe was answered")


def _doubt(judged: Judgement) -> Phrase:
    last = judged.evidence[-1] if judged.evidence else None
    if last is not None and last.signal is Signal.HINT:
        return Phrase("in doubt: its status page reports an incident")
    if len(judged.evidence) > 1:
        return Phrase(
            "in doubt: {count} failures in a row, the last one: {cause}",
            count=len(judged.evidence),
            cause=spoken(judged.detail),
        )
    return Phrase("in doubt: one failure ({cause})", cause=spoken(judged.detail))


def _down(judged: Judgement) -> Phrase:
    cause = spoken(judged.detail)
    if judged.configuration:
        return Phrase("our account or our settings are refused there ({cause})", cause=cause)
    match judged.layer:
        case Layer.NAME:
            return Phrase("down: its name is not found on the internet ({cause})", cause=cause)
        case Layer.ROUTE:
            return Phrase("down: no connection to it comes about ({cause})", cause=cause)
        case Layer.TLS if judged.certificate:
            return Phrase("down: it cannot prove who it is, so nothing is sent there ({cause})", cause=cause)
        case Layer.TLS:
            return Phrase("down: no secure connection to it comes about ({cause})", cause=cause)
    return Phrase("down: the service itself does not work ({cause})", cause=cause)


def _offline(judged: Judgement) -> Phrase:
    if judged.captive:
        return Phrase("our own network is held up by a sign-in page: open it in a browser and sign in")
    return Phrase(
        "our own network is down: none of the {count} references answers", count=len(judged.evidence)
    )


def spoken(detail: str) -> Phrase:
    """Technical detail as a phrase, so that its known parts can be put into another language."""
    if isinstance(detail, Phrase):
        return detail
    head, colon, rest = detail.partition(": ")
    if not detail:
        return Phrase("no details")
    return (
        Phrase("{head}: {rest}", head=Phrase(head), rest=spoken(rest)) if colon and rest else Phrase(detail)
    )
