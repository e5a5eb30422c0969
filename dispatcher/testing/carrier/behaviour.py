"""How the simulated carrier behaves: what it does to requests, messages and callbacks, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from functools import lru_cache
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from dispatcher.core.errors import UsageError

Share = Annotated[float, Ge(0), Le(1)]
Positive = Annotated[float, Ge(0)]
Weights = dict[str, Annotated[float, Ge(0)]]
Fault = Literal[
    "http_429", "http_500_before_accept", "http_500_after_accept",
    "reset_before_accept", "reset_after_accept", "slow_after_accept",
]  # fmt: skip
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_STRICT)
class Burst:
    """Every `every_s` seconds, `share` of the creates of the next `for_s` seconds meet `fault`."""

    fault: Fault
    every_s: Annotated[float, Ge(0.01)]
    for_s: Annotated[float, Ge(0.001)]
    share: Share = 1.0


@dataclass(frozen=True, config=_STRICT)
class HeldContent:
    """A template as the carrier holds it; `status` is WhatsApp's word for its approval."""

    language: str = "id"
    body: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    status: Literal["unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"] = "approved"
    rejection_reason: str = ""


@dataclass(frozen=True, config=_STRICT)
class Behaviour:
    """Shares are of messages, 0 to 1; a pair is (from, to), drawn evenly.

    What happens to the n-th message to a recipient follows from `seed`, recipient and n alone, whatever the order of
    arrival; only `bursts` follow the time. The defaults are a carrier that works: everything is delivered, soon.
    """

    seed: int = 0

    # Answers to a create.
    latency_ms: tuple[Positive, Positive] = (0, 0)
    slow_s: Positive = 12.0  # how late a slow answer is
    retry_after_s: Positive = 1.0  # what a 429 asks for
    http_429: Share = 0
    http_500_before_accept: Share = 0
    http_500_after_accept: Share = 0
    reset_before_accept: Share = 0
    reset_after_accept: Share = 0
    slow_after_accept: Share = 0
    bursts: tuple[Burst, ...] = ()

    # What becomes of a message.
    sent_after_ms: tuple[Positive, Positive] = (20, 200)
    delivered_after_ms: tuple[Positive, Positive] = (50, 1000)  # after `sent`
    read: Share = 0.5  # WhatsApp only
    read_after_ms: tuple[Positive, Positive] = (100, 2000)  # after `delivered`
    failure: Share = 0
    failure_codes: Weights = field(
        default_factory=lambda: {"30003": 4, "30005": 2, "30006": 1, "30008": 1, "63003": 4, "63024": 1}
    )  # 63xxx belong to WhatsApp, the others to SMS
    no_receipt: Share = 0  # stays at `sent`

    # What becomes of its callbacks.
    late: Share = 0
    late_by_s: tuple[Positive, Positive] = (3600, 14400)
    repeated: Share = 0
    disordered: Share = 0  # `delivered` before `sent`, or a `failed` that `delivered` takes back
    early: Share = 0  # the first callback is answered before the create is
    lost: Share = 0  # of callbacks
    redeliveries: Annotated[int, Ge(0)] = 1  # after a failed one; Twilio's default is one
    redelivery_after_s: Positive = 0.5  # doubled each time

    # Templates by their sid; none: whatever is asked for, approved, with a text that nobody knows.
    templates: dict[str, HeldContent] = field(default_factory=dict)

    # What recipients answer.
    reply: Share = 0
    replies: Weights = field(default_factory=lambda: {"HADIR": 6, "SETUJU": 3, "STOP": 1})
    reply_after_ms: tuple[Positive, Positive] = (500, 5000)  # after `delivered`
    inbound_url: str = ""
    webhook_url: str = ""  # Meta's face: statuses and replies alike; set by a subscription too
    handles_opt_outs: bool = False  # as Twilio's advanced opt-out: OptOutType on replies, then 21610 on creates

    @model_validator(mode="after")
    def _pairs_ascend(self) -> Behaviour:
        for name, value in self.__dict__.items():
            if name.endswith(("_ms", "_by_s")) and value[0] > value[1]:
                raise ValueError(f"{name}: the first number is above the second")
        if self.failure > 0 and not any(self.failure_codes.values()):
            raise ValueError("failure_codes: none has a weight")
        if self.reply > 0 and not any(self.replies.values()):
            raise ValueError("replies: none has a weight")
        return self

    def merged(self, changes: Mapping[str, object]) -> Behaviour:
        """This behaviour with a JSON merge patch (RFC 7396) laid over it; UsageError where the result is none."""
        return behaviour_from(merge_patch(asdict(self), changes))


def behaviour_from(values: object) -> Behaviour:
    """From parsed JSON; UsageError that names the key."""
    try:
        return _adapter().validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{where}: {first['msg']}" if where else first["msg"]
        raise UsageError("carrier-behaviour", f"this is no behaviour of a carrier: {message}") from None


def merge_patch(target: object, patch: object) -> object:
    """RFC 7396: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Behaviour]:
    return TypeAdapter(Behaviour)
