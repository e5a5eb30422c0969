"""Doctor: each thing that can be wrong is found, and with everything right nothing is (invariants 11 and 14)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from dispatcher.core.status import Reason, Status
from dispatcher.operations import doctor as checks
from dispatcher.operations import doctor_machine
from dispatcher.operations.context import Context
from dispatcher.operations.doctor import examine
from dispatcher.operations.finding import Finding
from dispatcher.operations.replies import Replies, Reply
from dispatcher.operations.senders import sync_senders
from dispatcher.settings import Environment
from dispatcher.spi import Inbound
from dispatcher.store.tables import consent_events, messages, steps, tallies
from dispatcher.wiring import connect
from tests.integration.builders import Builder

Look = Callable[..., dict[str, Finding]]
TWILIO = f"""
senders:
  sms: {{channel: twilio-sms, account_sid: AC{"0" * 32}, auth_token: "${{TOKEN}}", from: "+6281100000001"}}
"""


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    config = tmp_path / "dispatcher.yaml"
    config.write_text("senders: {layar: {channel: console}}\n")
    return {
        "DATABASE_URL": database_url,
        "DISPATCHER_STATE_DIR": str(tmp_path / "state"),
        "DISPATCHER_CONFIG": str(config),
    }


@pytest.fixture
def context(environ: dict[str, str]) -> Iterator[Context]:
    """A sound installation."""
    context = connect(Environment(environ))
    yield context
    context.database.close()


@pytest.fixture
def look(environ: dict[str, str]) -> Look:
    """Check → finding; of several the one that is wrong."""

    def look(**changes: str) -> dict[str, Finding]:
        found = examine(Environment({**environ, **changes}))
        return {finding.check: finding for finding in sorted(found, key=lambda one: not one.ok)}

    return look


def _wrong(found: dict[str, Finding]) -> set[str]:
    return {name for name, finding in found.items() if not finding.ok}


def _fill(context: Context) -> tuple[Builder, int]:
    built = Builder(context)
    sender, step = built.sender("layar"), built.step(built.campaign())
    for status in Status:
        reason = Reason.UNREACHABLE if status is Status.FAILED else ""
        built.message(step, built.person(), sender, status, reason=reason)
    person = built.person()
    built.message(step, person, sender, Status.FAILED, reason=Reason.NOT_ON_CHANNEL)
    built.message(step, person, sender, Status.SENT, hop=1)
    built.leave_out(step, built.person())
    built.hold_out(step, built.person())
    return built, step


def test_an_event_that_was_put_into_the_consent_ledger_is_told(context: Context, look: Look) -> None:
    said = {"contact_id": 1, "purpose": "*", "media": "*", "granted": True, "at_us": 1}
    with context.database.begin() as connection:
        connection.execute(insert(consent_events).values(id=1, sheet=20_000, commitment=b"", **said))
    found = look()
    assert _wrong(found) == {"consent ledger"}
    assert "day 2024-10-04" in found["consent ledger"].detail


def test_a_sound_installation_has_no_findings(context: Context, look: Look) -> None:
    _fill(context)
    found = look()
    assert _wrong(found) == set()
    assert {"python", "settings", "database", "suppression key", "conservation", "disk", "clock"} <= set(found)


def test_before_the_first_run_nothing_is_wrong_and_nothing_is_made(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/x.db", "DISPATCHER_STATE_DIR": str(tmp_path / "state")}
    found = examine(Environment({**environ, "DISPATCHER_CONFIG": ""}))
    assert all(finding.ok for finding in found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda step: update(steps).where(steps.c.id == step).values(selected=steps.c.selected + 1),
        lambda step: update(messages).where(messages.c.status == "queued").values(status="delivered"),
        lambda step: delete(messages).where(messages.c.status == "read"),
        lambda step: update(tallies).where(tallies.c.status == "sent").values(n=-1),
    ],
)
def test_counters_that_disagree_are_found(context: Context, look: Look, damage: Callable[[int], Any]) -> None:
    _, step = _fill(context)
    with context.database.begin() as connection:
        connection.execute(damage(step))
    finding = look()["conservation"]
    assert not finding.ok
    assert "ajakan/ajakan" in finding.detail


def test_stops_beyond_the_limit_are_found(context: Context, look: Look) -> None:
    sender_id, now_us = Builder(context).sender("gateway"), context.now_us()
    with context.database.begin() as connection:
        for number in range(32):
            said = Inbound(f"U{number}", f"+62813111{number:05}", "STOP")
            Replies(context).take(connection, [Reply(sender_id, number + 1, said, signed=False)], now_us)
    finding = look()["stops"]
    assert not finding.ok
    assert finding.detail.startswith("30 of gateways") and "2 beyond the limit wait" in finding.detail
    assert "inbox list --stops" in finding.fix


def test_a_lost_suppression_key_is_found_and_not_replaced(
    context: Context, environ: dict[str, str], look: Look
) -> None:
    key = Path(environ["DISPATCHER_STATE_DIR"]) / "suppression.key"
    key.unlink()
    assert "suppression key" in _wrong(look())
    assert not key.exists()


def test_another_suppression_key_is_found(context: Context, look: Look) -> None:
    assert _wrong(look(DISPATCHER_SUPPRESSION_KEY="x" * 64)) == {"suppression key"}


def test_keys_that_others_can_read_are_found(context: Context, environ: dict[str, str], look: Look) -> None:
    key = Path(environ["DISPATCHER_STATE_DIR"]) / "secret.key"
    key.chmod(0o644)
    finding = look()["state folder"]
    assert not finding.ok
    assert finding.fix == f"Run: chmod 600 {key}"


def test_settings_that_cannot_be_read_are_found(context: Context, tmp_path: Path, look: Look) -> None:
    (tmp_path / "dispatcher.yaml").write_text("senders: {layar: {rate: cepat}}\n")
    found = look()
    assert "settings" in _wrong(found)
    assert "dispatcher.yaml:1" in found["settings"].detail
    assert found["database"].ok


def test_missing_credentials_and_public_url_are_found(context: Context, tmp_path: Path, look: Look) -> None:
    (tmp_path / "dispatcher.yaml").write_text(TWILIO)
    found = look()
    assert _wrong(found) == {"senders", "public URL"}
    assert "TOKEN" in found["senders"].detail
    assert _wrong(look(TOKEN="t" * 32, DISPATCHER_PUBLIC_URL="https://kirim.example")) == set()


def test_a_database_that_is_away_or_old_is_found(context: Context, look: Look, tmp_path: Path) -> None:
    away = look(DATABASE_URL="postgresql://nobody:geheim@127.0.0.1:1/none")
    assert _wrong(away) == {"database"}
    assert "geheim" not in str(away)
    (tmp_path / "empty.db").touch()
    assert "no tables" in look(DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")["database"].detail


def test_the_broker_is_asked(context: Context, look: Look, redis_url: str) -> None:
    assert look(CELERY_BROKER_URL=redis_url)["broker"].detail == "answers"
    away = look(CELERY_BROKER_URL="redis://:geheim@127.0.0.1:1/0")["broker"]
    assert not away.ok
    assert "geheim" not in str(away)


def test_a_full_disk_is_found(context: Context, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(doctor_machine.shutil, "disk_usage", lambda path: usage._replace(free=1024))
    assert _wrong(look()) == {"disk"}


def test_a_check_that_breaks_is_a_finding(context: Context, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(environment: Environment) -> list[Finding]:
        raise ZeroDivisionError

    monkeypatch.setattr(checks, "plugins", broken)
    assert look()["channels"].detail == "could not be checked (ZeroDivisionError)"


def test_a_rate_that_has_no_effect_is_found(context: Context, environ: dict[str, str], look: Look) -> None:
    """Invariant 9: the rate lives in SQL."""
    sync_senders(context)
    assert look()["rates"].ok
    Path(environ["DISPATCHER_CONFIG"]).write_text("senders: {layar: {channel: console, rate: 5 msg/s}}\n")
    found = look()["rates"]
    assert not found.ok
    assert found.fix == 'Run: dispatcher channel set layar --rate "5 msg/s"'
