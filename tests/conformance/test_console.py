from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import pytest

from dispatcher.spi import Accepted, NotSent, OutboundMessage, Outcome, Template
from dispatcher.testing.conformance import ChannelContract
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher_channels.console import ConsoleChannel, ConsoleConfig, mask


class TestConsole(ChannelContract):
    channel = ConsoleChannel


def send(message: OutboundMessage, **settings: Any) -> Outcome:
    return asyncio.run(ConsoleChannel(ConsoleConfig.model_validate(settings), GuardedClient()).send(message))


MESSAGE = OutboundMessage("7.1", "+6281234567890", text="Halo Bu Sari,\nsampai Rabu.")


def test_it_prints_the_message_and_masks_the_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert send(MESSAGE) == Accepted(final=True)
    assert capsys.readouterr().out == "[sms 7.1] +6281******890: Halo Bu Sari,\n    sampai Rabu.\n"


def test_it_shows_numbers_where_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    send(MESSAGE, show_numbers=True, media="whatsapp", stream="stderr")
    assert capsys.readouterr().err.startswith("[whatsapp 7.1] +6281234567890: Halo")


def test_a_template_is_printed_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    send(OutboundMessage("7.1", "+6281234567890", template=Template("HX1", parameters={"1": "Bu Sari"})))
    assert capsys.readouterr().out == '[sms 7.1] +6281******890: <template HX1 id> {"1": "Bu Sari"}\n'


def test_a_text_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    send(OutboundMessage("7.1", "+6281234567890", text="a\x1b[2Jb\rc\u202ed"))
    assert capsys.readouterr().out.endswith(": a[2Jbcd\n")


def test_a_closed_stream_sends_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    assert isinstance(send(MESSAGE), NotSent)


def test_what_a_terminal_cannot_show_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert send(OutboundMessage("7.1", "+6281234567890", text="Selamat pagi ☀")) == Accepted(final=True)
    assert terminal.buffer.getvalue().endswith(b": Selamat pagi ?\n")  # type: ignore[attr-defined]


def test_the_media_is_configured() -> None:
    channel = ConsoleChannel(ConsoleConfig(media="whatsapp"), GuardedClient())
    assert channel.capabilities.media == "whatsapp"
    assert ConsoleChannel.capabilities.media == "sms"


@pytest.mark.parametrize("number", ["+62812345", "12345", ""])
def test_a_short_number_is_masked_whole(number: str) -> None:
    assert set(mask(number)) <= {"*"}
