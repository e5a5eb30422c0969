"""The pretend carrier (`dispatcher simulate`): Twilio's translation, fixed credentials, nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from dispatcher.spi import BaseUrl, HttpClient, Secret, asking
from dispatcher_channels.twilio import TwilioAccount, TwilioChannel, TwilioConfig, TwilioSmsChannel

ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = SecretStr("simulator-token")
BASE_URL = "http://127.0.0.1:8801"


class SimulatorConfig(TwilioConfig):
    """Works without a single setting: the simulator's fixed account on this machine."""

    account_sid: str = Field(default=ACCOUNT_SID, pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: Secret = AUTH_TOKEN
    from_: str = Field(default="+15005550006", alias="from")
    base_url: BaseUrl = BASE_URL
    media: Literal["sms", "whatsapp"] = "sms"

    @model_validator(mode="before")
    @classmethod
    def _one_host(cls, value: Any) -> Any:
        """The simulator speaks for all of Twilio's hosts."""
        if not isinstance(value, dict):
            return value
        here = value.get("base_url", BASE_URL)
        return {"content_base_url": here, "messaging_base_url": here, **value}


SMS = replace(TwilioSmsChannel.capabilities, synthetic_only=True, absence_is_proof=True, settle_time_s=20.0)
WHATSAPP = replace(SMS, media="whatsapp", cost_unit="message")


class SimulatorAccount(TwilioAccount):
    def questions(self) -> Mapping[str, asking.Question]:
        return {"account": self.account}


class SimulatorChannel(TwilioChannel):
    """Its list is complete and immediate, so that an empty answer is proof: as long as it was not restarted since."""

    name = "simulator"
    Config = SimulatorConfig
    capabilities = SMS
    Account = SimulatorAccount

    def __init__(self, config: SimulatorConfig, http: HttpClient) -> None:
        if config.media == "whatsapp":
            self.prefix, self.capabilities = "whatsapp:", WHATSAPP
        super().__init__(config, http)
