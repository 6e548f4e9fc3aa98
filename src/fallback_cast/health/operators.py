"""Whose name is this? From a host to its registered domain, and to the company that runs it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# Names that only this house or this machine knows (RFC 6761, 6762, 8375; ICANN's .internal).
_HOUSE = ("localhost", "local", "lan", "internal", "home.arpa")

# Companies that spread one service over several registered domains, so that one registry's fault does not
# take it whole; for us they are one operator. Read in their own documentation, 2026-11.
_FAMILIES = (
    (re.compile(r"awsdns-\d+\.(com|net|org|co\.uk)"), "amazonaws.com"),
    (re.compile(r"azure-dns\.(com|net|org|info)"), "azure.com"),
    (re.compile(r"ui-dns\.(com|de|org|biz)"), "ionos.com"),
    (re.compile(r"ultradns\.(com|net|org|biz|info|co\.uk)"), "ultradns.com"),
    (re.compile(r"googlemail\.com"), "google.com"),
)


@cache
def _suffixes() -> PublicSuffixList:
    # The registries' part of the list alone: a club's page at github.io goes down with github.io.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=True)


@cache
def registrable(host: str) -> str | None:
    """The domain that somebody registered for this host; None for an address, or a name of the house."""
    name = host.rstrip(".").lower()
    if is_address(name) or any(name == end or name.endswith("." + end) for end in _HOUSE):
        return None
    return _suffixes().privatesuffix(name)


def operator(hosts: Iterable[str]) -> str | None:
    """Who runs these servers, by registered domain; several companies are joined: all must fail.

    None if no name tells.
    """
    return " + ".join(sorted({_company(domain) for host in hosts if (domain := registrable(host))})) or None


def _company(domain: str) -> str:
    return next((company for pattern, company in _FAMILIES if pattern.fullmatch(domain)), domain)


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
