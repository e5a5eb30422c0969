"""What the recipient's page shows, and what a plan says for it. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

State = Literal["open", "past", "over", "gone"]
"""`past`: the session is over; `over`: the link has expired, or the campaign was cancelled; `gone`: erased."""

#: Meanings by which campaigns have always named the answers to a session, where they do not say `rsvp:`.
_USUAL: Final = {
    "yes": frozenset({"hadir", "ya", "datang", "bisa-hadir", "yes", "attend"}),
    "no": frozenset({"tidak-hadir", "tidak", "tidak-bisa", "berhalangan", "tidak-datang", "no", "decline"}),
}


class Choice(NamedTuple):
    """An answer that a campaign takes, with the word for it."""

    meaning: str
    label: str


class About(NamedTuple):
    """A campaign as its people see it. `yes` and `no`: its meanings for answers to a session, "" where it has none."""

    slug: str
    title: str
    owner: str
    language: str
    choices: tuple[Choice, ...]
    yes: str
    no: str

    @property
    def other_choices(self) -> tuple[Choice, ...]:
        """Those that do not say whether one comes."""
        return tuple(choice for choice in self.choices if choice.meaning not in (self.yes, self.no))


class Event(NamedTuple):
    """A session as it stands."""

    code: str
    title: str
    place: str
    address: str
    zone: str
    starts_us: int
    ends_us: int | None
    updated_us: int


class Stopped(NamedTuple):
    """The number is refused. `number`: masked, where that came through this link, else ""."""

    number: str
    may_undo: bool


class Page(NamedTuple):
    """`rsvp`: yes, no, waiting or ""; `door_code`: of somebody who comes."""

    state: State
    campaign: About
    event: Event | None
    is_shared: bool
    is_visited: bool
    is_previewed: bool
    language: str = ""
    first_name: str = ""
    rsvp: str = ""
    meaning: str = ""
    choices: tuple[Choice, ...] = ()
    may_stop: bool = False
    stopped: Stopped | None = None
    door_code: str = ""


def about(campaign: Mapping[str, Any]) -> About:
    """`campaign`: as plans store it."""
    answers = campaign.get("answers", ())
    return About(
        campaign["campaign"],
        campaign["title"],
        campaign.get("owner", ""),
        campaign.get("language", "id"),
        tuple(Choice(answer["meaning"], answer["keywords"][0].capitalize()) for answer in answers),
        _meaning(answers, "yes"),
        _meaning(answers, "no"),
    )


def _meaning(answers: Any, rsvp: str) -> str:
    said = (answer["meaning"] for answer in answers if answer.get("rsvp") == rsvp)
    usual = (answer["meaning"] for answer in answers if answer["meaning"] in _USUAL[rsvp])
    return next(said, None) or next(usual, "")
