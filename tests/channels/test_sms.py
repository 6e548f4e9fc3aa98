"""The `sms` channel: its settings, numbers, and what stands in a message of few parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fallback_cast.channels.sms import Settings, SmsChannel, SmsMessage
from fallback_cast.channels.sms.gsm import Encoding
from fallback_cast.channels.sms.message import Limits, compose
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import MessageRefused
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_sms import PASSWORD, channel, kannel, smsgate

PAGE = "https://sainte-anne.example/annonces/K7F3"
LONG = "Le terrain est inondé et la buvette fermée. " * 60


def sms(**settings: Any) -> SmsChannel:
    return channel(kannel("http://127.0.0.1:1/cgi-bin/sendsms"), **settings)


class TestRender:
    def test_everything_a_member_needs(self) -> None:
        about = announcement(
            language="en",
            event_at=datetime(2026, 11, 28, 9, 0, tzinfo=UTC),
            place="Boulodrome",
            body="Terrain *inondé*.",
        )
        message = sms().render(about, PAGE)
        assert message.text.splitlines() == [
            "[URGENT] Concours annulé",
            "Terrain inondé.",
            "When: Saturday, November 28, 2026 at 10:00 AM",
            "Where: Boulodrome",
            PAGE,
            "Code: K7F3",
        ]

    def test_link_stands_beside_the_page_where_there_is_room(self) -> None:
        lines = (
            sms().render(announcement(body="Voir.", link="https://meteo.example/"), PAGE).text.splitlines()
        )
        assert lines[-3:] == ["https://meteo.example/", PAGE, "Code: K7F3"]

    def test_body_is_shortened_before_page_and_code(self) -> None:
        message = sms().render(announcement(body=LONG, link="https://meteo.example/"), PAGE)
        assert message.parts == 3
        assert message.text.endswith(f"...\n{PAGE}\nCode: K7F3")
        assert "https://meteo.example/" not in message.text
        assert len(message.text) > 2 * 153

    def test_link_is_kept_if_there_is_no_page(self) -> None:
        message = sms().render(announcement(body=LONG, link="https://meteo.example/"), None)
        assert message.text.endswith("...\nhttps://meteo.example/\nCode: K7F3")

    def test_cut_falls_between_words(self) -> None:
        text = sms(max_parts=1).render(announcement(body=LONG), PAGE).text
        cut = text.splitlines()[1].removesuffix("...")
        assert LONG.startswith(cut)
        assert LONG[len(cut)] in " ."

    def test_a_long_address_in_the_body_is_left_out_whole(self) -> None:
        body = "https://sainte-anne.example/" + "x" * 400
        message = sms(max_parts=1).render(announcement(body=body), PAGE)
        assert "xxx" not in message.text
        assert message.text.endswith("K7F3")

    def test_place_gives_way_to_page_and_code(self) -> None:
        message = sms(max_parts=1).render(announcement(body=LONG, place="chez Anne " * 30), PAGE)
        assert message.text == f"[URGENT] Concours annulé\n{PAGE}\nCode: K7F3"

    def test_title_alone_is_the_least(self) -> None:
        about = announcement(title="😀" * 31, importance=Importance.NORMAL)
        assert sms(max_parts=1).render(about, PAGE).text == "😀" * 31

    def test_a_title_that_does_not_fit_is_refused(self) -> None:
        with pytest.raises(MessageRefused) as refused:
            sms(max_parts=1).render(announcement(title="😀" * 40), PAGE)
        assert "😀" not in refused.value.reason

    def test_transliteration_leaves_room_for_more_text(self) -> None:
        body = "Ça reste fermé : “dégâts” importants. " * 40
        auto = sms().render(announcement(body=body), PAGE)
        never = sms(transliterate="never").render(announcement(body=body), PAGE)
        assert (auto.encoding, never.encoding) == (Encoding.GSM7, Encoding.UCS2)
        assert (auto.parts, never.parts) == (3, 3)
        assert len(auto.text) > 2 * len(never.text)
        assert (auto.parts_as_written, never.parts_as_written) == (7, 3)
        assert "Ca reste" not in never.text
        assert 'Ça reste fermé : "dégats" importants.' in auto.text

    def test_cost(self) -> None:
        message = sms(cost_per_part=0.07).render(announcement(body=LONG), PAGE)
        assert message.cost == Decimal("0.21")
        assert sms().render(announcement()).cost is None

    def test_controls_and_bidi_marks_do_not_travel(self) -> None:
        text = sms().render(announcement(body="a\u202eb\u0007c\td")).text
        assert "abc d" in text

    def test_halves_of_characters_do_not_travel(self) -> None:
        text = sms().render(announcement(body="a\ud83db", place="Boulo\ud83d\ndrome")).text
        assert "ab" in text.splitlines()
        assert "Boulo drome" in text
        assert text.encode()

    def test_no_word_of_stop(self) -> None:
        assert "STOP" not in sms().render(announcement(), PAGE).text.upper()

    def test_a_french_date_is_gsm(self) -> None:
        about = announcement(event_at=datetime(2026, 11, 28, 9, tzinfo=UTC), body="Inondé.")
        message = sms().render(about)
        assert "samedi 28 novembre 2026" in message.text
        assert (message.encoding, message.parts) == (Encoding.GSM7, 1)

    # Sixty signs of two units each would leave no room for the page.
    ONE_UNIT = st.characters(categories=["L", "N", "P", "S", "Zs"], max_codepoint=0xFFFF)

    @given(
        title=st.text(ONE_UNIT, min_size=1, max_size=60),
        body=st.text(max_size=900),
        max_parts=st.integers(2, 4),
        mode=st.sampled_from(["never", "auto", "always"]),
    )
    def test_always_fits(self, title: str, body: str, max_parts: int, mode: Any) -> None:
        limits = Limits(max_parts=max_parts, transliterate=mode)
        message = compose(announcement(title=title, body=body), CLUB, PAGE, limits)
        assert message.parts <= max_parts
        assert message.text.endswith("Code: K7F3")
        assert PAGE in message.text


class TestNumbers:
    @pytest.mark.parametrize(
        ("written", "region", "e164"),
        [
            ("06 12 34 56 78", "FR", "+33612345678"),
            ("+33 (0)6 12 34 56 78", "FR", "+33612345678"),
            ("0033612345678", "FR", "+33612345678"),
            ("0692 01 23 45", "RE", "+262692012345"),
            ("+1 202 555 0123", "FR", "+12025550123"),
        ],
    )
    def test_one_spelling(self, written: str, region: str, e164: str) -> None:
        assert sms(default_region=region).normalise(written) == e164

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("07 00 00 00 12", "ending in 12"),  # machines talk to machines there
            ("06 39 98 00", "ending in 00: check its digits"),
            ("06 39 98 00 34", "ending in 34: check its digits"),  # kept free for films
            ("03 20 12 34 56", "ending in 56 is not a mobile number"),
            ("+999 123 456", "country code"),
            ("06", "ending in 6"),
            ("+33 6", "too short"),
            ("0" * 60, "too long"),
            ("place", "not a telephone number"),
            ("", "not a telephone number"),
        ],
    )
    def test_no_mobile_number(self, written: str, words: str) -> None:
        english = replace(CLUB, language="en")
        with pytest.raises(ValueError) as refused:
            sms(club=english).normalise(written)
        assert words in str(refused.value)
        digits = "".join(filter(str.isdigit, written))
        assert len(digits) < 4 or digits[-4:] not in str(refused.value)

    def test_no_place(self) -> None:
        assert sms().place() is None


class TestSettings:
    def test_defaults(self) -> None:
        settings = Settings.model_validate(
            {"name": "sms", "kind": "sms", "gateway": [smsgate("http://192.0.2.10:8080")]}
        )
        assert (settings.max_parts, settings.default_region, settings.transliterate) == (3, "FR", "auto")
        assert settings.validity == timedelta(days=1)

    @pytest.mark.parametrize(
        "change",
        [
            {"gateway": []},
            {"gateway": [{"kind": "carrier-pigeon"}]},
            {"gateway": [smsgate("http://192.0.2.10:8080"), smsgate("http://192.0.2.10:8080")]},
            {"gateway": [smsgate("http://192.0.2.10:8080", sim_number=0)]},
            {"gateway": [smsgate("http://192.0.2.10:8080", interval=6)]},
            {"gateway": [smsgate(f"http://club:{PASSWORD}@192.0.2.10:8080")]},
            {"gateway": [kannel("http://127.0.0.1:13013/cgi-bin/sendsms?username=club")]},
            {"gateway": [kannel("ftp://127.0.0.1/")]},
            {"gateway": [kannel("http://127.0.0.1/", password=f"{PASSWORD}\r\nX-Kannel-To: +33")]},
            {"gateway": [kannel("http://127.0.0.1/", username="club\n")]},
            {"gateway": [kannel("http://127.0.0.1/", sender="Pétanque")]},
            {"gateway": [kannel("http://127.0.0.1/", sender="Club de pétanque")]},
            {"gateway": [kannel("http://127.0.0.1/", status_url="http://127.0.0.1:13000/status.txt")]},
            {
                "gateway": [
                    kannel("http://127.0.0.1/", status_url="http://127.0.0.1:13000/", status_password="x")
                ]
            },
            {"max_parts": 0},
            {"default_region": "France"},
            {"transliterate": "sometimes"},
            {"validity": 60},
            {"cost_per_part": -1},
            {"to": ["+33639980001"]},
        ],
    )
    def test_mistakes_are_refused_without_their_secrets(self, change: dict[str, Any]) -> None:
        with pytest.raises(ValidationError) as refused:
            sms(**change)
        assert PASSWORD not in str(refused.value)

    def test_two_cards_in_one_phone_need_names(self) -> None:
        url = "http://192.0.2.10:8080"
        both = channel(smsgate(url, name="card-1", sim_number=1), smsgate(url, name="card-2", sim_number=2))
        assert [provider.name for provider in both.providers] == ["card-1", "card-2"]
        assert [p.failure_domains for p in both.providers] == [frozenset({"192.0.2.10"})] * 2

    def test_failure_domains(self) -> None:
        named = channel(
            smsgate("http://192.0.2.10:8080", failure_domains=["phone"]),
            kannel("http://127.0.0.1:1/"),
            failure_domains=["operator"],
        )
        assert [set(p.failure_domains) for p in named.providers] == [{"phone"}, {"operator"}]

    def test_pace_is_of_the_gateway(self) -> None:
        first, second = channel(smsgate("http://192.0.2.10:8080"), kannel("http://127.0.0.1:1/")).providers
        assert [(p.key, p.interval) for p in first.paces("+33639980001")] == [("sms:192.0.2.10:8080", 6.0)]
        assert [p.interval for p in second.paces("+33639980001")] == [0.2]


class TestTraits:
    def test_paid_and_ringing(self) -> None:
        traits = sms().traits
        assert (traits.paid, traits.rings, traits.local, traits.deduplicates) == (True, True, False, False)

    def test_only_one_gateway_that_knows_keys_deduplicates(self) -> None:
        phone, other = smsgate("http://192.0.2.10:8080"), smsgate("http://192.0.2.11:8080")
        assert channel(phone).traits.deduplicates
        assert not channel(phone, other).traits.deduplicates
        assert [p.deduplicates for p in channel(phone, kannel("http://127.0.0.1/")).providers] == [
            True,
            False,
        ]

    def test_a_phone_on_the_local_network_goes_on_without_internet(self) -> None:
        phone = smsgate("http://192.0.2.10:8080", needs="local")
        assert channel(phone).traits.local
        assert channel(kannel("http://127.0.0.1/"), phone).traits.local
        assert not channel(smsgate("http://192.0.2.10:8080")).traits.local
        assert channel(smsgate("http://192.0.2.10:8080"), needs="local").traits.local


def test_useful_for_ends_with_the_announcement() -> None:
    gateway: Any = sms(validity="2h").providers[0]
    message = sms().render(announcement())
    now = datetime.now(UTC)

    def useful_for(expires_at: datetime) -> timedelta:
        late: SmsMessage = replace(message, expires_at=expires_at)
        found: timedelta = gateway.useful_for(late)
        return found

    assert useful_for(now + timedelta(days=3)) == timedelta(hours=2)
    assert timedelta(minutes=29) < useful_for(now + timedelta(minutes=30)) <= timedelta(minutes=30)
    assert useful_for(now - timedelta(hours=1)) == timedelta(minutes=1)
