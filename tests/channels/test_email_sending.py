"""What the `email` channel does on the wire, and what it makes of a server's faults."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from fallback_cast.channels.email import EmailChannel
from fallback_cast.channels.email import pool as pools
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted
from tests.channels.fake import announcement
from tests.channels.fake_email import PASSWORD, USERNAME, certificates, channel, plain_relay, relay
from tests.counterparts import smtp_faults as smtp
from tests.counterparts.ports import blackhole

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def faults() -> Iterator[smtp.SmtpFaults]:
    """Offers and demands STARTTLS and a login."""
    context = certificates().server_context()
    with smtp.smtp_faults(context, username=USERNAME, password=PASSWORD) as server:
        yield server


@pytest.fixture(params=[True, False], ids=["pipelined", "step by step"])
def open_faults(request: pytest.FixtureRequest) -> Iterator[smtp.SmtpFaults]:
    """Without encryption and login: fewer steps around the one that matters."""
    with smtp.smtp_faults(auth=False) as server:
        server.pipelining = request.param
        yield server


async def send(email: EmailChannel, address: str = "jeanne@example.org", key: str = KEY) -> Accepted:
    return await email.providers[0].send(email.render(announcement()), address, key)


async def fault_of(email: EmailChannel, address: str = "jeanne@example.org") -> SendError:
    with pytest.raises(SendError) as caught:
        await send(email, address)
    return caught.value


def over(server: smtp.SmtpFaults, **keys: Any) -> EmailChannel:
    """A channel over a server without encryption."""
    return channel(plain_relay(server.port, **keys))


def verbs(server: smtp.SmtpFaults) -> list[str]:
    return [command.split()[0] for command in server.commands]


class TestConnections:
    async def test_it_encrypts_and_logs_in(self, faults: smtp.SmtpFaults) -> None:
        async with channel(relay(faults.port)) as email:
            accepted = await send(email)
        (mail,) = faults.mails
        assert (mail.tls, mail.login, mail.recipients) == (True, USERNAME, ("jeanne@example.org",))
        assert accepted == Accepted(reference="2.0.0 OK: queued as 1")
        assert not accepted.delivered

    async def test_implicit_tls(self) -> None:
        context = certificates().server_context()
        with smtp.smtp_faults(context, tls="implicit", username=USERNAME, password=PASSWORD) as server:
            async with channel(relay(server.port, security="tls")) as email:
                await send(email)
                assert failed_check(await email.providers[0].probe()) is None
            assert server.mails[0].tls

    @pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign"])
    @pytest.mark.parametrize("security", ["starttls", "tls"])
    async def test_a_bad_certificate_stops_everything(self, kind: Any, security: str) -> None:
        mode: Any = "implicit" if security == "tls" else "starttls"
        context = certificates().server_context(kind)
        with smtp.smtp_faults(context, tls=mode, username=USERNAME, password=PASSWORD) as server:
            async with channel(relay(server.port, security=security)) as email:
                error = await fault_of(email)
                checks = await email.providers[0].probe()
            assert isinstance(error, Unavailable)
            assert error.layer is Layer.TLS
            assert "certificate" in error.reason
            assert [(check.layer, check.ok) for check in checks] == [
                (Layer.NAME, True),
                (Layer.ROUTE, True),
                (Layer.TLS, False),
            ]
            assert server.commands == []

    async def test_no_login_goes_out_where_starttls_is_missing(self) -> None:
        with smtp.smtp_faults(username=USERNAME, password=PASSWORD) as server:
            async with channel(relay(server.port)) as email:
                error = await fault_of(email)
            assert isinstance(error, Unavailable)
            assert (error.layer, error.reason) == (Layer.TLS, "the server offers no STARTTLS")
            assert server.commands == []

    async def test_tls_spoken_to_a_server_without(self, open_faults: smtp.SmtpFaults) -> None:
        async with channel(relay(open_faults.port, security="tls")) as email:
            error = await fault_of(email)
        assert isinstance(error, Unavailable)
        assert error.layer is Layer.TLS

    async def test_one_wrong_password_is_tried_once(self, faults: smtp.SmtpFaults) -> None:
        faults.next("auth", "535 5.7.8 Wrong")
        async with channel(relay(faults.port)) as email:
            error = await fault_of(email)
            assert isinstance(error, AccessDenied)
            assert error.scope is Scope.ACCOUNT
            # The scripted refusal is used up: a second try within the same send would have got in.
            assert faults.mails == []
            await send(email)

    async def test_a_server_without_login(self) -> None:
        context = certificates().server_context()
        with smtp.smtp_faults(context, auth=False) as server:
            async with channel(relay(server.port)) as email:
                assert isinstance(await fault_of(email), AccessDenied)

    async def test_a_blackhole_costs_the_connect_timeout(self) -> None:
        with blackhole() as port:
            async with channel(relay(port, host="127.0.0.1", connect_timeout="0.3s")) as email:
                error = await fault_of(email)
                checks = await email.providers[0].probe()
        assert isinstance(error, Unavailable)
        assert (error.layer, error.reason) == (Layer.ROUTE, "no connection in time")
        assert checks[-1].layer is Layer.ROUTE

    async def test_connections_are_reused_and_bounded(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults, max_connections=3) as email:
            message = email.render(announcement())
            (provider,) = email.providers
            await asyncio.gather(
                *(provider.send(message, f"m{n}@example.org", f"{n:032x}") for n in range(60))
            )
            assert open_faults.connections == 3
        assert len(open_faults.mails) == 60
        for mail in open_faults.mails:
            number = int(mail.message["Message-ID"][4:36], 16)
            assert mail.recipients == (f"m{number}@example.org",)
            assert mail.message["To"] == f"m{number}@example.org"

    async def test_an_idle_connection_is_given_up(
        self, open_faults: smtp.SmtpFaults, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pools, "IDLE_S", 0.0)
        async with over(open_faults) as email:
            await send(email)
            await send(email)
        assert open_faults.connections == 2


class TestKeptConnections:
    async def test_one_that_died_is_replaced(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            await send(email)
            open_faults.next("mail", smtp.DROP)
            await send(email)
        assert (open_faults.connections, len(open_faults.mails)) == (2, 2)

    async def test_one_with_too_many_messages_is_replaced(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            await send(email)
            open_faults.next("mail", "421 4.7.0 Too many messages in this connection")
            await send(email)
        assert (open_faults.connections, len(open_faults.mails)) == (2, 2)

    async def test_it_is_replaced_once_only(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            await send(email)
            open_faults.next("mail", smtp.DROP, smtp.DROP)
            assert isinstance(await fault_of(email), Unavailable)
            assert verbs(open_faults).count("MAIL") == 3

    async def test_one_that_is_silent_is_not_replaced(self, open_faults: smtp.SmtpFaults) -> None:
        """It would only cost the same time again."""
        async with over(open_faults) as email:
            await send(email)
            open_faults.next("mail", smtp.HANG)
            assert isinstance(await fault_of(email), Unavailable)
        assert open_faults.connections == 1

    async def test_a_new_one_that_dies_is_not_replaced(self, open_faults: smtp.SmtpFaults) -> None:
        open_faults.next("mail", smtp.DROP)
        async with over(open_faults) as email:
            assert isinstance(await fault_of(email), Unavailable)
        assert open_faults.connections == 1

    @pytest.mark.parametrize("word", ["nobody", "big", "policy", "later"])
    async def test_a_refusal_does_not_spoil_the_next_letter(
        self, open_faults: smtp.SmtpFaults, word: str
    ) -> None:
        async with over(open_faults) as email:
            await fault_of(email, f"{word}@example.org")
            await send(email, "jeanne@example.org")
        assert open_faults.connections == 1
        (mail,) = open_faults.mails
        assert mail.recipients == ("jeanne@example.org",)

    async def test_one_that_cannot_forget_a_refused_letter_is_replaced(
        self, open_faults: smtp.SmtpFaults, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse(server: SMTP, arg: str | None) -> None:
            await server.push("502 5.5.1 No RSET here")

        monkeypatch.setattr(SMTP, "smtp_RSET", refuse)
        async with over(open_faults) as email:
            await fault_of(email, "nobody@example.org")
            await send(email)
        assert (open_faults.connections, len(open_faults.mails)) == (2, 1)

    async def test_a_cancelled_send_does_not_lend_its_answer(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults, max_connections=1) as email:
            await send(email)
            sending = asyncio.create_task(send(email, "hang@example.org"))
            await asyncio.to_thread(open_faults.wait_for_mails, 2)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            await send(email, "paul@example.org")
        assert open_faults.connections == 2
        assert open_faults.mails[-1].recipients == ("paul@example.org",)


class TestPhases:
    @pytest.mark.parametrize("word", ["lost", "hang", "thrown"])
    async def test_after_the_text_we_do_not_know(self, open_faults: smtp.SmtpFaults, word: str) -> None:
        async with over(open_faults) as email:
            assert isinstance(await fault_of(email, f"{word}@example.org"), OutcomeUnknown)
        assert verbs(open_faults) == ["MAIL", "RCPT"]

    @pytest.mark.parametrize("step", ["rcpt", "data"])
    @pytest.mark.parametrize("fault", [smtp.DROP, smtp.HANG])
    async def test_before_the_text_it_is_surely_not_sent(
        self, open_faults: smtp.SmtpFaults, step: smtp.Step, fault: str
    ) -> None:
        async with over(open_faults) as email:
            await send(email)
            open_faults.next(step, fault)
            assert isinstance(await fault_of(email), Unavailable)
        assert len(open_faults.mails) == 1
        assert verbs(open_faults).count("MAIL") == 2

    async def test_greylisting_wants_the_same_relay_again(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            error = await fault_of(email, "grey@example.org")
            assert isinstance(error, Throttled)
            assert (error.retry_after, error.scope) == (300, Scope.ADDRESS)
            await send(email, "grey@example.org")


class TestPlaces:
    async def test_several_addresses_are_one_transaction(self, open_faults: smtp.SmtpFaults) -> None:
        email = channel(plain_relay(open_faults.port), to=["a@example.org", "b@example.org"])
        async with email:
            accepted = await send(email, email.place() or "")
        assert accepted.note == ""
        (mail,) = open_faults.mails
        assert mail.recipients == ("a@example.org", "b@example.org")

    async def test_some_refused_is_accepted_with_a_note(self, open_faults: smtp.SmtpFaults) -> None:
        email = channel(plain_relay(open_faults.port), to=["nobody@example.org", "b@example.org"])
        async with email:
            accepted = await send(email, email.place() or "")
        assert accepted.note == "1 of 2 addresses refused: 550 5.1.1 to RCPT: no such mailbox"
        assert open_faults.mails[0].recipients == ("b@example.org",)

    @pytest.mark.parametrize(
        ("to", "wanted"),
        [
            (["nobody@example.org"], AddressRefused),
            (["nobody-1@example.org", "nobody-2@example.org"], AddressRefused),
            (["nobody@example.org", "full@example.org"], Throttled),
            (["nobody@example.org", "policy@example.org"], AccessDenied),
        ],
    )
    async def test_all_refused(
        self, open_faults: smtp.SmtpFaults, to: list[str], wanted: type[SendError]
    ) -> None:
        email = channel(plain_relay(open_faults.port), to=to)
        async with email:
            error = await fault_of(email, email.place() or "")
        assert type(error) is wanted
        assert error.scope is Scope.PLACE
        assert open_faults.mails == []

    async def test_closed_in_the_middle_of_the_addresses(self, open_faults: smtp.SmtpFaults) -> None:
        email = channel(plain_relay(open_faults.port), to=["a@example.org", "closing@example.org"])
        async with email:
            assert isinstance(await fault_of(email, email.place() or ""), Throttled)
        assert open_faults.mails == []


class TestExtensions:
    async def test_a_message_above_the_servers_size_is_not_begun(self) -> None:
        with smtp.smtp_faults(auth=False, size_limit=1000) as server:
            async with over(server) as email:
                assert isinstance(await fault_of(email), MessageRefused)
            assert server.commands == []

    async def test_the_size_is_announced(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            await send(email)
        assert "SIZE=" in open_faults.commands[0]

    async def test_accents_before_the_at_sign(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            await send(email, "jérôme@example.org")
        (mail,) = open_faults.mails
        assert mail.recipients == ("jérôme@example.org",)
        assert "BODY=8BITMIME SMTPUTF8" in open_faults.commands[0]
        assert "To: jérôme@example.org".encode() in mail.data

    async def test_a_server_without_accents_is_not_the_addresss_fault(self) -> None:
        with smtp.smtp_faults(auth=False, utf8=False) as server:
            async with over(server) as email:
                error = await fault_of(email, "jérôme@example.org")
                assert isinstance(error, AccessDenied)
                assert error.scope is Scope.ADDRESS
                await send(email)
            assert verbs(server) == ["MAIL", "RCPT"]


class TestProbes:
    async def test_layers_from_the_outside_in(self, faults: smtp.SmtpFaults) -> None:
        async with channel(relay(faults.port)) as email:
            checks = await email.providers[0].probe()
        assert [check.layer for check in checks] == [
            Layer.NAME,
            Layer.ROUTE,
            Layer.TLS,
            Layer.SERVICE,
            Layer.ACCOUNT,
        ]
        assert all(check.ok for check in checks)
        assert "certificate valid for" in checks[2].detail
        assert faults.commands == []

    async def test_it_says_that_nothing_is_encrypted(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            checks = await email.providers[0].probe()
        assert [check.layer for check in checks] == [Layer.NAME, Layer.ROUTE, Layer.SERVICE]
        assert checks[-1].detail == "no encryption"

    async def test_a_wrong_password_is_the_account(self, faults: smtp.SmtpFaults) -> None:
        async with channel(relay(faults.port, password="wrong")) as email:
            failed = failed_check(await email.providers[0].probe())
        assert failed
        assert failed.layer is Layer.ACCOUNT
        assert failed.detail == "535 5.7.8 to AUTH: login or sender not accepted"

    async def test_being_limited_is_a_sign_of_life(self, open_faults: smtp.SmtpFaults) -> None:
        open_faults.next("greeting", "421 4.7.0 Too many connections")
        async with over(open_faults) as email:
            checks = await email.providers[0].probe()
        assert (checks[-1].layer, checks[-1].ok) == (Layer.RATE, True)

    async def test_it_uses_a_connection_of_its_own(self, open_faults: smtp.SmtpFaults) -> None:
        async with over(open_faults) as email:
            await send(email)
            await email.providers[0].probe()
            await send(email)
        assert open_faults.connections == 2
