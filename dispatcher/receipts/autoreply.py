"""Whether one automatic answer is due to a reply, which one, and why not. Two robots never talk to each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from dispatcher.core.clock import DAY_US, HOUR_US
from dispatcher.core.words import normalise

Kind = Literal["stop", "start", "help", "answer", "not-understood"]
WhyNot = Literal[
    "off", "unsigned", "not-a-person", "robot", "provider", "nothing-said", "refused", "recent", "channel", "window",
    "no-text",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = ("stop", "start", "help", "answer", "not-understood")

#: WhatsApp takes free text for 24 hours after the person's message; one hour is kept for the queue.
WINDOW_US: Final = DAY_US - HOUR_US
_PERSON: Final = re.compile(r"\+[1-9]\d{9,14}")
"""A short code has fewer digits, a registered name has letters."""

#: How automatic answers speak of themselves, in the first lines.
_ROBOT: Final = re.compile(
    r"\b(?:(?:balasan|pesan|jawaban|respon|respons) (?:ini )?(?:di)?(?:kirim )?(?:secara )?otomatis|auto ?repl(?:y|ies)"
    r"|(?:automatic|automated) (?:reply|response|message)|out of (?:the )?office|auto ?response|do not reply"
    r"|(?:jangan|tidak perlu|mohon tidak) (?:mem)?balas (?:pesan|sms|nomor)|no ?reply|terima kasih (?:telah|sudah|atas"
    r" pesan) (?:menghubungi|anda)|thank(?:s| you) for (?:contacting|your message|reaching out)|this mailbox"
    r"|kode otp|kode verifikasi|verification code|undeliverable|delivery status)\b"
)
_READ: Final = 300

MOST_CONFIRMED: Final = 3
"""Automatic answers to one number within the spacing, after which not even its own answers are confirmed."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply. `kind`: what it would be answered with; `age_us`: since the person wrote.

    `refused`: the number stopped before. `since_last_us`: since the last automatic reply to the number; `lately`: how
    many there were within the spacing. `unsigned`: a gateway that signs nothing told of it, so that anyone may have, in
    anyone's name. `by_provider`: the provider itself understood the word, and answers it.
    """

    kind: Kind
    address: str
    text: str
    age_us: int = 0
    refused: bool = False
    since_last_us: int | None = None
    lately: int = 0
    unsigned: bool = False
    by_provider: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """What the channel can carry back: `free_text` at any time; `windowed`, within a day of the person's message."""

    free_text: bool
    windowed: bool


class Decision(NamedTuple):
    """One of the two is "" always."""

    reply: Kind | Literal[""]
    why_not: WhyNot | Literal[""]


def decide(heard: Heard, way: Way | None, kinds: frozenset[str], spacing_us: int) -> Decision:
    """`way` None: the channel does not receive, or is not configured any more. `kinds`: those that are switched on."""
    why_not = _why_not(heard, way, kinds, spacing_us)
    return Decision("", why_not) if why_not else Decision(heard.kind, "")


def _why_not(heard: Heard, way: Way | None, kinds: frozenset[str], spacing_us: int) -> WhyNot | Literal[""]:
    if heard.kind not in kinds:
        return "off"
    if heard.unsigned:
        return "unsigned"
    if not _PERSON.fullmatch(heard.address):
        return "not-a-person"
    if looks_automatic(heard.text):
        return "robot"
    if heard.by_provider:
        return "provider"
    if heard.kind == "not-understood" and not normalise(heard.text[:_READ]):
        return "nothing-said"  # a thumb, a heart
    if heard.refused:
        return "refused"
    if _is_recent(heard, spacing_us):
        return "recent"
    if way is None or not (way.free_text or way.windowed):
        return "channel"
    if not way.free_text and heard.age_us > WINDOW_US:
        return "window"
    return ""


def _is_recent(heard: Heard, spacing_us: int) -> bool:
    """A stop is confirmed in any case: once, as whoever stopped hears nothing more. An answer, a few times."""
    if heard.since_last_us is None or heard.since_last_us >= spacing_us or heard.kind == "stop":
        return False
    return heard.kind != "answer" or heard.lately >= MOST_CONFIRMED


def looks_automatic(text: str) -> bool:
    """An absence note, a business's greeting, a one-time code: a machine wrote it."""
    return bool(_ROBOT.search(normalise(text[:_READ])))
