"""People whom nobody knows yet and whom one row names: as rows of the tables at once, without a Draft.

Most rows of most files are such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any

from dispatcher.audience.ledger import Word
from dispatcher.core.phone import is_synthetic
from dispatcher.store.draft_rows import Rows
from dispatcher.store.drafts import Person, Terms
from dispatcher.store.installation import IdBlock
from dispatcher.store.sealed import Sealer

Held = tuple[bytes, int, int]
"""The hash of a number, the id of the contact, the line."""


def newcomers_among(people: Sequence[Person], known: Container[bytes]) -> set[bytes]:
    """The identities that are not known and come once."""
    times = Counter([person.identity for person in people])
    return {identity for identity, count in times.items() if count == 1 and identity not in known}


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


def add_newcomers(
    rows: Rows, people: Sequence[Person], sealer: Sealer, ids: IdBlock, import_id: int, terms: Terms, now_us: int
) -> None:
    """What a new Draft and `rows_of` would make of each of them."""
    own = ids.take(len(people))
    rows.new_contacts += _contacts(people, own, sealer, import_id, now_us)
    rows.points += _points(people, own, sealer, ids)
    rows.new_memberships += [
        (slug, i) for i, person in zip(own, people, strict=True) for slug in dict.fromkeys(person.groups)
    ]
    consents = {said: consent for said in (None, True, False) if (consent := terms.consent(said))}
    spoken = [
        (i, terms.purpose, "*", *consents[person.consent])
        for i, person in zip(own, people, strict=True)
        if person.consent in consents
    ]
    rows.consents += [(*word, import_id, now_us) for word in spoken]
    how = (terms.evidence, terms.source, "import", import_id, now_us)
    rows.words += [Word._make((i, *word, *how)) for i, word in zip(ids.take(len(spoken)), spoken, strict=True)]


def _contacts(
    people: Sequence[Person], ids: Sequence[int], sealer: Sealer, import_id: int, now_us: int
) -> list[tuple[Any, ...]]:
    names = sealer.seal_all("contacts.name", ids, [person.name for person in people])
    born = sealer.seal_all("contacts.birth_date", ids, [person.born for person in people])
    return [
        (
            i, p.row_hash, name, born, int(p.born[:4]) if p.born else None, p.minor, p.salutation, p.language,
            p.region or "", p.rw, p.rt, p.role or "", p.zone or "", p.attributes,
            any(is_synthetic(number.e164) for number in p.numbers), import_id, now_us, p.identity, now_us,
        )
        for i, p, name, born in zip(ids, people, names, born, strict=True)
    ]  # fmt: skip


def _points(people: Sequence[Person], owners: Sequence[int], sealer: Sealer, ids: IdBlock) -> list[tuple[Any, ...]]:
    numbers = [(owner, number) for owner, person in zip(owners, people, strict=True) for number in person.numbers]
    own = ids.take(len(numbers))
    sealed = sealer.seal_all("contact_points.address", own, [number.e164 for _, number in numbers])
    return [
        (i, owner, media, rank, address_hash, address, country, line_type)
        for i, address, (owner, (media, _, address_hash, country, line_type, rank)) in zip(
            own, sealed, numbers, strict=True
        )
    ]
