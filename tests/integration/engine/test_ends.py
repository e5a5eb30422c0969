"""An end that cannot be recorded holds up nobody else's, and none is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from dispatcher.core.status import Reason
from dispatcher.operations import ends as ends_module
from dispatcher.operations import spool
from dispatcher.operations.deliver import Deliverer
from dispatcher.operations.ends import Ends
from dispatcher.operations.record import Ended
from dispatcher.operations.spool import read_spools, write_spool
from dispatcher.spi import Accepted, NotSent, Outcome, Rejected, Throttled
from tests.integration.engine.stage import Stage

PEOPLE = 30


class _PoisonError(Exception):
    pass


def _refuses(record: Callable[..., None], code: str) -> Callable[..., None]:
    """As a database does with a text that it cannot hold."""

    def refusing(context: Any, connection: Connection, ended: Any) -> None:
        record(context, connection, ended)
        if any(getattr(one.outcome, "code", "") == code for one in ended):
            raise _PoisonError

    return refusing


def _spooled(stage: Stage) -> list[str]:
    return sorted(path.suffix for path in (stage.folder / "state" / "spool").glob("*-*"))


async def _record(stage: Stage, ended: list[Ended]) -> int:
    async def transaction(work: Callable[[Connection], Any]) -> Any:
        return await asyncio.to_thread(stage.context.database.run, work)

    ends = Ends(stage.context, transaction)
    recording = asyncio.create_task(ends.run())
    for one in ended:
        ends.add(one)
    ends.close()
    await asyncio.wait_for(recording, 10)
    return ends.recorded


@pytest.mark.parametrize("outcome", [Rejected(Reason.PROVIDER, "poison"), Throttled(1.0, "poison")])
def test_one_that_cannot_be_recorded_is_unknown_and_the_others_are_recorded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    stage.people(PEOPLE)
    stage.start()
    begun = stage.begin(stage.claim(PEOPLE))
    ended = [Ended(i, attempt, Accepted(("x",))) for i, attempt in begun.items()]
    ended[7] = ended[7]._replace(outcome=outcome)
    monkeypatch.setattr(ends_module, "record_ends", _refuses(ends_module.record_ends, "poison"))
    assert asyncio.run(_record(stage, ended)) == PEOPLE
    assert stage.statuses() == {"accepted": PEOPLE - 1, "unknown": 1}
    assert _spooled(stage) == []
    stage.check()


def test_a_text_that_the_database_cannot_hold_stops_nobody(stage: Stage) -> None:
    stage.people(PEOPLE)
    stage.start()
    provider = stage.providers["sms"]
    bad = Rejected(Reason.PROVIDER, "a\x00\ud800")
    provider.answer = lambda message: bad if len(provider.refs) == 5 else Accepted(("x",))
    stage.drain(stage.nothing_waits)
    assert stage.statuses() == {"accepted": PEOPLE - 1, "unknown": 1}
    assert len(provider.numbers) == len(set(provider.numbers)) == PEOPLE
    stage.check()


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e300])
def test_a_wait_without_end_is_recorded(stage: Stage, seconds: float) -> None:
    stage.people(2)
    stage.start()
    (first, second) = stage.begin(stage.claim(2)).items()
    stage.record(dict([first]), Throttled(seconds))
    stage.record(dict([second]), NotSent(retry_after_s=seconds))
    assert stage.statuses() == {"queued": 2}


def test_what_ends_after_the_recorder_has_failed_goes_to_the_file(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is recorded, and fails for good, while the others are under way."""
    stage.people(PEOPLE)
    stage.start()
    provider, record = stage.providers["sms"], ends_module.record_ends

    def fails(context: Any, connection: Connection, ended: Any) -> None:
        raise _PoisonError

    async def answer(message: Any) -> Outcome:
        if len(provider.refs) > 1:
            await asyncio.sleep(0.6)
        return Accepted(("x",))

    provider.answer = answer
    monkeypatch.setattr(ends_module, "record_ends", fails)

    async def main() -> None:
        deliverer = Deliverer(stage.context)
        with pytest.raises(_PoisonError):
            await deliverer.run(10)
        await deliverer.close()

    asyncio.run(main())
    monkeypatch.setattr(ends_module, "record_ends", record)
    sent = len(provider.refs)
    assert read_spools(stage.context) >= sent
    assert stage.statuses().get("accepted") == sent
    assert not stage.rows(status="sending")


def test_a_file_with_one_that_cannot_be_recorded_gives_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.people(3)
    stage.start()
    begun = list(stage.begin(stage.claim(3)).items())
    ended = [Ended(i, attempt, Accepted(("x",))) for i, attempt in begun]
    ended[1] = ended[1]._replace(outcome=Rejected(Reason.PROVIDER, "poison"))
    write_spool(stage.folder / "state", ended)
    monkeypatch.setattr(spool, "record_ends", _refuses(spool.record_ends, "poison"))
    assert read_spools(stage.context) == 2
    assert stage.statuses() == {"accepted": 2, "sending": 1}
    assert _spooled(stage) == [".damaged"]
