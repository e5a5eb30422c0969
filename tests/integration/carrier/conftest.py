"""A carrier in a process of its own, and a webhook that it calls."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest

from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.integration.carrier.ends import SOON, Account, Call, Hook, Quiet, served


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(Quiet):
        def do_POST(self) -> None:
            form = dict(parse_qsl(self.body().decode(), keep_blank_values=True, strict_parsing=True))
            token = self.headers["I-Twilio-Idempotency-Token"]
            self.answer(hook.take(Call(self.path, form, self.headers["X-Twilio-Signature"], token)))

    with served(Handler) as hook.url:
        yield hook


@pytest.fixture(scope="session")
def carrier_process() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions(behaviour=SOON)) as process:
        yield process


@pytest.fixture
def carrier(carrier_process: CarrierProcess) -> CarrierProcess:
    carrier_process.behave(SOON)
    carrier_process.reset()
    return carrier_process


@pytest.fixture
def account(carrier: CarrierProcess) -> Iterator[Account]:
    account = Account(carrier)
    with account.session:
        yield account
