"""What people wrote back: kept once, tied to the message it answers, and to the answer it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from dispatcher.core.status import Status
from dispatcher.store.bulk import any_of, insert_ignore
from dispatcher.store.tables import answer_events, answers, inbound, messages, senders, steps, suppressions

_RECENT = 20
_MAY_HAVE_REACHED = (
    Status.SENDING, Status.UNKNOWN, Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ,
)  # fmt: skip
m = messages.c


def known_replies(connection: Connection, names: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of (sender, provider id) that are kept already."""
    wanted = set(names)
    if not wanted:
        return set()
    i = inbound.c
    statement = select(i.sender_id, i.provider_id).where(
        any_of(connection, i.sender_id, sorted({sender_id for sender_id, _ in wanted})),
        any_of(connection, i.provider_id, sorted({provider_id for _, provider_id in wanted})),
    )
    return wanted.intersection((row.sender_id, row.provider_id) for row in connection.execute(statement))


def store_reply(connection: Connection, values: dict[str, Any]) -> None:
    connection.execute(insert(inbound).values(**values))


def has_refused(connection: Connection, address_hash: bytes) -> bool:
    """For every purpose."""
    s = suppressions.c
    return (
        connection.execute(select(s.purpose).where(s.address_hash == address_hash, s.purpose == "*")).first()
        is not None
    )


def automatic_answers(connection: Connection, address_hash: bytes, since_us: int) -> tuple[int | None, int]:
    """When an automatic answer to the number was last due, and how many were since then."""
    i = inbound.c
    lately = func.count().filter(i.received_us > since_us)
    statement = select(func.max(i.received_us), lately).where(i.address_hash == address_hash, i.reply != "")
    last_us, count = connection.execute(statement).one()
    return last_us, count


def unsigned_stops(connection: Connection, sender_id: int, since_us: int) -> int:
    """That acted, of a gateway that signs nothing."""
    i = inbound.c
    statement = select(func.count()).where(
        i.sender_id == sender_id, i.received_us > since_us, i.unsigned, i.meaning == "stop", ~i.needs_person
    )
    return connection.execute(statement).scalar_one()


def sender_name(connection: Connection, sender_id: int) -> str:
    """ "" where there never was such a sender."""
    found = connection.execute(select(senders.c.name).where(senders.c.id == sender_id)).scalar()
    return found or ""


def recent_messages(connection: Connection, address_hash: bytes, sender_id: int, since_us: int) -> list[Any]:
    """What may have reached a number, whoever was meant: of this sender first, the latest first; with the plan of each.

    Of other senders too: an SMS may ask for an answer by WhatsApp.
    """
    statement = (
        select(m.id, m.contact_id, m.campaign_id, m.step_id, m.cell_id, steps.c.plan_id, steps.c.name, steps.c.occasion)
        .join(steps, steps.c.id == m.step_id)
        .where(
            m.address_hash == address_hash,
            m.begun_us > since_us,
            m.status.in_(_MAY_HAVE_REACHED),
        )
        .order_by((m.sender_id == sender_id).desc(), m.begun_us.desc())
        .limit(_RECENT)
    )
    return list(connection.execute(statement))


def put_answer(connection: Connection, values: dict[str, Any]) -> None:
    """The last answer of a person to a campaign is the one that counts; all of them are kept."""
    mine = (answers.c.campaign_id == values["campaign_id"]) & (answers.c.contact_id == values["contact_id"])
    # never deleted and made anew: another answer of the same person may be stored at this very instant
    if not insert_ignore(connection, answers, [values]):
        connection.execute(update(answers).where(mine).values(**values))
    insert_ignore(connection, answer_events, [values])
