"""Senders: what the settings say, copied to SQL, where their rate then lives (invariant 9)."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Connection, insert, select, update

from dispatcher.campaign.senders import SenderFacts
from dispatcher.core.errors import ProviderError
from dispatcher.operations.channels import Channels
from dispatcher.operations.context import Context
from dispatcher.settings import Environment, SenderSettings
from dispatcher.spi import Channel, HttpClient
from dispatcher.spi.capabilities import Capabilities, Media
from dispatcher.spi.http import PooledClient
from dispatcher.store.installation import one_at_a_time, take_ids
from dispatcher.store.tables import senders


def sender_facts(context: Context) -> dict[str, SenderFacts]:
    """What campaigns may rely on, without a network; where a credential is missing, what the settings say."""
    return facts_from(context.environment, context.channels)


def facts_from(environment: Environment, channels: Channels) -> dict[str, SenderFacts]:
    """As `sender_facts`, where there is no database."""
    http = PooledClient()
    configured = environment.settings.senders.items()
    return {name: _facts(environment, channels, http, name, settings) for name, settings in configured}


def _facts(
    environment: Environment, channels: Channels, http: HttpClient, name: str, settings: SenderSettings
) -> SenderFacts:
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

    The rate of the settings counts for a new row only; an origin that cannot be told now stays what it was.
    """
    facts = sender_facts(context)
    return context.database.run(lambda connection: _sync(connection, context, facts))


def _sync(connection: Connection, context: Context, facts: dict[str, SenderFacts]) -> dict[str, int]:
    one_at_a_time(connection, "senders")
    now_us = context.now_us()
    rows = connection.execute(select(senders).order_by(senders.c.id).with_for_update()).all()
    known, identities = {row.name: row.id for row in rows}, {row.name: row.identity for row in rows}
    for name, fact in facts.items():
        settings = context.settings.senders[name]
        values = {
            "channel": fact.channel,
            "media": fact.media,
            "identity": fact.identity or identities.get(name, ""),
            "removed": False,
            "updated_us": now_us,
        }
        if name in known:
            connection.execute(update(senders).where(senders.c.name == name).values(**values))
            continue
        (known[name],) = take_ids(connection, 1, now_us)
        rate = {"rate_per_s": settings.rate.per_s, "rate_unit": settings.rate.unit} if settings.rate else {}
        connection.execute(insert(senders).values(id=known[name], name=name, **rate, **values))
    gone = [name for name in known if name not in facts]
    connection.execute(update(senders).where(senders.c.name.in_(gone)).values(removed=True, updated_us=now_us))
    return known
