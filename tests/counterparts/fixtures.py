"""pytest fixtures for every counterpart: servers live for the session, what they remember for one test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counterparts import dns_faults as dns
from tests.counterparts import folders
from tests.counterparts import http_faults as http
from tests.counterparts import smtp_faults as smtp
from tests.counterparts.gammu import Gammu, gammu
from tests.counterparts.kannel import Kannel, kannel
from tests.counterparts.mosquitto import Mosquitto, mosquitto
from tests.counterparts.netns import Network, network
from tests.counterparts.nginx import Nginx, nginx
from tests.counterparts.ngircd import Ngircd, ngircd
from tests.counterparts.ports import silent_server
from tests.counterparts.postfix import MailSite, postfix
from tests.counterparts.processes import public_directory
from tests.counterparts.prosody import Prosody, prosody
from tests.counterparts.smtp_sink import SmtpSink, smtp_sink
from tests.counterparts.synapse import Synapse, synapse
from tests.counterparts.telegram_test_api import TelegramTestApi, telegram_test_api
from tests.counterparts.tls import Certificates, make_certificates
from tests.counterparts.wordpress import WordPress, wordpress


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def http_faults() -> Iterator[http.HttpFaults]:
    with http.http_faults() as faults:
        yield faults


@pytest.fixture(scope="session")
def mail_servers(certificates: Certificates) -> Iterator[MailSite]:
    with public_directory() as directory, postfix(directory, certificates) as site:
        yield site


@pytest.fixture
def mail_site(mail_servers: MailSite) -> MailSite:
    """Postfix and Dovecot with empty mailboxes."""
    mail_servers.forget()
    return mail_servers


@pytest.fixture(scope="session")
def kannel_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    with kannel(tmp_path_factory.mktemp("kannel")) as gateway:
        yield gateway


@pytest.fixture
def sms_gateway(kannel_server: Kannel) -> Kannel:
    """Kannel with an SMS centre behind it that has seen nothing yet."""
    kannel_server.forget()
    return kannel_server


@pytest.fixture(scope="session")
def gammu_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gammu]:
    with gammu(tmp_path_factory.mktemp("gammu")) as daemon:
        yield daemon


@pytest.fixture
def sms_stick(gammu_daemon: Gammu) -> Gammu:
    """Gammu SMSD with empty folders."""
    gammu_daemon.forget()
    return gammu_daemon


@pytest.fixture(scope="session")
def matrix_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """Synapse without rate limits; take a new room for each test."""
    with synapse(tmp_path_factory.mktemp("synapse")) as server:
        yield server


@pytest.fixture(scope="session")
def limited_matrix_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """Synapse that takes two messages at once from a user, then one every two seconds."""
    with synapse(tmp_path_factory.mktemp("limited"), limited=True) as server:
        yield server


@pytest.fixture(scope="session")
def telegram_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TelegramTestApi]:
    """Take a new chat id for each test."""
    with telegram_test_api(tmp_path_factory.mktemp("telegram")) as server:
        yield server


@pytest.fixture(scope="session")
def mqtt_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as server:
        yield server


@pytest.fixture(scope="session")
def prosody_server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Prosody]:
    with prosody(tmp_path_factory.mktemp("prosody"), certificates) as server:
        yield server


@pytest.fixture
def xmpp_server(prosody_server: Prosody) -> Prosody:
    """Prosody with no message waiting."""
    prosody_server.forget()
    return prosody_server


@pytest.fixture(scope="session")
def irc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ngircd]:
    with ngircd(tmp_path_factory.mktemp("ngircd")) as server:
        yield server


@pytest.fixture(scope="session")
def wordpress_site() -> Iterator[WordPress]:
    """A blog; take a new announcement for each test."""
    with public_directory() as directory, wordpress(directory) as site:
        yield site


@pytest.fixture
def mail_sink(tmp_path: Path) -> Iterator[SmtpSink]:
    """Takes mail as fast as it comes and counts it."""
    with smtp_sink(tmp_path / "sink") as sink:
        yield sink


@pytest.fixture(scope="session")
def nginx_server(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Nginx]:
    directory = tmp_path_factory.mktemp("nginx")
    with silent_server() as silent, nginx(directory, certificates, silent_port=silent.port) as server:
        yield server


@pytest.fixture
def dns_faults() -> Iterator[dns.DnsFaults]:
    with dns.dns_faults() as faults:
        yield faults


@pytest.fixture
def private_network(tmp_path: Path) -> Iterator[Network]:
    """Two namespaces and a cable between them."""
    with network(tmp_path / "network") as made:
        yield made


@pytest.fixture
def smtp_faults(certificates: Certificates) -> Iterator[smtp.SmtpFaults]:
    """Offers and demands STARTTLS and a login, like a real relay."""
    with smtp.smtp_faults(certificates.server_context()) as faults:
        yield faults


@pytest.fixture(scope="session")
def sftp_server() -> Iterator[folders.FolderServer]:
    with public_directory() as directory, folders.sshd(directory) as server:
        yield server


@pytest.fixture(scope="session")
def ftps_server(certificates: Certificates) -> Iterator[folders.FolderServer]:
    with public_directory() as directory, folders.vsftpd(directory, certificates) as server:
        yield server


@pytest.fixture(scope="session")
def webdav_server(certificates: Certificates) -> Iterator[folders.FolderServer]:
    with public_directory() as directory, folders.apache(directory, certificates) as server:
        yield server
