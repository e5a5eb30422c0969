from __future__ import annotations

from typing import Any

from dispatcher.spi import HookRequest
from dispatcher.testing.carrier import options
from dispatcher.testing.conformance import ChannelContract
from dispatcher.testing.conformance.base import TEXT
from dispatcher_channels.simulator import SimulatorChannel, SimulatorConfig
from tests.conformance import twilio_provider as twilio


class TestSimulator(ChannelContract):
    channel = SimulatorChannel
    words = twilio.WORDS
    accepted = twilio.created()
    found = twilio.listed(twilio.listed_message(body=TEXT))
    absent = twilio.listed()
    template_id = twilio.TEMPLATE
    held = (twilio.content(),)
    not_held = twilio.not_found()

    def settings(self, url: str) -> dict[str, Any]:
        return {"base_url": url}

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        return twilio.callback(word, ref, code)

    def signed(self, request: HookRequest) -> HookRequest:
        return twilio.signed(request, options.AUTH_TOKEN)

    def test_its_credentials_are_the_simulators(self) -> None:
        assert SimulatorConfig().credentials == (options.ACCOUNT_SID, options.AUTH_TOKEN)
