"""A claim in the hands of one drain: which rows may leave at which instants, in slices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dispatcher.core.clock import SECOND_US, boottime_ns
from dispatcher.operations.context import Context
from dispatcher.store.claims import Claimed

SLICE_MESSAGES = 50
SLICE_US = 50_000
FEWEST_MESSAGES, MOST_MESSAGES = 20, 250
CLAIM_VOID_NS = 800_000_000


@dataclass(slots=True)
class Hand:
    """A claim: rows with the instants of their permits (None: no rate), and when it was made."""

    token: int
    rows: Sequence[Claimed]
    at_us: Sequence[int | None]
    claimed_ns: int
    wait_us: int = 0
    """Where there are no rows: how long to leave the sender alone; 0: nothing waits."""
    was_late: bool = False
    withdrawn: int = 0
    """How many of its begun rows did not leave: they tell nothing of how fast the provider is."""

    begun: dict[int, int] = field(default_factory=dict)
    """message → attempt of the first slice, once it is begun."""

    @property
    def is_paced(self) -> bool:
        """Whether its rows have permits; those that have none are one slice."""
        return bool(self.at_us) and self.at_us[0] is not None

    @property
    def is_void(self) -> bool:
        """A process that slept or was stopped must not use it (invariant 8)."""
        return boottime_ns() - self.claimed_ns > CLAIM_VOID_NS

    def slices(self) -> Iterator[tuple[int, int]]:
        """[start, end) of rows whose permits lie within one slice."""
        if not self.is_paced:
            yield 0, len(self.rows)
            return
        start = 0
        for index in range(1, len(self.rows) + 1):
            if index == len(self.rows) or index - start == SLICE_MESSAGES or self._spans(start, index):
                yield start, index
                start = index

    def _spans(self, start: int, index: int) -> bool:
        first, this = self.at_us[start], self.at_us[index]
        return first is not None and this is not None and this - first >= SLICE_US


class Pace:
    """How many messages are a slice for a sender without a rate: what 50 ms hand over, as found."""

    def __init__(self) -> None:
        self.slice = SLICE_MESSAGES

    def saw(self, messages: int, took_s: float) -> None:
        if messages < FEWEST_MESSAGES:
            return
        in_a_slice = int(messages * SLICE_US / SECOND_US / max(took_s, 1e-3))
        self.slice = max(FEWEST_MESSAGES, min((self.slice + in_a_slice) // 2, MOST_MESSAGES))


async def sleep_until(context: Context, instant_us: int) -> None:
    """An instant by the database's clock."""
    left_us = instant_us - context.database.clock.now_us()
    if left_us > 0:
        await asyncio.sleep(left_us / SECOND_US)
