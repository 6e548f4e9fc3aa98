"""Common mailboxes: their mail server and how much it takes in a day, so that `init` need not ask.

Hosts and ports are those of Thunderbird's ISPDB (https://github.com/thunderbird/autoconfig, read 2026-11)
unless `source` names another page; "usual" is what every mail program is told and no page was read for.
A limit stands here only where one is published. `check` shows whether an entry still holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fallback_cast.model.texts import Phrase

_APP_PASSWORD = Phrase(
    "it wants an app password: switch on two-step verification, then make one at "
    "https://myaccount.google.com/apppasswords"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A provider's server for outgoing mail. `per_day` counts recipients; None: not published."""

    name: str
    host: str
    port: int
    security: Literal["starttls", "tls"]
    per_day: int | None = None
    login: Literal["address", "local part", "own"] = "address"  # own: another name, shown by the provider
    note: Phrase | None = None  # what a person has to do there first
    source: str = "Thunderbird ISPDB"

    def username(self, address: str) -> str | None:
        """The login for an address, as far as it follows from it."""
        return {"address": address, "local part": address.rpartition("@")[0], "own": None}[self.login]


MAILBOXES: Mapping[str, Mailbox] = {
    "gmail": Mailbox(
        name="Gmail",
        host="smtp.gmail.com",
        port=587,
        security="starttls",
        per_day=500,
        note=_APP_PASSWORD,
        source="https://developer.nylas.com/docs/cookbook/email/gmail-smtp-settings/",
    ),
    "google-workspace": Mailbox(
        name="Google Workspace",
        host="smtp.gmail.com",
        port=587,
        security="starttls",
        per_day=2000,
        note=_APP_PASSWORD,
        source="https://developer.nylas.com/docs/cookbook/email/gmail-smtp-settings/",
    ),
    "microsoft365": Mailbox(
        name="Microsoft 365",
        host="smtp.office365.com",
        port=587,
        security="starttls",
        # Message center MC786329 of 27 January 2026: off by default from the end of December 2026.
        note=Phrase("an administrator must allow SMTP AUTH for this mailbox"),
    ),
    "orange": Mailbox(name="Orange", host="smtp.orange.fr", port=465, security="tls"),
    "free": Mailbox(name="Free", host="smtp.free.fr", port=465, security="tls", login="local part"),
    "sfr": Mailbox(
        name="SFR",
        host="smtp.sfr.fr",
        port=465,
        security="tls",
        source="usual",
    ),
    "laposte": Mailbox(
        name="La Poste",
        host="smtp.laposte.net",
        port=465,
        security="tls",
        source="usual",
    ),
    "ovh": Mailbox(
        name="OVHcloud (MX Plan)",
        host="ssl0.ovh.net",
        port=465,
        security="tls",
        source="https://www.quai-des-entrepreneurs.com/ovh-mail",
    ),
    # 50 messages an hour in the first week, 500 after a month:
    # https://www.ionos.co.uk/help/index.php?id=17026, 2026-11
    "ionos": Mailbox(name="IONOS", host="smtp.ionos.fr", port=465, security="tls"),
    "infomaniak": Mailbox(
        name="Infomaniak",
        host="mail.infomaniak.com",
        port=465,
        security="tls",
        per_day=1440,  # 500 for the free mailbox, 100 for the smallest ones
        note=Phrase("the free mailbox takes 500 recipients a day, the smallest paid ones 100"),
        source="https://www.infomaniak.com/en/support/faq/admin2/email-service",
    ),
    # https://docs.gandi.net/en/gandimail/limitations.html, 2026-11: no number, "standard email use"
    "gandi": Mailbox(
        name="Gandi",
        host="mail.gandi.net",
        port=465,
        security="tls",
        source="usual",
    ),
    "proton-bridge": Mailbox(
        name="Proton Mail Bridge",
        host="127.0.0.1",
        port=1025,
        security="starttls",
        note=Phrase("Bridge shows the port and the password; export its certificate for ca_file"),
        source="https://xenocept.com/docs/email-setup/proton.html",
    ),
    "brevo": Mailbox(
        name="Brevo",
        host="smtp-relay.brevo.com",
        port=587,
        security="starttls",
        per_day=300,  # free plan
        login="own",
        note=Phrase("the password is an SMTP key; the free plan takes 300 recipients a day"),
        source="https://developers.brevo.com/docs/smtp-integration",
    ),
}

_BY_DOMAIN = {
    "gmail.com": "gmail",
    "googlemail.com": "gmail",
    "orange.fr": "orange",
    "wanadoo.fr": "orange",
    "free.fr": "free",
    "sfr.fr": "sfr",
    "neuf.fr": "sfr",
    "laposte.net": "laposte",
    "ik.me": "infomaniak",
    "proton.me": "proton-bridge",
    "protonmail.com": "proton-bridge",
}

# Personal Microsoft mailboxes take no password from programs since 16 September 2024:
# https://patriotmail.ai/blog/microsoft-modern-authentication-outlook-app-passwords, 2026-11
_NO_PASSWORDS = ("outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr", "live.com", "live.fr", "msn.com")


def mailbox_of(address: str) -> Mailbox | None:
    """The mailbox that an address belongs to, if its domain tells."""
    name = _BY_DOMAIN.get(address.rpartition("@")[2].lower())
    return MAILBOXES[name] if name else None


def refusal_of(address: str) -> Phrase | None:
    """Why this address cannot send for a program, if that is known."""
    if address.rpartition("@")[2].lower() in _NO_PASSWORDS:
        return Phrase("this mailbox takes no passwords from programs; use another one for sending")
    return None
