"""Drafts as rows of the tables: ids given, personal fields sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dispatcher.audience.ledger import Word
from dispatcher.store.drafts import Consent, Draft, Number, Terms
from dispatcher.store.installation import IdBlock
from dispatcher.store.load import as_json
from dispatcher.store.sealed import Sealer

_CHANGING: Final = (
    "row_hash", "name_sealed", "birth_date_sealed", "birth_year", "minor", "salutation", "language", "region", "rw",
    "rt", "role", "zone", "attributes", "synthetic", "import_id", "updated_us",
)  # fmt: skip
CONTACT: Final = ("id", *_CHANGING, "identity_hash", "created_us")
CONTACT_UPDATE: Final = _CHANGING
POINT_UPDATE: Final = ("media", "rank")
POINT: Final = ("id", "contact_id", "media", "rank", "address_hash", "address_sealed", "country", "line_type")
MEMBERSHIP: Final = ("group_slug", "contact_id")
CONSENT: Final = ("contact_id", "purpose", "media", "granted", "basis", "import_id", "at_us")


@dataclass(slots=True)
class Rows:
    """Everything one batch writes."""

    new_contacts: list[tuple[Any, ...]] = field(default_factory=list)
    changed_contacts: list[tuple[Any, ...]] = field(default_factory=list)
    points: list[tuple[Any, ...]] = field(default_factory=list)
    moved_points: list[tuple[int, str, int]] = field(default_factory=list)
    dropped_points: list[int] = field(default_factory=list)
    new_memberships: list[tuple[str, int]] = field(default_factory=list)
    more_memberships: list[dict[str, Any]] = field(default_factory=list)
    replaced_consents: list[int] = field(default_factory=list)
    consents: list[tuple[Any, ...]] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)


def assign_ids(drafts: Sequence[Draft], ids: IdBlock) -> None:
    new = [draft for draft in drafts if draft.is_new]
    if not new:
        return
    for draft, identifier in zip(new, ids.take(len(new)), strict=True):
        draft.id = identifier


def rows_of(drafts: Sequence[Draft], sealer: Sealer, ids: IdBlock, import_id: int, terms: Terms, now_us: int) -> Rows:
    """Seals and lays out. Every new draft has its id."""
    rows = Rows()
    new_numbers = [(draft, number) for draft in drafts for number in _numbers_to_add(draft)]
    for draft in drafts:
        _add_contact(rows, draft, sealer, now_us)
        _add_memberships(rows, draft)
        if draft.consent and draft.consent != draft.consent_before:
            _add_consent(rows, draft, draft.consent, import_id, terms.purpose, now_us)
        if draft.stored_numbers:
            _move_points(rows, draft)
    for (draft, number), identifier in zip(new_numbers, ids.take(len(new_numbers)), strict=True):
        sealed = sealer.seal("contact_points.address", identifier, number.e164)
        rows.points.append(
            (identifier, draft.id, number.media, number.rank, number.hash, sealed, number.country, number.line_type)
        )
    rows.words = [
        Word(i, who, of, on, granted, basis, terms.evidence, terms.source, "import", import_id, now_us)
        for i, (who, of, on, granted, basis, *_) in zip(ids.take(len(rows.consents)), rows.consents, strict=True)
    ]
    return rows


def _numbers_to_add(draft: Draft) -> Iterator[Number]:
    if not draft.stored_numbers:
        return iter(draft.numbers.values())
    return (number for key, number in draft.numbers.items() if key not in draft.stored_numbers)


def _add_contact(rows: Rows, draft: Draft, sealer: Sealer, now_us: int) -> None:
    name = sealer.seal("contacts.name", draft.id, draft.name) if draft.name else draft.name_sealed
    born = sealer.seal("contacts.birth_date", draft.id, draft.born) if draft.born else draft.birth_date_sealed
    values = (
        draft.id, draft.hashes, name, born, draft.birth_year, draft.minor, draft.salutation, draft.language,
        draft.region, draft.rw, draft.rt, draft.role, draft.zone,
    )  # fmt: skip
    if draft.is_new:
        rows.new_contacts.append(
            (*values, draft.attributes, draft.synthetic, draft.import_id, now_us, draft.identity, now_us)
        )
        return
    rows.changed_contacts.append((*values, as_json(draft.attributes), draft.synthetic, draft.import_id, now_us))


def _add_memberships(rows: Rows, draft: Draft) -> None:
    groups = draft.groups if len(draft.groups) < 2 else tuple(dict.fromkeys(draft.groups))
    if draft.is_new:
        rows.new_memberships.extend((slug, draft.id) for slug in groups)
    else:
        rows.more_memberships.extend({"group_slug": slug, "contact_id": draft.id} for slug in groups)


def _move_points(rows: Rows, draft: Draft) -> None:
    for address_hash, stored in draft.stored_numbers.items():
        number = draft.numbers.get(address_hash)
        if number is None:
            rows.dropped_points.append(stored.id)
        elif (number.media, number.rank) != (stored.media, stored.rank):
            rows.moved_points.append((stored.id, number.media, number.rank))


def _add_consent(rows: Rows, draft: Draft, consent: Consent, import_id: int, purpose: str, now_us: int) -> None:
    rows.consents.append((draft.id, purpose, "*", consent.granted, consent.basis, import_id, now_us))
    if draft.consent_before:
        rows.replaced_consents.append(draft.id)
