"""Finding channels and opening senders, through the entry points that anyone's package may declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from dispatcher.core.errors import ProviderError, UsageError
from dispatcher.settings import Environment, SenderSettings
from dispatcher.spi import API_VERSION, Channel, HttpClient

GROUP = "dispatcher.channels"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point. `channel` is None where it did not load, and `error` says why."""

    name: str
    origin: str
    version: str
    channel: type[Channel[Any]] | None
    error: str = ""


class Channels:
    """All channels installed. A plug-in that fails to import is reported and stops nothing else."""

    @cached_property
    def _declared(self) -> tuple[EntryPoint, ...]:
        return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name))

    @cached_property
    def _points(self) -> Mapping[str, EntryPoint]:
        found: dict[str, EntryPoint] = {}
        for point in self._declared:
            found.setdefault(point.name, point)
        return found

    @cached_property
    def plugins(self) -> tuple[Plugin, ...]:
        return tuple(_load(point, self._points[point.name] is not point) for point in self._declared)

    def get(self, name: str) -> type[Channel[Any]]:
        """Loads this one only. UsageError where it is unknown or broken."""
        point = self._points.get(name)
        if point is None:
            known = ", ".join(sorted(self._points))
            raise UsageError("unknown-channel", f'there is no channel "{name}"', f"Installed: {known}.")
        plugin = _load(point, taken=False)
        if plugin.channel is None:
            raise UsageError("broken-channel", f"channel {name} does not load: {plugin.error}", "See: channel list")
        return plugin.channel

    def open(self, sender: str, settings: SenderSettings, environment: Environment, http: HttpClient) -> Channel[Any]:
        """A sender ready to send. ProviderError (exit 7) where credentials are missing or do not fit."""
        channel = self.get(settings.channel)
        options = environment.fill_in(sender, settings.options)
        try:
            config = channel.Config.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "settings"
            raise ProviderError("sender-settings", f"sender {sender}: {place}: {first['msg']}") from None
        return channel(config, http)


def _load(point: EntryPoint, taken: bool) -> Plugin:
    origin = point.dist.name if point.dist else ""
    version = point.dist.version if point.dist else ""
    if taken:
        return Plugin(point.name, origin, version, None, "another package already offers this name")
    try:
        channel = point.load()
    except Exception as error:  # anyone's code: whatever it raises is the plug-in's fault, not ours
        return Plugin(point.name, origin, version, None, f"{type(error).__name__} at import")
    if not (isinstance(channel, type) and issubclass(channel, Channel)):
        return Plugin(point.name, origin, version, None, "it is not a Channel class")
    if channel.api_version > API_VERSION:
        return Plugin(point.name, origin, version, None, f"it needs channel API {channel.api_version}")
    return Plugin(point.name, origin, version, channel)
