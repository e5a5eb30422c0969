"""What happens to one message: decided at once, from the seed, the recipient and how often they were written to."""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from dispatcher.testing.carrier.behaviour import Behaviour, Fault

FAULTS: Final[tuple[Fault, ...]] = (
    "http_429", "http_500_before_accept", "http_500_after_accept",
    "reset_before_accept", "reset_after_accept", "slow_after_accept",
)  # fmt: skip
#: Codes by which a carrier reports that it could not deliver; by any other the provider gives up itself.
UNDELIVERED: Final = frozenset({"30003", "30005", "30006", "30008"})
_REPEAT_AFTER_S: Final = 0.05
_LANES: Final = struct.Struct("<16I")
_FULL: Final = float(1 << 32)


class Step(NamedTuple):
    """`after_s` the acceptance the message becomes `status`; it is told `told` times (0: the callback is lost)."""

    after_s: float
    status: str
    error: str = ""
    told: int = 1


class Reply(NamedTuple):
    after_s: float
    text: str


class Fate(NamedTuple):
    """`steps` in the order of their callbacks."""

    fault: Fault | None
    latency_s: float
    early: bool
    steps: tuple[Step, ...]
    reply: Reply | None


class Draws:
    """Sixteen independent even draws from [0, 1), the same for the same (seed, recipient, n) on every machine."""

    __slots__ = ("_lanes",)

    def __init__(self, seed: int, recipient: str, n: int) -> None:
        digest = blake2b(f"{seed}/{recipient}/{n}".encode(), digest_size=64).digest()
        self._lanes: tuple[int, ...] = _LANES.unpack(digest)

    def __getitem__(self, lane: int) -> float:
        return self._lanes[lane] / _FULL

    def between(self, lane: int, pair: tuple[float, float]) -> float:
        return pair[0] + (pair[1] - pair[0]) * (self._lanes[lane] / _FULL)


def decide(
    behaviour: Behaviour, recipient: str, n: int, *, whatsapp: bool, reachable: bool = True, elapsed_s: float = 0.0
) -> Fate:
    """`n` counts the tries to write to `recipient`, from 0. Not `reachable`: no account on this channel (63003).

    `elapsed_s` since the carrier started: what bursts go by.
    """
    draws = Draws(behaviour.seed, recipient, n)
    steps = _steps(behaviour, draws, whatsapp=whatsapp, reachable=reachable)
    return Fate(
        fault=_burst(behaviour, draws[0], elapsed_s) or _fault(behaviour, draws[0]),
        latency_s=draws.between(1, behaviour.latency_ms) / 1000,
        early=draws[2] < behaviour.early,
        steps=_as_told(behaviour, draws, steps),
        reply=_reply(behaviour, draws, steps),
    )


def _burst(behaviour: Behaviour, draw: float, elapsed_s: float) -> Fault | None:
    for burst in behaviour.bursts:
        if elapsed_s % burst.every_s < burst.for_s and draw < burst.share:
            return burst.fault
    return None


def _fault(behaviour: Behaviour, draw: float) -> Fault | None:
    for fault in FAULTS:
        draw -= getattr(behaviour, fault)
        if draw < 0:
            return fault
    return None


def _steps(behaviour: Behaviour, draws: Draws, *, whatsapp: bool, reachable: bool) -> list[Step]:
    sent_s = draws.between(3, behaviour.sent_after_ms) / 1000
    end_s = sent_s + draws.between(4, behaviour.delivered_after_ms) / 1000
    sent = Step(sent_s, "sent")
    if not reachable:
        return [Step(sent_s, "failed", "63003")]
    outcome = draws[5]
    if outcome < behaviour.failure:
        code = _weighted(_codes(behaviour, whatsapp=whatsapp), draws[6])
        return [sent, Step(end_s, "undelivered", code)] if code in UNDELIVERED else [Step(sent_s, "failed", code)]
    if outcome < behaviour.failure + behaviour.no_receipt:
        return [sent]
    steps = [sent, Step(end_s, "delivered")]
    if whatsapp and draws[7] < behaviour.read:
        steps.append(Step(end_s + draws.between(8, behaviour.read_after_ms) / 1000, "read"))
    return steps


def _as_told(behaviour: Behaviour, draws: Draws, steps: list[Step]) -> tuple[Step, ...]:
    """The callbacks that the world sees of it: some late, repeated, disordered or lost."""
    if not (behaviour.disordered or behaviour.late or behaviour.repeated or behaviour.lost):
        return tuple(steps)
    if draws[9] < behaviour.disordered and len(steps) > 1:
        steps = _disordered(steps, taken_back=draws[9] < behaviour.disordered / 2)
    late_s = draws.between(10, behaviour.late_by_s) if draws[11] < behaviour.late else 0.0
    told = 2 if draws[12] < behaviour.repeated else 1
    return tuple(
        Step(
            step.after_s + (late_s if i == len(steps) - 1 else 0),
            step.status,
            step.error,
            0 if _fraction(draws[13], i) < behaviour.lost else told,
        )
        for i, step in enumerate(steps)
    )


def _disordered(steps: list[Step], *, taken_back: bool) -> list[Step]:
    """The second callback first; or a `failed` before the `delivered` that proves it wrong."""
    first, second, *rest = steps
    if taken_back and second.status == "delivered":
        return [
            first,
            Step(second.after_s, "failed", "30008"),
            Step(second.after_s + _REPEAT_AFTER_S, "delivered"),
            *rest,
        ]
    swapped = Step(first.after_s, second.status, second.error)
    return [swapped, Step(second.after_s, first.status, first.error), *rest]


def _reply(behaviour: Behaviour, draws: Draws, steps: list[Step]) -> Reply | None:
    delivered = next((step for step in steps if step.status == "delivered"), None)
    if delivered is None or draws[14] >= behaviour.reply:
        return None
    text = _weighted(tuple(behaviour.replies.items()), draws[15])
    after_s = delivered.after_s + _between(behaviour.reply_after_ms, _fraction(draws[15], 1)) / 1000
    return Reply(after_s, text)


def _between(pair: tuple[float, float], draw: float) -> float:
    return pair[0] + (pair[1] - pair[0]) * draw


def _fraction(draw: float, i: int) -> float:
    """One draw serves several callbacks: its bits, read from another place on."""
    return (draw * 1021.0**i) % 1.0


def _weighted(weights: tuple[tuple[str, float], ...], draw: float) -> str:
    point = draw * sum(weight for _, weight in weights)
    for name, weight in weights:
        point -= weight
        if point < 0:
            return name
    return weights[-1][0]


def _codes(behaviour: Behaviour, *, whatsapp: bool) -> tuple[tuple[str, float], ...]:
    fitting = _fitting(tuple(behaviour.failure_codes.items()), whatsapp)
    return fitting or tuple(behaviour.failure_codes.items())


@lru_cache(maxsize=16)
def _fitting(codes: tuple[tuple[str, float], ...], whatsapp: bool) -> tuple[tuple[str, float], ...]:
    return tuple((code, weight) for code, weight in codes if weight and code.startswith("63") == whatsapp)
