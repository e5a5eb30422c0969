"""What a seed stands for: the carrier's usual behaviour, and which faults strike when."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from dispatcher.testing.carrier import Behaviour
from tests.chaos.faults import FAULTS

RATE = 80
SENDING_S = 22.0
FIRST_S, LAST_S = 3.0, 18.0
RUNS_FOR_ALL = 5
"""Five seeds in a row, from a multiple of five on, share all kinds of faults among them."""


@dataclass(frozen=True)
class Plan:
    seed: int
    behaviour: Behaviour
    faults: tuple[tuple[float, str], ...]
    """(seconds after the first message, kind), ascending."""

    rate: int = RATE
    sending_s: float = SENDING_S

    @property
    def contacts(self) -> int:
        return int(self.rate * self.sending_s)


def plan_of(seed: int) -> Plan:
    return Plan(seed, _behaviour(seed), tuple(_faults(seed)))


def _faults(seed: int) -> list[tuple[float, str]]:
    kinds = sorted(FAULTS)
    Random(seed // RUNS_FOR_ALL).shuffle(kinds)
    mine, random = kinds[seed % RUNS_FOR_ALL :: RUNS_FOR_ALL], Random(seed)
    stretch = (LAST_S - FIRST_S) / len(mine)
    return [(FIRST_S + stretch * (i + random.random() / 2), kind) for i, kind in enumerate(mine)]


def _behaviour(seed: int) -> Behaviour:
    """Callbacks are lost, doubled, disordered, hours late, and earlier than the answer."""
    return Behaviour(
        seed=seed,
        latency_ms=(30, 60),
        sent_after_ms=(5, 100),
        delivered_after_ms=(20, 400),
        failure=0.03,
        lost=0.02,
        repeated=0.05,
        disordered=0.05,
        late=0.02,
        early=0.05,
    )
