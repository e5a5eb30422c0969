"""The configuration of a sender, as an adapter declares it."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

Secret = SecretStr
"""A credential. Never printed, never stored in SQL, redacted in every log."""


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    plain = parts.scheme in ("http", "https") and parts.hostname
    if not plain or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must look like https://host or https://host:port/path")
    return url.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Where a provider's API is, without a slash at its end, and without credentials."""


def basic_authorization(user: str, password: str) -> str:
    """The header of HTTP's basic authentication (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


class ChannelConfig(BaseModel):
    """Subclass it with the fields of one channel. Unknown keys are errors; secrets are `Secret`.

    Keys common to every sender (`channel`, `rate`, `countries`, `weight`) belong to the engine and do not appear here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def secret_values(self) -> tuple[str, ...]:
        """What a log must never show."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(v.get_secret_value() for v in values if isinstance(v, SecretStr))
