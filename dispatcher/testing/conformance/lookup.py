"""Look-ups of an attempt whose end is unknown: evidence or nothing (invariant 4)."""

from __future__ import annotations

from typing import Final

import pytest

from dispatcher.spi import Absent, Found, LookupQuery, LookupResult, Undecided
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance.base import NUMBER, TEXT, Answer, Contract, run
from dispatcher.testing.conformance.http import AMBIGUOUS, IMPATIENT, UNREADABLE
from dispatcher.testing.rawserver import Behaviour, RawServer

LOOKUP: Final = LookupQuery(ref="7.1", to=NUMBER, begun_us=1_794_880_800_000_000, text=TEXT)
"""The attempt that is looked up: begun at 2026-11-17T02:00:00Z."""


class LookupChannel(Contract):
    def test_a_message_that_is_there_is_found(self) -> None:
        assert self.found is not None, "declare `found`"
        result = run(self._look_up(_says(self.found)))
        assert isinstance(result, Found)
        assert result.provider_id

    def test_a_message_that_is_not_there_is_absent(self) -> None:
        assert self.absent is not None, "declare `absent`"
        assert run(self._look_up(_says(self.absent))) == Absent()

    @pytest.mark.parametrize("name", AMBIGUOUS)
    def test_a_look_up_that_fails_decides_nothing(self, name: str) -> None:
        assert isinstance(run(self._look_up(AMBIGUOUS[name], **IMPATIENT)), Undecided)

    @pytest.mark.parametrize("name", UNREADABLE)
    def test_an_unreadable_answer_decides_nothing(self, name: str) -> None:
        assert isinstance(run(self._look_up(raw.answer(200, UNREADABLE[name]))), Undecided)

    @pytest.mark.parametrize("status", [401, 404, 429])
    def test_a_refusal_decides_nothing(self, status: int) -> None:
        assert isinstance(run(self._look_up(raw.answer(status, b"{}"))), Undecided)

    async def _look_up(self, behaviour: Behaviour, **time_outs: float) -> LookupResult:
        async with RawServer(behaviour) as server, self.opened(server.url, **time_outs) as (channel, _):
            return await channel.lookup(LOOKUP)


def _says(what: Answer) -> Behaviour:
    return raw.answer(what.status, what.body, what.headers)
