"""What a Cloud API sender is configured with."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from dispatcher.spi import ChannelConfig, Secret


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in parts.netloc:
        raise ValueError("must look like https://host or https://host:port/path")
    return url.rstrip("/")


def _filled(secret: Secret) -> Secret:
    """Anyone can sign with an empty secret."""
    if not secret.get_secret_value():
        raise ValueError("must not be empty")
    return secret


Filled = Annotated[Secret, AfterValidator(_filled)]


class WhatsappCloudConfig(ChannelConfig):
    """`phone_number_id` and `business_account_id` are Meta's ids, not numbers of telephones.

    `app_secret` signs webhooks; `verify_token` is made up by us and typed into Meta's console with the webhook's URL.
    """

    phone_number_id: str = Field(pattern=r"^[0-9]{1,32}$")
    business_account_id: str = Field(pattern=r"^[0-9]{1,32}$")
    access_token: Filled
    app_secret: Filled
    verify_token: Filled
    api_version: str = Field(default="v26.0", pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$")
    base_url: Annotated[str, AfterValidator(_base_url)] = "https://graph.facebook.com"

    def url(self, path: str) -> str:
        return f"{self.base_url}/{self.api_version}/{path}"
