"""Links of messages: each gets its own token where its text has one, stored by hash in the commit of the message."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from dispatcher.campaign.model import Campaign, Session
from dispatcher.operations.context import Context
from dispatcher.render.personal import SHARED_STAND_IN, STAND_IN, LinkTerms, derived_token, new_token, uses_links
from dispatcher.settings import Environment
from dispatcher.store.links import Link, store_links, store_shared

_US = timedelta(microseconds=1)


def link_base(environment: Environment) -> str:
    """Where links lead: the short domain, else the public URL; "" where neither is configured."""
    return environment.settings.links.base_url or environment.public_url


def link_terms(context: Context, campaign: Campaign, sources: Mapping[str, str]) -> LinkTerms | None:
    """None where no text has a link. Lint has seen that there is an address."""
    if not uses_links(campaign, sources):
        return None
    passing = sorted(slug for slug, group in context.settings.groups.items() if group.households)
    return LinkTerms(link_base(context.environment), tuple(passing))


def valid_for_us(context: Context) -> int:
    return context.settings.links.valid_for // _US


class Linker:
    """The links of one step's messages in one transaction."""

    def __init__(self, context: Context, campaign: Campaign, session: Session | None, step: Any) -> None:
        self._keys = context.keys
        self._step = step
        over_us = campaign.instant_us(session.ends or session.starts) if session else 0
        self._expires_us = max(step.due_us, step.expires_us, over_us) + valid_for_us(context)
        self._made: dict[int, Link] = {}
        self._shared = b""

    def fill(self, body: str, message_id: int, contact_id: int, cell_id: int) -> str:
        """The stored text with the message's own tokens in the place of the stand-ins."""
        if STAND_IN in body:
            token = new_token()
            about = (message_id, self._step.id, self._step.campaign_id, contact_id, cell_id, self._expires_us)
            self._made[message_id] = Link(self._keys.hash_link(token), *about)
            body = body.replace(STAND_IN, token)
        if SHARED_STAND_IN in body:
            token = derived_token(self._keys.hash_link(f"shared:{self._step.id}"))
            self._shared = self._keys.hash_link(token)
            body = body.replace(SHARED_STAND_IN, token)
        return body

    def store(self, connection: Connection, message_ids: Collection[int]) -> None:
        """Those of the messages that are stored. A text that is written anew leaves its former link working."""
        store_links(connection, [self._made[i] for i in message_ids if i in self._made])
        if self._shared:
            store_shared(connection, self._shared, self._step, self._expires_us)
