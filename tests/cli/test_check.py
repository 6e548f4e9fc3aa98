"""`check` as a person and a monitor see it: who goes down together, what is unknown, what is missing."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fallback_cast.cli.check_settings import Ending, ending_certificates
from fallback_cast.health.facts import Findings
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from fallback_cast.model.texts import Phrase
from tests.cli.test_commands import settings
from tests.cli.test_demo import run
from tests.counterparts.dns_faults import DnsFaults, dns_faults
from tests.counterparts.http_faults import HttpFaults, reply
from tests.counterparts.http_faults import http_faults as http_faults_of
from tests.counterparts.netns import Network
from tests.counterparts.processes import Daemon
from tests.counterparts.tls import Certificates

THREE = '[health]\nreferences = ["tcp://127.0.0.1:53", "tcp://127.0.0.2:53", "tcp://127.0.0.3:53"]\n'


@pytest.mark.parametrize(
    ("language", "sentence", "advice"),
    [
        ("en", "hook1 and hook2 go down together, ranks 1 and 2 among them", "failure_domains"),
        ("fr", "hook1 et hook2 tombent ensemble, dont les rangs 1 et 2", "placez entre eux"),
    ],
)
def test_ranks_that_share_a_declared_domain_are_a_warning(
    tmp_path: Path, http_faults: HttpFaults, language: str, sentence: str, advice: str
) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url, f"{http_faults.url}/other", extra=THREE)
    done = run("check", "--lang", language, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert sentence in done.stdout
    assert advice in done.stdout


def test_ranks_with_domains_of_their_own_are_none(tmp_path: Path, http_faults: HttpFaults) -> None:
    """Two servers on this machine share nothing that a third one elsewhere would mend."""
    http_faults.always(reply(200))
    path = settings(tmp_path, http_faults.url, f"{http_faults.url}/other", extra=THREE)
    text = path.read_text()
    for name in ("hook1", "hook2"):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\nfailure_domains = ["{name}"]')
    path.write_text(text)
    done = run("check", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["shared_domains"], found["unknown_domains"]) == (0, [], [])


def test_the_object_of_a_shared_domain(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url, f"{http_faults.url}/other", extra=THREE)
    done = run("check", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    [one] = found["shared_domains"]
    assert (one["kind"], one["name"], one["channels"]) == ("provider", "127.0.0.1", ["hook1", "hook2"])
    assert (one["severity"], one["with"]) == ("worst", [])
    assert one["evidence"] == ["they belong to the failure domain 127.0.0.1"]
    assert "failure_domains" in one["advice"]
    assert found["verdict"] == "up", "the channels themselves are well"
    assert (done.returncode, found["certificates_ending"]) == (1, [])


def test_what_is_asked_of_one_channel_concerns_it(tmp_path: Path, http_faults: HttpFaults) -> None:
    http_faults.always(reply(200))
    settings(tmp_path, http_faults.url, f"{http_faults.url}/other")
    alone = json.loads(run("check", "--json", "site", cwd=tmp_path).stdout)
    assert (alone["shared_domains"], alone["advice"]) == ([], [])
    hook = json.loads(run("check", "--json", "hook2", cwd=tmp_path).stdout)
    assert [one["channels"] for one in hook["shared_domains"]] == [["hook1", "hook2"]]
    assert [one["name"] for one in hook["channels"]] == ["hook2"]


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ([], "nobody can tell our own outage"),
        (["tcp://127.0.0.1:53"], "only 1 of [health] references"),
        (["tcp://192.0.2.1:53", "tcp://192.0.2.9:53", "tcp://198.51.100.1:53"], "they count as one"),
        (["tcp://192.0.2.1:53", "tcp://198.51.100.2:53", "tcp://203.0.113.9:53"], None),
    ],
)
def test_references_that_say_too_little(tmp_path: Path, references: list[str], expected: str | None) -> None:
    settings(tmp_path, extra=f"[health]\nreferences = {json.dumps(references)}\n")
    done = run("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = "".join(line for line in done.stderr.splitlines() if "site_url" not in line)
    assert (expected in told) if expected else (told == "")
    assert "without [club] site_url" in done.stderr


# -- a network with names, public addresses and two web servers ---------------------------------


@dataclass
class Village:
    """A club's machine, and beyond a cable its name server and its platforms."""

    network: Network
    names: DnsFaults
    folder: Path

    def check(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", "from fallback_cast.cli.app import main; main()"]
        words = self.network.client.command(*program, "check", *arguments)
        return subprocess.run(
            [str(word) for word in words],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def objects(self, *arguments: str) -> tuple[int, dict[str, list[dict[str, object]]]]:
        done = self.check("--json", *arguments)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@contextmanager
def _resolved(network: Network) -> Iterator[DnsFaults]:
    files = Path("/etc/netns", network.client.name)
    files.mkdir(parents=True)
    files.joinpath("resolv.conf").write_text(f"nameserver {network.server.address}\noptions attempts:1\n")
    try:
        with network.server.entered(), dns_faults(network.server.address, 53) as names:
            yield names
    finally:
        files.joinpath("resolv.conf").unlink()
        files.rmdir()


@pytest.fixture
def village(private_network: Network, tmp_path: Path) -> Iterator[Village]:
    pages = tmp_path / "pages"
    pages.mkdir()
    server, client = private_network.server, private_network.client
    for address in ("203.0.113.7", "203.0.113.8", "198.51.100.9"):
        server.run(["ip", "address", "add", f"{address}/32", "dev", server.device])
    client.run(["ip", "route", "add", "default", "via", server.address])
    command = server.command(sys.executable, "-m", "http.server", "80", "-d", pages)

    def ready() -> bool:
        return ":80" in server.run(["ss", "-Hltn", "sport", "=", "80"])

    with ExitStack() as stack:
        names = stack.enter_context(_resolved(private_network))
        stack.enter_context(Daemon(command, tmp_path / "http.log", ready).running())
        yield Village(private_network, names, tmp_path)


def test_a_network_shared_by_two_platforms_is_found(village: Village) -> None:
    village.names.add(
        "a.one.test. 60 IN A 203.0.113.7",
        "b.two.test. 60 IN A 203.0.113.8",
        "c.three.test. 60 IN A 198.51.100.9",
        "one.test. 60 IN NS ns.one.example.",
        "two.test. 60 IN NS ns.two-names.example.",
        "three.test. 60 IN NS ns9.two-names.example.",
    )
    settings(village.folder, "http://a.one.test/", "http://b.two.test/", "http://c.three.test/")
    code, found = village.objects()
    assert [(one["kind"], one["name"], one["channels"]) for one in found["shared_domains"]] == [
        ("network", "203.0.113.0/24", ["hook1", "hook2"]),
        ("name_servers", "two-names.example", ["hook2", "hook3"]),
    ]
    assert [one["severity"] for one in found["shared_domains"]] == ["worst", "warning"]
    assert found["unknown_domains"] == []
    assert code == 1
    french = village.check("--lang", "fr")
    assert french.returncode == 1
    assert "a.one.test, b.two.test : le même réseau, 203.0.113.0/24" in french.stdout
    assert "hook2 et hook3 tombent ensemble : l'un ne peut pas remplacer l'autre" in french.stdout


def test_independent_platforms_are_no_warning(village: Village) -> None:
    village.names.add(
        "a.one.test. 60 IN A 203.0.113.7",
        "c.three.test. 60 IN A 198.51.100.9",
        "one.test. 60 IN NS ns.one.example.",
        "three.test. 60 IN NS ns.three.example.org.",
    )
    settings(village.folder, "http://a.one.test/", "http://c.three.test/")
    code, found = village.objects()
    assert (code, found["shared_domains"], found["unknown_domains"]) == (0, [], [])


@pytest.mark.parametrize(
    ("host", "english", "french"),
    [
        ("nx.two.test", "the name does not exist", "le nom n'existe pas"),
        (
            "servfail.two.test",
            "the name server does not answer for this name",
            "le serveur de noms ne répond pas pour ce nom",
        ),
        ("silent.two.test", "no answer in time", "pas de réponse à temps"),
    ],
)
def test_a_failing_look_up_is_unknown_not_independent(
    village: Village, host: str, english: str, french: str
) -> None:
    village.names.add("a.one.test. 60 IN A 203.0.113.7", "one.test. 60 IN NS ns.one.example.")
    village.names.add("two.test. 60 IN NS ns.two.example.org.")
    settings(village.folder, "http://a.one.test/", f"http://{host}/")
    code, found = village.objects()
    assert code == 2, "the platform itself is down"
    [one] = [one for one in found["unknown_domains"] if one["kind"] == "address"]
    assert (one["host"], one["channels"], one["reason"]) == (host, ["hook2"], english)
    done = village.check("--lang", "fr")
    assert "inconnu : les adresses" in done.stdout
    assert f" de {host} ({french}) ; ce qui serait partagé par hook2 n'est pas connu" in done.stdout


def test_site_mail_and_program_in_one_place(village: Village) -> None:
    """The club's only machine: it serves the pages, takes the mail, and runs this program."""
    client = village.network.client
    client.run(["ip", "address", "add", "192.0.2.77/32", "dev", client.device])
    village.names.add(
        "club.test. 60 IN A 192.0.2.77",
        "club.test. 60 IN NS ns.one.example.",
        "club.example.org. 60 IN MX 10 mx.club.example.org.",
        "mx.club.example.org. 60 IN A 192.0.2.77",
        "example.org. 60 IN NS ns.two.example.",
        "relay.three.test. 60 IN A 198.51.100.9",
        "three.test. 60 IN NS ns.three.example.org.",
    )
    email = (
        '[[channel]]\nname = "email"\nkind = "email"\nsender = "Club <club@club.example.org>"\n'
        '[[channel.relay]]\nhost = "relay.three.test"\nport = 25\nsecurity = "none"\n'
    )
    path = settings(village.folder, extra=email)
    path.write_text(path.read_text().replace("[club]\n", '[club]\nsite_url = "http://club.test/"\n', 1))
    _, found = village.objects()
    [one] = found["shared_domains"]
    assert (one["kind"], one["name"], one["channels"]) == ("address", "192.0.2.77", ["site"])
    assert (one["severity"], one["with"]) == ("warning", ["site", "mail", "program"])
    done = village.check("--lang", "fr")
    assert "le site du club, son courrier et ce programme tombent ensemble" in done.stdout
    assert "confiez l'un des trois à quelqu'un d'autre" in done.stdout
    english = village.check("--lang", "en")
    assert "nothing of your own would be left" in english.stdout


# -- certificates -------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "warned"), [(5, True), (13, True), (40, False)])
def test_a_certificate_that_ends_soon_is_a_warning(
    tmp_path: Path, certificates: Certificates, days: int, warned: bool
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)
    issued = certificates.authority.issue_cert("localhost", not_after=ends)
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    trusted = {"SSL_CERT_FILE": str(certificates.ca_file)}
    with http_faults_of(context) as server:
        server.always(reply(200))
        settings(tmp_path, f"https://localhost:{server.port}/", extra=THREE)
        found = json.loads(run("check", "--json", cwd=tmp_path, env=trusted).stdout)
        done = run("check", "--lang", "fr", cwd=tmp_path, env=trusted)
    assert found["certificates_ending"] == ([{"host": "localhost", "days": days}] if warned else [])
    assert done.returncode == (1 if warned else 0), done.stdout
    sentence = f"le certificat de localhost se termine dans {days} jours : faites-le renouveler"
    assert (sentence in done.stdout) is warned


def test_days_left_that_only_a_probe_saw() -> None:
    """Behind STARTTLS the probe alone meets the certificate; the shortest of several counts."""
    detail = "certificate valid for {days} days"
    seen = [
        ("smtp.example.org", [Check(Layer.TLS, True, 0.1, Phrase(detail, days=3))]),
        ("smtp.example.org", [Check(Layer.TLS, True, 0.1, Phrase(detail, days=2))]),
        ("long.example.org", [Check(Layer.TLS, True, 0.1, Phrase(detail, days=15))]),
        ("failed.example.org", [Check(Layer.TLS, False, 0.1, Phrase(detail, days=1))]),
        ("elsewhere.example.org", [Check(Layer.TLS, True, 0.1, Phrase(detail, days=1))]),
    ]
    hosts = ["smtp.example.org", "long.example.org", "failed.example.org"]
    assert ending_certificates(Findings({}), seen, hosts) == [Ending("smtp.example.org", 2)]
    assert "today" in Ending("smtp.example.org", 0).text
