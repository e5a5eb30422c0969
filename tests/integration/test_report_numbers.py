"""The numbers of a report are those of its rows, each looked at by itself (invariant 11).

The statements take shorter ways where the counters say that nobody can be in a campaign twice; each way is taken here.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from dispatcher.core.status import PERSON_RANK, Reason, Status, best
from dispatcher.operations.context import Context
from dispatcher.operations.status import read_status
from dispatcher.outreach.funnel import Overlap, overlap
from dispatcher.store.outcomes import outcomes
from dispatcher.store.placed import PeopleCell
from dispatcher.store.reached import people_by_cell
from dispatcher.store.reports import counted_again, snapshot
from dispatcher.store.tables import cells, contact_points, contacts, messages, skipped, steps, tallies
from tests.integration.builders import GONDANGDIA, MENTENG, TEBET, Builder, make_context

PEOPLE = 60
TAKEN = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ)
CELLS = {
    1: (MENTENG, "ketua", "pkk,rt"),
    2: (GONDANGDIA, "", "pkk"),
    3: (TEBET, "anggota", ""),
    4: ("", "", ""),
}


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url, {"senders": {"sms": {"channel": "console"}, "wa": {"channel": "console"}}})
    yield context
    context.database.close()


@dataclass
class Past:
    """A campaign as its rows tell it; `rows` and `left_out` as they are stored."""

    context: Context
    seed: int
    senders: list[int]
    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.where = {i: (self.random.choice([None, 7]), self.random.choice([None, 3])) for i in range(1, PEOPLE + 1)}
        self.erased = {i for i in self.where if i % 9 == 0}
        self.countries = {i: self.random.choice(["ID", "MY"]) for i in self.where if i not in self.erased}

    def fill(self, step_id: int, campaign_id: int, hops: list[list[int]]) -> None:
        """`hops`: the senders of each. Some people are left out, some get a message, some of those get more."""
        for person in self.where:
            kind = self.random.random()
            if kind < 0.15:
                continue
            if kind < 0.4:
                reason = self.random.choice(["held_out", Reason.OPTED_OUT, Reason.NO_CONSENT])
                cell_id = self.random.choice(list(CELLS))
                self.left_out.append(
                    {"step_id": step_id, "contact_id": person, "cell_id": cell_id, "reason": str(reason)}
                )
                continue
            first = self.random.randrange(len(hops))
            mine = [
                self._row(step_id, campaign_id, person, hop, self.random.choice(senders))
                for hop, senders in enumerate(hops)
                if hop == first or (hop > first and self.random.random() < 0.5)
            ]
            reached = best(row["status"] for row in mine)
            chosen = next(row for row in mine if row["status"] is reached)
            for row in mine:
                row["counted"], row["has_sibling"] = row is chosen, len(mine) > 1
            self.rows.extend(mine)

    def _row(self, step_id: int, campaign_id: int, person: int, hop: int, sender_id: int) -> dict[str, Any]:
        status = self.random.choice([*Status, Status.FAILED, Status.FAILED, Status.DELIVERED])
        ended_badly = status in (Status.FAILED, Status.CANCELLED)
        return {
            "id": len(self.rows) * 100 + hop + 1000,
            "step_id": step_id,
            "campaign_id": campaign_id,
            "contact_id": person,
            "hop": hop,
            "sender_id": sender_id,
            "cell_id": self.random.choice(list(CELLS)),
            "status": status,
            "reason": str(self.random.choice([Reason.UNREACHABLE, Reason.INVALID_NUMBER])) if ended_badly else "",
            "provider_code": self.random.choice(["", "30003"]),
            "provider_id": self.random.choice(["", "SM1"]),
            "segments": self.random.randint(1, 3),
            "country": self.random.choice([None, "ID", "MY", ""]),
            "address_hash": _number(person),
            "priority": 1,
            "units": 1,
            "not_before_us": 0,
            "not_after_us": 0,
            "expires_us": 0,
        }

    def store(self) -> None:
        with self.context.database.begin() as connection:
            connection.execute(
                insert(cells), [{"id": i, "region": r, "role": o, "groups": g} for i, (r, o, g) in CELLS.items()]
            )
            for person, (rw, rt) in self.where.items():
                if person not in self.erased:
                    self._record(connection, person, rw, rt)
            for table, rows in ((messages, self.rows), (skipped, self.left_out)):
                if rows:
                    connection.execute(insert(table), rows)
            for step_id in connection.execute(select(steps.c.id)).scalars().all():
                self._count(connection, step_id)

    def _record(self, connection: Any, person: int, rw: int | None, rt: int | None) -> None:
        about = {"region": "", "role": "", "created_us": 0, "updated_us": 0}
        connection.execute(insert(contacts).values(id=person, rw=rw, rt=rt, **about))
        number = {"media": "sms", "address_hash": _number(person), "address_sealed": b""}
        country = self.countries[person]
        connection.execute(insert(contact_points).values(id=person, contact_id=person, country=country, **number))

    def _count(self, connection: Any, step_id: int) -> None:
        counted = counted_again(connection, step_id)
        if counted:
            connection.execute(insert(tallies), [{**key._asdict(), "slot": 0, "n": n} for key, n in counted.items()])
        people = {one["contact_id"] for one in (*self.rows, *self.left_out) if one["step_id"] == step_id}
        connection.execute(update(steps).where(steps.c.id == step_id).values(selected=len(people), pending=0))

    def cells(self, *, neighbourhoods: bool) -> Counter[tuple[Any, ...]]:
        """Person by person: the youngest cell, the best word."""
        ranks = {"held_out": -2, "skipped": -1, **{status.value: rank for status, rank in PERSON_RANK.items()}}
        seen: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for row in self.rows:
            seen[row["contact_id"]].append((row["cell_id"], row["status"]))
        for one in self.left_out:
            word = "held_out" if one["reason"] == "held_out" else "skipped"
            seen[one["contact_id"]].append((one["cell_id"], word))
        found: Counter[tuple[Any, ...]] = Counter()
        for person, of in seen.items():
            region, role, groups = CELLS[max(cell_id for cell_id, _ in of)]
            known = neighbourhoods and person not in self.erased
            rw, rt = self.where[person] if known else (None, None)
            word = max((word for _, word in of), key=ranks.__getitem__)
            found[region, rw, rt, role, tuple(filter(None, groups.split(","))), str(word)] += 1
        return found

    def failures(self) -> list[tuple[Any, ...]]:
        alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for row in self.rows:
            if row["status"] is Status.FAILED:
                alike[row["reason"], row["provider_code"], row["sender_id"]].append(row["contact_id"])
        found = [(*key, len(people), len(set(people))) for key, people in alike.items()]
        return sorted(found, key=lambda one: (-one[4], *one[:3]))

    def billed(self) -> list[tuple[Any, ...]]:
        found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for row in self.rows:
            if row["status"] in TAKEN or (row["status"] is Status.FAILED and row["provider_id"]):
                country = row["country"]
                if country is None:
                    country = self.countries.get(row["contact_id"], "")
                found[row["step_id"], row["sender_id"], country].append(row["segments"])
        return sorted((*key, len(segments), sum(segments)) for key, segments in found.items())


def _number(person: int) -> bytes:
    return person.to_bytes(16, "big")


SHAPES: dict[str, tuple[list[list[list[int]]], Overlap]] = {
    "nothing": ([], Overlap(steps=False, hops=False, failures=False)),
    "one hop": ([[[0, 1]]], Overlap(steps=False, hops=False, failures=False)),
    "hops by senders of their own": ([[[0], [1], [2]]], Overlap(steps=False, hops=True, failures=False)),
    "hops by one sender": ([[[0, 1], [1]]], Overlap(steps=False, hops=True, failures=True)),
    "steps": ([[[0, 1]], [[0, 1]], [[1]]], Overlap(steps=True, hops=False, failures=True)),
    "steps by senders of their own": ([[[0]], [[1]]], Overlap(steps=True, hops=False, failures=False)),
    "steps and hops": ([[[0], [1]], [[1], [0], [2]]], Overlap(steps=True, hops=True, failures=True)),
}
"""Step → hop → which of the senders."""


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_are_those_of_the_rows(context: Context, shape: str, seed: int) -> None:
    wanted, expected = SHAPES[shape]
    builder = Builder(context)
    past = Past(context, seed, [builder.sender(name) for name in ("sms", "wa", "sms-2")])
    campaign_id = builder.campaign()
    for number, hops in enumerate(wanted):
        step_id = builder.step(campaign_id, f"langkah-{number}", ordinal=number)
        past.fill(step_id, campaign_id, [[past.senders[i] for i in hop] for hop in hops])
    builder.step(campaign_id, "nanti", ordinal=9)  # of which nothing is there yet
    past.store()
    with snapshot(context.database) as connection:
        status = read_status(connection, "ajakan", context.now_us())
        ids, seen = [step.id for step in status.steps], overlap(status.funnels.values())
        found = outcomes(connection, ids, seen)
        near = people_by_cell(connection, ids, seen, neighbourhoods=True)
        far = people_by_cell(connection, ids, seen, neighbourhoods=False)
    assert seen == expected
    assert (_summed(near), _summed(far)) == (past.cells(neighbourhoods=True), past.cells(neighbourhoods=False))
    assert found.failures == past.failures()
    assert found.billed == past.billed()
    assert bool(past.rows) == bool(found.failures) == bool(found.billed)
    assert status.total.conserves


def _summed(found: list[PeopleCell]) -> Counter[tuple[Any, ...]]:
    """What counts the same people may come in several pieces."""
    people: Counter[tuple[Any, ...]] = Counter()
    for cell in found:
        people[cell[:-1]] += cell.people
    return people
