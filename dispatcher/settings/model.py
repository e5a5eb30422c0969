"""What `dispatcher.yaml` says. Secrets stay in the environment, or files, until a sender opens."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dispatcher.campaign.model import Caps, Duration, Identifier, Slug, Texts
from dispatcher.core.duration import parse_duration
from dispatcher.delivery.limits import Limits
from dispatcher.receipts.autoreply import Kind
from dispatcher.receipts.reply_texts import Saying

#: Keys of a sender that belong to the engine; all others go to its channel.
_ENGINE_KEYS = ("channel", "rate", "countries", "people_per_day", "spacing", "allow_private")
_RATE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(msg|seg)\s*/\s*(s|min|h)\s*$")
_SECONDS = re.compile(r"^\s*(\d{1,5})\s*s\s*$")
_LONGEST_SPACING = timedelta(days=30)
_PERIOD_S = {"s": 1, "min": 60, "h": 3600}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Rate(Part):
    """How fast a sender may go, in its cost units a second."""

    per_s: float = Field(gt=0)
    unit: Literal["message", "segment"] = "message"

    @classmethod
    def parse(cls, value: Any) -> Any:
        """`"80 msg/s"`, `"80 seg/s"`, `"30 msg/min"`."""
        if not isinstance(value, str):
            return value
        match = _RATE.match(value)
        if not match or float(match[1]) == 0:
            raise ValueError(f'"{value}" is not a rate: write "80 msg/s", "80 seg/s" or "30 msg/min"')
        return cls(per_s=float(match[1]) / _PERIOD_S[match[3]], unit="message" if match[2] == "msg" else "segment")

    def __str__(self) -> str:
        return f"{self.per_s:g} {'msg' if self.unit == 'message' else 'seg'}/s"


def _spacing(value: Any) -> Any:
    """`"6s"`, `"30 minutes"`, `"6h"`."""
    seconds = _SECONDS.match(value) if isinstance(value, str) else None
    if seconds:
        return timedelta(seconds=int(seconds[1]))
    try:
        return parse_duration(value)
    except ValueError:
        raise ValueError('write a spacing as "6s", "30 minutes" or "6h"') from None


class SenderSettings(Part):
    """A configured account on a channel. `options` are the channel's own, `${NAME}` not yet filled in."""

    channel: str
    rate: Annotated[Rate | None, BeforeValidator(Rate.parse)] = None
    countries: tuple[str, ...] = ("ID",)
    people_per_day: int | None = Field(None, ge=1, description="Numbers it may message in any 24 hours.")
    spacing: Annotated[timedelta | None, BeforeValidator(_spacing), Field(gt=timedelta(0), le=_LONGEST_SPACING)] = None
    """Between two messages to the same number."""
    allow_private: bool = Field(False, description="Its provider may be in the private network: a sandbox, a test.")
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _sort_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "options" in value:
            return value
        own = {key: value[key] for key in _ENGINE_KEYS if key in value}
        return {**own, "options": {k: v for k, v in value.items() if k not in _ENGINE_KEYS}}


class PurposeSettings(Part):
    """What people agree to, in the words they read."""

    label: str = Field(min_length=1)
    label_en: str = ""

    def in_language(self, language: str) -> str:
        return self.label_en or self.label if language == "en" else self.label


class GroupSettings(Part):
    label: str
    label_en: str = ""
    households: int = Field(0, ge=0, description="Households that one member stands for (an estimate).")


class Price(Part):
    """What one unit costs from a day on. The most specific line that fits wins."""

    from_: date = Field(alias="from")
    sender: str = ""
    channel: str = ""
    country: str = ""
    per: Literal["message", "segment"] = "segment"
    currency: str = Field(pattern="^[A-Z]{3}$")
    amount: Decimal = Field(ge=0)


class Exchange(Part):
    """One `base` is worth `rate` `quote`, from a day on."""

    from_: date = Field(alias="from")
    base: str = Field(pattern="^[A-Z]{3}$")
    quote: str = Field(pattern="^[A-Z]{3}$")
    rate: Decimal = Field(gt=0)


class WireLog(Part):
    """What was said to and by providers, redacted: always where an attempt did not end as a plain acceptance."""

    keep_days: int = Field(14, ge=0, le=3650, description="For how long; 0: nothing is kept.")
    accepted: bool = Field(False, description="Keep the exchanges of accepted messages too.")


class InboundSettings(Part):
    """What becomes of what people write back."""

    unsigned_stops_per_minute: int = Field(
        30, ge=0, description="Of one sender whose gateway signs nothing, that act at once; more wait for a person."
    )
    replies: frozenset[Kind] = Field(
        frozenset({"stop", "help", "answer", "not-understood"}), description="What one automatic answer is due to."
    )
    reply_spacing: Duration = Field(timedelta(days=1), ge=timedelta(minutes=1))
    """Between two automatic answers to the same number."""
    texts: dict[Saying, Texts] = Field(default_factory=dict, description="What they say, over the built-in words.")


class LinkSettings(Part):
    """Personal links in texts, and the page behind them."""

    base_url: str = Field("", pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+)?$")
    """A short domain that leads here, e.g. https://kspl.id; default: the public URL."""
    valid_for: Duration = Field(timedelta(days=30), ge=timedelta(days=1))
    """After the session, or after the step where there is none."""
    contact: str = Field("", max_length=200, description="Whom the page names for questions on personal data.")
    trusted_proxies: int = Field(0, ge=0, le=10, description="Proxies in front that add to X-Forwarded-For.")


class Retention(Part):
    """How old personal data may become, in days; what has no age is kept. `contacts retain` acts on it."""

    texts_days: int | None = Field(None, ge=1, description="Texts and numbers of messages that ended.")
    calls_days: int | None = Field(None, ge=1, description="What providers called with.")
    replies_days: int | None = Field(None, ge=1, description="Replies that nobody has to look at any more.")
    door_codes_days: int | None = Field(None, ge=1, description="Codes for the door, of sessions that are over.")
    contacts_days: int | None = Field(None, ge=1, description="People without consent and without anything since.")


class Settings(Part):
    """`dispatcher.yaml`."""

    senders: dict[Slug, SenderSettings] = Field(default_factory=dict)
    breaker: Limits = Limits()
    wire_log: WireLog = WireLog()
    inbound: InboundSettings = InboundSettings()
    links: LinkSettings = LinkSettings()
    retention: Retention = Retention()
    caps: Caps = Caps()
    approval: Literal["required", "waived"] = "required"
    default_basis: str = Field("public-task", description="Consent basis of imports that name none; '' means none.")
    purposes: dict[Slug, PurposeSettings] = Field(default_factory=dict)
    groups: dict[Slug, GroupSettings] = Field(default_factory=dict)
    attributes: dict[Identifier, Literal["integer", "number", "text", "boolean", "date"]] = Field(default_factory=dict)
    households: dict[str, int] = Field(default_factory=dict, description="Households per role, over the defaults.")
    prices: tuple[Price, ...] = ()
    exchange: tuple[Exchange, ...] = ()
    report_currency: str = "IDR"
    sms_max_segments: int = Field(4, ge=1, le=10)

    @model_validator(mode="after")
    def _has_a_console(self) -> Self:
        if not self.senders:
            object.__setattr__(self, "senders", {"console": SenderSettings(channel="console")})
        return self
