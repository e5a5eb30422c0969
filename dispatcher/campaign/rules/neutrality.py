"""Wording that breaks the neutrality of civil servants. Patterns, parties and names are data: neutrality.toml."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.positions import Path
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.urls import URL

CODES: Final = {
    "neutrality": "Wording for or against a candidate or a party, ballot numbers, offers, donations, links to parties.",
    "link-shortened": "A shortened link hides where it leads.",
}
_BEFORE, _AFTER = 45, 30
#: No message is longer; searching more would only cost time.
_SEARCHED: Final = 10_000
_TAGS: Final = re.compile(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", re.DOTALL)
_SHORTENERS: Final = frozenset({"bit.ly", "s.id", "t.co", "goo.gl", "tinyurl.com", "cutt.ly", "is.gd", "rb.gy", "t.ly"})
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Pattern:
    id: str
    severity: Literal["error", "warning"]
    expression: re.Pattern[str]
    explain: str
    explain_id: str
    suggest: str
    unless: re.Pattern[str] | None = None

    def search(self, text: str) -> str | None:
        """The words that break neutrality."""
        for match in self.expression.finditer(text):
            around = text[max(0, match.start() - _BEFORE) : match.end() + _AFTER]
            if not (self.unless and self.unless.search(around)):
                return match[0].strip()
        return None


@dataclass(frozen=True, slots=True)
class Breach:
    pattern: Pattern
    words: str


def breaches(text: str) -> list[Breach]:
    """What breaks neutrality in a text, worst first, each kind once."""
    plain = _plain(text)
    found: dict[str, Breach] = {}
    for pattern in _patterns():
        words = pattern.search(plain)
        if words and (pattern.id not in found or found[pattern.id].pattern.severity == "warning"):
            found[pattern.id] = Breach(pattern, words)
    return sorted(found.values(), key=lambda breach: breach.pattern.severity)


def check(context: LintContext) -> Iterator[Diagnostic]:
    for path, versions in _said(context):
        told: set[str] = set()
        for text in versions:
            for breach in breaches(text):
                if breach.pattern.id not in told:
                    told.add(breach.pattern.id)
                    yield _diagnostic(context, path, breach)
        yield from _shortened(context, path, versions)


def _said(context: LintContext) -> Iterator[tuple[Path, list[str]]]:
    """Each text as written, whatever its conditions, and as rendered; and what is put into texts."""
    for path, facts in context.texts.items():
        rendered = [facts.rendered.body] if facts.rendered else []
        yield path, [_TAGS.sub(" … ", facts.text.source[:_SEARCHED]), *rendered]
    campaign = context.campaign
    yield ("title",), [campaign.title]
    yield ("owner",), [campaign.owner]
    yield from ((("variables", name), [value]) for name, value in campaign.variables.items() if isinstance(value, str))
    for slug, session in campaign.sessions.items():
        yield from ((("sessions", slug, name), [getattr(session, name)]) for name in ("title", "place", "address"))


def _diagnostic(context: LintContext, path: Path, breach: Breach) -> Diagnostic:
    pattern = breach.pattern
    message = f'"{breach.words}" reads as {pattern.explain} ({pattern.explain_id})'
    place = _place_of(context, path, breach.words)
    return Diagnostic("neutrality", pattern.severity, message, context.loaded.file, *place, pattern.suggest)


def _place_of(context: LintContext, path: Path, words: str) -> tuple[int, int]:
    """Where the words stand in the file; the text's own place where they come from elsewhere."""
    scalar = context.loaded.positions.scalars.get(path)
    start = scalar.raw.find(words) if scalar else -1
    if scalar is None or start < 0:
        return context.loaded.positions.position_of(path)
    before = scalar.raw[:start]
    return context.loaded.positions.inside(path, before.count("\n") + 1, start - before.rfind("\n"))


def _shortened(context: LintContext, path: Path, versions: list[str]) -> Iterator[Diagnostic]:
    links = {host for text in versions for host in _hosts(text)}
    for host in sorted(links & _SHORTENERS):
        message = f"a link through {host} does not show where it leads"
        yield context.at(path, "link-shortened", "warning", message, hint="people trust a .go.id address more")


def _hosts(text: str) -> Iterator[str]:
    for match in URL.finditer(text[:_SEARCHED]):
        address = match[0].lower().split("://")[-1].removeprefix("www.")
        yield re.split(r"[/?#:]", address, maxsplit=1)[0].rstrip(".")


def _plain(text: str) -> str:
    """One spelling for what looks alike: no invisible characters, P.D.I.P. as PDIP, one kind of space."""
    shown = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:_SEARCHED]))
    joined = re.sub(r"\b(?:[A-Z]\.){3,}(?=\s|$|[A-Z]\b)", lambda match: match[0].replace(".", ""), shown)
    return re.sub(r"[^\S\n]+", " ", joined)


@cache
def _patterns() -> tuple[Pattern, ...]:
    data = tomllib.loads(resources.files(__package__).joinpath("neutrality.toml").read_text("utf-8"))
    return (*(_read(entry, data["words"]) for entry in data["pattern"]), *_parties(data["parties"]), _candidates(data))


def _read(entry: dict[str, Any], words: dict[str, str]) -> Pattern:
    source = entry["pattern"]
    for name, listed in words.items():
        source = source.replace(f"{{{name}}}", listed)
    flags = re.NOFLAG if entry.get("case") else re.IGNORECASE
    unless = re.compile(entry["unless"], re.IGNORECASE) if "unless" in entry else None
    return Pattern(
        entry["id"], entry["severity"], re.compile(source, flags),
        entry["explain"], entry["explain_id"], entry["suggest"], unless,
    )  # fmt: skip


def _parties(data: dict[str, Any]) -> Iterator[Pattern]:
    expressions = (
        rf"\b(?:{'|'.join(_name(name) for name in data['names'])})\b",
        rf"(?i:{data['context']})(?:{_one_of(data['ambiguous'])})\b",
        rf"\b(?:Partai|partai|PARTAI)\s+(?!(?i:{data['general']})\b)[A-Z]\w+",
        f"(?i:{data['hosts']})",
    )
    unless = re.compile(data["unless"], re.IGNORECASE)
    for expression in expressions:
        compiled = re.compile(expression)
        yield Pattern("party", "error", compiled, "a party", "partai politik tertentu", "name no party", unless)


def _candidates(data: dict[str, Any]) -> Pattern:
    expression = re.compile(rf"\b(?:{'|'.join(_name(name) for name in data['candidates']['names'])})\b")
    return Pattern("candidate", "error", expression, "a candidate", "calon tertentu", "name no candidate")


def _name(name: str) -> str:
    """An abbreviation as it is; a name also all in capitals or all in small letters."""
    return re.escape(name) if name.isupper() and len(name) <= 5 else f"(?i:{re.escape(name)})"


def _one_of(words: list[str]) -> str:
    return "|".join(map(re.escape, words))
