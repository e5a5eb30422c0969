"""What is refused at the start, each time with what to mend."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text

from dispatcher.core.clock import SECOND_US
from dispatcher.core.errors import UnavailableError, UsageError
from dispatcher.operations.doctor import examine
from dispatcher.operations.drain import LEASE_US
from dispatcher.operations.finding import Finding
from dispatcher.operations.outgoing import SEND_TIMEOUT_S
from dispatcher.operations.readiness import LONGEST_TIMEOUT_S, require_ready
from dispatcher.operations.verify_consent import verify_consent
from dispatcher.queue.embedded import EmbeddedWorkers
from dispatcher.settings import Environment
from dispatcher.spi.http import PooledClient
from dispatcher.store.engine import Database
from dispatcher.store.migrate import HEAD, current_revision, upgrade
from dispatcher.store.tables import consents, id_source, imports
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.wiring import connect
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage


def environment(
    url: str, folder: Path, settings: str = "senders: {layar: {channel: console}}", **more: str
) -> Environment:
    config = folder / "dispatcher.yaml"
    config.write_text(settings)
    state = {"DISPATCHER_STATE_DIR": str(folder / "state"), "DISPATCHER_CONFIG": str(config)}
    return Environment({"DATABASE_URL": url, **state, **more})


def set_schema(url: str, revision: str) -> None:
    with contextlib.closing(Database(url)) as database, database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def seen(environment: Environment, check: str) -> list[Finding]:
    return [finding for finding in examine(environment) if finding.check == check]


def test_a_call_ends_before_the_lease_of_its_attempt(tmp_path: Path, sqlite_url: str) -> None:
    assert LONGEST_TIMEOUT_S <= SEND_TIMEOUT_S < LEASE_US / SECOND_US
    assert Provider().capabilities.timeout_s <= LONGEST_TIMEOUT_S
    with pytest.raises(ValueError, match="shorter"):
        PooledClient(total_s=2, connect_s=3)


def test_a_channel_that_takes_longer_than_the_lease_is_refused_by_name(sqlite_url: str, tmp_path: Path) -> None:
    stage = Stage(sqlite_url, tmp_path, {"cepat": Provider(), "lambat": Provider(timeout_s=30.0)})
    with pytest.raises(UsageError, match="sender lambat: a call of its channel lambat may take 30 s"):
        EmbeddedWorkers(stage.context).__enter__()
    stage.close()


def test_a_refused_start_leaves_the_database_to_the_next(sqlite_url: str, tmp_path: Path) -> None:
    stage = Stage(sqlite_url, tmp_path, {"sms": Provider(timeout_s=30.0)})
    for _ in range(2):
        with pytest.raises(UsageError, match="30 s"):
            EmbeddedWorkers(stage.context).__enter__()
    stage.close()


def test_a_state_folder_that_cannot_be_written_is_refused(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "berkas").touch()
    keys = {"DISPATCHER_SECRET_KEY": "a" * 64, "DISPATCHER_SUPPRESSION_KEY": "b" * 64}
    given = environment(database_url, tmp_path, **keys, DISPATCHER_STATE_DIR=str(tmp_path / "berkas" / "state"))
    context = connect(given)
    with contextlib.closing(context.database), pytest.raises(UsageError, match="cannot be written") as refused:
        require_ready(context)
    assert "DISPATCHER_STATE_DIR" in refused.value.hint
    with pytest.raises(UsageError, match="cannot be used"):
        connect(environment(database_url, tmp_path, DISPATCHER_STATE_DIR=str(tmp_path / "berkas" / "state")))


def test_two_installations_on_one_database_are_noticed(database_url: str, tmp_path: Path) -> None:
    one, other = tmp_path / "satu", tmp_path / "dua"
    one.mkdir()
    other.mkdir()
    connect(environment(database_url, one)).database.close()
    with pytest.raises(UsageError, match="another suppression key") as refused:
        connect(environment(database_url, other))
    assert "DISPATCHER_STATE_DIR" in refused.value.hint
    secret = (one / "state" / "suppression.key").read_text()
    with pytest.raises(UsageError, match="another secret key"):
        connect(environment(database_url, other, DISPATCHER_SUPPRESSION_KEY=secret))
    assert [finding.ok for finding in seen(environment(database_url, other), "suppression key")] == [False]


@pytest.mark.parametrize(
    ("revision", "said", "mend"),
    [("0001", "needs " + HEAD, "dispatcher db upgrade"), ("9999", "this program is older", "Install the newer")],
)
def test_another_schema_is_refused(database_url: str, tmp_path: Path, revision: str, said: str, mend: str) -> None:
    set_schema(database_url, revision)
    with pytest.raises(UnavailableError, match=said) as refused:
        connect(environment(database_url, tmp_path))
    assert mend in refused.value.hint
    (finding,) = seen(environment(database_url, tmp_path), "database")
    assert (finding.ok, finding.detail, finding.fix) == (False, refused.value.message, refused.value.hint)


_ADDED = {
    "tables": (
        "links",
        "doors",
        "door_codes",
        "guests",
        "restores",
        "breaker_marks",
        "stops",
        "recent_people",
        "exchanges",
        "consent_sheets",
        "answer_events",
    ),
    "columns": (
        "messages.country",
        "campaigns.breaker_off",
        "senders.spacing_us",
        "senders.people_slot_us",
        "senders.file_rate",
        "consent_events.sheet",
        "consent_events.seq",
        "consent_events.salt",
        "consent_events.commitment",
        "inbound.campaign_id",
        "inbound.unsigned",
        "inbound.handled_by",
        "inbound.note_sealed",
        "inbound.reply",
        "inbound.no_reply",
        "inbound.reply_state",
        "inbound.reply_sealed",
        "inbound.reply_next_us",
        "inbound.reply_until_us",
        "inbound.reply_attempt",
        "inbound.reply_token",
        "inbound.reply_begun_us",
        "inbound.reply_provider_id",
        "inbound.reply_code",
        "session_people.checked_in_ref",
        "session_people.promoted_us",
        "answers.text_hash",
    ),
}
"""By the migrations after the first."""


def _say(connection: Connection) -> None:
    """As it was before the ledger: what an import said stood in `consents` alone, what an officer wrote down beside."""
    connection.execute(
        insert(imports).values(
            id=7310050302000, file_sha256="0", source="warga.csv", basis="consent", evidence="", started_us=1
        )
    )
    said = {"contact_id": 5, "purpose": "*", "media": "*", "basis": "consent"}
    connection.execute(insert(consents).values(**said, granted=True, import_id=7310050302000, at_us=1))
    columns = ("id", *said, "granted", "at_us")
    values = {**said, "id": 7, "granted": False, "at_us": 1_796_000_000_000_000}
    connection.execute(
        text(f"INSERT INTO consent_events ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"),
        values,
    )
    connection.execute(insert(id_source).values(name="main", next_id=100))


def test_an_older_database_is_upgraded(database_url: str) -> None:
    with contextlib.closing(Database(database_url)) as database:
        with database.begin() as connection:
            for trigger in ("consent_events_update", "consent_events_delete"):
                on = "" if database.is_sqlite else " ON consent_events"
                connection.execute(text(f"DROP TRIGGER {trigger}{on}"))
            if not database.is_sqlite:
                connection.execute(text("DROP TRIGGER consent_events_truncate ON consent_events"))
            for name in ("sender_id_received_us", "reply_due", "reply_begun"):
                connection.execute(text(f"DROP INDEX ix_inbound_{name}"))
            connection.execute(text("DROP INDEX ix_messages_by_step"))
            connection.execute(text("CREATE TABLE cap_uses (contact_id bigint)"))
            for table in _ADDED["tables"]:
                connection.execute(text(f"DROP TABLE {table}"))
            for table, column in (name.split(".") for name in _ADDED["columns"]):
                connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
            _say(connection)
        set_schema(database_url, "0001")
        upgrade(database_url)
        assert verify_consent(database).as_dict()["faults"] == []
        assert [(s["sheet"], s["events"]) for s in verify_consent(database).as_dict()["sheets"]] == [
            ("day 2026-11-30", 1),
            ("import 7310050302000", 1),
        ]
        assert current_revision(database) == HEAD
        with database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM restores")).scalar_one() == 0


def test_a_pretend_carrier_that_is_gone_is_no_fault(sqlite_url: str, tmp_path: Path) -> None:
    """As a demo leaves it."""
    with CarrierProcess(CarrierOptions()) as carrier:
        given = environment(
            sqlite_url, tmp_path, f'senders: {{sms: {{channel: simulator, base_url: "{carrier.url}"}}}}'
        )
        assert [finding.ok for finding in seen(given, "public URL")] == [False], "it runs and cannot call back"
    for check in ("senders", "public URL"):
        (finding,) = seen(given, check)
        assert finding.ok
        assert "pretend carrier" in finding.detail
