"""docs/gateways.md is true: its senders open as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher.operations.channels import Channels
from dispatcher.settings import Environment
from dispatcher.settings.file import parse_settings
from dispatcher.spi.http import PooledClient
from dispatcher_channels.http_gateway.ready import ready_gateways

PAGE = (Path(__file__).parents[3] / "docs" / "gateways.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(senders:.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_opens(example: str) -> None:
    environment = Environment(dict.fromkeys(re.findall(r"\$\{(\w+)\}", example), "a-secret"))
    ((name, sender),) = parse_settings(example.encode()).senders.items()
    channel = Channels().open(name, sender, environment, PooledClient())
    assert channel.capabilities.media == "sms"


def test_there_are_examples_and_every_ready_gateway_is_named() -> None:
    assert len(EXAMPLES) == 2
    assert [name for name in ready_gateways() if f"`{name}`" not in PAGE] == []
