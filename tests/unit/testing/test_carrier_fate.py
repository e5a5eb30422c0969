"""What the simulated carrier decides follows from seed, recipient and try alone, and comes as often as asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.testing.carrier.behaviour import Behaviour, Burst
from dispatcher.testing.carrier.fate import FAULTS, Fate, decide
from dispatcher.testing.synthetic import synthetic_e164

N = 2_000


def fates(behaviour: Behaviour, *, whatsapp: bool = False) -> Iterator[Fate]:
    return (decide(behaviour, synthetic_e164(i), 0, whatsapp=whatsapp) for i in range(N))


def shares(words: Iterator[object]) -> dict[object, float]:
    return {word: n / N for word, n in Counter(words).items()}


def statuses(fate: Fate) -> list[str]:
    return [step.status for step in fate.steps]


def test_the_same_question_has_the_same_answer_and_another_try_another() -> None:
    behaviour = Behaviour(seed=5, failure=0.5, reply=0.5, repeated=0.5, disordered=0.5, early=0.5)
    once = [decide(behaviour, synthetic_e164(i), 0, whatsapp=True) for i in range(200)]
    assert [decide(behaviour, synthetic_e164(i), 0, whatsapp=True) for i in reversed(range(200))] == once[::-1]
    assert [decide(behaviour, synthetic_e164(i), 1, whatsapp=True) for i in range(200)] != once
    other = behaviour.merged({"seed": 6})
    assert [decide(other, synthetic_e164(i), 0, whatsapp=True) for i in range(200)] != once


def test_a_carrier_that_works_delivers_everything() -> None:
    assert shares(tuple(statuses(fate)) for fate in fates(Behaviour())) == {("sent", "delivered"): 1.0}
    assert all(fate.fault is None and fate.reply is None and not fate.early for fate in fates(Behaviour()))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_comes_as_often_as_asked(fault: str) -> None:
    found = shares(fate.fault for fate in fates(Behaviour().merged({fault: 0.2})))
    assert found[fault] == pytest.approx(0.2, abs=0.04)
    assert set(found) == {fault, None}


def test_faults_share_one_draw_so_their_shares_add_up() -> None:
    behaviour = Behaviour(http_429=0.25, reset_after_accept=0.25, slow_after_accept=0.5)
    assert None not in shares(fate.fault for fate in fates(behaviour))


def test_failures_have_the_codes_of_their_channel_in_the_weights_asked() -> None:
    behaviour = Behaviour(failure=1, failure_codes={"30003": 3, "30005": 1, "63003": 1})
    sms = shares(fate.steps[-1].error for fate in fates(behaviour))
    assert sms["30003"] == pytest.approx(0.75, abs=0.04)
    assert set(sms) == {"30003", "30005"}
    assert shares(fate.steps[-1].error for fate in fates(behaviour, whatsapp=True)) == {"63003": 1.0}


def test_a_number_without_whatsapp_is_refused_with_63003() -> None:
    fate = decide(Behaviour(), synthetic_e164(0), 0, whatsapp=True, reachable=False)
    assert [(step.status, step.error) for step in fate.steps] == [("failed", "63003")]


def test_reads_are_of_whatsapp_only() -> None:
    assert shares("read" in statuses(fate) for fate in fates(Behaviour(read=1), whatsapp=True)) == {True: 1.0}
    assert shares("read" in statuses(fate) for fate in fates(Behaviour(read=1))) == {False: 1.0}


def test_no_receipt_stays_at_sent() -> None:
    found = shares(tuple(statuses(fate)) for fate in fates(Behaviour(no_receipt=0.3)))
    assert found[("sent",)] == pytest.approx(0.3, abs=0.04)


def test_late_ones_come_hours_after() -> None:
    late = [fate.steps[-1].after_s for fate in fates(Behaviour(late=1, late_by_s=(3600, 7200)))]
    assert min(late) >= 3600
    assert max(late) <= 7202


def test_repeated_ones_are_told_twice_and_lost_ones_never() -> None:
    assert {step.told for fate in fates(Behaviour(repeated=1)) for step in fate.steps} == {2}
    lost = [step.told == 0 for fate in fates(Behaviour(lost=0.25)) for step in fate.steps]
    assert sum(lost) / len(lost) == pytest.approx(0.25, abs=0.04)


def test_lost_callbacks_of_one_message_are_independent() -> None:
    both = shares(tuple(step.told for step in fate.steps) for fate in fates(Behaviour(lost=0.5)))
    assert all(share == pytest.approx(0.25, abs=0.04) for share in both.values())
    assert len(both) == 4


def test_disorder_is_delivered_before_sent_or_a_failure_taken_back() -> None:
    found = shares(tuple(statuses(fate)) for fate in fates(Behaviour(disordered=1)))
    assert found[("delivered", "sent")] == pytest.approx(0.5, abs=0.04)
    assert found[("sent", "failed", "delivered")] == pytest.approx(0.5, abs=0.04)


def test_replies_follow_the_delivery_in_the_weights_asked() -> None:
    behaviour = Behaviour(reply=0.5, replies={"HADIR": 3, "STOP": 1})
    found = shares(fate.reply.text if fate.reply else None for fate in fates(behaviour))
    assert found["HADIR"] == pytest.approx(0.375, abs=0.04)
    assert found["STOP"] == pytest.approx(0.125, abs=0.04)
    assert all(fate.reply.after_s > fate.steps[-1].after_s for fate in fates(behaviour) if fate.reply)
    assert not any(fate.reply for fate in fates(Behaviour(reply=1, failure=1)))


def test_bursts_go_by_the_clock() -> None:
    behaviour = Behaviour(bursts=(Burst("http_429", every_s=5, for_s=0.5),))
    at = {
        s: decide(behaviour, "+6286012345678", 0, whatsapp=False, elapsed_s=s).fault for s in (0.2, 0.7, 4.9, 5.1, 10.4)
    }
    assert at == {0.2: "http_429", 0.7: None, 4.9: None, 5.1: "http_429", 10.4: "http_429"}


@given(st.integers(), st.text(min_size=1), st.integers(0, 1000), st.booleans())
def test_steps_follow_each_other_in_time(seed: int, to: str, n: int, whatsapp: bool) -> None:
    behaviour = Behaviour(seed=seed, failure=0.3, disordered=0.5, late=0.2, no_receipt=0.1)
    times = [step.after_s for step in decide(behaviour, to, n, whatsapp=whatsapp).steps]
    assert times == sorted(times)
    assert times
