"""A provider in the private network is refused at every command that would talk to it, unless the sender allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher.core.errors import ProviderError
from dispatcher.operations import private_hosts, sender_control
from dispatcher.operations.context import Context
from dispatcher.spi.http import PooledClient
from dispatcher.testing.rawserver import refusing_port
from tests.integration.builders import make_context

GATEWAY: dict[str, Any] = {
    "channel": "http-gateway",
    "base_url": "https://gateway.example.com",
    "text": {"json": {"to": "{{ to }}", "text": "{{ text }}"}},
    "answer": {"accepted": [{"path": "ok"}], "id": "id"},
}
Make = Callable[..., Context]


@pytest.fixture
def make(sqlite_url: str, tmp_path: Path) -> Iterator[Make]:
    made: list[Context] = []

    def make(**sender: Any) -> Context:
        made.append(make_context(sqlite_url, {"senders": {"kota": {**GATEWAY, **sender}}}))
        return made[-1]

    yield make
    for context in made:
        context.database.close()


def test_it_is_refused_before_anything_is_sent(make: Make) -> None:
    context = make(base_url="http://127.0.0.1:9")
    with pytest.raises(ProviderError, match="sender kota: base_url points into the private network") as caught:
        sender_control.send_test(context, "kota", "+6281234567890", "Halo", "")
    assert caught.value.exit_code == 7
    (line,) = sender_control.check_senders(context)
    assert (line["ok"], "allow_private: true" in line["fix"]) == (False, True)
    listed = {one["name"]: one for one in sender_control.list_channels(context)}
    (sender,) = listed["http-gateway"]["senders"]
    assert "private network" in sender["problem"]


def test_the_sender_may_allow_it(make: Make) -> None:
    with refusing_port() as port:
        context = make(base_url=f"http://127.0.0.1:{port}", allow_private=True)
        assert [line["ok"] for line in sender_control.check_senders(context)] == [True]


def test_a_name_is_looked_up_only_by_who_sends(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def addresses_of(host: str) -> list[str]:
        asked.append(host)
        return ["169.254.169.254"]

    monkeypatch.setattr(private_hosts, "addresses_of", addresses_of)
    context = make()
    sender_control.list_channels(context)
    context.open_sender("kota", PooledClient(), resolve=False)
    assert asked == []
    with pytest.raises(ProviderError, match="private network"):
        context.open_sender("kota", PooledClient())
    assert asked == ["gateway.example.com"]


def test_a_broken_gateway_names_the_key(make: Make) -> None:
    context = make(text={"json": {"messages": [{"to": "{{ too }}"}]}})
    with pytest.raises(ProviderError, match=r"sender kota: settings: text.json.messages.0.to: 'too' is undefined"):
        context.open_sender("kota", PooledClient(), resolve=False)
