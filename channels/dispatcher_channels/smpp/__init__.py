"""SMPP 3.4: one transceiver session per process to an SMS centre, receipts and replies over the same session."""

from dispatcher_channels.smpp.channel import SmppChannel
from dispatcher_channels.smpp.config import SmppConfig

__all__ = ["SmppChannel", "SmppConfig"]
