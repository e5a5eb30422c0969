"""Asking for a template that the provider holds: what it holds, that it holds none, or nothing (invariant 10)."""

from __future__ import annotations

import pytest

from dispatcher.spi import Absent, HeldTemplate, TemplateResult, Undecided
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance.base import Answer, Contract, Watch, run
from dispatcher.testing.conformance.http import AMBIGUOUS, IMPATIENT, UNREADABLE
from dispatcher.testing.rawserver import Behaviour, RawServer


class TemplateChannel(Contract):
    def test_a_template_that_is_held_is_told_with_its_digest(self) -> None:
        one, two = run(self._template(*self._held_answers())), run(self._template(*self._held_answers()))
        assert isinstance(one, HeldTemplate)
        assert one.id == self.template_id
        assert len(one.digest) >= 32
        assert one == two, "the same template has another digest"

    def test_a_template_that_is_not_held_is_absent(self) -> None:
        assert self.not_held is not None, "declare `not_held`"
        assert run(self._template(_says(self.not_held))) == Absent()

    @pytest.mark.parametrize("name", AMBIGUOUS)
    def test_a_question_for_a_template_that_fails_decides_nothing(self, name: str) -> None:
        assert isinstance(run(self._template(AMBIGUOUS[name], **IMPATIENT)), Undecided)

    @pytest.mark.parametrize("name", UNREADABLE)
    def test_an_unreadable_template_decides_nothing(self, name: str) -> None:
        assert isinstance(run(self._template(raw.answer(200, UNREADABLE[name]))), Undecided)

    @pytest.mark.parametrize("status", [301, 401, 404, 429])
    def test_a_refused_question_for_a_template_decides_nothing(self, status: int) -> None:
        assert isinstance(run(self._template(raw.answer(status, b"{}"))), Undecided)

    def test_a_refused_connection_for_a_template_decides_nothing(self) -> None:
        with raw.refusing_port() as port:
            assert isinstance(run(self._template_at(f"http://127.0.0.1:{port}")), Undecided)

    def _held_answers(self) -> list[Behaviour]:
        assert self.held, "declare `held`"
        return [_says(answer) for answer in self.held]

    async def _template(self, *behaviours: Behaviour, **time_outs: float) -> TemplateResult:
        async with RawServer(*behaviours) as server:
            return await self._template_at(server.url, **time_outs)

    async def _template_at(self, url: str, **time_outs: float) -> TemplateResult:
        watch = Watch()
        with watch.on():
            async with self.opened(url, **time_outs) as (channel, _):
                result = await channel.template(self.template_id)
        seen = "\n".join((*watch.seen, repr(result)))
        for private in self.private_values():
            assert private not in seen, "a secret was told"
        return result


def _says(what: Answer) -> Behaviour:
    return raw.answer(what.status, what.body, what.headers)
