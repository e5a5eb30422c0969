"""A whole campaign through the carrier simulator, whose callbacks come early, twice, in disorder, or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dispatcher.core.clock import from_us
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions
from dispatcher.operations.ingest import match_parked
from dispatcher.operations.plan import plan_campaign
from dispatcher.queue.embedded import EmbeddedWorkers, run_until_done
from dispatcher.settings import Environment
from dispatcher.store.tables import answers, inbound, messages, receipts, suppressions
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.carrier.behaviour import Behaviour
from dispatcher.testing.synthetic import write_csv
from dispatcher.web.server import WebThread
from dispatcher.wiring import connect

PEOPLE = 60
BEHAVIOUR = Behaviour(
    seed=3,
    sent_after_ms=(1, 20),
    delivered_after_ms=(5, 50),
    failure=0.1,
    repeated=0.5,
    disordered=0.5,
    early=0.5,
    reply=0.5,
    replies={"HADIR": 1, "STOP": 1, "apa ini?": 1},
    reply_after_ms=(5, 50),
)
SETTINGS = 'approval: waived\ninbound: {{replies: []}}\nsenders:\n  sms: {{channel: simulator, base_url: "{url}"}}\n'
CAMPAIGN = """
campaign: undangan
title: Undangan
purpose: pendidikan-pemilih
audience: {{everyone: true}}
minors: {{from_age: 13, basis: uji}}
window: {{open: "00:00", close: "24:00"}}
stop: {{sms: "Balas BERHENTI untuk berhenti."}}
answers: [{{keywords: [HADIR], meaning: hadir}}]
route: [{{senders: sms}}]
steps:
  - {{name: satu, at: "{at}", text: "Yth. {{{{ contact.first_name }}}}, mari hadir. {{{{ stop }}}}"}}
"""


@pytest.fixture
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions(behaviour=BEHAVIOUR)) as carrier:
        yield carrier


def counted(context: Context, table: object, column: object) -> dict[str, int]:
    with context.database.read() as connection:
        rows = connection.execute(select(column, func.count()).select_from(table).group_by(column))  # type: ignore[call-overload]
        return {str(key): n for key, n in rows}


def eventually(condition: Callable[[], bool], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_every_callback_ends_where_the_carriers_ledger_says(
    database_url: str, tmp_path: Path, carrier: CarrierProcess
) -> None:
    (tmp_path / "dispatcher.yaml").write_text(SETTINGS.format(url=carrier.url))
    environ = {
        "DATABASE_URL": database_url,
        "DISPATCHER_CONFIG": str(tmp_path / "dispatcher.yaml"),
        "DISPATCHER_STATE_DIR": str(tmp_path / "state"),
    }
    context = connect(Environment(environ))
    write_csv(tmp_path / "warga.csv", PEOPLE, seed=5)
    import_contacts(context, tmp_path / "warga.csv", ImportOptions())
    path = tmp_path / "undangan.yaml"
    at = from_us(context.now_us(), "Asia/Jakarta") - timedelta(minutes=1)
    path.write_text(CAMPAIGN.format(at=at.isoformat(timespec="seconds")))
    with WebThread(lambda: connect(Environment(environ))) as web:
        environ["DISPATCHER_PUBLIC_URL"] = web.url
        carrier.control(inbound_url=f"{web.url}/hooks/sms")
        plan_campaign(context, path, "penguji")
        apply_campaign(context, path, "penguji")
        run_until_done(context, "undangan")
        with EmbeddedWorkers(context):
            eventually(carrier.is_silent)
        match_parked(context, 1000)
    sent = carrier.ledger
    assert not sent.accepted_twice()
    expected = {"delivered": 0, "failed": 0}
    for status in sent.statuses().values():
        expected["delivered" if status == "delivered" else "failed"] += 1
    assert counted(context, messages, messages.c.status) == {k: n for k, n in expected.items() if n}
    assert counted(context, receipts, receipts.c.state).keys() == {"folded", "inbound"}
    replied = counted(context, inbound, inbound.c.meaning)
    assert set(replied) == {"hadir", "stop", ""}
    assert counted(context, answers, answers.c.meaning) == {"hadir": replied["hadir"]}
    assert sum(counted(context, suppressions, suppressions.c.via).values()) == replied["stop"]
    context.database.close()
