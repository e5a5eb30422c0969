"""What may be kept of an exchange with a provider: numbers masked, texts as their length, of secrets nothing.

Twice: by the keys that a channel declares, and then by what is found under whatever key, because providers quote.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from html import unescape
from math import isfinite
from typing import Any, Final, Literal
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from dispatcher.core.phone import mask
from dispatcher.spi.messages import OutboundMessage
from dispatcher.spi.private import Private

Rule = Literal["", "secret", "number", "text"]

REMOVED: Final = "[secret]"
ADDRESS: Final = "[our address]"
_CREDENTIALS: Final = re.compile(
    "token|secret|password|passwd|passkey|passphrase|apikey|signature|authorization|cookie|credential"
)
_FEWEST_DIGITS: Final = 8
_MOST_DIGITS: Final = 15
"""Of a number: E.164."""

_MOST_KEYS: Final = 1024
_SHORTEST: Final = 4
"""Shorter words are looked for whole only: they occur in anything."""

_SHORTEST_NAME: Final = 3
_FEWEST_OCTETS: Final = 6
"""What encodes less occurs in any id."""

_RUN: Final = re.compile(
    r"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|(?:\+|%2B)?\d(?:[\s().\-]{0,3}\d)*", re.IGNORECASE
)
_ID: Final = re.compile(r"\d{16,}(?:\.\d{1,3})?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?:\s\d\d)?")
_MOBILE: Final = re.compile(r"(?:62|0)8\d{7,12}")
_SHORTEST_CODE: Final = 10
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{10,}={0,2}")
_PLAIN: Final = re.compile(r"[A-Za-z]{1,11}|[A-Za-z]?[a-z_\-]{1,30}")
"""Most keys: too plain to hold a number, or anything encoded."""

_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_WORD: Final = re.compile(r"\w+")
_SHORTEST_QUOTE: Final = 12
_QUOTE: Final = 3
"""Words in a row that only who quotes the text says."""


def _plain(key: str) -> str:
    return "".join(filter(str.isalnum, key.lower()))


def length(text: str) -> str:
    return f"[text, {len(text)} characters]"


class Redactor:
    """Of one sender. `secrets`: the values of its credentials."""

    def __init__(self, private: Private, secrets: Iterable[str] = ()) -> None:
        rules: tuple[tuple[Rule, tuple[str, ...]], ...] = (
            ("text", private.texts),
            ("number", private.numbers),
            ("secret", private.secrets),
        )
        self._known: dict[str, Rule] = {}
        self._rules: dict[str, Rule] = {_plain(key): rule for rule, keys in rules for key in keys}
        forms = {form for secret in secrets for part in _parts(secret) for form in _forms(part)}
        self.secrets = tuple(sorted(forms, key=len, reverse=True))
        self.encoded = tuple(code for secret in self.secrets for code in _encodings(secret))

    def rule(self, key: str) -> Rule:
        found = self._known.get(key)
        if found is None:
            plain = _plain(key)
            found = self._rules.get(plain) or ("secret" if _CREDENTIALS.search(plain) else "")
            if len(self._known) < _MOST_KEYS:
                self._known[key] = found
        return found


def _parts(secret: str) -> Iterator[str]:
    """An address also as its host and its path, which a record holds apart."""
    if secret:
        yield secret
    if secret.startswith(("http://", "https://")):
        address = urlsplit(secret)
        parts = (address.netloc, address.netloc.lower(), unquote(address.path.rstrip("/")))
        yield from (part for part in parts if len(part) >= _SHORTEST)


def _forms(secret: str) -> tuple[str, ...]:
    """As it is, as an address has it, and as one that was put there unquoted is read."""
    return secret, quote(secret, safe=""), quote_plus(secret), secret.replace("+", " ")


class Redaction:
    """Of one message. `net` False leaves out what is not declared: for tests of what is."""

    def __init__(self, redactor: Redactor, message: OutboundMessage, *, net: bool = True) -> None:
        self._redactor = redactor
        self._net = net
        self._ref = message.ref
        self._to = message.to
        digits = _digits(message.to)
        self._tail = digits[-_FEWEST_DIGITS:] if len(digits) >= 5 else ""
        parameters = message.template.parameters.values() if message.template else ()
        self._texts = sorted({text for text in (message.text, *parameters) if text}, key=len, reverse=True)
        self._address = message.callback_url

    @cached_property
    def _mark(self) -> str:
        """What proves that a call is about this message, where the provider signs nothing."""
        value = self._address.rpartition("=")[2]
        return value if value != self._ref else ""

    @cached_property
    def _quotes(self) -> frozenset[tuple[str, ...]]:
        return frozenset(triple for text in self._texts for triple in _triples(text))

    @cached_property
    def _folded(self) -> tuple[str, ...]:
        return tuple(text.casefold() for text in self._texts)

    @cached_property
    def _codes(self) -> tuple[str, ...]:
        """Ids of WhatsApp hold the number in base64, and credentials are written so."""
        return (*self._redactor.encoded, *(code for one in (self._tail, *self._texts) for code in _encodings(one)))

    @cached_property
    def _names(self) -> frozenset[str]:
        """A text does not say which of its words are names; those with a capital letter may be."""
        words = (word for text in self._texts for word in _WORD.findall(text))
        return frozenset(word.casefold() for word in words if len(word) >= _SHORTEST_NAME and word[0].isupper())

    def tree(self, value: Any, rule: Rule = "") -> Any:
        """Of JSON, a form, a query or headers."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if rule == "secret":
            return REMOVED
        if isinstance(value, Mapping):
            below = ((str(key), one) for key, one in value.items())
            return {self.words(key): self.tree(one, rule or self._redactor.rule(key)) for key, one in below}
        if isinstance(value, list | tuple):
            return [self.tree(one, rule) for one in value]
        text = value if isinstance(value, str) else str(value)
        if rule:
            return length(text) if rule == "text" else self._numbers(text)
        kept = self.words(text)
        # JSON has no word for infinity
        return value if kept == text and not (isinstance(value, float) and not isfinite(value)) else kept

    def words(self, text: str) -> str:
        """Of anything that no declared key covers."""
        if not self._net:
            return text
        if _PLAIN.fullmatch(text):
            return self._plain_word(text)
        try:
            nested = _json(text)
            if nested is not None:
                return json.dumps(self.tree(nested), ensure_ascii=False)
        except RecursionError:
            pass  # nested too deeply: read as text
        kept = self._caught(text)
        for read in (_unquoted, unescape, _unescaped):
            spelled = read(kept)
            caught = spelled if spelled == kept else self._caught(spelled)
            if caught != spelled:
                kept = caught
        return kept

    def _plain_word(self, text: str) -> str:
        if any(text == secret or (len(secret) >= _SHORTEST and secret in text) for secret in self._redactor.secrets):
            return REMOVED
        return self._without_texts(text) if self._texts else text

    def without_secrets(self, text: str) -> str:
        """Of what cannot hold anything else that is private: the name of a host."""
        for secret in self._redactor.secrets:
            if text == secret or (len(secret) >= _SHORTEST and secret in text):
                text = text.replace(secret, REMOVED)
        return text

    def _caught(self, text: str) -> str:
        text = self.without_secrets(text)
        for ours in (self._address, self._mark):
            if ours and ours in text:
                text = text.replace(ours, ADDRESS)
        text = self._without_texts(text)
        text = _RUN.sub(self._run, text)
        return _ENCODED.sub(self._encoded, text) if len(text) >= _SHORTEST_CODE else text

    def _without_texts(self, text: str) -> str:
        folded = text.casefold()
        for private, wanted in zip(self._texts, self._folded, strict=True):
            if folded == wanted:
                return length(text)
            if len(wanted) >= _SHORTEST and wanted in folded:
                without = re.sub(re.escape(private), length(private), text, flags=re.IGNORECASE)
                if without == text:  # spelled otherwise: ss for ß
                    return f"[quotes the text, {len(text)} characters]"
                text = without
        if len(text) >= _SHORTEST_QUOTE and not self._quotes.isdisjoint(_triples(text)):
            return f"[quotes the text, {len(text)} characters]"
        return text if self._names.isdisjoint(_WORD.findall(folded)) else _WORD.sub(self._name, text)

    def _name(self, match: re.Match[str]) -> str:
        word = match[0]
        return length(word) if word.casefold() in self._names else word

    def _numbers(self, text: str) -> str:
        """Under a declared key: whatever stands there is somebody's."""
        if self._tail and self._tail in _digits(text):
            return mask(self._to)
        return _masked(text)

    def _run(self, match: re.Match[str]) -> str:
        run, digits = match[0], _digits(match[0])
        if self._tail and self._tail in digits:
            return mask(self._to)
        if (
            match["uuid"]
            or len(digits) < _FEWEST_DIGITS
            or run == self._ref
            or _ID.fullmatch(run)
            or _DATE.fullmatch(run)
        ):
            return run
        text, start, end = match.string, match.start(), match.end()
        in_word = (start > 0 and _is_letter(text[start - 1])) or (end < len(text) and _is_letter(text[end]))
        if in_word and run == digits and not _MOBILE.fullmatch(run):
            return run
        if run == digits and len(digits) > _MOST_DIGITS:
            return run
        return _masked(run)

    def _encoded(self, match: re.Match[str]) -> str:
        token = match[0].replace("-", "+").replace("_", "/")
        hexadecimal = token.lower()
        if any(code in token or code in hexadecimal for code in self._codes):
            return f"[encoded, {len(token)} characters]"
        return match[0]


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _is_letter(character: str) -> bool:
    return character.isalpha() or character == "_"


def _masked(text: str) -> str:
    """At least five digits of a number stay hidden, and all of what is too short for one."""
    digits = _digits(text)
    shown = max(0, min(5, len(digits) - 8))
    last = digits[-3:] if len(digits) >= _FEWEST_DIGITS else ""
    return f"{'+' if text.lstrip().startswith('+') and shown else ''}{digits[:shown]}****{last}"


def _triples(text: str) -> Iterable[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return zip(*(words[start:] for start in range(_QUOTE)), strict=False)


def _json(text: str) -> Any:
    """What a string holds that is JSON itself; None where it is not."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _unquoted(text: str) -> str:
    return unquote_plus(text) if "%" in text or ("+" in text and " " not in text) else text


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text).replace("\\/", "/").replace("\\n", "\n")


def _encodings(private: str) -> Iterable[str]:
    """What base64 and hexadecimal of anything that contains it contain."""
    octets = private.encode("utf-8", "replace")
    if len(octets) < _FEWEST_OCTETS:
        return
    yield octets.hex()
    for before, start in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(octets)) * 8 // 6
        yield base64.b64encode(bytes(before) + octets).decode()[start:whole]
