"""Links as they are stored with their messages: by keyed hash, so that nobody who reads the table can follow one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, case, func, select, update

from dispatcher.store.bulk import any_of, any_param, array_of, insert_ignore
from dispatcher.store.load import load
from dispatcher.store.prepared import Prepared
from dispatcher.store.tables import (
    answers,
    campaigns,
    contacts,
    links,
    messages,
    session_people,
    sessions,
    steps,
    suppressions,
)

l, m, s = links.c, messages.c, sessions.c  # noqa: E741

_COLUMNS: Final = ("token_hash", "message_id", "step_id", "campaign_id", "contact_id", "cell_id", "expires_us")


class Link(NamedTuple):
    """A message's link, in the order of the columns."""

    token_hash: bytes
    message_id: int
    step_id: int
    campaign_id: int
    contact_id: int
    cell_id: int
    expires_us: int


def store_links(connection: Connection, found: Sequence[Link]) -> None:
    """New ones; tokens are random, so no key is taken."""
    load(connection, links, _COLUMNS, found)


def store_shared(connection: Connection, token_hash: bytes, step: Any, expires_us: int) -> None:
    """The step's link to pass on; it stays where it is there already."""
    row = {"token_hash": token_hash, "step_id": step.id, "campaign_id": step.campaign_id, "expires_us": expires_us}
    insert_ignore(connection, links, [row])


class Found(NamedTuple):
    """What stands behind a token, in one row. A shared link has no message and no person.

    `rsvp` to `refused_us` are the person's: to the session, to the campaign, and of the number.
    """

    token_hash: bytes
    message_id: int | None
    step_id: int
    campaign_id: int
    contact_id: int | None
    cell_id: int | None
    expires_us: int
    visited_us: int | None
    previewed_us: int | None
    stopped_us: int | None
    campaign_state: str
    plan_id: int
    occasion: str
    address_hash: bytes | None
    address_sealed: bytes | None
    name_sealed: bytes | None
    language: str | None
    erased_us: int | None
    title: str | None
    place: str | None
    address: str | None
    zone: str | None
    starts_us: int | None
    ends_us: int | None
    capacity: int | None
    updated_us: int | None
    rsvp: str | None
    meaning: str | None
    refused_via: str | None
    refused_us: int | None


def _statement(is_postgres: bool) -> Any:
    """Each table by its whole primary key: joined, a planner may read all people of a session for each link."""
    p, a, x = session_people.c, answers.c, suppressions.c
    rsvp = select(p.rsvp).where(p.session_slug == steps.c.occasion, p.contact_id == l.contact_id)
    meaning = select(a.meaning).where(a.campaign_id == l.campaign_id, a.contact_id == l.contact_id)
    columns = (
        l.token_hash, l.message_id, l.step_id, l.campaign_id, l.contact_id, l.cell_id, l.expires_us, l.visited_us,
        l.previewed_us, l.stopped_us, campaigns.c.state, steps.c.plan_id, steps.c.occasion, m.address_hash,
        m.address_sealed, contacts.c.name_sealed, contacts.c.language, contacts.c.erased_us, s.title, s.place,
        s.address, s.zone, s.starts_us, s.ends_us, s.capacity, s.updated_us, rsvp.scalar_subquery(),
        meaning.scalar_subquery(), x.via, x.at_us,
    )  # fmt: skip
    joined = (
        links.join(campaigns, campaigns.c.id == l.campaign_id)
        .join(steps, steps.c.id == l.step_id)
        .outerjoin(messages, m.id == l.message_id)
        .outerjoin(contacts, contacts.c.id == l.contact_id)
        .outerjoin(sessions, s.slug == steps.c.occasion)
        .outerjoin(suppressions, (x.address_hash == m.address_hash) & (x.purpose == "*"))
    )
    return select(*columns).select_from(joined).where(any_param(l.token_hash, "hashes", is_postgres=is_postgres))


_FOUND: Final = Prepared(_statement)


def find_links(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, Found]:
    """By hash; unknown ones are missing."""
    rows = _FOUND.rows(connection, {"hashes": array_of(connection, l.token_hash, hashes)})
    return {bytes(row[0]): Found(*row) for row in rows}


def lock_link(connection: Connection, token_hash: bytes) -> Found | None:
    """Locked until the commit: two taps at once act one after the other."""
    held = select(l.token_hash).where(l.token_hash == token_hash).with_for_update()
    if connection.execute(held).first() is None:
        return None
    return find_links(connection, [token_hash]).get(token_hash)


def mark_stopped(connection: Connection, token_hash: bytes, at_us: int | None) -> None:
    connection.execute(update(links).where(l.token_hash == token_hash).values(stopped_us=at_us))


def note_visits(connection: Connection, hashes: Iterable[bytes], now_us: int) -> None:
    """By people. The first visit of a personal link is kept; of a shared one, each counts."""
    for token_hash in hashes:
        seen = case((l.contact_id.is_(None), l.visits + 1), else_=1)
        mine = update(links).where(l.token_hash == token_hash)
        connection.execute(mine.values(visited_us=func.coalesce(l.visited_us, now_us), visits=seen))


def note_previews(connection: Connection, hashes: Iterable[bytes], now_us: int) -> None:
    """By programs: the first one is kept."""
    wanted = sorted(hashes)
    if wanted:
        fresh = any_of(connection, l.token_hash, wanted) & l.previewed_us.is_(None)
        connection.execute(update(links).where(fresh).values(previewed_us=now_us))


def forget_links(connection: Connection, contact_id: int) -> None:
    """Of somebody who is erased: the links lead to a page that says so."""
    connection.execute(update(links).where(l.contact_id == contact_id).values(stopped_us=None, previewed_us=None))
