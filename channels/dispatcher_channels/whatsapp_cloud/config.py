"""What a Cloud API sender is configured with."""

from __future__ import annotations

from pydantic import Field

from dispatcher.spi import BaseUrl, ChannelConfig, Secret


class WhatsappCloudConfig(ChannelConfig):
    """`phone_number_id` and `business_account_id` are Meta's ids, not numbers of telephones.

    `app_secret` signs webhooks; `verify_token` is made up by us and typed into Meta's console with the webhook's URL.
    None is empty: anyone can sign with an empty secret.
    """

    phone_number_id: str = Field(pattern=r"^[0-9]{1,32}$")
    business_account_id: str = Field(pattern=r"^[0-9]{1,32}$")
    access_token: Secret
    app_secret: Secret
    verify_token: Secret
    api_version: str = Field(default="v26.0", pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$")
    base_url: BaseUrl = "https://graph.facebook.com"

    def url(self, path: str) -> str:
        return f"{self.base_url}/{self.api_version}/{path}"
