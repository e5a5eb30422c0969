"""No sender talks into the private network unless its settings say so."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import HttpUrl

from dispatcher.core.errors import ProviderError
from dispatcher.operations import private_hosts
from dispatcher.operations.private_hosts import is_private, is_private_name, require_public
from dispatcher.spi import ChannelConfig


class Config(ChannelConfig):
    base_url: str = "https://api.example.com"
    content_base_url: str = ""
    host: str = ""
    callback_url: HttpUrl | None = None
    note: str = "127.0.0.1"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1", "[::1]", "::",
        "fe80::1%eth0",
        "fd00::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "2002:7f00:1::", "64:ff9b::a00:1", "localhost", "LOCALHOST.",
        "x.localhost", "printer.local", "metadata.google.internal", "redis", "",
        "127.0.0.1\\.example.org", "172.1%36.0.1", "１２７.0.0.1", "127。0。0。1", "example.org ",
    ],
)  # fmt: skip
def test_hosts_that_only_mean_something_here(host: str) -> None:
    assert is_private_name(host)


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8", "2606:4700::1111", "api.twilio.com", "api.twilio.com.", "localhost.example.com", "10.example.com"],
)
def test_hosts_of_the_internet(host: str) -> None:
    assert not is_private_name(host)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"base_url": "http://127.0.0.1:8801"}, "base_url"),
        ({"base_url": "https://user@10.0.0.1/x"}, "base_url"),
        ({"base_url": "https://[::1]:80/x"}, "base_url"),
        ({"content_base_url": "http://localhost"}, "content_base_url"),
        ({"host": "smsc.internal"}, "host"),
        ({"host": "192.168.0.9"}, "host"),
        ({"callback_url": HttpUrl("http://10.0.0.1/x")}, "callback_url"),
    ],
)
def test_the_setting_is_named_and_its_value_is_not(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ProviderError) as caught:
        require_public("sms", Config(**settings), resolve=False)
    assert caught.value.code == "private-address"
    assert caught.value.message == f"sender sms: {key} points into the private network"
    assert "allow_private: true" in caught.value.hint


def test_a_name_that_leads_into_the_private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_hosts, "addresses_of", lambda host: ["93.184.215.14", "10.0.0.1"])
    require_public("sms", Config(), resolve=False)
    with pytest.raises(ProviderError, match="base_url"):
        require_public("sms", Config(), resolve=True)


def test_a_name_that_nobody_knows_is_left_to_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_hosts, "addresses_of", lambda host: [])
    require_public("sms", Config(), resolve=True)


def test_an_address_with_a_zone() -> None:
    assert is_private("fe80::1%eth0")
