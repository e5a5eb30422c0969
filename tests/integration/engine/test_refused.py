"""What was refused while it was under way is not sent when it waits again (invariants 8 and 14)."""

from __future__ import annotations

import pytest

from dispatcher.core.clock import SECOND_US
from dispatcher.operations.contacts import erase_contact
from dispatcher.operations.inspect_messages import settle_message
from dispatcher.spi import Ambiguous, NotSent, Outcome, Throttled
from dispatcher.store.stops import stop_address
from tests.integration.engine.stage import Hands, Stage


def _stop(stage: Stage, number: str, purpose: str = "*") -> None:
    address_hash = stage.context.keys.hash_address(number)
    stage.run(lambda c: stop_address(c, address_hash, purpose, "stop", "reply", stage.context.now_us()))


@pytest.mark.parametrize("outcome", [NotSent(), Throttled(retry_after_s=0.0)], ids=["not-sent", "throttled"])
def test_a_stop_while_it_is_sent_holds_when_it_comes_back(stage: Stage, outcome: Outcome) -> None:
    refusing, willing = stage.people(2)
    stage.start()
    clock = Hands(stage.context)
    begun = stage.begin(stage.claim())
    _stop(stage, refusing)
    stage.record(begun, outcome)
    clock.pass_s(10)
    stage.drain(stage.nothing_waits)
    stage.check()
    assert stage.providers["sms"].numbers == [willing]
    assert {(row.status, row.reason) for row in stage.rows()} == {("accepted", ""), ("cancelled", "opted_out")}


def test_a_stop_of_this_purpose_holds_and_of_another_does_not(stage: Stage) -> None:
    refusing, willing = stage.people(2)
    stage.start()
    clock = Hands(stage.context)
    begun = stage.begin(stage.claim())
    _stop(stage, refusing, "pendidikan-pemilih")
    _stop(stage, willing, "sosialisasi")
    stage.record(begun, NotSent())
    clock.pass_us(10 * SECOND_US)
    stage.drain(stage.nothing_waits)
    assert stage.providers["sms"].numbers == [willing]


def test_an_unknown_one_of_a_refused_number_is_not_resent(stage: Stage) -> None:
    (number,) = stage.people(1)
    stage.start()
    begun = stage.begin(stage.claim())
    stage.record(begun, Ambiguous())
    _stop(stage, number)
    settle_message(stage.context, next(iter(begun)), "resend", "Budi")
    stage.drain(stage.nothing_waits)
    stage.check()
    assert stage.providers["sms"].numbers == []


def test_an_unknown_one_of_an_erased_person_is_not_resent(stage: Stage) -> None:
    number, willing = stage.people(2)
    stage.start()
    begun = stage.begin(stage.claim())
    stage.record(begun, Ambiguous())
    erase_contact(stage.context, number, by="Budi")
    for message_id in begun:
        settle_message(stage.context, message_id, "resend", "Budi")
    stage.drain(stage.nothing_waits)
    stage.check()
    assert stage.providers["sms"].numbers == [willing]
    assert {(row.status, row.reason) for row in stage.rows()} == {("accepted", ""), ("cancelled", "no_address")}


@pytest.mark.parametrize("rule", ["required", "not-required"])
@pytest.mark.parametrize("outcome", [NotSent(), Throttled(retry_after_s=0.0)], ids=["not-sent", "throttled"])
def test_consent_withdrawn_by_an_import_while_it_is_sent_holds(stage: Stage, outcome: Outcome, rule: str) -> None:
    stage.import_rows([("a", "Siti", "081311110001"), ("b", "Tono", "081311110002")])
    stage.start(extra=f"consent: {rule}")
    clock = Hands(stage.context)
    begun = stage.begin(stage.claim())
    stage.import_rows([("a", "Siti", "081311110001", "tidak")], consent=True)
    stage.record(begun, outcome)
    clock.pass_s(10)
    stage.drain(stage.nothing_waits)
    stage.check()
    assert stage.providers["sms"].numbers == ["+6281311110002"]
    assert {(row.status, row.reason) for row in stage.rows()} == {("accepted", ""), ("cancelled", "no_consent")}


def test_an_unknown_one_whose_consent_was_withdrawn_is_not_resent(stage: Stage) -> None:
    stage.import_rows([("a", "Siti", "081311110001")])
    stage.start()
    begun = stage.begin(stage.claim())
    stage.record(begun, Ambiguous())
    stage.import_rows([("a", "Siti", "081311110001", "tidak")], consent=True)
    settle_message(stage.context, next(iter(begun)), "resend", "Budi")
    stage.drain(stage.nothing_waits)
    stage.check()
    assert stage.providers["sms"].numbers == []
