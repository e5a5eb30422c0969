from __future__ import annotations

from typing import Any

from dispatcher.spi import HookRequest
from dispatcher.testing.conformance import ChannelContract
from dispatcher.testing.conformance.base import TEXT
from dispatcher_channels.twilio import TwilioSmsChannel
from tests.conformance import twilio_provider as twilio


class TestTwilioSms(ChannelContract):
    channel = TwilioSmsChannel
    recordings = twilio.RECORDINGS / "twilio"
    words = twilio.WORDS
    accepted = twilio.created()
    found = twilio.listed(twilio.listed_message(body=TEXT))
    absent = twilio.listed(twilio.listed_message(body="Another text"))
    template_id = twilio.TEMPLATE
    held = (twilio.content(),)
    not_held = twilio.not_found()

    def settings(self, url: str) -> dict[str, Any]:
        return {
            "account_sid": twilio.ACCOUNT_SID,
            "auth_token": twilio.AUTH_TOKEN,
            "from": "+15005550006",
            "base_url": url,
            "content_base_url": url,
        }

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        return twilio.callback(word, ref, code)

    def signed(self, request: HookRequest) -> HookRequest:
        return twilio.signed(request, twilio.AUTH_TOKEN)
