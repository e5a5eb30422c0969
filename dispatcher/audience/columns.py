"""What each column of a contact file holds: a field, a number, a typed attribute, or something to leave out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from dispatcher.audience.headings import FIELDS, PHONES, SENSITIVE, Heading, read_heading, slug
from dispatcher.audience.values import AttributeType, infer_type
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.errors import UsageError
from dispatcher.core.phone import PhoneProblem, parse_phone

Kind = Literal["field", "attribute", "dropped"]
#: 16 digits that begin with a region and hold a day of birth (women: day + 40), as in NIK and family card numbers.
NIK: Final = re.compile(r"'?[1-9]\d{5}(?:[04][1-9]|[1256]\d|[37][01])(?:0[1-9]|1[0-2])\d{6}")
SAMPLE_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """`target` is a field of `headings.FIELDS`, or the name of an attribute.

    In a `guarded` column single values that look like identity numbers are dropped.
    """

    index: int
    heading: str
    kind: Kind
    target: str
    type: AttributeType = "text"
    guarded: bool = True


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """`diagnostics` are warnings for the person who imports: left out, doubled, or mixed columns."""

    columns: tuple[Column, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    def of(self, target: str) -> Column | None:
        return next((c for c in self.columns if c.kind == "field" and c.target == target), None)

    @property
    def phones(self) -> tuple[Column, ...]:
        """In the order of the file: the first ranks highest."""
        return tuple(c for c in self.columns if c.kind == "field" and c.target in PHONES)

    @property
    def attributes(self) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if c.kind == "attribute")

    @property
    def dropped(self) -> tuple[str, ...]:
        """Headings of the columns whose content never leaves the file."""
        return tuple(c.heading for c in self.columns if c.kind == "dropped")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command and the settings say. `overrides`: heading → field or attribute name (`--map`)."""

    overrides: Mapping[str, str] = field(default_factory=dict)
    keep: Collection[str] = ()
    types: Mapping[str, AttributeType] = field(default_factory=dict)


def map_columns(
    header: Sequence[str],
    sample: Sequence[Sequence[str]] = (),
    wishes: Wishes | None = None,
    file: str = "",
    line: int = 1,
) -> ColumnMap:
    """Reads the header, which stands in `line` of `file`; `sample` (the first rows) decides the types of attributes.

    Raises UsageError: `no-header`, `no-phone-column`, `unknown-heading` (a `--map` that fits no heading).
    """
    wishes = wishes or Wishes()
    _refuse_numbers(header)
    overrides = _overrides(header, wishes)
    found: list[Diagnostic] = []
    columns = [_column(i, text, overrides.get(i, ""), wishes) for i, text in enumerate(header)]
    _require_phone_column(header, columns)
    columns = _without_doubles(columns, overrides, found)
    columns = [_by_content(c, [r[c.index] for r in sample if c.index < len(r)], wishes, found) for c in columns]
    kept = tuple(c for c in columns if c.target != "ignored")
    return ColumnMap(kept, tuple(replace(d, file=file, line=line) for d in found))


def _overrides(header: Sequence[str], wishes: Wishes) -> dict[int, str]:
    by_name = {text: i for i, text in reversed(list(enumerate(header)))}
    by_slug = {slug(text): i for i, text in reversed(list(enumerate(header)))}
    chosen = {}
    for heading, target in wishes.overrides.items():
        index = by_name.get(heading, by_slug.get(slug(heading)))
        if index is None:
            raise UsageError(
                "unknown-heading",
                f'--map names the heading "{heading}", which the file does not have',
                f"its headings are: {_listed(header)}",
            )
        chosen[index] = target
    return chosen


def _column(index: int, text: str, override: str, wishes: Wishes) -> Column:
    if override:
        target = override if override in FIELDS else read_heading(override).field
        if target in FIELDS:
            return Column(index, text, "field", target)
        return Column(index, text, "attribute", slug(override))
    heading = read_heading(text)
    if heading.field in SENSITIVE and not _is_kept(heading, wishes):
        return Column(index, text, "dropped", heading.field)
    if heading.field in FIELDS:
        return Column(index, text, "field", heading.field)
    if not heading.slug:
        return Column(index, text, "field", "ignored")
    return Column(index, text, "attribute", heading.slug)


def _is_kept(heading: Heading, wishes: Wishes) -> bool:
    return bool({slug(wish) for wish in wishes.keep} & {heading.slug, heading.field})


def _refuse_numbers(header: Sequence[str]) -> None:
    if any(_is_number(cell) for cell in header):
        raise UsageError(
            "no-header",
            "the first row holds phone numbers, so the file has no headings",
            "add a first row with headings such as: nama, no hp, kelurahan, kelompok",
        )


def _require_phone_column(header: Sequence[str], columns: Sequence[Column]) -> None:
    if any(c.target in PHONES for c in columns if c.kind == "field"):
        return
    known = any(c.kind == "field" and c.target != "ignored" for c in columns)
    raise UsageError(
        "no-phone-column" if known else "no-header",
        f"no column for the phone number was found; the first row is: {_listed(header)}"
        if known
        else "the first row holds no heading that is known",
        "name it with --map, for example --map 'my heading=phone', or add a first row such as: nama, no hp, kelurahan",
    )


def _is_number(cell: str) -> bool:
    try:
        return sum(map(str.isdigit, cell)) > 6 and bool(parse_phone(cell))
    except PhoneProblem:
        return False


def _listed(header: Sequence[str]) -> str:
    shown = [text[:40] for text in header if text.strip()][:20]
    return ", ".join(shown) + (" …" if len(header) > len(shown) else "")


def _without_doubles(columns: Sequence[Column], overrides: Mapping[int, str], found: list[Diagnostic]) -> list[Column]:
    """Of two columns for one target the one named by --map wins, else the first; the other is left out."""
    by_preference = sorted(columns, key=lambda c: (c.index not in overrides, c.index))
    taken: set[tuple[Kind, str]] = set()
    doubles: set[int] = set()
    for column in by_preference:
        if column.kind == "dropped" or (column.kind == "field" and column.target in (*PHONES, "ignored")):
            continue
        if (column.kind, column.target) in taken:
            doubles.add(column.index)
            found.append(_doubled(column))
        taken.add((column.kind, column.target))
    return [replace(c, kind="field", target="ignored") if c.index in doubles else c for c in columns]


def _doubled(column: Column) -> Diagnostic:
    return Diagnostic(
        "duplicate-column",
        "warning",
        f'two columns hold "{column.target}"; the column "{column.heading[:40]}" is left out',
        column=column.index + 1,
        hint=f"choose one with --map 'heading={column.target}', or give the other an attribute name",
    )


def _by_content(column: Column, cells: Sequence[str], wishes: Wishes, found: list[Diagnostic]) -> Column:
    if column.kind == "field" and (column.target in PHONES or column.target == "ignored"):
        return column
    values = [text for text in (cell.strip() for cell in cells) if text]
    if column.kind == "dropped":
        found.append(_left_out(column))
        return column
    if {slug(wish) for wish in wishes.keep} & {column.target, slug(column.heading), "nik"}:
        column = replace(column, guarded=False)
    elif _are_identity_numbers(values):
        found.append(_left_out(column))
        return replace(column, kind="dropped", target="nik")
    return column if column.kind == "field" else _typed(column, values, wishes, found)


def _are_identity_numbers(values: Sequence[str]) -> bool:
    return sum(1 for value in values if NIK.fullmatch(value)) * 2 > len(values)


def _left_out(column: Column) -> Diagnostic:
    what = {"family_card": "family card numbers", "religion": "religion"}.get(column.target, "identity numbers (NIK)")
    return Diagnostic(
        "sensitive-column",
        "warning",
        f'the column "{column.heading[:40]}" holds {what} and is left out',
        column=column.index + 1,
        hint=f"keep it with --keep '{column.heading[:40]}', if there is a lawful basis",
    )


def _typed(column: Column, values: Sequence[str], wishes: Wishes, found: list[Diagnostic]) -> Column:
    if declared := wishes.types.get(column.target):
        return replace(column, type=declared)
    inferred, mixed = infer_type(Counter(values))
    if mixed:
        found.append(
            Diagnostic(
                "mixed-column",
                "warning",
                f'the column "{column.heading[:40]}" mixes numbers, dates or texts and is kept as text',
                column=column.index + 1,
                hint=f"correct the cells, or declare attributes: {{{column.target}: …}} in the settings",
            )
        )
    return replace(column, type=inferred)
