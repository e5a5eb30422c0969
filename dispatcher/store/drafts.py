"""A contact while a batch of an import is folded into it: what the file says, over what is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dispatcher.audience.rows import ContactRow
from dispatcher.audience.values import AttributeValue
from dispatcher.core.phone import is_synthetic
from dispatcher.store.keys import HASH_BYTES

#: Rows of one file that are remembered for one person; a person with more is written again by each import.
MAX_ROWS_REMEMBERED: Final = 64


class Number(NamedTuple):
    """`media` is sms, whatsapp or any; `hash` is the keyed hash of the number."""

    media: str
    e164: str
    hash: bytes
    country: str
    line_type: str
    rank: int


class StoredNumber(NamedTuple):
    id: int
    media: str
    rank: int


class Person(NamedTuple):
    """One row, ready to be stored. `cells` are kept only while the row may still be rejected."""

    row: ContactRow
    identity: bytes
    row_hash: bytes
    numbers: tuple[Number, ...]
    minor: bool
    cells: list[str] | None


class Consent(NamedTuple):
    granted: bool
    basis: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What one import says of consent: the basis where a row says nothing ("": none), and where it says yes or no."""

    purpose: str
    basis: str
    said_basis: str
    evidence: str
    source: str


@dataclass(slots=True)
class Draft:
    """`hashes` names the rows of the contact's last import that are folded in, so that they are known again.

    A stored contact carries little more than its id until a row that is not known needs the rest. Its numbers then
    have no `e164`: only their hashes are needed. The id of a new one is provisional, below zero.
    """

    id: int
    identity: bytes
    is_new: bool = True
    import_id: int | None = None
    stored_hashes: bytes | None = None
    hashes: bytes = b""
    name: str = ""
    name_sealed: bytes | None = None
    born: str = ""
    birth_date_sealed: bytes | None = None
    birth_year: int | None = None
    minor: bool = False
    salutation: str = ""
    language: str = ""
    region: str = ""
    rw: int | None = None
    rt: int | None = None
    role: str = ""
    zone: str = ""
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    numbers: dict[bytes, Number] = field(default_factory=dict)
    stored_numbers: dict[bytes, StoredNumber] = field(default_factory=dict)
    consent_before: Consent | None = None
    consent: Consent | None = None
    synthetic: bool = False

    def knows(self, row_hash: bytes) -> bool:
        if len(self.hashes) == HASH_BYTES:
            return self.hashes == row_hash
        return row_hash in (self.hashes[at : at + HASH_BYTES] for at in range(0, len(self.hashes), HASH_BYTES))

    def fold(self, person: Person, import_id: int, terms: Terms) -> None:
        """Another row of the same import adds numbers; the first row of a new import replaces them."""
        again = self.import_id == import_id
        self.hashes = (self.hashes + person.row_hash)[-MAX_ROWS_REMEMBERED * HASH_BYTES :] if again else person.row_hash
        self.import_id = import_id
        self._fold_fields(person)
        self._fold_place(person.row)
        self._fold_numbers(person.numbers, again)
        self._fold_consent(person.row.consent, terms, again)

    def _fold_fields(self, person: Person) -> None:
        """What the row leaves empty stays as it was."""
        row = person.row
        self.name = row.name or self.name
        if row.birth_date:
            self.born, self.birth_year = row.birth_date.isoformat(), row.birth_date.year
            self.minor = person.minor
        self.salutation = row.salutation or self.salutation
        self.language = row.language or self.language
        self.role = row.role or self.role
        self.zone = row.zone or self.zone
        if row.attributes:
            self.attributes = {**self.attributes, **row.attributes}
        self.groups = (*self.groups, *row.groups) if self.groups else row.groups

    def _fold_place(self, row: ContactRow) -> None:
        """RT and RW belong to a kelurahan: they are taken together with it."""
        if row.region and row.region != self.region:
            self.region, self.rw, self.rt = row.region, row.rw, row.rt
        else:
            self.rw, self.rt = row.rw or self.rw, row.rt or self.rt

    def _fold_numbers(self, numbers: tuple[Number, ...], again: bool) -> None:
        if not again:
            self.numbers, self.synthetic = {}, False
        rank_after = 1 + max((number.rank for number in self.numbers.values()), default=-1)
        for number in numbers:
            known = self.numbers.get(number.hash)
            if known is None:
                self.numbers[number.hash] = number._replace(rank=rank_after + number.rank) if rank_after else number
            elif known.media != number.media:
                self.numbers[number.hash] = known._replace(media="any")
        self.synthetic = self.synthetic or any(is_synthetic(number.e164) for number in numbers)

    def _fold_consent(self, said: bool | None, terms: Terms, again: bool) -> None:
        """A file that says nothing never turns a refusal; within one import a refusal wins."""
        before = self.consent
        if said is None:
            if before is None and terms.basis:
                self.consent = Consent(True, terms.basis)
        elif not (again and before and not before.granted):
            self.consent = Consent(said, terms.said_basis)
