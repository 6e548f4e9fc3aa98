"""A certificate authority of our own, with good, expired, misnamed and foreign server certificates."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import trustme

Kind = Literal["good", "expired", "wrong_name", "foreign"]


@dataclass(frozen=True)
class Certificates:
    """Server files hold key and chain in one PEM; `ca_file` is what a client must trust."""

    directory: Path
    ca_file: Path
    good: Path
    expired: Path
    wrong_name: Path
    foreign: Path
    authority: trustme.CA = field(repr=False)

    def file(self, kind: Kind = "good") -> Path:
        return {"good": self.good, "expired": self.expired, "wrong_name": self.wrong_name}.get(
            kind, self.foreign
        )

    def server_context(self, kind: Kind = "good") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file(kind))
        return context

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))

    def issue(self, *names: str) -> Path:
        """One more good certificate, for hosts that a private name server makes ours."""
        path = self.directory / f"{names[0]}.pem"
        self.authority.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path


def make_certificates(directory: Path) -> Certificates:
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    now = datetime.now(UTC)
    issued = {
        "good": authority.issue_cert("localhost", "127.0.0.1"),
        "expired": authority.issue_cert(
            "localhost", "127.0.0.1", not_before=now - timedelta(days=9), not_after=now - timedelta(days=2)
        ),
        "wrong_name": authority.issue_cert("elsewhere.test"),
        "foreign": trustme.CA().issue_cert("localhost", "127.0.0.1"),
    }
    for name, certificate in issued.items():
        certificate.private_key_and_cert_chain_pem.write_to_path(str(directory / f"{name}.pem"))
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    files = {name: directory / f"{name}.pem" for name in issued}
    return Certificates(directory, directory / "ca.pem", authority=authority, **files)
