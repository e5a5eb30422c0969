"""Faults on create: what the caller sees, and what the carrier took all the same."""

from __future__ import annotations

import time

import pytest
import requests

from dispatcher.testing.carrier import CarrierProcess
from tests.integration.carrier.ends import Account, Hook


@pytest.mark.parametrize(("fault", "accepted"), [("http_500_before_accept", 0), ("http_500_after_accept", 1)])
def test_a_500_says_nothing_about_acceptance(
    account: Account, carrier: CarrierProcess, fault: str, accepted: int
) -> None:
    carrier.control(**{fault: 1})
    answer = account.create(1)
    assert (answer.status_code, answer.json()["code"]) == (500, 20500)
    assert carrier.ledger.accepted() == accepted


@pytest.mark.parametrize(("fault", "accepted"), [("reset_before_accept", 0), ("reset_after_accept", 1)])
def test_a_reset_says_nothing_either(account: Account, carrier: CarrierProcess, fault: str, accepted: int) -> None:
    carrier.control(**{fault: 1})
    with pytest.raises(requests.ConnectionError):
        account.create(1, StatusCallback="http://127.0.0.1:9/h?m=5.1")
    assert carrier.ledger.accepted() == accepted
    assert carrier.ledger.turned_away() == (set() if accepted else {"5.1"})


def test_what_was_accepted_before_a_reset_is_called_back(account: Account, carrier: CarrierProcess, hook: Hook) -> None:
    carrier.control(reset_after_accept=1)
    with pytest.raises(requests.ConnectionError):
        account.create(1, StatusCallback=f"{hook.url}/h?m=5.1")
    assert hook.statuses(2) == ["sent", "delivered"]
    assert carrier.ledger.by_ref() == {"5.1": 1}


def test_a_429_was_never_processed_and_says_when_to_return(account: Account, carrier: CarrierProcess) -> None:
    carrier.control(http_429=1, retry_after_s=2.5)
    answer = account.create(1)
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, 20429, "2.5")
    assert carrier.summary()["rejected"] == {"20429": 1}
    assert carrier.ledger.accepted() == 0


def test_a_slow_answer_comes_after_the_acceptance(account: Account, carrier: CarrierProcess, hook: Hook) -> None:
    carrier.control(slow_after_accept=1, slow_s=0.5)
    started_s = time.monotonic()
    answer = account.create(1, StatusCallback=f"{hook.url}/h")
    assert answer.status_code == 201
    assert time.monotonic() - started_s >= 0.5
    assert hook.statuses(2) == ["sent", "delivered"]


def test_a_caller_that_gives_up_leaves_a_message_behind(account: Account, carrier: CarrierProcess) -> None:
    carrier.control(slow_after_accept=1, slow_s=30)
    with pytest.raises(requests.ReadTimeout):
        account.session.post(
            f"{account.base}/Messages.json",
            data={"To": "+6286000000001", "From": "+6281100000000", "Body": "x"},
            timeout=0.3,
        )
    assert carrier.ledger.accepted() == 1


def test_latency(account: Account, carrier: CarrierProcess) -> None:
    carrier.control(latency_ms=[200, 200])
    started_s = time.monotonic()
    assert account.create(1).status_code == 201
    assert time.monotonic() - started_s >= 0.2


def test_a_burst_refuses_only_while_it_lasts(account: Account, carrier: CarrierProcess) -> None:
    carrier.control(bursts=[{"fault": "http_429", "every_s": 1, "for_s": 0.3}])
    seen, deadline_s = [account.create(1).status_code], time.monotonic() + 30
    while [code for i, code in enumerate(seen) if i == 0 or seen[i - 1] != code][-3:] != [429, 201, 429]:
        assert time.monotonic() < deadline_s
        seen.append(account.create(1).status_code)


def test_the_same_seed_does_the_same_whatever_the_order(account: Account, carrier: CarrierProcess) -> None:
    carrier.control(seed=11, http_429=0.2, http_500_before_accept=0.2)
    forward = {i: account.create(i).status_code for i in range(60)}
    carrier.reset()
    assert {i: account.create(i).status_code for i in reversed(range(60))} == forward
    assert set(forward.values()) == {201, 429, 500}
    carrier.reset()
    carrier.control(seed=12)
    assert {i: account.create(i).status_code for i in range(60)} != forward


def test_another_try_has_another_fate(account: Account, carrier: CarrierProcess) -> None:
    carrier.control(http_429=0.5)
    assert {account.create(1).status_code for _ in range(20)} == {201, 429}
