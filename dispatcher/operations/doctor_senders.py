"""The part of `doctor` that looks at senders: complete, in time, and reachable for those who report back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from dispatcher.core.errors import DispatcherError, ProviderError
from dispatcher.operations.channels import Channels
from dispatcher.operations.finding import Finding, bad, good
from dispatcher.operations.readiness import require_timeout
from dispatcher.operations.senders import idle_rates
from dispatcher.settings import Environment
from dispatcher.spi import Channel
from dispatcher.spi.http import PooledClient
from dispatcher.store.engine import Database
from dispatcher.store.senders import sender_rows

_ANSWERS_WITHIN_S = 1.0


def senders(environment: Environment) -> Iterator[Finding]:
    """Whether each has what it needs; whether the provider agrees is for `channel check`."""
    channels = Channels()
    for name, configured in environment.settings.senders.items():
        try:
            require_timeout(channels, name, configured.channel)
            channel = channels.open(name, configured, environment, PooledClient())
        except DispatcherError as error:
            yield bad("senders", error.message, error.hint)
            continue
        address = _pretend_carrier_that_is_gone(channel)
        more = f"its pretend carrier at {address} is not running" if address else "ask its provider"
        way = "dispatcher simulate starts one" if address else f"dispatcher channel check {name}"
        yield good("senders", f"{name} is complete; {more}: {way}")


def rates(environment: Environment, opened: Database) -> Iterator[Finding]:
    """A rate that was changed in the settings after its first use (invariant 9)."""
    with opened.read() as connection:
        idle = idle_rates(environment.settings, sender_rows(connection))
    for one in idle:
        yield bad("rates", one.detail, f"Run: {one.command}")
    if not idle:
        yield good("rates", "as in the settings, or as `dispatcher channel set` said since")


def public_url(environment: Environment, *, excuse_gone: bool = True) -> Iterator[Finding]:
    """`excuse_gone`: a pretend carrier that is not running reports to nobody; whoever starts to send may start it."""
    if environment.public_url:
        yield good("public URL", environment.public_url)
        return
    channels = Channels()
    pushed = [name for name in environment.settings.senders if _is_called_back(environment, channels, name)]
    calling = [name for name in pushed if not (excuse_gone and _is_pretend_and_gone(environment, channels, name))]
    if calling:
        detail = f"not set: {', '.join(calling)} cannot tell what became of messages"
        fix = "Set DISPATCHER_PUBLIC_URL to the address at which providers reach this server."
        yield bad("public URL", detail, fix)
    elif pushed:
        yield good("public URL", "not set; no matter: the pretend carrier is not running (a demo's ends with it)")
    else:
        yield good("public URL", "not needed: no sender reports back")


def _is_called_back(environment: Environment, channels: Channels, name: str) -> bool:
    """By its configuration, where that is complete; else by what its channel says of itself."""
    settings = environment.settings.senders[name]
    try:
        return channels.open(name, settings, environment, PooledClient()).capabilities.receipts == "push"
    except ProviderError:
        return channels.get(settings.channel).capabilities.receipts == "push"
    except DispatcherError:
        return False


def _is_pretend_and_gone(environment: Environment, channels: Channels, name: str) -> bool:
    try:
        channel = channels.open(name, environment.settings.senders[name], environment, PooledClient())
    except DispatcherError:
        return False
    return bool(_pretend_carrier_that_is_gone(channel))


def _pretend_carrier_that_is_gone(channel: Channel[Any]) -> str:
    """Its address; "" for a real provider, or a simulator that runs."""
    url = urlsplit(str(getattr(channel.config, "base_url", "")))
    if not channel.capabilities.synthetic_only or not url.hostname:
        return ""
    address = (url.hostname, url.port or 80)
    try:
        socket.create_connection(address, timeout=_ANSWERS_WITHIN_S).close()
    except OSError:
        return f"{address[0]}:{address[1]}"
    return ""
