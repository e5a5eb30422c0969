"""What a Twilio sender is configured with."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from dispatcher.spi import BaseUrl, ChannelConfig, Secret, basic_authorization


class TwilioConfig(ChannelConfig):
    """`auth_token` is needed even with an API key: webhooks are signed with it, and anyone can sign with an empty one.

    `from`: E.164 number, short code or registered name; or `messaging_service_sid`, which chooses one. The three URLs
    point the API elsewhere (a sandbox, a simulator).
    """

    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: Secret
    api_key: str = Field(default="", pattern=r"^(SK[0-9a-fA-F]{32})?$")
    api_secret: Secret | None = None
    from_: str = Field(default="", alias="from", pattern=r"^((whatsapp:)?\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11})?$")
    messaging_service_sid: str = Field(default="", pattern=r"^(MG[0-9a-fA-F]{32})?$")
    base_url: BaseUrl = "https://api.twilio.com"
    content_base_url: BaseUrl = "https://content.twilio.com"
    messaging_base_url: BaseUrl = "https://messaging.twilio.com"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.from_) == bool(self.messaging_service_sid):
            raise ValueError("set either `from` or `messaging_service_sid`")
        if bool(self.api_key) != bool(self.api_secret):
            raise ValueError("`api_key` and `api_secret` go together")
        return self

    @property
    def address(self) -> str:
        """The number or name recipients see, without the channel's prefix; "" with a messaging service."""
        return self.from_.removeprefix("whatsapp:")

    @property
    def account_url(self) -> str:
        return f"{self.base_url}/2010-04-01/Accounts/{self.account_sid}"

    @property
    def credentials(self) -> tuple[str, str]:
        if self.api_secret:
            return self.api_key, self.api_secret.get_secret_value()
        return self.account_sid, self.auth_token.get_secret_value()

    @property
    def authorization(self) -> str:
        return basic_authorization(*self.credentials)
