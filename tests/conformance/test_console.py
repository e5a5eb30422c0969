from __future__ import annotations

from dispatcher.testing.conformance import ChannelContract
from dispatcher_channels.console import ConsoleChannel


class TestConsole(ChannelContract):
    channel = ConsoleChannel
