"""Rows of a contact file, read into contacts or rejected with a reason a clerk can act on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from dispatcher.audience.columns import NIK, Column, ColumnMap
from dispatcher.audience.groups import GroupIndex, known_role, match_role
from dispatcher.audience.personal import (
    Gender,
    age_on,
    read_birth_date,
    read_gender,
    read_language,
    read_salutation,
    read_zone,
    salutation_for,
)
from dispatcher.audience.places import NOWHERE, Named, locate, read_address
from dispatcher.audience.raw import RawRow
from dispatcher.audience.reasons import REASONS
from dispatcher.audience.values import AttributeValue, parse_boolean, parse_value
from dispatcher.core.clean import clean_value
from dispatcher.core.phone import LineType, PhoneProblem, parse_phone, parse_phones
from dispatcher.core.region import DEFAULT_PROVINCE, parse_rt_rw, rt_rw_in

Media = Literal["sms", "whatsapp", "any"]

MAX_NAME: Final = 80
MAX_TEXT: Final = 200
MAX_ID: Final = 64
_ADULT: Final = 18
#: Distinct values remembered, so that memory does not grow with the file.
_REMEMBERED: Final = 65_536
_MEDIA: Final[dict[str, Media]] = {"phone": "any", "sms": "sms", "whatsapp": "whatsapp"}
_EMPTY: Final = frozenset({"", "-", "--", "n/a", "N/A", "null", "NULL", "None"})
_SUSPECT: Final = frozenset("=+-@#")
_ERRORS: Final = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})


class Point(NamedTuple):
    """`rank` 0 is tried first. `media` says on which kind of channel the file offers the number."""

    media: Media
    e164: str
    country: str
    line_type: LineType
    rank: int


class ContactRow(NamedTuple):
    """One person. Empty text or None where the file says nothing.

    `notes` are codes of what was taken out or could not be read: `name:url`, `<attribute>:template`, `phone:too_short`,
    `type:<attribute>` (kept as text), `region_ambiguous`, `region_unknown`, `region_spelling`, `region_conflict`,
    `rt_rw_unread`, `group_unknown`, `language_unknown`, `zone_unknown`, `birth_date_unread`, `consent_unread`,
    `nik_dropped`, and `minor` for a person under 18.
    """

    line: int
    external_id: str | None
    name: str
    language: str
    salutation: str
    birth_date: date | None
    groups: tuple[str, ...]
    role: str | None
    region: str | None
    rt: int | None
    rw: int | None
    zone: str | None
    attributes: dict[str, AttributeValue]
    points: tuple[Point, ...]
    consent: bool | None
    notes: tuple[str, ...]


class RejectedRow(NamedTuple):
    """`code` is a key of REASONS, which has the sentences in both languages."""

    line: int
    code: str
    en: str
    id: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Context:
    """What an import knows beside the file. `groups` are given to every contact (`--group`)."""

    today: date
    country: str = "ID"
    province: str = DEFAULT_PROVINCE
    groups: tuple[str, ...] = ()
    index: GroupIndex = field(default_factory=GroupIndex)


def rejected(row: RawRow, code: str) -> RejectedRow:
    return RejectedRow(row.line, code, *REASONS[code], row.cells)


class RowReader:
    """The columns of one file, laid out for speed: a missing column points at an empty cell added to each row."""

    def __init__(self, columns: ColumnMap, context: Context) -> None:
        self._context = context
        self._standings: dict[tuple[str, str], tuple[tuple[str, ...], str | None, bool]] = {}
        self._phones = [(c.index, _MEDIA[c.target]) for c in columns.phones]
        self._attributes = columns.attributes
        self._text = [c.index for c in columns.columns if c.kind != "dropped" and c not in columns.phones]
        self._has_person = any(columns.of(f) for f in ("language", "zone", "gender", "salutation"))
        at = {c.target: c.index for c in columns.columns if c.kind == "field"}
        self._id, self._name = at.get("external_id", -1), at.get("name", -1)
        self._id_guarded = next((c.guarded for c in columns.columns if c.target == "external_id"), True)
        self._group, self._role = at.get("group", -1), at.get("role", -1)
        self._region = tuple(at.get(f, -1) for f in ("region", "kelurahan", "kecamatan", "city", "province"))
        self._address = at.get("address", -1)
        self._rt, self._rw, self._rt_rw = at.get("rt", -1), at.get("rw", -1), at.get("rt_rw", -1)
        self._language, self._zone = at.get("language", -1), at.get("zone", -1)
        self._gender, self._salutation = at.get("gender", -1), at.get("salutation", -1)
        self._birth, self._consent = at.get("birth_date", -1), at.get("consent", -1)

    def read(self, row: RawRow) -> ContactRow | RejectedRow:
        if row.problem:
            return rejected(row, row.problem)
        cells = ["" if (text := cell.strip()) in _EMPTY else text for cell in row.cells]
        cells.append("")  # index -1 is the empty cell of a missing column
        for index in self._text:
            if (text := cells[index]) and text[0] in _SUSPECT and (problem := _suspect(text)):
                return rejected(row, problem)
        notes: list[str] = []
        points, problem = self._points(cells, notes)
        if not points:
            return rejected(row, problem)
        groups, role = self._groups(cells, notes)
        region, rt, rw = self._place(cells, notes)
        born = self._born(cells, notes)
        attributes = self._read_attributes(cells, notes)
        language, salutation, zone = (
            self._person(cells, groups, born, attributes, notes) if self._has_person else ("", "", None)
        )
        return ContactRow(
            row.line,
            self._external_id(cells, notes),
            _cleaned("name", cells[self._name], MAX_NAME, notes),
            language,
            salutation,
            born,
            groups,
            role,
            region,
            rt,
            rw,
            zone,
            attributes,
            points,
            self._agreed(cells, notes),
            tuple(dict.fromkeys(notes)) if notes else (),
        )

    def _points(self, cells: list[str], notes: list[str]) -> tuple[tuple[Point, ...], str]:
        """The numbers of all columns, and the problem to tell where there is none."""
        if len(self._phones) == 1:  # the usual file: one column, one number
            index, media = self._phones[0]
            try:
                return (Point(media, *parse_phone(cells[index], self._context.country), 0),), ""
            except PhoneProblem:
                pass
        found: dict[str, Point] = {}
        problems: list[str] = []
        for index, media in self._phones:
            if not cells[index]:
                continue
            numbers, failures = parse_phones(cells[index], self._context.country)
            problems.extend(failure.code for failure in failures)
            for e164, country, line_type in numbers:
                known = found.get(e164)
                if known is None:
                    found[e164] = Point(media, e164, country, line_type, len(found))
                elif known.media != media:
                    found[e164] = known._replace(media="any")
        if problems and found:
            notes.extend(f"phone:{code}" for code in problems if code != "empty")
        return tuple(found.values()), next(iter(problems), "empty")

    def _groups(self, cells: list[str], notes: list[str]) -> tuple[tuple[str, ...], str | None]:
        key = cells[self._group], cells[self._role]
        known = self._standings.get(key)
        if known is None:
            known = self._standing(*key)
            if len(self._standings) < _REMEMBERED:
                self._standings[key] = known
        groups, role, is_known = known
        if not is_known:
            notes.append("group_unknown")
        return groups, role

    def _standing(self, group: str, role: str) -> tuple[tuple[str, ...], str | None, bool]:
        """Groups, role, and whether every group named is known. A role may name a group too: "Ketua RT"."""
        slugs, unknown = self._context.index.match_all(group)
        by_role, _ = self._context.index.match_all(role)
        groups = tuple(dict.fromkeys((*self._context.groups, *slugs, *by_role)))
        return groups, match_role(role) if role else known_role(group), not unknown

    def _place(self, cells: list[str], notes: list[str]) -> tuple[str | None, int | None, int | None]:
        code, kelurahan, kecamatan, city, province = self._region
        named = Named(cells[code], cells[kelurahan], cells[kecamatan], cells[city], cells[province])
        rt, rw = self._rt_and_rw(cells, notes)
        region, note = locate(named, self._context.province) if named != NOWHERE else (None, "")
        if address := cells[self._address]:
            if region is None:
                region, note = read_address(address, self._context.province)
            if rt is None or rw is None:
                address_rt, address_rw = rt_rw_in(address)
                rt, rw = rt or address_rt, rw or address_rw
        if note:
            notes.append(note)
        return region, rt, rw

    def _rt_and_rw(self, cells: list[str], notes: list[str]) -> tuple[int | None, int | None]:
        both, rt, rw = _rt_rw(cells[self._rt_rw], cells[self._rt], cells[self._rw])
        if not both:
            notes.append("rt_rw_unread")
        return rt, rw

    def _born(self, cells: list[str], notes: list[str]) -> date | None:
        text = cells[self._birth]
        if not text:
            return None
        born, note = _birth(text, self._context.today)
        if note:
            notes.append(note)
        return born

    def _person(
        self,
        cells: list[str],
        groups: tuple[str, ...],
        born: date | None,
        attributes: dict[str, AttributeValue],
        notes: list[str],
    ) -> tuple[str, str, str | None]:
        language = read_language(cells[self._language])
        if cells[self._language] and not language:
            notes.append("language_unknown")
        zone = read_zone(cells[self._zone]) if cells[self._zone] else None
        if cells[self._zone] and not zone:
            notes.append("zone_unknown")
        gender: Gender | None = read_gender(cells[self._gender])
        if gender:
            attributes["gender"] = gender
        salutation = read_salutation(_cleaned("salutation", cells[self._salutation], MAX_NAME, notes))
        if gender and not salutation:
            salutation = salutation_for(gender, groups, age_on(self._context.today, born) if born else None)
        return language, salutation, zone

    def _external_id(self, cells: list[str], notes: list[str]) -> str | None:
        text = cells[self._id]
        if not text:
            return None
        if self._id_guarded and NIK.fullmatch(text):
            notes.append("nik_dropped")
            return None
        return _cleaned("external_id", text, MAX_ID, notes) or None

    def _agreed(self, cells: list[str], notes: list[str]) -> bool | None:
        text = cells[self._consent]
        if not text:
            return None
        agreed = parse_boolean(text)
        if agreed is None:
            notes.append("consent_unread")
        return agreed

    def _read_attributes(self, cells: list[str], notes: list[str]) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        for column in self._attributes:
            text = cells[column.index]
            if not text:
                continue
            value = _attribute(column, text, notes)
            if value is not None:
                found[column.target] = value
        return found


def _attribute(column: Column, text: str, notes: list[str]) -> AttributeValue | None:
    if column.guarded and len(text) in (16, 17) and NIK.fullmatch(text):
        notes.append("nik_dropped")
        return None
    if column.type != "text":
        value = parse_value(text, column.type)
        if value is not None:
            return value
        notes.append(f"type:{column.target}")
    return _cleaned(column.target, text, MAX_TEXT, notes) or None


def _cleaned(field_name: str, text: str, limit: int, notes: list[str]) -> str:
    if not text:
        return ""
    cleaned, codes = clean_value(text, limit)
    if codes:
        notes.extend(f"{field_name}:{code}" for code in codes)
    return cleaned


def _suspect(cell: str) -> str:
    """A formula would run when the data is opened in a spreadsheet again."""
    if cell in _ERRORS:
        return "cell_error"
    if cell[0] == "=" and len(cell) > 1:
        return "formula"
    return "formula" if cell[0] in "+-@" and any(sign in cell for sign in "(|!") else ""


@lru_cache(maxsize=_REMEMBERED)
def _birth(text: str, today: date) -> tuple[date | None, str]:
    born = read_birth_date(text, today)
    if born is None:
        return None, "birth_date_unread"
    return born, "minor" if age_on(today, born) < _ADULT else ""


@lru_cache(maxsize=_REMEMBERED)
def _rt_rw(both: str, rt: str, rw: str) -> tuple[bool, int | None, int | None]:
    """Whether everything written was read, RT and RW."""
    pair = parse_rt_rw(both) if both else (None, None)
    of_rt = parse_rt_rw(rt) if rt else (None, None)
    of_rw = parse_rt_rw(rw, alone="rw") if rw else (None, None)
    found = (of_rt[0] or pair[0] or of_rw[0], of_rw[1] or pair[1] or of_rt[1])
    readable = all(
        values != (None, None) or not text.strip("0")
        for values, text in zip((pair, of_rt, of_rw), (both, rt, rw), strict=True)
    )
    return readable, *found
