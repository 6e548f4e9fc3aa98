"""`sms`: short texts to mobile telephones over ranked gateways: one's own, a phone's, or a company's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from pydantic import Field, field_validator, model_validator

from fallback_cast.channels.kit.settings import BuildContext, CapSettings, ChannelSettings, DurationField
from fallback_cast.channels.sms.brevo import BrevoSettings
from fallback_cast.channels.sms.gammu import GammuSettings
from fallback_cast.channels.sms.gateway import GatewayDefaults, Sender
from fallback_cast.channels.sms.gsm import Transliterate
from fallback_cast.channels.sms.kannel import KannelSettings
from fallback_cast.channels.sms.message import Limits, SmsMessage, compose
from fallback_cast.channels.sms.ovhcloud import OvhCloudSettings
from fallback_cast.channels.sms.smsgate import SmsGateSettings
from fallback_cast.channels.sms.twilio import TwilioSettings
from fallback_cast.channels.sms.vonage import VonageSettings
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.message import Message
from fallback_cast.model.texts import Phrase, translate

__all__ = ["Settings", "SmsChannel", "SmsMessage", "build"]

# A new kind of gateway: its file, and its settings here.
AnyGateway = Annotated[
    KannelSettings
    | SmsGateSettings
    | GammuSettings
    | OvhCloudSettings
    | BrevoSettings
    | TwilioSettings
    | VonageSettings,
    Field(discriminator="kind"),
]

# Some countries do not tell the two apart by number (North America).
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class Settings(CapSettings, ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "sms"`."""

    kind: Literal["sms"]
    gateway: tuple[AnyGateway, ...] = Field(min_length=1, description="Gateways, the first choice first")
    sender: Sender | None = Field(None, description="Who the messages are from, where the gateway can choose")
    max_parts: int = Field(3, ge=1, le=10, description="A longer text is shortened; each part is paid for")
    default_region: str = Field("FR", description="Country of numbers written without a country code")
    transliterate: Transliterate = Field(
        "auto", description='"auto": write ê as e and so on where that saves a part'
    )
    validity: DurationField = Field(
        timedelta(days=1), description="How long operators try; never beyond the announcement's own end"
    )
    cost_per_part: Decimal | None = Field(None, ge=0, description="Price of one part, for plans and caps")

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.max_cost is not None and self.cost_per_part is None:
            raise ValueError("max_cost needs cost_per_part: what the operator takes for one part")
        return self

    @model_validator(mode="after")
    def _sent_by_somebody(self) -> Self:
        for gateway in self.gateway:
            if self.sender is None and gateway.lacks_sender:
                raise ValueError(
                    Phrase("gateway {name} wants a sender: set it here or there", name=gateway.label)
                )
        return self

    @field_validator("default_region")
    @classmethod
    def _known_region(cls, value: str) -> str:
        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("default_region is a country in two capital letters, such as FR, RE or BE")
        return value

    @field_validator("gateway")
    @classmethod
    def _own_names(cls, value: tuple[AnyGateway, ...]) -> tuple[AnyGateway, ...]:
        names = [gateway.label for gateway in value]
        if len(set(names)) < len(names):
            raise ValueError("two gateways have the same name or host: give each a name of its own")
        return value


def build(settings: Settings, context: BuildContext) -> SmsChannel:
    return SmsChannel(settings, context)


class SmsChannel(Channel):
    """Members' mobile numbers over ranked gateways. It has no place: one phone is not a public."""

    kind = "sms"

    def __init__(self, settings: Settings, context: BuildContext) -> None:
        self.name = settings.name
        self.always = bool(settings.always)
        self.audience_some = settings.audience == "some"
        self.cap = settings.cap
        self._club = context.club
        self._region = settings.default_region
        self._limits = Limits(
            max_parts=settings.max_parts,
            transliterate=settings.transliterate,
            cost_per_part=settings.cost_per_part,
        )
        defaults = GatewayDefaults(
            sender=settings.sender,
            validity=settings.validity,
            failure_domains=settings.failure_domains,
            base_dir=context.base_dir,
        )
        self.providers: Sequence[Provider] = tuple(gateway.build(defaults) for gateway in settings.gateway)
        self.traits = Traits(
            paid=True,
            rings=True,
            # Two gateways do not know each other's keys: the same message on both is two messages.
            deduplicates=len(self.providers) == 1 and self.providers[0].deduplicates,
            local=any((gateway.needs or settings.needs) == "local" for gateway in settings.gateway),
        )

    def normalise(self, address: str) -> str:
        """E.164. Raises ValueError, naming at most the last two digits, if no mobile phone has it."""
        try:
            number = phonenumbers.parse(address, self._region)
        except NumberParseException as error:
            raise ValueError(self._say(_NOT_PARSED.get(error.error_type, _NOT_A_NUMBER))) from None
        ending = str(number.national_number)[-2:]
        if not phonenumbers.is_valid_number(number):
            raise ValueError(self._say(_NO_SUCH_NUMBER).format(ending=ending))
        if phonenumbers.number_type(number) not in _MOBILE:
            raise ValueError(self._say(_NOT_MOBILE).format(ending=ending))
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)

    def render(self, announcement: Announcement, page_url: str | None = None) -> SmsMessage:
        return compose(announcement, self._club, page_url, self._limits)

    def cost(self, message: Message) -> Decimal | None:
        return message.cost if isinstance(message, SmsMessage) else None

    def _say(self, text: str) -> str:
        return translate(self._club.language, text)


_NOT_A_NUMBER = "this is not a telephone number"
_NO_SUCH_NUMBER = "there is no telephone number like the one ending in {ending}: check its digits"
_NOT_MOBILE = "the number ending in {ending} is not a mobile number: text messages would not arrive"
_NOT_PARSED = {
    NumberParseException.INVALID_COUNTRY_CODE: "the number begins with a country code that does not exist",
    NumberParseException.TOO_SHORT_AFTER_IDD: "the telephone number is too short",
    NumberParseException.TOO_SHORT_NSN: "the telephone number is too short",
    NumberParseException.TOO_LONG: "the telephone number is too long",
}
