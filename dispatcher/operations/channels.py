"""Finding channels and opening senders, through the entry points that anyone's package may declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from dispatcher.core.errors import ProviderError, UsageError
from dispatcher.operations.logs import log
from dispatcher.operations.private_hosts import require_public
from dispatcher.settings import Environment
from dispatcher.settings.model import SenderSettings
from dispatcher.spi import API_VERSION, Capabilities, Channel, ChannelConfig, HttpClient

GROUP = "dispatcher.channels"
OUR_PACKAGE = "dispatcher"


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
        """Our own names cannot be taken over; else the package whose name comes first keeps one."""
        found: dict[str, EntryPoint] = {}
        for point in sorted(self._declared, key=_origin_order):
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

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._points)

    def is_broken(self, name: str) -> bool:
        """Installed, and does not load."""
        return name in self._points and _load(self._points[name], taken=False).channel is None

    def open(
        self,
        sender: str,
        settings: SenderSettings,
        environment: Environment,
        http: HttpClient,
        *,
        resolve: bool = False,
    ) -> Channel[Any]:
        """A sender ready to send. ProviderError (exit 7) where credentials are missing or do not fit, or it breaks.

        `resolve`: it will be used, so that names of hosts are looked up (private_hosts.py).
        """
        channel = self.get(settings.channel)
        options = environment.fill_in(sender, settings.options)
        try:
            config = channel.Config.model_validate(options)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "settings"
            problem = first["msg"].removeprefix("Value error, ")
            raise ProviderError("sender-settings", f"sender {sender}: {place}: {problem}") from None
        except Exception as error:
            raise _broken(sender, error) from None
        if isinstance(config, ChannelConfig):
            config.filled_in(environment.filled_in(settings.options))
        if not (settings.allow_private or channel.capabilities.synthetic_only):
            require_public(sender, config, resolve=resolve)
        try:
            return channel(config, http)
        except Exception as error:
            raise _broken(sender, error) from None


def _broken(sender: str, error: Exception) -> ProviderError:
    """Anyone's code: its sender is told of, and the others go on. What it says may quote a credential."""
    log.error("channel-failed", sender=sender, exc_info=error)
    message = f"sender {sender}: its channel does not open ({type(error).__name__})"
    return ProviderError("broken-channel", message, "Tell the adapter's maker.")


def _origin_order(point: EntryPoint) -> tuple[bool, str]:
    origin = point.dist.name if point.dist else ""
    return origin != OUR_PACKAGE, origin


def _load(point: EntryPoint, taken: bool) -> Plugin:
    origin = point.dist.name if point.dist else ""
    version = point.dist.version if point.dist else ""
    if taken:
        return Plugin(point.name, origin, version, None, "another package already offers this name")
    try:
        channel = point.load()
    except (Exception, SystemExit) as error:  # anyone's code: whatever it raises is the plug-in's fault, not ours
        return Plugin(point.name, origin, version, None, f"{type(error).__name__} at import")
    problem = _problem(channel, point.name)
    return Plugin(point.name, origin, version, None if problem else channel, problem)


def _problem(channel: object, name: str) -> str:
    """What keeps us from using what an entry point led to; "" for nothing."""
    if not (isinstance(channel, type) and issubclass(channel, Channel)):
        return "it is not a Channel class"
    wanted = channel.api_version
    if type(wanted) is not int or not 1 <= wanted <= API_VERSION:
        return f"it is written for channel API {wanted!r}; this version has {API_VERSION}"
    if getattr(channel, "name", None) != name:
        return f"its class calls itself {getattr(channel, 'name', None)!r}"
    missing = [
        part
        for part, kind in (("capabilities", Capabilities), ("Config", type))
        if not isinstance(getattr(channel, part, None), kind)
    ]
    if missing:
        return f"its class declares no {missing[0]}"
    left = sorted(getattr(channel, "__abstractmethods__", ()))
    return f"its class has no {left[0]}" if left else ""
