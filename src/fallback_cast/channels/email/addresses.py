"""Email addresses: one spelling for each, and what of them may go on the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import getaddresses

from email_validator import EmailNotValidError, validate_email

JOINT = ", "  # between the addresses of a place that has several

# Nothing here can end a command or a header line (RFC 5321 §4.1.2, RFC 5322 §3.4.1). Quoted local parts
# and address literals are left out on purpose: members have none, and they are how injections travel.
_WIRE = re.compile(r"[^\s\x00-\x20\x7f<>()\[\],;:\\\"@]+@[A-Za-z0-9.-]+")
_TOP_LEVEL = re.compile(r"\.(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]+)\Z")


def clean_address(text: str) -> str:
    """One spelling: the domain in lower case and in ASCII, the local part as it was written.

    Raises ValueError, in words for people, if it is no address. Nothing is asked of the network.
    """
    try:
        # Names without a public meaning (club.lan, club.test) can be somebody's own mail server.
        found = validate_email(
            text.strip(), check_deliverability=False, globally_deliverable=False, test_environment=True
        )
    except EmailNotValidError as error:
        raise ValueError(f"not an email address: {error}") from None
    domain = found.ascii_domain.lower()
    address = f"{found.local_part}@{domain}"
    if not _TOP_LEVEL.search(domain) or not on_wire(address):
        raise ValueError("not an email address: the part after the @-sign has no ending such as .org")
    return address


def clean_addresses(text: str) -> str:
    """Several addresses, each in its one spelling, joined as the address of a place."""
    return JOINT.join(dict.fromkeys(clean_address(part) for part in text.split(",")))


def on_wire(address: str) -> bool:
    """Whether the address can stand between the angle brackets of an SMTP command and in a header."""
    return bool(_WIRE.fullmatch(address))


def split_place(address: str) -> Sequence[str]:
    return address.split(JOINT) if JOINT in address else (address,)


def parse_sender(text: str) -> tuple[str, str]:
    """Name and address of `Name <address>`. Raises ValueError if there is no single address in it."""
    found = getaddresses([text]) if text.isprintable() else []
    if len(found) != 1 or "@" not in found[0][1]:
        raise ValueError("write the sender as: Name <address>, the name in quotes if it has a comma")
    name, address = found[0]
    address = clean_address(address)
    if not address.isascii():
        raise ValueError("the sender's address may have no accents before the @-sign")
    return name, address


def verp(bounce_address: str, token: str) -> str:
    """The return path of one attempt: a bounce to it names the attempt, whatever the bounce says."""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{token}@{domain}"
