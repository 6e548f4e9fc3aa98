"""What comes back by calls: a member who leaves by the link in a message, a gateway's delivery report.

A GET of a link changes nothing, for mail scanners follow links; the POST is the person's button, or a
mail program's one click (RFC 8058). Nothing of a request is shown, stored or believed but its token.
"""

from __future__ import annotations

from functools import lru_cache

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse

from fallback_cast.channels.sms.reports import read_report
from fallback_cast.ledger.receipts import receive
from fallback_cast.model.announcement import Club
from fallback_cast.model.errors import LedgerError
from fallback_cast.model.links import Page, read_link
from fallback_cast.model.receipt import Receipt, Signer
from fallback_cast.model.texts import translate
from fallback_cast.web.front import FrontDesk
from fallback_cast.web.refusals import Refused, described

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


_REPORTING = described(
    _400="the request is not as described",
    _404="there is no such channel",
    _408="the body took too long",
    _413="the body is too large",
    _503="nothing can be stored now",
)


def add_answers(web: FastAPI, front: FrontDesk, signer: Signer) -> None:
    club = front.app.club

    def find(token: str) -> Receipt | None:
        return read_link(Page.UNSUBSCRIBE, token, signer, front.app.clock.now())

    @web.get("/u/{token}", response_class=HTMLResponse, include_in_schema=False)
    async def leave_page(token: str) -> HTMLResponse:
        """Asks; changes nothing."""
        return _page(club, "ask" if find(token) else "unknown")

    @web.post("/u/{token}", response_class=HTMLResponse, include_in_schema=False)
    async def leave(token: str) -> HTMLResponse:
        """Once this is answered, nothing more goes to the address by this channel."""
        receipt = find(token)
        if receipt is None:
            return _page(club, "unknown")
        try:
            taken = await front.desk.run(receive, [receipt], front.app.clock.now())
        except LedgerError:
            return _page(club, "later")
        return _page(club, "done" if taken.known else "unknown")

    async def take(channel: str, token: str, kind: str) -> Response:
        if channel not in front.app.channels:
            raise Refused(404, "there is no such channel")
        receipt = read_report({"token": token, "type": kind}, signer, front.app.clock.now())
        if receipt is not None:
            try:
                await front.desk.run(receive, [receipt], front.app.clock.now())
            except LedgerError:
                raise Refused(503, "it cannot be stored now", {"Retry-After": "30"}) from None
            front.poke()
        return Response(status_code=204)

    @web.get("/receipts/{channel}", status_code=204, response_class=Response, responses=_REPORTING)
    async def report_by_get(channel: str, token: str = "", type: str = "") -> Response:
        """A delivery report, known by the token in its address; anything else is dropped."""
        return await take(channel, token, type)

    @web.post("/receipts/{channel}", status_code=204, response_class=Response, responses=_REPORTING)
    async def report_by_post(channel: str, token: str = "", type: str = "") -> Response:
        """The same, for gateways that POST."""
        return await take(channel, token, type)


_SAYS = {
    "ask": (200, "No more announcements to this address?", "Yes, send me nothing more"),
    "done": (
        200,
        "Done: nothing more goes to this address. To change your mind, write to the club.",
        "",
    ),
    "unknown": (404, "This link is not one of ours, or is not whole. Please write to the club.", ""),
    "later": (503, "This could not be written down just now. Please try again in a few minutes.", ""),
}


def _page(club: Club, what: str) -> HTMLResponse:
    return HTMLResponse(_html(club, what), _SAYS[what][0], _HEADERS)


@lru_cache(maxsize=8)
def _html(club: Club, what: str) -> str:
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("fallback_cast.web"), autoescape=True)
    _, sentence, button = _SAYS[what]
    return environment.get_template("answer.html").render(
        language=club.language,
        name=club.name,
        sentence=translate(club.language, sentence),
        button=translate(club.language, button) if button else "",
    )
