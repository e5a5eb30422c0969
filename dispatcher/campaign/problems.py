"""What the model refuses, in plain words, at the place in the file, with what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dispatcher.campaign.model import Campaign
from dispatcher.campaign.positions import Path, Positions
from dispatcher.core.diagnostics import Diagnostic

#: Parts of the names that pydantic gives to the two kinds of `at:`.
_BRANCHES: Final = ("Moment", "_instant")
_KINDS: Final = {
    "string_type": "a text",
    "string_sub_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a block of keys and values",
    "model_type": "a block of keys and values",
    "model_attributes_type": "a block of keys and values",
    "date_from_datetime_parsing": 'a date such as "2027-02-10"',
    "date_from_datetime_inexact": 'a date such as "2027-02-10"',
    "date_parsing": 'a date such as "2027-02-10"',
    "datetime_parsing": 'an instant such as "2027-02-10 09:00"',
    "datetime_from_date_parsing": 'an instant such as "2027-02-10 09:00"',
    "datetime_type": 'an instant such as "2027-02-10 09:00"',
    "time_parsing": 'a time of day such as "08:00"',
}
_LIMITS: Final = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
    "string_too_long": ("max_length", "at most this many characters:"),
}
#: By whether names may hold an underscore (variables), or hyphens (all others).
_NAME_HINTS: Final = {
    True: 'use small letters, digits and underscores, e.g. "nama_acara"',
    False: 'use small letters, digits and single hyphens, e.g. "ajakan-memilih"',
}


def explain_errors(error: ValidationError, data: Any, positions: Positions, file: str) -> list[Diagnostic]:
    """One diagnostic per place and cause, in the order of the file."""
    found: dict[tuple[int, int, str, str], Diagnostic] = {}
    for details in error.errors(include_url=False):
        diagnostic = _explain(details, data, positions, file)
        if diagnostic:
            place = (diagnostic.line, diagnostic.column)
            found.setdefault((*place, diagnostic.code, diagnostic.message), diagnostic)
    return sorted(found.values(), key=lambda d: (d.line, d.column))


def _explain(details: ErrorDetails, data: Any, positions: Positions, file: str) -> Diagnostic | None:
    path = _written(details, data)
    if path is None:
        return None
    code, message, hint = _words(details, path, positions)
    by_key = details["type"] in ("extra_forbidden", "missing") or details["loc"][-1:] == ("[key]",)
    by_key = by_key or details["input"] is None
    line, column = positions.position_of_key(path) if by_key else positions.position_of(path)
    return Diagnostic(code, "error", message, file, line, column, hint)


def _written(details: ErrorDetails, data: Any) -> Path | None:
    """The path as written: without union branches, and a handed-down route at its origin.

    None where another branch of the union fits the value better.
    """
    path: list[str | int] = []
    here = data
    for part in _from_origin(details["loc"], data):
        if _holds(here, part):
            here = here[part]
        elif any(branch in str(part) for branch in _BRANCHES):
            if isinstance(here, dict) != ("Moment" in str(part)):
                return None
            continue
        elif details["type"] != "missing" or part != details["loc"][-1]:
            continue
        path.append(part)
    # A list whose items were refused counts as too short as well.
    return None if details["type"] == "too_short" and here else tuple(path)


def _holds(here: Any, part: str | int) -> bool:
    if isinstance(here, list):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, Mapping) and part in here


def _from_origin(loc: Path, data: Any) -> Path:
    if len(loc) > 2 and loc[0] == "steps" and loc[2] == "route" and isinstance(data, Mapping):
        steps = data.get("steps")
        if isinstance(steps, list) and "route" not in steps[int(loc[1])]:
            return loc[2:]
    return loc


def _words(details: ErrorDetails, path: Path, positions: Positions) -> tuple[str, str, str]:
    kind, context = details["type"], details.get("ctx", {})
    name = _name(path)
    if kind == "extra_forbidden":
        return "unknown-key", f"unknown key `{path[-1]}`", _known_keys(path)
    if kind == "missing":
        return "missing-key", f"`{path[-1]}:` is missing", _description(path)
    if kind == "value_error":
        return "invalid-value", f"{name}: {context['error']}", ""
    if kind == "string_pattern_mismatch":
        return "invalid-name", f'"{details["input"]}" is not a name', _NAME_HINTS["_" in context["pattern"]]
    if kind in ("literal_error", "enum"):
        return "invalid-value", f'{name} cannot be "{_raw(path, positions)}"', _nearest(details, path)
    if kind in ("too_short", "string_too_short"):
        return "empty-value", f"{name} is empty", ""
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return "invalid-value", f"{name} must be {words} {context[key]}", ""
    return _wrong_kind(details, path, positions)


def _wrong_kind(details: ErrorDetails, path: Path, positions: Positions) -> tuple[str, str, str]:
    wanted = _KINDS.get(details["type"], "a value of another kind")
    if path[:1] == ("variables",) and len(path) == 2:
        wanted = "a text, a number, true or false, or a date"
    if path[-1:] in (("text",), ("reply",), ("reply_waiting",)):
        wanted = "a text, or a text per language"
    raw, name = _raw(path, positions), _name(path)
    if details["input"] is None:
        return "empty-value", f"{name} has no value", f"write {wanted}, or remove the line"
    if wanted == "a text" and isinstance(details["input"], int | float):
        return "unquoted-number", f"{name} is a text, and {raw} is read as a number", f'put it in quotes: "{raw}"'
    if wanted == "a list" and isinstance(details["input"], str):
        return "invalid-value", f"{name} is a list", f"write [{raw}]"
    return "invalid-value", f"{name} must be {wanted}", ""


def _raw(path: Path, positions: Positions) -> str:
    scalar = positions.scalars.get(positions.nearest(path))
    return scalar.raw.strip()[:40] if scalar else ""


def _name(path: Path) -> str:
    words = [part for part in path if isinstance(part, str) and part]
    return f"`{words[-1]}`" if words else "the campaign"


def _nearest(details: ErrorDetails, path: Path) -> str:
    expected = str(details.get("ctx", {}).get("expected", ""))
    options = [option.strip("' ") for option in expected.replace(" or ", ", ").split(",")]
    close = difflib.get_close_matches(str(details["input"]).lower(), options, 1, 0.5)
    listed = f"one of: {', '.join(options)}"
    return f'did you mean "{close[0]}"? {listed}' if close else listed


def _known_keys(path: Path) -> str:
    model = _model_at(path[:-1])
    names = list(model.model_fields) if model else []
    close = difflib.get_close_matches(str(path[-1]), names, 1, 0.6)
    return f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(names)}"


def _description(path: Path) -> str:
    model = _model_at(path[:-1])
    field = model.model_fields.get(str(path[-1])) if model else None
    return (field.description or "") if field else ""


def _model_at(path: Path) -> type[BaseModel] | None:
    """The part of the model that describes a block of the file."""
    here: Any = Campaign
    for part in path:
        model = next(_models(here), None)
        if model is not None and isinstance(part, str) and part in model.model_fields:
            here = model.model_fields[part].annotation
    return next(_models(here), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
