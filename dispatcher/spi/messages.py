"""What passes through the door: messages out, receipts and replies in.

Numbers, names and texts stay out of every `repr`: tracebacks and logs print those (invariant 12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dispatcher.core.status import Reason, Status


@dataclass(frozen=True, slots=True)
class Template:
    """A provider-held template. `parameters` by name, or by position as "1", "2", …"""

    id: str
    language: str = "id"
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)  # frozen costs four times as much to make, and this is on the hottest path
class OutboundMessage:
    """One message to one person, by one attempt.

    `ref`: ours, `<message>.<attempt>`, unique for ever; put it wherever the provider echoes or deduplicates it.
    `to`: E.164. Exactly one of `text` and `template` is set. `callback_url` already holds `ref` and its MAC, and is
    empty where no public URL is configured. `valid_for_s`: after that the message is of no use, None: no limit.
    """

    ref: str
    to: str = field(repr=False)
    text: str | None = field(default=None, repr=False)
    template: Template | None = None
    callback_url: str = field(default="", repr=False)
    valid_for_s: int | None = None
    segments: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """One word from the provider about one message (or one part of it).

    `ref`: as sent, "" where the provider does not echo it. `status`: any of ACCEPTED SENT DELIVERED READ FAILED
    UNKNOWN. `occurred_us`: the provider's own time, None where it gives none. `part`: from 0. `suppress`: the reason
    means that the person stopped this sender. `price`: (currency, decimal as text) where the provider tells.
    """

    status: Status
    ref: str = ""
    provider_id: str = ""
    reason: Reason | None = None
    code: str = ""
    occurred_us: int | None = None
    part: int = 0
    suppress: bool = False
    price: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """A person wrote. `sender`: E.164 of the person; `opt_out`: the provider itself recognised the keyword."""

    provider_id: str
    sender: str = field(repr=False)
    text: str = field(repr=False)
    opt_out: Literal["", "stop", "start", "help"] = ""
    button: str = field(default="", repr=False)
    occurred_us: int | None = None


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One webhook call. `url`: the public one (configured, not guessed) with its query. Header names in lower case."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    query: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What `parse` found. `reply` and `content_type` answer the provider where it wants more than an empty 204."""

    receipts: tuple[Receipt, ...] = ()
    inbound: tuple[Inbound, ...] = ()
    reply: bytes = b""
    content_type: str = ""
    unmapped: tuple[str, ...] = ()
    """Status words or codes that the adapter does not know: a diagnostic, never an exception."""


@dataclass(frozen=True, slots=True)
class LookupQuery:
    """An attempt whose end is unknown. `begun_us`: database time at which the attempt was committed.

    `until_us`: the attempt may have begun at any time between the two, with any number in its `ref`, because the
    database lost that time (invariant 16); `Absent` then speaks of all of it.
    """

    ref: str
    to: str = field(repr=False)
    begun_us: int
    text: str | None = field(default=None, repr=False)
    provider_id: str = ""
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    provider_id: str
    status: Status
    reason: Reason | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider does not hold it."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """The provider could not be asked, or its answer does not tell. `detail` is for people and holds no secret."""

    detail: str = ""


LookupResult = Found | Absent | Undecided


@dataclass(frozen=True, slots=True)
class HeldTemplate:
    """A template as the provider holds it.

    `language`: its code there, "" where the provider does not say. `approved`: may be sent now; else `state` is the
    provider's own word, and `reason` why it refused. `parameters`: the names that a message must fill, None where that
    cannot be told. `text`: as people read it, with its `{{placeholders}}`, "" where that cannot be told. `digest`: a
    hash over everything that shapes what people get; it becomes part of the approved fingerprint. `optional`: those of
    `parameters` that a message need not fill.
    """

    id: str
    digest: str
    language: str = ""
    approved: bool = True
    state: str = ""
    reason: str = ""
    parameters: frozenset[str] | None = None
    text: str = field(default="", repr=False)
    optional: frozenset[str] = frozenset()


TemplateResult = HeldTemplate | Absent | Undecided


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `channel check`. `detail` and `fix` are for people and hold no secret."""

    name: str
    ok: bool
    detail: str = ""
    fix: str = ""
