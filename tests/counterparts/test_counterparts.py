"""Each counterpart answers and does its main thing; what a fault does to a client is seen from the client."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import IncompleteRead, RemoteDisconnected

import apprise
import pytest
from dnslib import RCODE, DNSRecord  # type: ignore[import-untyped]

from tests.counterparts import http_faults as http
from tests.counterparts import require
from tests.counterparts import smtp_faults as smtp
from tests.counterparts.dns_faults import DnsFaults
from tests.counterparts.kannel import Kannel
from tests.counterparts.mosquitto import Mosquitto, wait_for_heard
from tests.counterparts.netns import Network
from tests.counterparts.nginx import Nginx
from tests.counterparts.ngircd import Ngircd, Said
from tests.counterparts.ports import HOST
from tests.counterparts.postfix import MailSite
from tests.counterparts.prosody import Prosody
from tests.counterparts.smtp_sink import SmtpSink
from tests.counterparts.synapse import MatrixError, Synapse
from tests.counterparts.telegram_test_api import TelegramTestApi
from tests.counterparts.tls import Certificates


def get(
    url: str, data: bytes | None = None, timeout: float = 2, tls: ssl.SSLContext | None = None
) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, data, timeout, context=tls) as answer:
        return answer.status, answer.read()


class TestRequire:
    def test_what_is_missing_skips_a_user_but_fails_ci(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CI", raising=False)
        with pytest.raises(pytest.skip.Exception, match="program no-such-server"):
            require.program("no-such-server")
        monkeypatch.setenv("CI", "true")
        with pytest.raises(pytest.fail.Exception, match="no-such-package"):
            require.node_package("no-such-package")


class TestHttpFaults:
    def test_it_records_what_it_was_sent(self, http_faults: http.HttpFaults) -> None:
        http_faults.next(http.reply(201, json={"id": 7}))
        assert get(f"{http_faults.url}/send?to=a%20b", b"text=hello") == (201, b'{"id": 7}')
        (request,) = http_faults.requests
        assert (request.method, request.path, request.query) == ("POST", "/send", {"to": "a b"})
        assert request.form == {"text": "hello"}
        assert request.headers["content-length"] == "10"
        assert http_faults.connections == 1

    def test_a_status_and_its_headers(self, http_faults: http.HttpFaults) -> None:
        http_faults.always(http.reply(429, headers={"Retry-After": "3"}), path="/slow")
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(f"{http_faults.url}/slow")
        assert (caught.value.code, caught.value.headers["Retry-After"]) == (429, "3")
        caught.value.close()
        assert get(http_faults.url)[0] == 200

    @pytest.mark.parametrize(
        ("action", "error"),
        [
            (http.hang(), TimeoutError),
            (http.cut_before_reading(), OSError),
            (http.cut_after_request(), RemoteDisconnected),
            (http.cut_in_body(body="0123456789", after=4), IncompleteRead),
            (http.reset(), ConnectionResetError),
            (http.reset(before_reading=True), OSError),
            (http.nonsense(), Exception),
            (http.delayed(1, http.reply()), TimeoutError),
        ],
    )
    def test_a_fault_reaches_the_client(
        self, http_faults: http.HttpFaults, action: http.Action, error: type[Exception]
    ) -> None:
        http_faults.next(action)
        with pytest.raises(error):
            get(http_faults.url, timeout=0.4)
        assert get(http_faults.url)[0] == 200
        assert len(http_faults.requests) == (1 if action.before_reading else 2)

    def test_a_drip_is_whole_in_the_end(self, http_faults: http.HttpFaults) -> None:
        http_faults.next(http.drip(body="x" * 200, step=40, every=0.05))
        started = time.monotonic()
        assert get(http_faults.url) == (200, b"x" * 200)
        assert time.monotonic() - started > 0.2

    def test_redirect(self, http_faults: http.HttpFaults) -> None:
        http_faults.next(http.redirect("/there"))
        get(f"{http_faults.url}/here")
        assert [request.path for request in http_faults.requests] == ["/here", "/there"]

    def test_answers_made_from_the_request(self, http_faults: http.HttpFaults) -> None:
        http_faults.always(lambda request: http.reply(body=request.body[::-1]))
        assert get(http_faults.url, b"abc") == (200, b"cba")

    def test_over_tls(self, certificates: Certificates) -> None:
        with http.http_faults(certificates.server_context()) as faults:
            assert get(faults.url, tls=certificates.client_context())[0] == 200

    @pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign"])
    def test_bad_certificates_are_bad(self, certificates: Certificates, kind: str) -> None:
        with http.http_faults(certificates.server_context(kind)) as faults:  # type: ignore[arg-type]
            with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
                get(faults.url, tls=certificates.client_context())
            assert not faults.requests


class TestPorts:
    def test_refused(self) -> None:
        with http.refused_port() as port, pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port), timeout=1)

    def test_blackhole(self) -> None:
        with http.blackhole() as port, pytest.raises(TimeoutError):
            socket.create_connection((HOST, port), timeout=0.5)

    def test_silent(self) -> None:
        with http.silent_server() as silent:
            client = socket.create_connection((HOST, silent.port), timeout=0.3)
            with client, pytest.raises(TimeoutError):
                client.recv(1)
            assert len(silent.accepted) == 1


def log_in(faults: smtp.SmtpFaults, certificates: Certificates) -> smtplib.SMTP:
    client = smtplib.SMTP("localhost", faults.port, timeout=1)
    client.starttls(context=certificates.client_context())
    try:
        client.login(faults.username, faults.password)
    except smtplib.SMTPException:
        client.close()
        raise
    return client


MAIL = (
    "Subject: Match\r\nMessage-ID: <1@club.test>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nAnnulé\r\n"
).encode()


def send(client: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    return client.sendmail("club@club.test", recipients, MAIL)


class TestSmtpFaults:
    def test_a_mail_is_taken_with_its_login(
        self, smtp_faults: smtp.SmtpFaults, certificates: Certificates
    ) -> None:
        with log_in(smtp_faults, certificates) as client:
            assert send(client, "alice@any.test") == {}
        (mail,) = smtp_faults.mails
        assert (mail.login, mail.tls, mail.recipients) == ("club", True, ("alice@any.test",))
        assert mail.message["Subject"] == "Match"

    @pytest.mark.parametrize(
        ("recipient", "code"),
        [
            ("full", 452),
            ("nobody-3", 550),
            ("policy+x", 550),
            ("rate", 451),
            ("big", 552),
            ("spam", 550),
            ("later", 451),
        ],
    )
    def test_refusals(
        self, smtp_faults: smtp.SmtpFaults, certificates: Certificates, recipient: str, code: int
    ) -> None:
        with log_in(smtp_faults, certificates) as client, pytest.raises(smtplib.SMTPException) as caught:
            send(client, f"{recipient}@any.test")
        refused = caught.value
        codes = (
            [refused.smtp_code]
            if isinstance(refused, smtplib.SMTPDataError)
            else [
                code
                for code, _ in refused.recipients.values()  # type: ignore[attr-defined]
            ]
        )
        assert codes == [code]
        assert not smtp_faults.mails

    def test_greylisted_once(self, smtp_faults: smtp.SmtpFaults, certificates: Certificates) -> None:
        with log_in(smtp_faults, certificates) as client:
            with pytest.raises(smtplib.SMTPRecipientsRefused, match="Greylisted"):
                send(client, "grey@any.test")
            assert send(client, "grey@any.test") == {}

    @pytest.mark.parametrize(
        ("recipient", "kept"), [("lost", 1), ("hang", 1), ("thrown", 0), ("early", 0), ("closing", 0)]
    )
    def test_no_answer(
        self, smtp_faults: smtp.SmtpFaults, certificates: Certificates, recipient: str, kept: int
    ) -> None:
        client = log_in(smtp_faults, certificates)
        with pytest.raises((smtplib.SMTPServerDisconnected, smtplib.SMTPRecipientsRefused, TimeoutError)):
            send(client, f"{recipient}@any.test")
        client.close()
        assert [mail.answered for mail in smtp_faults.mails] == [False] * kept

    def test_steps_can_be_scripted(self, smtp_faults: smtp.SmtpFaults, certificates: Certificates) -> None:
        smtp_faults.next("greeting", "421 4.3.2 Busy", smtp.DROP)
        for _ in range(2):
            with pytest.raises((smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected)):
                smtplib.SMTP("localhost", smtp_faults.port, timeout=1)
        # Clients try each mechanism in turn, so one refusal would not be enough.
        smtp_faults.always("auth", "454 4.7.0 Temporary authentication failure")
        with pytest.raises(smtplib.SMTPAuthenticationError, match="454"):
            log_in(smtp_faults, certificates)
        smtp_faults.forget()
        log_in(smtp_faults, certificates).quit()

    def test_a_wrong_password_is_refused(
        self, smtp_faults: smtp.SmtpFaults, certificates: Certificates
    ) -> None:
        with smtplib.SMTP("localhost", smtp_faults.port, timeout=1) as client:
            with pytest.raises(smtplib.SMTPNotSupportedError):
                client.login("club", "pw-smtp")
            client.starttls(context=certificates.client_context())
            with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
                send(client, "alice@any.test")
            with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
                client.login("club", "wrong")

    def test_implicit_tls(self, certificates: Certificates) -> None:
        with smtp.smtp_faults(certificates.server_context(), tls="implicit") as faults:
            with smtplib.SMTP_SSL("localhost", faults.port, context=certificates.client_context()) as client:
                client.login(faults.username, faults.password)
                send(client, "alice@any.test")
            assert faults.mails[0].tls

    def test_without_tls_and_login(self) -> None:
        with smtp.smtp_faults(auth=False) as faults:
            with smtplib.SMTP("localhost", faults.port) as client:
                send(client, "alice@any.test")
            assert faults.mails[0].login is None


@pytest.mark.counterpart
class TestPostfix:
    @pytest.fixture
    def client(self, mail_site: MailSite, certificates: Certificates) -> Iterator[smtplib.SMTP]:
        with smtplib.SMTP(mail_site.host, mail_site.port, timeout=5) as client:
            client.starttls(context=certificates.client_context())
            client.login(mail_site.username, mail_site.password)
            yield client

    def test_a_mail_arrives(self, mail_site: MailSite, client: smtplib.SMTP) -> None:
        send(client, "alice@ext.test")
        message = mail_site.wait_for_message("alice@ext.test")
        assert message["Subject"] == "Match"
        assert message.get_content().strip() == "Annulé"

    def test_a_bounce_comes_back_and_is_read_over_imap(
        self, mail_site: MailSite, client: smtplib.SMTP
    ) -> None:
        client.sendmail("bounces+run1@club.test", ["nobody@ext.test"], MAIL)
        bounce = mail_site.wait_for_message(mail_site.bounce_address)
        assert bounce.get_content_type() == "multipart/report"
        assert bounce["X-Original-To"] == "bounces+run1@club.test"
        assert b"Status: 5.1.1" in bounce.as_bytes()
        with imaplib.IMAP4("localhost", mail_site.imap_port) as imap:
            imap.login(mail_site.bounce_username, mail_site.password)
            assert imap.select() == ("OK", [b"1"])

    def test_a_delivery_is_confirmed_on_request(self, mail_site: MailSite, client: smtplib.SMTP) -> None:
        options = ["RET=HDRS", "ENVID=run8"]
        client.sendmail("bounces+8@club.test", ["bob@ext.test"], MAIL, options, ["NOTIFY=SUCCESS,FAILURE"])
        receipt = mail_site.wait_for_message(mail_site.bounce_address).as_bytes()
        assert b"Action: delivered" in receipt
        assert b"Original-Envelope-Id: run8" in receipt

    def test_strangers_cannot_relay(self, mail_site: MailSite) -> None:
        client = smtplib.SMTP(mail_site.host, mail_site.port, timeout=5)
        with client, pytest.raises(smtplib.SMTPRecipientsRefused, match="554"):
            send(client, "alice@ext.test")

    def test_mail_waits_for_a_destination_that_is_down(
        self, mail_site: MailSite, client: smtplib.SMTP
    ) -> None:
        with mail_site.destination.down():
            send(client, "alice@ext.test")
        mail_site.wait_for_message("alice@ext.test")

    def test_a_frozen_relay_does_not_answer(self, mail_site: MailSite) -> None:
        with mail_site.relay.frozen(), pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            smtplib.SMTP(mail_site.host, mail_site.port, timeout=0.5)


def send_sms(gateway: Kannel, to: str, text: str, **more: str) -> tuple[int, bytes]:
    account = {"username": gateway.username, "password": gateway.password, "from": gateway.sender}
    fields = {"to": to, "text": text, "charset": "utf-8", **account, **more}
    return get(f"{gateway.sendsms_url}?{urllib.parse.urlencode(fields)}")


@pytest.mark.counterpart
class TestKannel:
    def test_an_sms_arrives_and_is_receipted(self, sms_gateway: Kannel) -> None:
        url = f"{sms_gateway.dlr_url}&id=A1"
        answer = send_sms(
            sms_gateway, "+33611000001", "Match cancelled", **{"dlr-mask": "31", "dlr-url": url}
        )
        assert answer == (202, b"0: Accepted for delivery")
        (sms,) = sms_gateway.wait_for_sms("33611000001")
        assert (sms.text, sms.sender, sms.parts, sms.receipt_wanted) == ("Match cancelled", "Club", 1, True)
        assert sms_gateway.wait_for_receipts(type="1", id="A1")

    def test_long_text_in_ucs2_is_joined(self, sms_gateway: Kannel) -> None:
        text = "Match annulé, ça reprend demain. ✓ " * 5
        send_sms(sms_gateway, "+33611000002", text, coding="2")
        (sms,) = sms_gateway.wait_for_sms("33611000002")
        assert (sms.text, sms.data_coding, sms.parts) == (text, 8, 3)

    def test_long_text_in_gsm7_is_joined(self, sms_gateway: Kannel) -> None:
        text = "L'été à la plage @ 10 heures. " * 8
        send_sms(sms_gateway, "+33611000003", text, coding="0")
        (sms,) = sms_gateway.wait_for_sms("33611000003")
        assert (sms.text, sms.parts) == (text, 2)

    @pytest.mark.parametrize(("number", "kind"), [("+33611000009", "2"), ("+33611000007", "16")])
    def test_failures_are_receipted(self, sms_gateway: Kannel, number: str, kind: str) -> None:
        send_sms(sms_gateway, number, "x", **{"dlr-mask": "31", "dlr-url": sms_gateway.dlr_url})
        assert sms_gateway.wait_for_receipts(type=kind)

    def test_a_throttled_sms_is_tried_again_by_kannel(self, sms_gateway: Kannel) -> None:
        send_sms(sms_gateway, "+33611000018", "x")
        assert sms_gateway.wait_for_sms("+33611000018")

    def test_a_wrong_password(self, sms_gateway: Kannel) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            send_sms(sms_gateway, "+33611000001", "x", password="wrong")
        assert caught.value.code == 403
        caught.value.close()

    def test_a_reply_comes_in(self, sms_gateway: Kannel) -> None:
        sms_gateway.receive("33611000005", "STOP")
        (request,) = sms_gateway.callbacks.wait_for_requests(1)
        assert request.path == "/mo"
        assert (request.query["from"], request.query["text"]) == ("33611000005", "STOP")

    def test_it_queues_while_the_operator_is_down(self, sms_gateway: Kannel) -> None:
        with sms_gateway.smsc_down():
            answer = send_sms(sms_gateway, "+33611000004", "x")
            assert answer == (202, b"3: Queued for later delivery")
        assert sms_gateway.wait_for_sms("+33611000004")

    def test_its_queue_survives_a_power_cut(self, sms_gateway: Kannel) -> None:
        with sms_gateway.smsc_down():
            send_sms(sms_gateway, "+33611000014", "x")
            with sms_gateway.gateway_down(killed=True), pytest.raises(urllib.error.URLError):
                send_sms(sms_gateway, "+33611000015", "x")
        assert sms_gateway.wait_for_sms("+33611000014")


@pytest.mark.counterpart
class TestSynapse:
    def test_bob_reads_what_alice_sends(self, matrix_server: Synapse) -> None:
        room = matrix_server.create_room()
        matrix_server.send(room, "Match annulé", "t1")
        assert matrix_server.messages(room) == ["Match annulé"]

    def test_a_repeated_transaction_is_one_event(self, matrix_server: Synapse) -> None:
        room = matrix_server.create_room()
        first = matrix_server.send(room, "x", "t1")
        with matrix_server.daemon.down():
            pass
        assert matrix_server.send(room, "x", "t1") == first
        assert len(matrix_server.events(room)) == 1
        assert matrix_server.login(matrix_server.alice).device_id == matrix_server.alice.device_id

    def test_who_has_left_cannot_read(self, matrix_server: Synapse) -> None:
        room = matrix_server.create_room(joined=False)
        with pytest.raises(MatrixError, match="M_FORBIDDEN"):
            matrix_server.events(room)

    def test_limits(self, limited_matrix_server: Synapse) -> None:
        room = limited_matrix_server.create_room()
        with pytest.raises(MatrixError) as caught:
            [limited_matrix_server.send(room, "x", f"t{number}") for number in range(9)]
        assert (caught.value.status, caught.value.errcode) == (429, "M_LIMIT_EXCEEDED")
        assert caught.value.body["retry_after_ms"] > 0


# Apprise imports a module that Python 3.13 does without.
quiet_apprise = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def notify(url: str, body: str) -> bool:
    service = apprise.Apprise()
    assert service.add(url)
    return bool(service.notify(body=body))


@pytest.mark.counterpart
class TestTelegramTestApi:
    def test_a_message_and_its_correction(self, telegram_server: TelegramTestApi) -> None:
        sent = telegram_server.call("sendMessage", chat_id=41, text="Match annulé")["result"]
        assert [message["text"] for message in telegram_server.messages(41)] == ["Match annulé"]
        telegram_server.call(
            "editMessageText", chat_id=41, message_id=sent["message_id"], text="Match maintenu"
        )
        assert [message["text"] for message in telegram_server.messages(41)] == ["Match maintenu"]
        assert telegram_server.messages(42) == []


@pytest.mark.counterpart
@quiet_apprise
class TestMosquitto:
    def test_apprise_publishes(self, mqtt_server: Mosquitto) -> None:
        with mqtt_server.listening("club/#") as heard:
            account = f"{mqtt_server.username}:{mqtt_server.password}"
            assert notify(f"mqtt://{account}@{mqtt_server.host}:{mqtt_server.port}/club/news", "Annulé")
            (message,) = wait_for_heard(heard)
        assert (message.topic, message.text) == ("club/news", "Annulé")


@pytest.mark.counterpart
@quiet_apprise
class TestProsody:
    def test_apprise_sends(self, xmpp_server: Prosody) -> None:
        account = f"club:{xmpp_server.password}"
        options = f"mode=starttls&verify=no&to={xmpp_server.member}"
        assert notify(
            f"xmpp://{account}@{xmpp_server.host}:{xmpp_server.port}?{options}", 'Annulé, "tout"\n!'
        )
        assert xmpp_server.wait_for_messages() == ['Annulé, "tout"\n!']


@pytest.mark.counterpart
@quiet_apprise
class TestNgircd:
    def test_apprise_speaks(self, irc_server: Ngircd) -> None:
        with irc_server.listening("#club") as listener:
            assert notify(f"irc://clubbot@{irc_server.host}:{irc_server.port}/%23club", "Annulé")
            assert listener.wait_for_message() == Said("clubbot", "#club", "Annulé")


@pytest.mark.counterpart
class TestSmtpSink:
    def test_it_counts(self, mail_sink: SmtpSink) -> None:
        with smtplib.SMTP(mail_sink.host, mail_sink.port) as client:
            for _ in range(3):
                send(client, "alice@any.test")
        mail_sink.wait_for_count(3)


@pytest.mark.counterpart
class TestNginx:
    def test_it_answers(self, nginx_server: Nginx, certificates: Certificates) -> None:
        before = len(nginx_server.paths())
        assert get(f"{nginx_server.url}/hook", b"{}") == (200, b'{"ok": true}')
        assert get(nginx_server.tls_url, tls=certificates.client_context())[0] == 200
        assert nginx_server.wait_for_paths(before + 2)[before:] == ["/hook", "/"]

    @pytest.mark.parametrize("status", [503, 502, 504])
    def test_faults(self, nginx_server: Nginx, status: int) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(f"{nginx_server.url}/{status}")
        assert caught.value.code == status
        caught.value.close()

    def test_too_many_requests(self, nginx_server: Nginx) -> None:
        with pytest.raises(urllib.error.HTTPError, match="429") as caught:
            [get(f"{nginx_server.url}/429") for _ in range(9)]
        caught.value.close()

    def test_no_answer(self, nginx_server: Nginx) -> None:
        with pytest.raises(RemoteDisconnected):
            get(f"{nginx_server.url}/empty")


class TestDnsFaults:
    def ask(self, faults: DnsFaults, name: str, kind: str = "A", *, tcp: bool = False) -> DNSRecord:
        question = DNSRecord.question(name, kind)
        return DNSRecord.parse(question.send(faults.host, faults.port, tcp=tcp, timeout=0.5))

    @pytest.mark.parametrize("tcp", [False, True])
    def test_records(self, dns_faults: DnsFaults, tcp: bool) -> None:
        dns_faults.add('club.test. 60 IN TXT "v=spf1 -all"', "club.test. 60 IN A 127.0.0.1")
        assert str(self.ask(dns_faults, "club.test", tcp=tcp).get_a().rdata) == "127.0.0.1"
        assert str(self.ask(dns_faults, "club.test", "TXT", tcp=tcp).get_a().rdata) == '"v=spf1 -all"'
        assert dns_faults.queries == [("club.test.", "A"), ("club.test.", "TXT")]

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("servfail.test", RCODE.SERVFAIL),
            ("nx.test", RCODE.NXDOMAIN),
            ("other.test", RCODE.NXDOMAIN),
            ("refused.test", RCODE.REFUSED),
        ],
    )
    def test_codes(self, dns_faults: DnsFaults, name: str, code: int) -> None:
        assert self.ask(dns_faults, name).header.rcode == code

    @pytest.mark.parametrize("name", ["silent.test", "slow.test"])
    def test_no_answer_in_time(self, dns_faults: DnsFaults, name: str) -> None:
        with pytest.raises(TimeoutError):
            self.ask(dns_faults, name)

    def test_truncated(self, dns_faults: DnsFaults) -> None:
        dns_faults.add("truncated.test. 60 IN A 127.0.0.1")
        assert self.ask(dns_faults, "truncated.test").header.tc
        assert self.ask(dns_faults, "truncated.test", tcp=True).rr


@pytest.mark.counterpart
class TestNetwork:
    @pytest.fixture
    def faults(self, private_network: Network) -> Iterator[http.HttpFaults]:
        with private_network.server.entered():
            server = http.http_faults(host=private_network.server.address)
            faults = server.__enter__()
        yield faults
        server.__exit__(None, None, None)

    def test_faults_on_the_way(self, private_network: Network, faults: http.HttpFaults) -> None:
        with private_network.client.entered():
            assert get(faults.url)[0] == 200
            with private_network.cut(), pytest.raises((TimeoutError, urllib.error.URLError)):
                get(faults.url, timeout=0.5)
            with (
                private_network.dropped(faults.port),
                pytest.raises(urllib.error.URLError, match="timed out"),
            ):
                get(faults.url, timeout=0.5)
            with private_network.rejected(faults.port), pytest.raises(urllib.error.URLError, match="refused"):
                get(faults.url, timeout=0.5)
            assert get(faults.url)[0] == 200
        with pytest.raises((TimeoutError, urllib.error.URLError)):
            get(faults.url, timeout=0.5)

    def test_names(self, private_network: Network) -> None:
        with private_network.names({"club.test": private_network.server.address}):
            found = private_network.client.run(["getent", "ahostsv4", "club.test"])
            assert private_network.server.address in found
            with pytest.raises(RuntimeError, match="ended with 2"):
                private_network.client.run(["getent", "ahostsv4", "other.test"])
