"""No sender talks into the private network unless its settings say so (server-side request forgery).

One rule for every channel: whatever its configuration calls `host`, `url`, `base_url` or `…_base_url`. Names are looked
up when a sender opens to send, never by `validate` or `plan`. Redirects are refused by the client. What stays: a name
that points elsewhere after it was looked up.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from pydantic import AnyUrl

from dispatcher.core.errors import ProviderError
from dispatcher.spi import ChannelConfig

_KEYS: Final = ("host", "url")
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]*")
"""What every client reads alike: of a backslash, of `%2e` or of a full-width digit, each makes a host of its own."""

_LOCAL: Final = ("localhost", "local", "internal", "lan", "home.arpa")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def require_public(sender: str, config: ChannelConfig, *, resolve: bool) -> None:
    """ProviderError (7) names the setting. `resolve`: also ask what a name stands for."""
    for key, host in hosts_of(config):
        if is_private_name(host) or (resolve and any(map(is_private, addresses_of(host)))):
            raise ProviderError(
                "private-address",
                f"sender {sender}: {key} points into the private network",
                "Correct it; or, for a sandbox or a gateway of your own, say `allow_private: true` in this sender.",
            )


def hosts_of(config: ChannelConfig) -> Iterator[tuple[str, str]]:
    """Key and host, as it is written in the settings."""
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, str | AnyUrl) and value and name.rpartition("_")[2] in _KEYS:
            text = str(value)
            yield field.alias or name, (urlsplit(text).hostname or "") if "://" in text else text


def is_private_name(host: str) -> bool:
    """By how it is written, without a network: an address in any spelling, or a name that only means something here."""
    host = host.strip("[]").rstrip(".").lower()
    if not _HOST.fullmatch(host):
        return True
    try:
        return is_private(str(ipaddress.ip_address(host)))
    except ValueError:
        pass
    try:
        return is_private(socket.inet_ntoa(socket.inet_aton(host)))  # 2130706433, 0x7f.1 and their kind
    except (OSError, UnicodeError):
        return "." not in host or any(f".{host}".endswith(f".{ending}") for ending in _LOCAL)


def is_private(address: str) -> bool:
    """Loopback, link-local, private, or anything else that is not for the whole Internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_private(str(inner))
    return not found.is_global or found.is_multicast


def addresses_of(host: str) -> list[str]:
    """None where the name is not known: then no connection opens either."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []
