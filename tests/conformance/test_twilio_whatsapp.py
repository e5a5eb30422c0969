from __future__ import annotations

from typing import Any

from dispatcher.spi import HookRequest
from dispatcher.testing.conformance import ChannelContract
from dispatcher.testing.conformance.base import TEXT
from dispatcher_channels.twilio import TwilioWhatsappChannel
from tests.conformance import twilio_provider as twilio


class TestTwilioWhatsapp(ChannelContract):
    """With an API key and a messaging service, where the SMS channel is tested with a token and a number."""

    channel = TwilioWhatsappChannel
    recordings = twilio.RECORDINGS / "twilio-whatsapp"
    words = twilio.WORDS
    accepted = twilio.created(num_segments="0")
    found = twilio.listed(twilio.listed_message(body=TEXT, messaging_service_sid="MG" + "1" * 32))
    absent = twilio.listed(twilio.listed_message(body=TEXT, messaging_service_sid="MG" + "2" * 32))
    template_id = twilio.TEMPLATE
    held = (twilio.content(), twilio.approval())
    not_held = twilio.not_found()

    def settings(self, url: str) -> dict[str, Any]:
        return {
            "account_sid": twilio.ACCOUNT_SID,
            "auth_token": twilio.AUTH_TOKEN,
            "api_key": "SK" + "0" * 31 + "1",
            "api_secret": "an API secret nobody may see",
            "messaging_service_sid": "MG" + "1" * 32,
            "base_url": url,
            "content_base_url": url,
        }

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        return twilio.callback(word, ref, code)

    def signed(self, request: HookRequest) -> HookRequest:
        return twilio.signed(request, twilio.AUTH_TOKEN)
