"""A dead-man's switch: somebody else's alarm that rings when we fall silent.

The address is called after each check that was done and stored. Where it is one of Healthchecks (theirs
or self-hosted), a check that leaves us without any working channel is told as a failure: then nobody
else can tell. https://healthchecks.io/docs/signaling_failures/ (2026-11)
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from fallback_cast.channels.kit.http import HttpClient
from fallback_cast.model.errors import SendError
from fallback_cast.model.texts import Phrase

WAIT_S = 10.0
# https://hc-ping.com/<uuid or key/slug>, or https://our.host/ping/<…>
_HEALTHCHECKS_PATH = re.compile(r"/ping/[0-9A-Za-z_-]{8,}(/[a-z0-9_-]+)?/?")


async def ping(url: str, *, well: bool) -> str | None:
    """Call the switch once. Returns None if it heard us, else why not, without the address."""
    target = url if well else failure_url(url)
    if target is None:
        return None  # silence is the alarm
    parts = urlsplit(target)
    base, path = f"{parts.scheme}://{parts.netloc}", urlunsplit(("", "", parts.path, parts.query, ""))
    async with HttpClient(base, read_s=WAIT_S, max_connections=1) as client:
        try:
            answer = await client.request("GET", path or "/")
        except SendError as error:
            return error.reason
    return (
        None if 200 <= answer.status_code < 300 else Phrase("it answered {status}", status=answer.status_code)
    )


def failure_url(url: str) -> str | None:
    """Where a failure is signalled, if the address is one of a kind that has such a place."""
    parts = urlsplit(url)
    ours = parts.hostname == "hc-ping.com" or _HEALTHCHECKS_PATH.fullmatch(parts.path)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/fail")) if ours else None
