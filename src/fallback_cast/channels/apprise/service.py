"""Load an Apprise URL as one service that sends once: no retry, no sleep, no redirect, no log.

Apprise's behaviour is as read in its 2.2.0 of 2026-11 (https://github.com/caronc/apprise).
"""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apprise

# They retry, swallow a failure, split a message in several, or choose among services: all of it is the
# dispatcher's to decide (https://appriseit.com/getting-started/universal-syntax/, 2026-11).
REFUSED_PARAMETERS = ("retry", "wait", "optional", "overflow", "tag", "tags", "redirect")

# Seen against a real gateway (Apprise 2.2.0, 2026-11): a throttled submit_sm, answered yes.
_NO_RECEIPT = {
    "smpp": 'Apprise says yes to SMPP before the gateway has answered; use a channel of kind "sms"',
    "smpps": 'Apprise says yes to SMPP before the gateway has answered; use a channel of kind "sms"',
}

# Request lines hold tokens, stanzas hold passwords, and all of them hold the message.
_LOUD = ("urllib3", "requests_oauthlib", "oauthlib", "slixmpp", "paho", "smpplib", "pika", "proton")


class Waiting(Exception):
    """A service wants to sleep before it sends; `seconds` as it said."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the service asks to wait")
        self.seconds = seconds


class Gate:
    """Stands where a service sleeps between its requests: counts them, and refuses to wait.

    Our own pacer keeps the service's rate (`rate`, in seconds between two messages).
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.passed = 0
        self.asked: float | None = None

    def __call__(self, last_io: object = None, wait: float | None = None) -> None:
        """In the place of `URLBase.throttle`. Raises Waiting instead of sleeping."""
        if wait:
            if not self.passed:
                self.asked = wait
            raise Waiting(wait)
        self.passed += 1

    def reset(self) -> None:
        self.passed = 0
        self.asked = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A service of Apprise, made harmless."""

    service: Any = field(repr=False)  # an apprise.NotifyBase; each kind has attributes of its own
    gate: Gate


def load_service(url: str) -> Loaded:
    """The service a URL names. Raises ValueError in words for people, which never show the URL."""
    schema = _check_text(url)
    _quieten()
    _load_library()
    import apprise

    service = apprise.Apprise.instantiate(url, asset=_asset())
    if service is None:
        raise ValueError(_why_not(schema))
    _check_service(schema, service)
    _quieten()  # a service's own libraries have come with it
    return Loaded(service, _tame(service))


@lru_cache(maxsize=1)
def _load_library() -> None:
    """All of Apprise's services are imported with the first; what they are warned about is theirs to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apprise

        apprise.Apprise.instantiate("json://localhost")


def _quieten() -> None:
    """Apprise's own records stay with the result that asks for them; those of its libraries go nowhere."""
    own = logging.getLogger("apprise")
    own.setLevel(logging.WARNING)
    own.propagate = False
    if _worth_keeping not in own.filters:
        own.addFilter(_worth_keeping)
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name, logger in tuple(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in _LOUD and isinstance(logger, logging.Logger):
            logger.disabled = True


def _worth_keeping(record: logging.LogRecord) -> bool:
    """Below INFO Apprise logs URLs with their tokens; of the rest only warnings tell why a send failed."""
    return record.levelno >= logging.WARNING


def _asset() -> apprise.AppriseAsset:
    import apprise

    return apprise.AppriseAsset(
        app_id="fallback-cast",
        app_desc="fallback-cast",
        app_url="",
        image_url_mask="",  # else readers' programs fetch Apprise's own logo
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
        storage_mode="memory",
        service_timeout=0,  # with a limit Apprise would use threads that are joined at exit
        allow_templates=False,
    )


def _check_text(url: str) -> str:
    """The URL's schema, in small letters. Raises ValueError for what must not stand in a URL here."""
    match = re.match(r"\s*([a-z0-9]{1,32})://", url, re.IGNORECASE)
    if not match:
        raise ValueError("an Apprise url begins with the name of a service and ://")
    if re.search(r"[\s,]\s*[a-z0-9]{1,32}://", url[match.end() :], re.IGNORECASE):
        raise ValueError("this holds several urls; write one channel for each")
    names = re.findall(r"[?&;]\s*([a-z]+)\s*=", url, re.IGNORECASE)
    for name in REFUSED_PARAMETERS:
        if name in (found.lower() for found in names):
            raise ValueError(_refusal(name))
    schema = match[1].lower()
    if schema in _NO_RECEIPT:
        raise ValueError(_NO_RECEIPT[schema])
    if schema in ("xmpp", "xmpps") and not re.search(r"[?&]mode=(starttls|tls)\b", url, re.IGNORECASE):
        raise ValueError(
            "without mode=starttls or mode=tls in the url Apprise says yes to XMPP although nothing was sent"
        )
    return schema


def _refusal(name: str) -> str:
    return f"take the parameter {name!r} out of the url: fallback-cast itself decides about that"


def _check_service(schema: str, service: Any) -> None:
    """The same refusals once more on what Apprise has understood, however it was spelled."""
    for name in ("retry", "optional"):
        if getattr(service, name, 0):
            raise ValueError(_refusal(name))
    if len(service) > 1:
        raise ValueError("the url names several places; write one channel for each")
    if getattr(service, "body_maxlen", 0) <= 0:
        raise ValueError(f"{schema}:// takes no text")


def _tame(service: Any) -> Gate:
    import apprise

    gate = Gate(float(service.request_rate_per_sec or 0))
    service.overflow_mode = apprise.OverflowMode.TRUNCATE  # never two messages for one
    service.redirects = False
    if not service.verify_certificate:  # else each send prints a warning with the host's name
        warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    service.throttle = gate
    return gate


def _why_not(schema: str) -> str:
    """Why Apprise would not load a URL of this schema."""
    import apprise

    for entry in apprise.Apprise().details(show_requirements=True, show_disabled=True)["schemas"]:
        if schema in (*(entry["protocols"] or ()), *(entry["secure_protocols"] or ())):
            break
    else:
        return "Apprise knows no service of this name, or it is an address of settings and not of a service"
    if entry["enabled"]:
        return (
            f"Apprise cannot use this {schema}:// url; something in it is missing or not as the service wants"
        )
    needed = entry["requirements"]["packages_required"]
    names = ", ".join([needed] if isinstance(needed, str) else needed)
    if not names:
        return f"{schema}:// cannot be used on this machine"
    return f"{schema}:// needs a further Python package: {names}"
