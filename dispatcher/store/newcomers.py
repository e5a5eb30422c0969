"""People whom nobody knows yet, laid out as rows of the tables by whoever reads the file, before they are looked up.

That they are new is a guess: those who turn out to be known are left out, and folded in like others. The rows travel
as a small SQLite database without keys. SQLite takes them over with INSERT … SELECT, at a third of the cost of values
bound one by one; for Postgres they are read again and copied.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple

from dispatcher.audience.ledger import Word, commitments, salts
from dispatcher.core.phone import is_synthetic
from dispatcher.store.drafts import Person, Terms, packed
from dispatcher.store.layout import CONTACT, MEMBERSHIP, POINT, as_json
from dispatcher.store.sealed import Sealer

#: What the small database holds: the columns in which people differ.
TABLES: Final = {
    "contacts": tuple(name for name in CONTACT if name not in ("import_id", "created_us", "updated_us")),
    "contact_points": POINT,
    "memberships": MEMBERSHIP,
    "consent_events": ("id", "contact_id", "granted", "basis", "seq", "salt", "commitment"),
}

#: Ids beside those of the numbers: of the contact and of what it said.
_OWN_IDS: Final = 2
_PAGE_BYTES: Final = 1 << 15


VIA: Final = "import"
ALL_MEDIA: Final = "*"

Held = tuple[bytes, int, int]
"""The hash of a number, the id of the contact, the line."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What is needed to lay people out: ids, that nobody else has, the import, and the instant that is written down."""

    ids: range
    import_id: int
    now_us: int


class Newcomers(NamedTuple):
    """Columns of the people of a batch, in its order; plain values. Their ids ascend one by one from `first_id`.

    `holders` has the position of the person of each number; `packed` holds the Persons, for the few of them needed.
    """

    first_id: int
    now_us: int
    packed: bytes
    lines: list[int]
    identities: list[bytes]
    numbers: list[bytes]
    holders: list[int]
    image: bytes


def shared_numbers(held: Sequence[Held], owners: Mapping[bytes, set[int]]) -> dict[bytes, list[int]]:
    """The lines of numbers that belong to several people, of these lines or of the `owners` stored already."""
    times = Counter([number for number, _, _ in held])
    people: dict[bytes, set[int]] = {}
    lines: dict[bytes, set[int]] = {}
    for number, contact_id, line in held:
        if times[number] > 1 or number in owners:
            people.setdefault(number, set(owners.get(number, ()))).add(contact_id)
            lines.setdefault(number, set()).add(line)
    shared = {number: sorted(found) for number, found in lines.items() if len(people[number]) > 1}
    return dict(sorted(shared.items(), key=lambda item: item[1]))


def ids_for(rows: int, numbers_each: int) -> int:
    """Enough for a batch in which some have one number more than there are columns."""
    return rows * (_OWN_IDS + numbers_each + 1)


def lay_out(
    people: Sequence[Person], grant: Grant, terms: Terms, sealer: Sealer
) -> tuple[Newcomers | None, list[Person]]:
    """Those who come once, and the rest; none where the ids do not suffice."""
    times = Counter([person.identity for person in people])
    new = [person for person in people if times[person.identity] == 1]
    if not new or _OWN_IDS * len(new) + sum([len(person.numbers) for person in new]) > len(grant.ids):
        return None, list(people)
    own = grant.ids[: len(new)]
    rows = {
        "contacts": _contacts(new, own, sealer),
        "contact_points": _points(new, own, grant.ids[2 * len(new) :], sealer),
        "memberships": [(slug, i) for i, person in zip(own, new, strict=True) for slug in dict.fromkeys(person.groups)],
        "consent_events": _events(new, own, grant.ids[len(new) :], grant, terms),
    }
    newcomers = Newcomers(
        own.start,
        grant.now_us,
        packed(new),
        [person.line for person in new],
        [person.identity for person in new],
        [number.hash for person in new for number in person.numbers],
        [position for position, person in enumerate(new) for _ in person.numbers],
        _image(rows),
    )
    return newcomers, [person for person in people if times[person.identity] > 1]


# Rows hold bytearrays and integers: for each bytes and bool, Python's driver looks for an adapter first, which costs
# more than all the rest of a row.


def _contacts(people: list[Person], ids: Sequence[int], sealer: Sealer) -> list[tuple[Any, ...]]:
    names = sealer.seal_all("contacts.name", ids, [person.name for person in people])
    born = sealer.seal_all("contacts.birth_date", ids, [person.born for person in people])
    return [
        (
            i, bytearray(p.row_hash), name and bytearray(name), born and bytearray(born),
            int(p.born[:4]) if p.born else None, int(p.minor), p.salutation, p.language, p.region or "", p.rw, p.rt,
            p.role or "", p.zone or "", as_json(p.attributes), int(any(is_synthetic(n.e164) for n in p.numbers)),
            bytearray(p.identity),
        )
        for i, p, name, born in zip(ids, people, names, born, strict=True)
    ]  # fmt: skip


def _points(people: list[Person], owners: Sequence[int], ids: range, sealer: Sealer) -> list[tuple[Any, ...]]:
    numbers = [(owner, number) for owner, person in zip(owners, people, strict=True) for number in person.numbers]
    ids = ids[: len(numbers)]
    sealed = sealer.seal_all("contact_points.address", ids, [number.e164 for _, number in numbers])
    return [
        (i, owner, media, rank, bytearray(address_hash), address and bytearray(address), country, line_type)
        for i, address, (owner, (media, _, address_hash, country, line_type, rank)) in zip(
            ids, sealed, numbers, strict=True
        )
    ]


def _events(
    people: list[Person], owners: Sequence[int], ids: range, grant: Grant, terms: Terms
) -> list[tuple[Any, ...]]:
    """`seq` is a place among these only."""
    consents = {said: consent for said in (None, True, False) if (consent := terms.consent(said))}
    how = (terms.evidence, terms.source, VIA, grant.import_id, grant.now_us)
    words = [
        Word._make((i, owner, terms.purpose, ALL_MEDIA, *consents[person.consent], *how))
        for i, owner, person in zip(ids, owners, people, strict=False)
        if person.consent in consents
    ]
    fresh = salts(len(words))
    made = commitments(words, fresh)
    return [
        (word.id, word.contact_id, int(word.granted), word.basis, seq, bytearray(salt), bytearray(one))
        for seq, word, salt, one in zip(count(), words, fresh, made, strict=False)
    ]


def _image(rows: Mapping[str, list[tuple[Any, ...]]]) -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("BEGIN")
        # all of them first, so that every image has each at the same page, where statements remember it
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        for table, some in rows.items():
            marks = ", ".join("?" * len(TABLES[table]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", some)  # noqa: S608  names are ours
        connection.execute("COMMIT")
        return connection.serialize()
