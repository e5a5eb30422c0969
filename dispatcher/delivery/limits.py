"""How much may go wrong before a campaign pauses itself, as the settings say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dispatcher.campaign.model import Slug
from dispatcher.core.duration import parse_duration
from dispatcher.delivery.breaker import KINDS, Kind


def _share(value: Any) -> Any:
    """`0.5`, `"50 %"` or `"50%"`."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            raise ValueError('write a share as "3 %" or 0.03') from None
    return value


class Limit(BaseModel):
    """Trips where `share` or more of what ended `within` so long, and at least `least` of them, went wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    share: Annotated[float, BeforeValidator(_share), Field(gt=0, le=1)]
    least: int = Field(ge=1)
    within: Annotated[timedelta, BeforeValidator(parse_duration), Field(gt=timedelta(0))]

    @property
    def within_us(self) -> int:
        return self.within // timedelta(microseconds=1)


_FAILED = Limit(share=0.5, least=50, within=timedelta(minutes=5))
_OPTED_OUT = Limit(share=0.03, least=20, within=timedelta(hours=24))


def _filled(default: Limit) -> BeforeValidator:
    """What is not said stays as it is by default; `off` is no limit."""

    def fill(value: Any) -> Any:
        if value == "off":
            return None
        return {**default.model_dump(), **value} if isinstance(value, dict) else value

    return BeforeValidator(fill)


class Limits(BaseModel):
    """`breaker:` of the settings. None: that limit is off."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    failed: Annotated[Limit | None, _filled(_FAILED)] = _FAILED
    """`least`: messages that ended."""

    opted_out: Annotated[Limit | None, _filled(_OPTED_OUT)] = _OPTED_OUT
    """`least`: people who refused."""

    spared: tuple[Slug, ...] = Field((), alias="except", description="Campaigns that never pause themselves.")

    @model_validator(mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return dict.fromkeys(KINDS, "off") if value == "off" else value

    def of(self, kind: Kind) -> Limit | None:
        return self.failed if kind == "failed" else self.opted_out
