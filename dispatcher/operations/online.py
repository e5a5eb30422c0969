"""What only providers can say about a campaign file: credentials that work, and templates that fit.

Beside all that `validate.py` says. No database is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dispatcher.campaign.loader import Loaded
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import routes_as_written
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.errors import DispatcherError, ProviderError, UsageError
from dispatcher.operations.channels import Channels
from dispatcher.operations.provider_templates import ask_for_templates, template_diagnostics
from dispatcher.settings import Environment
from dispatcher.spi import Channel, Check
from dispatcher.spi.http import PooledClient

SENDER_CODES: Final = {
    "missing-credentials": "A sender needs a variable that is not set; the message names it.",
    "sender-settings": "The settings of a sender do not serve its channel.",
    "sender-check": "The provider of a sender refuses it, or could not be asked.",
    "template-unknown": "The provider could not be asked for a template.",
}
"""Each of them ends the command with exit code 7: the file may be fine, its providers are not."""


def is_about_a_provider(diagnostic: Diagnostic) -> bool:
    return diagnostic.code in SENDER_CODES


def online_diagnostics(environment: Environment, channels: Channels, loaded: Loaded) -> list[Diagnostic]:
    """Asks the providers of all senders that the campaign routes through. UsageError where no settings are given."""
    if not environment.config_is_given:
        raise UsageError(
            "config-missing",
            "--online asks the providers of your senders, and there are no settings that name them",
            "Write dispatcher.yaml, or name another file in DISPATCHER_CONFIG.",
        )
    if loaded.campaign is None:
        return []
    places = dict(_places(loaded))
    wrong = asyncio.run(_check_all(environment, channels, places))
    answers = ask_for_templates(environment, channels, loaded.campaign)
    for name, error in answers.problems.items():
        wrong.setdefault(name, [error])  # a sender that was refused has said why
    refused = [_at(loaded, places[name], error) for name, errors in wrong.items() for error in errors]
    found = [*refused, *template_diagnostics(loaded, answers)]
    return sorted(found, key=lambda d: (d.line, d.column))


def _places(loaded: Loaded) -> Iterator[tuple[str, Path]]:
    """Each sender, where it is written first."""
    assert loaded.campaign is not None
    found: dict[str, Path] = {}
    for path, route in routes_as_written(loaded.campaign):
        for index, hop in enumerate(route):
            for name in hop.senders:
                found.setdefault(name, (*path, index, "senders"))
    return iter(found.items())


async def _check_all(
    environment: Environment, channels: Channels, places: Mapping[str, Path]
) -> dict[str, list[DispatcherError]]:
    """Sender → what is wrong with it; senders that are not configured are told by the rules."""
    http = PooledClient()
    names = [name for name in places if name in environment.settings.senders]
    try:
        found = await asyncio.gather(*(_check(environment, channels, http, name) for name in names))
    finally:
        await http.close()
    return {name: errors for name, errors in zip(names, found, strict=True) if errors}


async def _check(environment: Environment, channels: Channels, http: PooledClient, name: str) -> list[DispatcherError]:
    try:
        channel = channels.open(name, environment.settings.senders[name], environment, http)
    except ProviderError as error:
        return [error]
    try:
        return [_error(name, line) for line in await _lines(channel) if not line.ok]
    finally:
        await channel.close()


async def _lines(channel: Channel[Any]) -> list[Check]:
    try:
        return list(await channel.check())
    except Exception as error:  # anyone's adapter: a check that breaks is a finding, not a crash
        return [Check("check", False, f"the adapter failed ({type(error).__name__})", "tell the adapter's maker")]


def _error(name: str, line: Check) -> ProviderError:
    return ProviderError("sender-check", f"sender {name}: {line.name}: {line.detail}", line.fix)


def _at(loaded: Loaded, path: Path, error: DispatcherError) -> Diagnostic:
    line, column = loaded.positions.position_of(path)
    return Diagnostic(error.code, "error", error.message, loaded.file, line, column, error.hint)
