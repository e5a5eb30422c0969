"""A campaign file into a Campaign, with a place for every finding. Reads the file and its templates, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from dispatcher.campaign.document import Document, DocumentError, read_document
from dispatcher.campaign.model import Campaign
from dispatcher.campaign.positions import Path, Positions
from dispatcher.campaign.problems import explain_errors
from dispatcher.campaign.sources import SourceError, read_sources, references
from dispatcher.campaign.texts import texts_of
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.errors import UsageError

MAX_BYTES: Final = 1024 * 1024
TEMPLATES: Final = "templates"

_YES_NO: Final = frozenset({"yes", "no", "on", "off", "y", "n", "ya", "tidak"})
_TRUE_FALSE_KEYS: Final = frozenset({"everyone", "answered", "delivered"})
#: A number that would lose its zero or its plus sign if it were read as one.
_PHONE_LIKE: Final = re.compile(r"\+\d{4,}|0\d+")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?( ?(Z|[+-]\d{2}:\d{2}))?")


@dataclass(frozen=True, slots=True)
class Loaded:
    """`campaign` is None where the file cannot be used; `sources` are included template files by name."""

    file: str
    campaign: Campaign | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    positions: Positions = field(default_factory=Positions)
    sources: dict[str, str] = field(default_factory=dict)


def load_campaign(path: str | FilePath) -> Loaded:
    """Raises UsageError where there is no such file; everything wrong inside it comes back as diagnostics."""
    file = FilePath(path)
    try:
        document = read_document(_decoded(_bytes(file), str(path)), str(path))
    except DocumentError as problem:
        return Loaded(str(path), diagnostics=[problem.diagnostic])
    if document.data is None:
        hint = "see docs/writing-campaigns.md for a first campaign"
        return Loaded(
            str(path), diagnostics=[Diagnostic("yaml-empty", "error", "the file is empty", str(path), 0, 0, hint)]
        )
    return _loaded(document, file, str(path))


def _loaded(document: Document, file: FilePath, name: str) -> Loaded:
    positions = document.positions
    found = [*document.diagnostics, *_unquoted(positions, name)]
    _read_dates(document.data, positions)
    try:
        campaign = Campaign.model_validate(document.data)
    except ValidationError as error:
        told = {(d.line, d.column) for d in found}
        errors = explain_errors(error, document.data, positions, name)
        found += [d for d in errors if (d.line, d.column) not in told]
        return Loaded(name, None, _in_order(found), positions)
    sources: dict[str, str] = {}
    found += _read_templates(campaign, positions, file.parent / TEMPLATES, name, sources)
    return Loaded(name, campaign, _in_order(found), positions, sources)


def _bytes(file: FilePath) -> bytes:
    if file.is_dir():
        raise UsageError("campaign-file", f"{file} is a folder", "name a campaign file, e.g. campaigns/ajakan.yaml")
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise UsageError("campaign-file", f"{file} cannot be read: {reason}", "check the path") from None


def _decoded(data: bytes, name: str) -> str:
    """UTF-8, with or without a byte order mark."""
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB"
        hint = "a campaign holds no contacts: import those with `contacts import`"
        raise DocumentError(Diagnostic("yaml-size", "error", message, name, 0, 0, hint))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        message = "the file is not UTF-8"
        raise DocumentError(
            Diagnostic("yaml-encoding", "error", message, name, line, column, "save it as UTF-8")
        ) from None


def _unquoted(positions: Positions, file: str) -> Iterator[Diagnostic]:
    """Values whose meaning depends on who reads the YAML, or that would lose digits."""
    for path, scalar in positions.plain():
        raw, (line, column) = scalar.raw, positions.position_of(path)
        if _PHONE_LIKE.fullmatch(raw):
            message = f"{raw} would lose its first sign if it were read as a number"
            yield Diagnostic("unquoted-number", "error", message, file, line, column, f'put it in quotes: "{raw}"')
        elif raw.lower() in _YES_NO and ((path[-1:] and path[-1] in _TRUE_FALSE_KEYS) or path[:1] == ("variables",)):
            hint = f'write true or false; for the word itself, put it in quotes: "{raw}"'
            yield Diagnostic("yes-no", "error", f"{raw} may mean a word or true/false", file, line, column, hint)


def _read_dates(data: Any, positions: Positions) -> None:
    """Variables written as a date or an instant without quotes become one, so that filters can format them."""
    variables = data.get("variables") if isinstance(data, dict) else None
    if not isinstance(variables, dict):
        return
    for key, value in variables.items():
        scalar = positions.scalars.get(("variables", key))
        if scalar is not None and scalar.style == "plain" and isinstance(value, str):
            variables[key] = _date_or_text(value)


def _date_or_text(value: str) -> date | datetime | str:
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
        if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except ValueError:
        pass
    return value


def _read_templates(
    campaign: Campaign, positions: Positions, folder: FilePath, file: str, sources: dict[str, str]
) -> Iterator[Diagnostic]:
    """Fills `sources`; yields what is wrong with them, at the text that asked for the file."""
    asked: dict[str, tuple[int, int]] = {}
    for text in texts_of(campaign):
        if text.kind != "body":
            for reference in references(text.source):
                asked.setdefault(reference.name, _place(positions, text.path, reference.line, reference.column))
    for name, read in read_sources(folder, asked):
        if isinstance(read, SourceError):
            line, column = asked.get(name, (0, 0))
            yield Diagnostic(read.code, "error", str(read), file, line, column, read.hint)
        else:
            sources[name] = read


def _place(positions: Positions, path: Path, line: int, column: int) -> tuple[int, int]:
    return positions.inside(path, line, column)


def _in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda d: (d.line, d.column))
