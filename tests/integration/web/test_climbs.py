"""The short way of a receipt and the general one end in the same rows (invariants 6 and 11)."""

from __future__ import annotations

from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from dispatcher.core.errors import UnavailableError
from dispatcher.core.status import Reason, Status
from dispatcher.operations.fold import Event, fold, fold_generally, plain_climbs
from dispatcher.spi import Receipt
from dispatcher.store import receipts as journal
from dispatcher.store.receipts import Attempt
from tests.integration.web.stage import Stage

PAIRS = 100
WORDS = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ)
OWN = ("id", "contact_id", "address_hash", "address_sealed", "body_sealed")


def any_state(random: Random) -> dict[str, Any]:
    status = random.choice([*WORDS, *WORDS, Status.SENDING, Status.UNKNOWN, Status.QUEUED, Status.FAILED])
    return {
        "status": status,
        "attempt": random.choice([1, 1, 1, 2]),
        "reason": "unreachable" if status is Status.FAILED else "",
        "parts": random.choice([0, 1, 1, 3]),
        "provider_id": random.choice(["", "SM7"]),
        "provider_code": random.choice(["", "20429"]),
        "ended_us": random.choice([None, 1_700_000_000_000_000]),
        "claim_token": random.choice([None, 7]),
        "hop_after_us": random.choice([None, 0, 60_000_000]),
        "hop_due_us": random.choice([None, 1_800_000_000_000_000]),
    }


def any_receipts(random: Random) -> list[tuple[int, Receipt]]:
    """(attempt, receipt)"""

    def one() -> tuple[int, Receipt]:
        status = random.choice([*WORDS, *WORDS, Status.FAILED, Status.UNKNOWN])
        reason = Reason.UNREACHABLE if status is Status.FAILED else None
        provider_id, code = random.choice(["", "SM1"]), random.choice(["", "", "", "30003"])
        return random.choice([1, 1, 1, 1, 2]), Receipt(status, "", provider_id, reason, code)

    return [one() for _ in range(random.choice([1, 1, 1, 2, 3]))]


def events_of(message_id: int, sender_id: int, said: list[tuple[int, Receipt]]) -> list[Event]:
    return [
        Event({"sender_id": sender_id, "state": "parked"}, receipt, Attempt(message_id, number))
        for number, receipt in said
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_both_ways_end_in_the_same_rows(stage: Stage, seed: int) -> None:
    random = Random(seed)
    short: list[Event] = []
    general: list[Event] = []
    twins = []
    for _ in range(PAIRS):
        state, said = any_state(random), any_receipts(random)
        sender = stage.senders[random.choice(["sms", "sms", "sms", "wa"])]
        has_sibling = random.random() < 0.1
        pair = []
        for events in (short, general):
            person = stage.person()
            pair.append(stage.message(**state, person=person, has_sibling=has_sibling))
            if has_sibling:
                stage.message(Status.QUEUED, person, sender="wa", hop=1, has_sibling=True, counted=False)
            events += events_of(pair[-1], sender, said)
        twins.append(pair)
    now_us = stage.context.now_us()
    assert len(plain_climbs(short)) > PAIRS / 4
    with stage.context.database.begin() as connection:
        fold(connection, short, now_us)
        fold_generally(connection, general, now_us)
    assert [event.row["state"] for event in short] == [event.row["state"] for event in general]
    for one, other in twins:
        left, right = stage.row(one)._asdict(), stage.row(other)._asdict()
        assert {k: v for k, v in left.items() if k not in OWN} == {k: v for k, v in right.items() if k not in OWN}


def test_a_connection_that_breaks_in_the_journal_counts_as_away(stage: Stage) -> None:
    """The provider is told to call again (503): nothing is wrong with its call."""
    if stage.context.database.is_sqlite:
        return
    row = {"id": 1, "sender_id": 1, "received_us": 1, "state": "parked"}

    def broken_off() -> None:
        with stage.context.database.begin() as connection:
            mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with psycopg.connect(stage.url) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (mine,))
            journal.insert_events(connection, [row])

    with pytest.raises(UnavailableError):
        broken_off()
    assert stage.events == []
