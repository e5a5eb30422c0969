"""What a campaign is: the shape of `campaigns/*.yaml`, frozen once loaded.

Field descriptions end up in the JSON Schema that editors show, so they are written for campaign managers.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from dispatcher.core import window
from dispatcher.core.clock import to_us
from dispatcher.core.duration import DURATION, parse_duration
from dispatcher.core.media import Media

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$", max_length=60)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(_DATE.pattern + r"([T ]\d{2}:\d{2}(:\d{2})?( ?(Z|[+-]\d{2}:\d{2}))?)?")


def _as_minutes(value: timedelta) -> str:
    return f"{value // timedelta(minutes=1)} minutes"


def _as_time_of_day(value: time) -> str:
    return "24:00" if value == window.END_OF_DAY else f"{value:%H:%M}"


def _time_of_day(value: Any) -> Any:
    if isinstance(value, str):
        return window.parse_time_of_day(value)
    if isinstance(value, time):
        return value
    raise ValueError('write a time of day as "08:00"')


def _instant(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and _INSTANT.fullmatch(value)):
        return value
    raise ValueError('write an instant as "2027-02-10 09:00"')


def _near(value: datetime) -> datetime:
    if not 2000 <= value.year <= 2100:
        raise ValueError("the year must be between 2000 and 2100")
    return value


def _date(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise ValueError('write a date as "2027-02-10"')


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        message = f'"{name}" is not a time zone: write Asia/Jakarta, Asia/Makassar or Asia/Jayapura'
        raise ValueError(message) from None
    return name


def _text_by_language(value: Any) -> Any:
    return {"": value} if isinstance(value, str) else value


def _weights(value: Any) -> Any:
    """A sender, a list of senders, or sender → weight."""
    if isinstance(value, str):
        return {value: 1}
    if isinstance(value, list):
        return dict.fromkeys(value, 1)
    return value


def _patterned(pattern: str, description: str) -> WithJsonSchema:
    """Patterns instead of JSON Schema's formats, which demand seconds and an offset."""
    return WithJsonSchema({"type": "string", "pattern": pattern, "description": description})


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(_as_minutes, return_type=str, when_used="json"),
    _patterned(DURATION.pattern, 'E.g. "30 minutes", "4 hours", "2 days".'),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    PlainSerializer(_as_time_of_day, return_type=str, when_used="json"),
    _patterned(r"^([01]?\d|2[0-4])[:.][0-5]\d$", 'A time of day, e.g. "08:00".'),
]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    AfterValidator(_near),
    _patterned(
        f"^{_INSTANT.pattern}$",
        '"2027-02-10 09:00" in the campaign\'s zone, or with an offset: "2027-02-10 09:00+07:00".',
    ),
]
Date = Annotated[date, BeforeValidator(_date), _patterned(f"^{_DATE.pattern}$", 'A date, e.g. "2027-02-10".')]
Texts = Annotated[
    dict[str, str],
    BeforeValidator(_text_by_language, json_schema_input_type=str | dict[str, str]),
    Field(description="One text, or a text per language (`id`, `en`). Jinja, see docs/writing-campaigns.md."),
]
Senders = Annotated[
    dict[str, Annotated[int, Field(ge=1, le=1000)]],
    BeforeValidator(_weights, json_schema_input_type=str | list[str] | dict[str, int]),
    Field(min_length=1, description="A sender, a list of senders, or senders with weights."),
]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(Part):
    """The hours at which people may be messaged, in the campaign's zone (or the contact's own, if known)."""

    days: tuple[Day, ...] = Field(DAYS, description="Days of the week.")
    open: TimeOfDay = Field(time(8), description='Not before, e.g. "08:00".')
    close: TimeOfDay = Field(time(20), description='Not after, e.g. "20:00".')
    blackouts: tuple[Date, ...] = Field((), description="Dates on which nothing is sent.")

    def in_zone(self, zone: str) -> window.Window:
        """The same hours as instants of a zone."""
        days = frozenset(DAYS.index(day) for day in self.days)
        return window.Window(zone, days, self.open, self.close, frozenset(self.blackouts))


class Outcome(Part):
    """People by what became of another campaign."""

    campaign: Slug = Field(description="The other campaign's name.")
    answered: bool | str | None = Field(None, description='true, false ("not yet answered"), or one answer.')
    delivered: bool | None = Field(None, description="true: it reached them; false: it did not.")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.answered is None and self.delivered is None:
            raise ValueError("say `answered:` or `delivered:`")
        return self


class Rule(Part):
    """People who match every line given here; within a line, any of its values."""

    groups: tuple[str, ...] = Field((), description="Member of any of these groups, e.g. rt, pkk, mahasiswa.")
    roles: tuple[str, ...] = Field((), description="Holds any of these roles, e.g. ketua.")
    regions: tuple[str, ...] = Field(
        (), description='Lives in any of these, e.g. "31.74", "31.74.05.1003", "31.74.05.1003/7/3" (RW 7, RT 3).'
    )
    languages: tuple[str, ...] = Field((), description="Speaks any of these: id, en.")
    where: str = Field("", description="An expression over attributes, e.g. `umur >= 17 and not pengurus`.")
    outcomes: tuple[Outcome, ...] = Field((), description="What became of other campaigns.")

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in Rule.model_fields)


class Audience(Rule):
    """Who is meant. Everyone stored who matches, less those of `exclude`."""

    everyone: bool = Field(False, description="Must be said where no other line narrows the audience.")
    exclude: Rule = Field(Rule(), description="Leave these out.")


class StepRule(Rule):
    """Who of the campaign's audience a step means; `rsvp` speaks of the step's own session."""

    rsvp: tuple[Literal["yes", "no", "waiting", "none"], ...] = Field(
        (), description="What they said to the step's session: yes, no, waiting (for a place), none (nothing yet)."
    )

    @property
    def is_empty(self) -> bool:
        return super().is_empty and not self.rsvp


class Session(Part):
    """An event that people are invited to. Its name stands for one event in the whole installation."""

    title: str = Field(min_length=1, description="What it is, as people read it.")
    place: str = Field(min_length=1, description="Where it is, e.g. Balai Kota.")
    address: str = Field("", description="Street and number.")
    region: str = Field("", description='Where it is by code, e.g. "31.71.03", for reports by area.')
    starts: Instant = Field(description="When it begins.")
    ends: Instant | None = Field(None, description="When it ends.")
    capacity: int | None = Field(None, ge=1, description="How many people have room.")
    code: str = Field("", max_length=20, description="The word by which replies name it; default: its name.")


class ProviderTemplate(Part):
    """A template that the provider holds and has approved, with the values for its parameters."""

    id: str = Field(description="Its id or name at the provider, e.g. HX….")
    language: str = Field("id", description="The language code under which the provider holds it.")
    parameters: dict[str, str] = Field(default_factory=dict, description='By name or position ("1", "2"); Jinja.')
    body: str = Field("", description="Its text, as approved: for previews and lint.")


def _template_by_language(value: Any) -> Any:
    """`id` is a key of one template and a language too: what stands below it tells which."""
    is_one = isinstance(value, dict) and "id" in value and not isinstance(value["id"], dict)
    return {"": value} if is_one else value


Templates = Annotated[
    dict[str, ProviderTemplate],
    BeforeValidator(_template_by_language, json_schema_input_type=ProviderTemplate | dict[str, ProviderTemplate]),
    Field(description="A template that the provider holds, or one per language (`id`, `en`)."),
]


class Hop(Part):
    """One try at reaching a person. The next hop follows a failure, or a deadline without delivery."""

    senders: Senders
    after: Duration | None = Field(None, description="Deadline: the next hop follows if not delivered by then.")
    text: Texts = Field(default_factory=dict)
    template: Templates = Field(default_factory=dict)


class Moment(Part):
    """An instant relative to a session: `{before: "2 days", at: "09:00"}` or `{after: "3 hours"}`.

    `before` counts from its start, `after` from its end where that is given.
    """

    before: Duration | None = Field(None, description="So long before the session starts.")
    after: Duration | None = Field(None, description="So long after the session ends (or starts, without an end).")
    at: TimeOfDay | None = Field(None, description="At this time of that day.")

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if (self.before is None) == (self.after is None):
            raise ValueError("say either `before:` or `after:`")
        distance = self.before if self.before is not None else self.after
        if self.at is not None and distance is not None and distance % timedelta(days=1):
            raise ValueError('with `at:`, count in whole days, e.g. "2 days"')
        return self


class Step(Part):
    """One dated wave of a campaign."""

    name: Slug = Field(description="Its name in reports, e.g. undangan.")
    at: Instant | Moment = Field(description="When: an instant, or relative to the sessions of the step.")
    sessions: tuple[Slug, ...] = Field(
        (), description="Runs once for each: declared in this file, or in the session table."
    )
    audience: StepRule = Field(StepRule(), description="Narrows the campaign's audience for this step.")
    expires: Duration = Field(timedelta(hours=24), description="Too late to be useful after this long.")
    priority: Literal["normal", "urgent"] = Field("normal", description="urgent goes before all normal messages.")
    text: Texts = Field(default_factory=dict)
    route: tuple[Hop, ...] = Field(min_length=1, description="Senders to try, in order. Default: the campaign's route.")
    on_unknown: Literal["hold", "resend"] | None = Field(None, description="As for the campaign, for this step only.")
    live: tuple[Literal["session"], ...] = Field((), description="What may change after approval without a new one.")


class Answer(Part):
    """What people may reply, and what it means."""

    keywords: tuple[str, ...] = Field(min_length=1, description="Words that count as this answer, in any case.")
    meaning: Slug = Field(description="Its name in reports and in `outcomes:`.")
    rsvp: Literal["yes", "no"] | None = Field(None, description="What it says to the session they were invited to.")
    reply: Texts = Field(default_factory=dict)
    reply_waiting: Texts = Field(default_factory=dict, description="In place of `reply` where the session is full.")


class Caps(Part):
    """How many messages somebody gets at most, over all campaigns together."""

    per_day: int | None = Field(None, ge=1, description="On a calendar day.")
    per_7_days: int | None = Field(None, ge=1, description="In any 7 days running.")
    per_30_days: int | None = Field(None, ge=1, description="In any 30 days running.")


class Minors(Part):
    """Under which conditions people under 18 are reached too."""

    from_age: int = Field(17, ge=13, le=17, description="From this age on; 17 is the voting age.")
    basis: str = Field(min_length=1, max_length=500, description="Why it may: e.g. whose parents agreed, and how.")


class Goal(Part):
    people: int = Field(ge=1, description="Unique people to be reached (delivered to).")


class Campaign(Part):
    """A campaign as written. Unknown keys are errors."""

    version: Literal[1] = Field(1, description="The form of this file.")
    campaign: Slug = Field(description="Its name in commands and reports, e.g. ajakan-memilih.")
    title: str = Field(min_length=1, max_length=200, description="What it is about, for people.")
    owner: str = Field("", description="Who speaks, e.g. the office's name.")
    purpose: Slug = Field(description="What people consented to, e.g. pendidikan-pemilih.")
    language: Literal["id", "en"] = Field("id", description="The language that texts fall back to.")
    zone: Annotated[str, AfterValidator(_known_zone)] = Field("Asia/Jakarta", description="IANA name of the time zone.")
    goal: Goal | None = Field(None, description="What the campaign wants to reach.")
    window: Window = Field(Window(), description="The hours at which people may be messaged.")
    audience: Audience = Field(description="Who is meant.")
    holdout: float = Field(0.0, ge=0, lt=1, description="Share of people left out by chance, to measure the effect.")
    consent: Literal["required", "not-required"] = Field(
        "required", description="not-required: only with a legal basis other than consent; a refusal always counts."
    )
    minors: Minors | None = Field(None, description="Reaches people under 18 too; without it they are left out.")
    caps: Caps | Literal["exempt"] | None = Field(
        None, description="Stricter caps than those of the installation; exempt: none at all, which the plan shows."
    )
    variables: dict[Identifier, str | int | float | bool | date | datetime] = Field(
        default_factory=dict, description="Values for all texts of the campaign."
    )
    stop: dict[Media, Texts] = Field(default_factory=dict, description="How to stop, per medium: fills {{ stop }}.")
    sessions: dict[Slug, Session] = Field(default_factory=dict, description="Events people are invited to, by name.")
    answers: tuple[Answer, ...] = Field((), description="What people may reply, and what it means.")
    on_unknown: Literal["hold", "resend"] = Field("hold", description="`resend` accepts that some may get it twice.")
    route: tuple[Hop, ...] = Field((), description="The route of every step that names none.")
    steps: tuple[Step, ...] = Field(min_length=1, description="The waves of the campaign, in the order of time.")

    @model_validator(mode="before")
    @classmethod
    def _hand_down_route(cls, value: Any) -> Any:
        """A step without a route takes the campaign's."""
        if not isinstance(value, dict) or not isinstance(value.get("steps"), list) or not value.get("route"):
            return value
        route = value["route"]
        steps = [s if not isinstance(s, dict) or "route" in s else {**s, "route": route} for s in value["steps"]]
        return {**value, "steps": steps}

    def instant_us(self, moment: datetime) -> int:
        """Microseconds since 1970; an instant without an offset is in the campaign's zone."""
        return to_us(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.zone)))

    def step(self, name: str) -> Step:
        """KeyError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)
