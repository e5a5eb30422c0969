"""Twilio: SMS and WhatsApp over the Messages API. The send is ours, the SDK serves `channel check`."""

from dispatcher_channels.twilio.channel import TwilioChannel, TwilioSmsChannel, TwilioWhatsappChannel
from dispatcher_channels.twilio.config import TwilioConfig

__all__ = ["TwilioChannel", "TwilioConfig", "TwilioSmsChannel", "TwilioWhatsappChannel"]
