"""Addresses of providers: what one part of the house reads as the host, every other part must."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from dispatcher.spi import BaseUrl, ChannelConfig, Secret

URLS: TypeAdapter[str] = TypeAdapter(BaseUrl)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.org",
        "http://127.0.0.1:8801/v1",
        "https://[2606:4700::1111]:443",
        "http://sms_gateway:80/a%20b",
    ],
)
def test_an_address_is_kept_without_its_last_slash(url: str) -> None:
    assert URLS.validate_python(url + "/") == url


@pytest.mark.parametrize(
    "url",
    [
        "api.example.org", "ftp://example.org", "https://", "https://user@example.org", "https://example.org?a=1",
        "https://example.org#a", "http://127.0.0.1\\.example.org", "https://example.org\\a", "http://172.1%36.0.1",
        "http://１２７.0.0.1", "https://exam ple.org", "https://example.org/a b", "https://exa\tmple.org",
        "https://example.org:99999", "https://example.org:0", "https://example.org:", "https://[::1%25lo]",
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_none(url: str) -> None:
    with pytest.raises(ValidationError):
        URLS.validate_python(url)


class _Account(ChannelConfig):
    token: Secret
    further: Secret | None = None


@pytest.mark.parametrize("settings", [{"token": ""}, {"token": "t", "further": ""}])
def test_an_empty_credential_is_none(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="is empty"):
        _Account.model_validate(settings)
    assert _Account.model_validate({"token": "t"}).secret_values() == ("t",)
