"""Senders: what the settings say, copied to SQL, where their rate then lives (invariant 9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, insert, select, update

from dispatcher.campaign.senders import SenderFacts
from dispatcher.core.errors import ProviderError
from dispatcher.core.media import Media
from dispatcher.operations.channels import Channels
from dispatcher.operations.context import Context
from dispatcher.settings import Environment
from dispatcher.settings.model import SenderSettings, Settings
from dispatcher.spi import Channel, HttpClient
from dispatcher.spi.capabilities import Capabilities
from dispatcher.spi.http import PooledClient
from dispatcher.store.installation import one_at_a_time, take_ids
from dispatcher.store.recent import change_rules
from dispatcher.store.tables import senders


def sender_facts(context: Context) -> dict[str, SenderFacts]:
    """What campaigns may rely on, without a network; where a credential is missing, what the settings say."""
    return facts_from(context.environment, context.channels)


def facts_from(environment: Environment, channels: Channels) -> dict[str, SenderFacts]:
    """As `sender_facts`, where there is no database. A sender whose plug-in is broken has none, and stops no other."""
    http = PooledClient()
    configured = environment.settings.senders.items()
    facts = ((name, _facts(environment, channels, http, name, settings)) for name, settings in configured)
    return {name: known for name, known in facts if known}


def _facts(
    environment: Environment, channels: Channels, http: HttpClient, name: str, settings: SenderSettings
) -> SenderFacts | None:
    if channels.is_broken(settings.channel):
        return None
    try:
        channel: Channel[Any] | None = channels.open(name, settings, environment, http)
    except ProviderError:
        channel = None
    able: Capabilities = channel.capabilities if channel else channels.get(settings.channel).capabilities
    return SenderFacts(
        name=name,
        channel=settings.channel,
        media=able.media if channel else cast("Media", settings.options.get("media", able.media)),
        identity=channel.identity if channel else _stated_identity(environment, name, settings),
        free_text=able.free_text,
        templates=able.templates,
        max_characters=able.max_characters,
        countries=settings.countries,
    )


#: Options that say what recipients see as the origin, whatever the channel.
_ORIGINS = ("from", "messaging_service_sid")


def _stated_identity(environment: Environment, name: str, settings: SenderSettings) -> str:
    """What the settings say of the origin, where a credential is missing; "" where that is missing too."""
    for option in _ORIGINS:
        if option in settings.options:
            try:
                stated = environment.fill_in(name, {option: settings.options[option]})
            except ProviderError:
                continue
            return str(stated[option]).removeprefix("whatsapp:")
    return ""


def sync_senders(context: Context) -> dict[str, int]:
    """Rows for all configured senders; those no longer named are marked as removed. Name → id.

    The rate of the settings counts for a new row only (`idle_rates` tells of others); `people_per_day` and `spacing`
    follow the settings. An origin that cannot be told now stays what it was.
    """
    facts = sender_facts(context)
    return context.database.run(lambda connection: _sync(connection, context, facts))


def _sync(connection: Connection, context: Context, facts: dict[str, SenderFacts]) -> dict[str, int]:
    one_at_a_time(connection, "senders")
    now_us = context.now_us()
    rows = connection.execute(select(senders).order_by(senders.c.id).with_for_update()).all()
    known, before = {row.name: row.id for row in rows}, {row.name: row for row in rows}
    for name, fact in facts.items():
        settings, row = context.settings.senders[name], before.get(name)
        rules = {"people_per_day": settings.people_per_day, "spacing_us": _us(settings.spacing)}
        values = {
            "channel": fact.channel,
            "media": fact.media,
            "identity": fact.identity or (row.identity if row else ""),
            "removed": False,
            **rules,
            "updated_us": now_us,
        }
        if row is not None:
            seen = {"file_rate": rate_as_written(settings)} if row.file_rate is None else {}
            connection.execute(update(senders).where(senders.c.id == row.id).values(**values, **seen))
            if (row.people_per_day, row.spacing_us) != tuple(rules.values()):
                change_rules(connection, row, now_us)
            continue
        (known[name],) = take_ids(connection, 1, now_us)
        rate = {"rate_per_s": settings.rate.per_s, "rate_unit": settings.rate.unit} if settings.rate else {}
        written = {"file_rate": rate_as_written(settings)}
        connection.execute(insert(senders).values(id=known[name], name=name, **rate, **written, **values))
    gone = [name for name in known if name not in context.settings.senders]
    connection.execute(update(senders).where(senders.c.name.in_(gone)).values(removed=True, updated_us=now_us))
    return known


def _us(length: timedelta | None) -> int | None:
    return length // timedelta(microseconds=1) if length else None


def rate_as_written(settings: SenderSettings) -> str:
    """Empty for none; the same for equal rates, however they are written."""
    return str(settings.rate or "")


class IdleRate(NamedTuple):
    """A rate that was changed in the settings and has no effect."""

    sender: str
    detail: str
    command: str

    def __str__(self) -> str:
        return f"{self.detail}. Use: {self.command}"


def idle_rates(settings: Settings, rows: Sequence[Any]) -> list[IdleRate]:
    """`rows`: the senders as SQL knows them."""
    known, found = {row.name: row for row in rows}, []
    for name, sender in settings.senders.items():
        row, written = known.get(name), rate_as_written(sender)
        if row is None or row.file_rate is None or row.file_rate == written:
            continue
        now = f"{row.rate_per_s:g} {row.rate_unit}s a second" if row.rate_per_s else "as fast as it can"
        detail = f"{name} goes on at {now}: the rate lives in SQL, and its change in the settings has no effect"
        found.append(IdleRate(name, detail, f'dispatcher channel set {name} --rate "{written or "none"}"'))
    return found
