"""The configuration of a sender, as an adapter declares it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, PrivateAttr, SecretStr


def _whole(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value:
        raise ValueError("is empty: what everybody has is no credential")
    if value != value.strip():
        raise ValueError("has a line break or a blank at its start or end: take it away")
    if not value.isprintable():
        raise ValueError("has a line break, or another sign that cannot be seen, inside: copy it anew, on one line")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_whole)]
"""A credential, of one line. Never empty, never printed, never stored in SQL, redacted in every log.

pydantic's `SecretStr` is the same for the rare provider that knows accounts without a password, or has longer ones.
"""

_PLACE: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
"""Stricter than a URL: whoever checks the host and whoever connects to it must read the same one."""


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    plain = parts.scheme in ("http", "https") and _PLACE.fullmatch(parts.netloc) and (parts.port is None or parts.port)
    if not plain or parts.query or parts.fragment or re.search(r"[\s\\]", url):
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

    _filled_in: tuple[str, ...] = PrivateAttr(())

    def filled_in(self, values: Iterable[str]) -> None:
        """The engine tells what it put in for `${NAME}`: it may stand under a key that is not declared as a secret."""
        self._filled_in = tuple(values)

    def secret_values(self) -> tuple[str, ...]:
        """What a log must never show."""
        values = (getattr(self, name) for name in type(self).model_fields)
        declared = tuple(v.get_secret_value() for v in values if isinstance(v, SecretStr))
        return (*declared, *self._filled_in)
