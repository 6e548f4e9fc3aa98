"""What can be known of an Apprise service without a message: its host, its port, its certificate."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fallback_cast.channels.apprise.xmpp import probe_starttls
from fallback_cast.channels.kit.http import HttpClient
from fallback_cast.channels.kit.probe import probe_connection, probe_http
from fallback_cast.model.errors import Unavailable
from fallback_cast.model.health import Check

# Services over HTTP on a host of one's own: without a port in the URL they are at 80 or 443.
_HTTP = frozenset(
    (
        "apprise",
        "bark",
        "enigma2",
        "evolution",
        "flowtriq",
        "form",
        "goalert",
        "gorush",
        "gotify",
        "hassio",
        "humhub",
        "jellyfin",
        "json",
        "kodi",
        "mastodon",
        "misskey",
        "mmost",
        "ncloud",
        "nctalk",
        "onebot",
        "parsep",
        "pinglet",
        "pjet",
        "rocket",
        "signal",
        "smseagle",
        "synology",
        "toot",
        "xml",
    )
)
# Services whose own words name the port (RFC 7194, 6120 §14.7, 7590, OASIS MQTT 5.0, AMQP 0-9-1).
_PORTS = {
    "irc": 6667,
    "ircs": 6697,
    "mqtt": 1883,
    "mqtts": 8883,
    "amqp": 5672,
    "amqps": 5671,
    "xmpp": 5222,
    "xmpps": 5222,
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a service listens. `web`: it speaks HTTP there, so it can be asked for a sign of life.
    `starttls`: the domain whose XMPP it speaks there, beginning in the clear.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    web: bool = False
    starttls: str = ""
    ca_file: Path | None = None


def find_reach(service: Any, probe: str | None) -> Reach | None:
    """Where to knock: as the settings say, else at the URL's host, else None (a fixed, unnamed host)."""
    if probe:
        parts = urlsplit(probe)
        tls = ssl.create_default_context() if parts.scheme == "tls" else None
        return Reach(parts.hostname or "", parts.port or 0, tls)
    host = own_host(service)
    if host is None:
        return None
    port = service.port
    if "xmpp" in _names(service):
        return _xmpp_reach(service, host)
    if not _names(service) & _HTTP:
        return Reach(host, int(port or _default_port(service)))
    if not service.secure:
        return Reach(host, int(port or 80), web=True)
    bundle, tls = _tls(service.verify_certificate)
    checked = bool(service.verify_certificate) and bundle.is_file()
    return Reach(host, int(port or 443), tls, web=checked, ca_file=bundle if checked else None)


def _xmpp_reach(service: Any, host: str) -> Reach:
    """Its TLS as Apprise's XMPP does it: certifi's authorities, the domain of the account as the name;
    5223 is the port for TLS from the first byte (XEP-0368).
    """
    import certifi

    tls = ssl.create_default_context(cafile=certifi.where())
    if not service.verify_certificate:
        _believe_anybody(tls)
    starttls = str(service.secure_mode) != "tls"
    port = int(service.port or (5222 if starttls else 5223))
    domain = str(service.jid).partition("@")[2].partition("/")[0] or host
    return Reach(host, port, tls, starttls=domain) if starttls else Reach(host, port, tls)


async def knock(reach: Reach, patience_s: float) -> list[Check]:
    """Name, route, TLS and, over HTTP, any answer but a server's own error. It asks for `/`, never for
    the address that takes messages. Apprise sends by the system resolver alone, so no detour counts."""
    if reach.starttls and reach.tls:
        checks = await probe_connection(reach.host, reach.port, detour=False)
        if checks[-1].ok:
            checks.append(await probe_starttls(reach.host, reach.port, reach.starttls, reach.tls))
        return checks
    if not reach.web:
        return await probe_connection(reach.host, reach.port, reach.tls, detour=False)
    host = f"[{reach.host}]" if ":" in reach.host else reach.host
    scheme = "https" if reach.tls else "http"
    client = HttpClient(f"{scheme}://{host}:{reach.port}", ca_file=reach.ca_file, read_s=patience_s)
    return await probe_http(client, _ask, tls=reach.tls, detour=False)


async def _ask(client: HttpClient) -> str:
    response = await client.request("HEAD", "/")
    if response.status_code >= 500:
        raise Unavailable(f"HTTP {response.status_code}")
    return f"HTTP {response.status_code}"


def own_host(service: Any) -> str | None:
    """The host in the URL, where that is a host: elsewhere a token or a number stands in its place."""
    known = _names(service) & (_HTTP | _PORTS.keys())
    return str(service.host).strip("[]").lower() if known and service.host else None


def _names(service: Any) -> set[str]:
    """All schemas of this kind of service (its own `schema` may have become `https`)."""
    found: set[str] = set()
    for name in (service.protocol, service.secure_protocol):
        found.update((name,) if isinstance(name, str) else name or ())
    return found


def _default_port(service: Any) -> int:
    return _PORTS[service.secure_protocol if service.secure else service.protocol]


def _tls(verify: bool) -> tuple[Path, ssl.SSLContext]:
    """As requests, which carries Apprise's HTTP, trusts; without `verify`, as the URL says, anybody."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    bundle = Path(named or str(DEFAULT_CA_BUNDLE_PATH))
    whole = bundle.is_dir()
    context = ssl.create_default_context(
        cafile=None if whole else str(bundle), capath=str(bundle) if whole else None
    )
    if not verify:
        _believe_anybody(context)
    return bundle, context


def _believe_anybody(context: ssl.SSLContext) -> None:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
