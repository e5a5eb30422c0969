"""The embedded default as scripts use it: commands as processes, SQLite, no broker, and every way to be interrupted."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.core.status import Status
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.acceptance.place import SLICE, Place, eventually
from tests.servers import PostgresServer

PEOPLE = 400
RATE = 150
"""Messages a second: some seconds in which to interrupt."""


@pytest.fixture(scope="module")
def carrier() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions()) as carrier:
        yield carrier


@pytest.fixture
def place(sqlite_url: str, tmp_path: Path, carrier: CarrierProcess) -> Iterator[Place]:
    carrier.reset()
    place = Place(tmp_path, carrier, sqlite_url)
    place.settings(rate=RATE)
    yield place
    place.close()


def test_apply_wait_that_is_killed_goes_on_where_it_was(place: Place) -> None:
    """Invariants 1, 3 and 4."""
    file = place.planned(PEOPLE)
    with place.start("campaign", "apply", file, "--wait") as command:
        eventually(lambda: place.sent() > PEOPLE // 4)
        command.kill()
    assert place.statuses()[Status.QUEUED] > 0, "it was to be killed in the middle"
    again = place.run("campaign", "apply", file, "--wait", "--json")
    unknown = place.statuses()[Status.UNKNOWN]
    assert again.code == (5 if unknown else 0), again.err
    assert place.is_at_rest()
    place.assert_everyone_once(unknown=SLICE)


def test_ctrl_c_loses_nothing(place: Place) -> None:
    file = place.planned(PEOPLE)
    with place.start("campaign", "apply", file, "--wait") as command:
        eventually(lambda: place.sent() > PEOPLE // 4)
        assert command.end(signal.SIGINT) == 130
        assert "Interrupted" in command.words
        assert "Traceback" not in command.words
    counts = place.statuses()
    assert counts[Status.QUEUED] > 0
    assert (counts[Status.SENDING], counts[Status.UNKNOWN]) == (0, 0)
    place.assert_conserved()
    assert place.run("campaign", "apply", file, "--wait").code == 0
    place.assert_everyone_once()


def test_one_process_works_on_a_sqlite_database(place: Place) -> None:
    with place.start("up", "--port", "0") as first:
        first.await_words("Listening")
        second = place.run("up", "--port", "0")
        assert second.code == 2
        assert "another process" in second.err
        file = place.planned(20)
        assert place.run("campaign", "apply", file, "--wait").code == 0, "it watches the one that runs"
        place.assert_everyone_once()
        assert first.end(signal.SIGTERM) == 0


def test_only_what_another_person_approved_is_sent(place: Place) -> None:
    """Invariant 10."""
    place.settings(rate=RATE, approval="required")
    file = place.planned(10)
    fingerprint = place.run("campaign", "plan", file, "--by", "Ani", "--json").json["fingerprint"]
    assert place.run("campaign", "apply", file).code == 4
    given = ("campaign", "approve", "ajakan", "--fingerprint", fingerprint)
    refused = place.run(*given, "--by", "ani", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (4, "author-approves")
    assert place.run(*given, "--by", "Budi").code == 0
    path = place.folder / file
    approved = path.read_text()
    path.write_text(approved.replace("gunakan hak pilih", "pakailah hak pilih"))
    changed = place.run("campaign", "apply", file, "--json")
    assert (changed.code, changed.json["error"]["code"]) == (4, "not-planned")
    path.write_text(approved)
    assert place.run("campaign", "apply", file, "--wait").code == 0
    place.assert_everyone_once()


def test_a_database_that_is_away_is_said_and_comes_back(
    own_postgres_url: str, postgres_server: PostgresServer, tmp_path: Path, carrier: CarrierProcess
) -> None:
    carrier.reset()
    place = Place(tmp_path, carrier, own_postgres_url)
    file = place.planned(20)
    postgres_server.stop()
    away = place.run("campaign", "apply", file, "--wait", "--json")
    assert away.code == 6
    assert json.loads(away.out)["error"]["code"] == "database-away"
    postgres_server.start()
    assert place.run("campaign", "apply", file, "--wait").code == 0
    place.assert_everyone_once()
    place.close()


def test_a_sender_without_credentials_names_the_variable(place: Place) -> None:
    account = "account_sid: '${TWILIO_ACCOUNT_SID}', auth_token: '${TWILIO_AUTH_TOKEN}', from: '+15005550006'"
    (place.folder / "dispatcher.yaml").write_text(
        f"approval: waived\nsenders:\n  sms: {{channel: twilio-sms, {account}}}\n"
    )
    place.run("contacts", "import", place.contacts(5))
    file = place.campaign()
    place.run("campaign", "plan", file, "--by", "Ani")
    missing = place.run("campaign", "apply", file, "--wait", TWILIO_AUTH_TOKEN="x")
    assert missing.code == 7
    assert "TWILIO_ACCOUNT_SID" in missing.err
    assert not place.statuses()
