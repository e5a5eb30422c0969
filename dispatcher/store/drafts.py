"""A contact while a batch of an import is folded into it: what the file says, over what is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

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
    """One row, ready to be stored. `born` is a date in ISO 8601, or "". `cells` are kept only of a row with an id of
    its own, which may still be rejected."""

    numbers: tuple[Number, ...]
    line: int
    identity: bytes
    row_hash: bytes
    name: str
    born: str
    minor: bool
    salutation: str
    language: str
    region: str | None
    rw: int | None
    rt: int | None
    role: str | None
    zone: str | None
    attributes: dict[str, AttributeValue]
    groups: tuple[str, ...]
    consent: bool | None
    notes: tuple[str, ...]
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

    def consent(self, said: bool | None) -> Consent | None:
        """What a row says of somebody of whom nothing is known yet."""
        if said is not None:
            return Consent(said, self.said_basis)
        return Consent(True, self.basis) if self.basis else None


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
        self._fold_place(person)
        self._fold_numbers(person.numbers, again)
        self._fold_consent(person.consent, terms, again)

    def _fold_fields(self, person: Person) -> None:
        """What the row leaves empty stays as it was."""
        self.name = person.name or self.name
        if person.born:
            self.born, self.birth_year = person.born, int(person.born[:4])
            self.minor = person.minor
        self.salutation = person.salutation or self.salutation
        self.language = person.language or self.language
        self.role = person.role or self.role
        self.zone = person.zone or self.zone
        if person.attributes:
            self.attributes = {**self.attributes, **person.attributes}
        self.groups = (*self.groups, *person.groups) if self.groups else person.groups

    def _fold_place(self, person: Person) -> None:
        """RT and RW belong to a kelurahan: they are taken together with it."""
        if person.region and person.region != self.region:
            self.region, self.rw, self.rt = person.region, person.rw, person.rt
        else:
            self.rw, self.rt = person.rw or self.rw, person.rt or self.rt

    def _fold_numbers(self, numbers: tuple[Number, ...], again: bool) -> None:
        if not again:
            self.numbers, self.synthetic = {}, False
        rank_after = 1 + max(number.rank for number in self.numbers.values()) if self.numbers else 0
        for number in numbers:
            known = self.numbers.get(number.hash)
            if known is None:
                self.numbers[number.hash] = number._replace(rank=rank_after + number.rank) if rank_after else number
            elif known.media != number.media:
                self.numbers[number.hash] = known._replace(media="any")
            self.synthetic = self.synthetic or is_synthetic(number.e164)

    def _fold_consent(self, said: bool | None, terms: Terms, again: bool) -> None:
        """A file that says nothing never turns a refusal; within one import a refusal wins."""
        before = self.consent
        if before is None or (said is not None and not (again and not before.granted)):
            self.consent = terms.consent(said)
