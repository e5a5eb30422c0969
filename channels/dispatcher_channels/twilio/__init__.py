"""Twilio: SMS and WhatsApp over the Messages API."""

from dispatcher_channels.twilio.account import TwilioAccount
from dispatcher_channels.twilio.channel import TwilioChannel, TwilioSmsChannel, TwilioWhatsappChannel
from dispatcher_channels.twilio.config import TwilioConfig

__all__ = ["TwilioAccount", "TwilioChannel", "TwilioConfig", "TwilioSmsChannel", "TwilioWhatsappChannel"]
