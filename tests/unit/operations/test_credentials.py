"""Credentials as people hand them over: from files that an editor wrote, and with what was pasted along."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest

from dispatcher.core.errors import ProviderError, UsageError
from dispatcher.operations.channels import Channels
from dispatcher.settings import Environment
from dispatcher.settings.model import SenderSettings
from dispatcher.spi import Channel

TWILIO = {"channel": "twilio-sms", "account_sid": "AC" + "0" * 32, "from": "+15005550006", "auth_token": "${TOKEN}"}
GATEWAY = {
    "channel": "http-gateway",
    "base_url": "https://gateway.example",
    "headers": {"X-Auth": "${TOKEN}"},
    "text": {"json": {"to": "{{ to }}", "text": "{{ text }}"}},
    "answer": {"accepted": [{"path": "ok", "is": ["true"]}], "id": "id"},
}
PLACES = [(TWILIO, "auth_token"), (GATEWAY, "headers.X-Auth")]


def _open(settings: dict[str, Any], **environ: str) -> Channel[Any]:
    sender = SenderSettings.model_validate(settings)
    return Channels().open("kota", sender, Environment(environ), cast("Any", None))


@pytest.mark.parametrize("written", [b"s3cret\n", b"s3cret\r\n", b"  s3cret \n\n", b"\xef\xbb\xbfs3cret\r\n"])
@pytest.mark.parametrize("settings", [TWILIO, GATEWAY])
def test_what_an_editor_adds_to_a_file_is_no_part_of_it(
    settings: dict[str, Any], written: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_bytes(written)
    assert "s3cret" in _open(settings, TOKEN_FILE=str(path)).config.secret_values()


@pytest.mark.parametrize("value", ["s3cret\n", "s3cret\r\n", "s3cret\r", " s3cret"])
@pytest.mark.parametrize("settings", [TWILIO, GATEWAY])
def test_a_variable_says_the_same_as_its_file(settings: dict[str, Any], value: str) -> None:
    assert "s3cret" in _open(settings, TOKEN=value).config.secret_values()


@pytest.mark.parametrize("value", ["s3c\nret", "s3c\r\nret", "s3c\tret", "s3c\u00a0ret", "s3c\u200bret", "s3c\0ret"])
@pytest.mark.parametrize(("settings", "place"), PLACES)
def test_what_no_credential_has_is_refused_when_the_sender_opens(
    settings: dict[str, Any], place: str, value: str
) -> None:
    """Else a gateway's messages wait for ever, as if it could not be reached."""
    with pytest.raises(ProviderError, match=rf"sender kota: .*{re.escape(place)}.*line break") as refused:
        _open(settings, TOKEN=value)
    assert refused.value.code == "sender-settings"
    assert "s3c" not in str(refused.value)


@pytest.mark.parametrize("value", ["s3cret\n", " s3cret"])
def test_in_the_settings_it_must_stand_as_it_is(value: str) -> None:
    with pytest.raises(ProviderError, match=r"auth_token: .*a blank at its start or end"):
        _open({**TWILIO, "auth_token": value})


def test_a_phrase_may_have_blanks_inside() -> None:
    assert "a pass word" in _open(TWILIO, TOKEN="a pass word").config.secret_values()


def test_a_variable_of_nothing_but_blanks_is_not_set() -> None:
    with pytest.raises(ProviderError, match="sender kota needs TOKEN, which is not set"):
        _open(TWILIO, TOKEN=" \n")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"TOKEN_FILE names .*, which is not text"):
        _open(TWILIO, TOKEN_FILE=str(path))
