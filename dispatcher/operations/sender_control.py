"""Channels and senders for their operator: list, check, send a test, set the rate, pause, resume."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import Connection

from dispatcher.core.clock import SECOND_US
from dispatcher.core.errors import DispatcherError, IncompleteError, ProviderError, RefusedError, UsageError
from dispatcher.core.phone import PhoneNumber, parse_phone
from dispatcher.core.segments import measure
from dispatcher.delivery.pacing import permits
from dispatcher.delivery.people import Wish
from dispatcher.operations.channels import Plugin
from dispatcher.operations.context import Context
from dispatcher.operations.senders import idle_rates, rate_as_written, sync_senders
from dispatcher.receipts.fold import make_ref
from dispatcher.settings.model import Rate
from dispatcher.spi import (
    Accepted,
    Ambiguous,
    Channel,
    Misconfigured,
    NotSent,
    NotSentError,
    OutboundMessage,
    Outcome,
)
from dispatcher.spi.http import PooledClient
from dispatcher.store.installation import record_act, take_ids
from dispatcher.store.permits import lock_sender, move_tat
from dispatcher.store.recent import touch
from dispatcher.store.senders import find_sender, is_suppressed, sender_rows, set_sender, set_sender_rate

UNLIMITED = "none"
_LONGEST_WAIT_S = 30.0

T = TypeVar("T")


def list_channels(context: Context) -> list[dict[str, Any]]:
    """Every plug-in, loaded or not, with the senders that are configured on it."""
    with context.database.read() as connection:
        rows = {row.name: row for row in sender_rows(connection)}
    notes = {one.sender: str(one) for one in idle_rates(context.settings, list(rows.values()))}
    configured = {
        name: _sender(context, name, rows.get(name)) | {"note": notes.get(name, "")}
        for name in context.settings.senders
    }
    known = [_plugin(context, plugin, configured) for plugin in context.channels.plugins]
    names = {plugin["name"] for plugin in known}
    wanted = {sender.channel for sender in context.settings.senders.values()}
    return [*known, *(_missing(context, name, configured) for name in sorted(wanted - names))]


def _missing(context: Context, channel: str, configured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A channel that the settings name and nobody installed."""
    return _plugin(context, Plugin(channel, "", "", None, "it is not installed"), configured)


def _plugin(context: Context, plugin: Plugin, configured: dict[str, dict[str, Any]]) -> dict[str, Any]:
    mine = [configured[name] for name, sender in context.settings.senders.items() if sender.channel == plugin.name]
    return {
        "name": plugin.name,
        "version": plugin.version,
        "origin": plugin.origin,
        "capabilities": asdict(plugin.channel.capabilities) if plugin.channel else None,
        **({"error": plugin.error} if plugin.error else {}),
        "senders": mine,
    }


def _sender(context: Context, name: str, row: Any | None) -> dict[str, Any]:
    """`row`: as SQL knows it, None before its first use."""
    settings = context.settings.senders[name]
    problem = _problem(context, name)
    rate = settings.rate
    return {
        "name": name,
        "rate_per_s": row.rate_per_s if row else rate.per_s if rate else None,
        "rate_unit": row.rate_unit if row else rate.unit if rate else "message",
        "people_per_day": settings.people_per_day,
        "spacing_s": settings.spacing.total_seconds() if settings.spacing else None,
        "paused": bool(row and row.paused),
        "pause_reason": row.pause_reason if row else "",
        "ready": not problem,
        "problem": problem,
    }


def _problem(context: Context, name: str) -> str:
    try:
        context.open_sender(name, PooledClient(), resolve=False)
    except DispatcherError as error:
        return error.message
    return ""


def check_senders(context: Context, name: str = "") -> list[dict[str, Any]]:
    """What the adapters find when they ask their providers; a missing variable is a finding as well."""
    _known(context, name)
    names = [name] if name else list(context.settings.senders)
    return asyncio.run(_check_all(context, names))


def _known(context: Context, name: str) -> None:
    if name and name not in context.settings.senders:
        known = ", ".join(context.settings.senders)
        raise UsageError("unknown-sender", f"there is no sender {name}", f"Configured: {known}.")


async def _check_all(context: Context, names: list[str]) -> list[dict[str, Any]]:
    return [line for name in names for line in await _check(context, name)]


async def _check(context: Context, name: str) -> list[dict[str, Any]]:
    def line(check: str, ok: bool, detail: str, fix: str) -> dict[str, Any]:
        return {"sender": name, "check": check, "ok": ok, "detail": detail, "fix": fix}

    async def ask(channel: Channel[Any]) -> list[dict[str, Any]]:
        found = await channel.check()
        opened = line("settings", True, f"channel {channel.name}, from {channel.identity or '-'}", "")
        return [opened, *(line(one.name, one.ok, one.detail, one.fix) for one in found)]

    try:
        return await _with_channel(context, name, ask)
    except DispatcherError as error:
        return [line("settings", False, error.message, error.hint)]
    except Exception as error:  # anyone's adapter: a check that breaks is a finding, not a crash
        return [line("check", False, f"the adapter failed ({type(error).__name__})", "Tell the adapter's maker.")]


async def _with_channel(context: Context, name: str, use: Callable[[Channel[Any]], Awaitable[T]]) -> T:
    http = PooledClient()
    try:
        channel = context.open_sender(name, http)
        try:
            return await use(channel)
        finally:
            await channel.close()
    finally:
        await http.close()


def send_test(context: Context, name: str, to: str, text: str, by: str) -> dict[str, Any]:
    """One message outside any campaign, at the sender's pace. Refusals count here too (invariant 14)."""
    _known(context, name)
    settings = context.settings.senders[name]
    number = parse_phone(to, settings.countries[0] if settings.countries else "ID")
    capabilities = context.open_sender(name, PooledClient()).capabilities
    segments = measure(text).segments if capabilities.cost_unit == "segment" else 1
    sender_id = sync_senders(context)[name]
    test_id, wait_s = context.database.run(
        lambda connection: _permit(context, connection, name, sender_id, number, segments, by)
    )
    message = OutboundMessage(make_ref(test_id, 1), number.e164, text, segments=segments)

    async def send(channel: Channel[Any]) -> Outcome:
        await asyncio.sleep(wait_s)
        try:
            return await channel.send(message)
        except NotSentError as error:
            return NotSent(detail=str(error))
        except Exception as error:  # after the request may have left, nobody knows
            return Ambiguous(detail=type(error).__name__)

    return _told(context, name, asyncio.run(_with_channel(context, name, send)))


def _permit(
    context: Context, connection: Connection, name: str, sender_id: int, number: PhoneNumber, segments: int, by: str
) -> tuple[int, float]:
    """An id for the message, and how long its permit is away (invariant 9)."""
    settings, now_us = context.settings.senders[name], context.now_us()
    if settings.countries and number.country not in settings.countries:
        served = ", ".join(settings.countries)
        raise RefusedError("country", f"sender {name} serves {served}, not {number.country}", "Use another sender.")
    if is_suppressed(connection, context.keys.hash_address(number.e164)):
        raise RefusedError("opted-out", "this number refused messages", "Use a number of your own.")
    sender = lock_sender(connection, sender_id)
    if sender.paused:
        hint = f"Go on with: dispatcher channel set {name} --resume"
        raise RefusedError("sender-paused", f"sender {name} is paused: {sender.pause_reason or 'by a person'}", hint)
    at_us = now_us
    if sender.rate_per_s:
        units = segments if sender.rate_unit == "segment" else 1
        (at_us,), tat_us = permits(sender.tat_us, now_us, sender.rate_per_s, [units], 1 << 62)
        move_tat(connection, sender_id, tat_us)
    wait_s = (at_us - now_us) / SECOND_US
    if wait_s > _LONGEST_WAIT_S:
        raise RefusedError("rate", f"sender {name} is busy for {wait_s:.0f} s", "Try again later.")
    (test_id,) = take_ids(connection, 1, now_us)
    touch(connection, sender, [Wish(test_id, context.keys.hash_address(number.e164))], [at_us])
    record_act(connection, now_us, by, "channel send-test", name)
    return test_id, wait_s


def _told(context: Context, name: str, outcome: Outcome) -> dict[str, Any]:
    """What happened, in words; an error with the exit code of its kind where it did not arrive at the provider."""
    if isinstance(outcome, Accepted):
        return {"sender": name, "outcome": "accepted", "provider_ids": list(outcome.provider_ids)}
    code = getattr(outcome, "code", "")
    channel = context.channels.get(context.settings.senders[name].channel)
    detail = channel.explain(code, "en") or getattr(outcome, "detail", "") or "no reason given"
    kind = type(outcome).__name__
    message = f"{name}: {kind}{f' ({code})' if code else ''}: {detail}"
    if isinstance(outcome, Misconfigured):
        raise ProviderError("misconfigured", message, f"See: dispatcher channel check {name}")
    hint = "It may have been sent: look at the phone." if isinstance(outcome, Ambiguous) else ""
    raise IncompleteError(kind.lower(), message, hint)


def set_rate(context: Context, name: str, rate: str, by: str) -> dict[str, Any]:
    """`rate`: "80 msg/s", "80 seg/s", or "none". Holds at once, for all workers; waiting messages are weighed anew."""
    try:
        parsed = None if rate == UNLIMITED else Rate.parse(rate)
    except ValueError as error:
        raise UsageError("rate", str(error), f'Or "{UNLIMITED}" for no limit.') from None
    per_s, unit = (parsed.per_s, parsed.unit) if parsed else (None, "message")

    def change(connection: Connection, sender: Any) -> dict[str, Any]:
        if name in context.settings.senders:
            set_sender(connection, sender.id, file_rate=rate_as_written(context.settings.senders[name]))
        set_sender_rate(connection, sender.id, per_s, unit, reweigh=unit != sender.rate_unit)
        return {"rate_per_s": per_s, "rate_unit": unit}

    return _change(context, name, by, change)


def pause(context: Context, name: str, reason: str, by: str) -> dict[str, Any]:
    said = reason or (f"by {by}" if by else "by a person")
    return _change(context, name, by, lambda c, row: set_sender(c, row.id, paused=True, pause_reason=said))


def resume(context: Context, name: str, by: str) -> dict[str, Any]:
    return _change(
        context,
        name,
        by,
        lambda c, row: set_sender(c, row.id, paused=False, pause_reason="", slow_until_us=None),
    )


def _change(
    context: Context, name: str, by: str, change: Callable[[Connection, Any], dict[str, Any]]
) -> dict[str, Any]:
    """On the sender's own row, locked, so that it holds for the very next claim."""
    if name in context.settings.senders:
        sync_senders(context)
    with context.database.begin() as connection:
        found = find_sender(connection, name)
        if found is None:
            _known(context, name)
            raise UsageError("unknown-sender", f"there is no sender {name}", "See: dispatcher channel list")
        changed = change(connection, lock_sender(connection, found.id))
        now_us = context.now_us()
        set_sender(connection, found.id, updated_us=now_us)
        record_act(connection, now_us, by, "channel set", name, changed)
        row = lock_sender(connection, found.id)
    return {
        "name": name,
        "rate_per_s": row.rate_per_s,
        "rate_unit": row.rate_unit,
        "paused": row.paused,
        "pause_reason": row.pause_reason,
    }
