"""What an SMPP sender is configured with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, model_validator

from dispatcher.spi import ChannelConfig

MAX_PASSWORD = 64
"""The specification allows 8 octets; many SMS centres take more."""


def _zone(name: str) -> str:
    if name:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("must be a time zone such as Asia/Jakarta") from None
    return name


class SmppConfig(ChannelConfig):
    """`from`: number, short code or registered name; `from_ton` and `from_npi` follow from its kind where not set.

    `tls_ca`: a file of certificates to trust, in place of the system's. `window`: how many PDUs may be unanswered.
    `receipt_ids`: how receipts spell the id: as the answer to the submit did, or in hexadecimal or decimal where that
    answer used the other. `receipt_zone`: the zone of dates in receipts; "": they are not used. `country_code`: what
    stands in front of replies' numbers that begin with 0. `max_binds`: how many sessions the SMS centre grants this
    account; each sending process takes one.
    """

    host: str = Field(min_length=1)
    port: int = Field(default=2775, ge=1, le=65_535)
    system_id: str = Field(pattern=r"^[\x21-\x7e]{1,15}$")
    password: SecretStr  # may be empty: some SMS centres know their clients by address
    system_type: str = Field(default="", pattern=r"^[\x20-\x7e]{0,12}$")
    from_: str = Field(alias="from", pattern=r"^(\+?[0-9]{3,15}|[A-Za-z0-9 ._&-]{1,11})$")
    from_ton: int | None = Field(default=None, ge=0, le=6)
    from_npi: int | None = Field(default=None, ge=0, le=18)
    to_ton: int = Field(default=1, ge=0, le=6)
    to_npi: int = Field(default=1, ge=0, le=18)
    tls: bool = False
    tls_ca: Path | None = None
    window: int = Field(default=50, ge=1, le=1000)
    enquire_link_s: float = Field(default=30.0, ge=0.05, le=3600)
    concatenation: Literal["udh", "payload"] = "udh"
    receipt_ids: Literal["as-is", "hex", "decimal"] = "as-is"
    receipt_zone: Annotated[str, AfterValidator(_zone)] = ""
    country_code: str = Field(default="62", pattern=r"^[1-9][0-9]{0,2}$")
    max_binds: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _sendable(self) -> Self:
        password = self.password.get_secret_value()
        if not (password.isascii() and password.isprintable() and len(password) <= MAX_PASSWORD):
            raise ValueError(f"`password`: at most {MAX_PASSWORD} printable ASCII characters")
        if self.tls_ca and not self.tls:
            raise ValueError("`tls_ca` needs `tls: true`")
        return self

    @property
    def source(self) -> tuple[str, int, int]:
        """Address without its plus, type of number, numbering plan."""
        ton, npi = _kind(self.from_)
        return (
            self.from_.removeprefix("+"),
            ton if self.from_ton is None else self.from_ton,
            npi if self.from_npi is None else self.from_npi,
        )


def _kind(address: str) -> tuple[int, int]:
    """SMPP 3.4, 5.2.5 and 5.2.6: international, alphanumeric, or unknown (short codes) in the telephone plan."""
    if address.startswith("+"):
        return 1, 1
    return (0, 1) if address.isdecimal() else (5, 0)
