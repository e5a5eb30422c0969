"""Senders: copied to SQL, where their rate then lives (invariant 9); listed, checked, tried, paused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select

from dispatcher.core.errors import IncompleteError, ProviderError, RefusedError, UsageError
from dispatcher.operations import sender_control
from dispatcher.operations.context import Context
from dispatcher.operations.senders import sender_facts, sync_senders
from dispatcher.spi import Accepted, Ambiguous, Check, Misconfigured, OutboundMessage, Outcome, Rejected
from dispatcher.store.tables import journal, messages, recent_people, senders, suppressions
from dispatcher_channels.console import ConsoleChannel
from tests.integration.builders import KEYS, Builder, make_context

SID = "AC" + "0" * 32
TWILIO = {"channel": "twilio-sms", "account_sid": SID, "auth_token": "${TOKEN}", "from": "+6281100000001"}
NUMBER = "+6281234567890"

Make = Callable[..., Context]


@pytest.fixture
def make(database_url: str, tmp_path: Path) -> Iterator[Make]:
    """A context with these senders, as if the process began anew."""
    made: list[Context] = []

    def make(configured: dict[str, Any], **environ: str) -> Context:
        made.append(make_context(database_url, {"senders": configured}, **environ))
        return made[-1]

    yield make
    for context in made:
        context.database.close()


@pytest.fixture
def drop(make: Make, tmp_path: Path) -> Context:
    """A sender whose messages can be read afterwards."""
    return make({"drop": {"channel": "filedrop", "folder": str(tmp_path / "out")}})


def _rows(context: Context) -> dict[str, Any]:
    with context.database.read() as connection:
        return {row.name: row for row in connection.execute(select(senders))}


def _dropped(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def test_the_rate_of_the_settings_counts_once(make: Make) -> None:
    context = make({"a": {"channel": "console", "rate": "80 msg/s"}})
    ids = sync_senders(context)
    sender_control.set_rate(context, "a", "30 msg/min", "Ani")
    again = make({"a": {"channel": "console", "rate": "100 msg/s"}})
    assert sync_senders(again) == ids
    assert _rows(again)["a"].rate_per_s == 0.5


def _note(context: Context) -> str:
    found = [sender for channel in sender_control.list_channels(context) for sender in channel["senders"]]
    return str(found[0]["note"])


def test_a_rate_changed_in_the_settings_after_its_first_use_is_told(make: Make) -> None:
    """Invariant 9: the rate lives in SQL."""
    sync_senders(make({"a": {"channel": "console", "rate": "80 msg/s"}}))
    same = make({"a": {"channel": "console", "rate": "4800 msg/min"}})
    sync_senders(same)
    sender_control.set_rate(same, "a", "30 msg/min", "Ani")
    assert _note(same) == ""

    changed = make({"a": {"channel": "console", "rate": "100 msg/s"}})
    sync_senders(changed)
    assert "a goes on at 0.5 messages a second" in _note(changed)
    assert 'dispatcher channel set a --rate "100 msg/s"' in _note(changed)
    sender_control.set_rate(changed, "a", "100 msg/s", "Ani")
    assert _note(changed) == ""
    lifted = make({"a": {"channel": "console"}})
    assert 'dispatcher channel set a --rate "none"' in _note(lifted)


def test_people_per_day_and_spacing_follow_the_settings(make: Make) -> None:
    sync_senders(make({"a": {"channel": "console", "people_per_day": 1000, "spacing": "6s"}}))
    context = make({"a": {"channel": "console", "people_per_day": 2000, "spacing": "6h"}})
    assert (_rows(context)["a"].people_per_day, _rows(context)["a"].spacing_us) == (1000, 6_000_000)
    sync_senders(context)
    assert (_rows(context)["a"].people_per_day, _rows(context)["a"].spacing_us) == (2000, 6 * 3_600_000_000)
    found = {c["name"]: c for c in sender_control.list_channels(context)}["console"]["senders"][0]
    assert (found["people_per_day"], found["spacing_s"]) == (2000, 21600)


@pytest.mark.parametrize("wrong", [{"people_per_day": 0}, {"spacing": "0s"}, {"spacing": "31 days"}, {"spacing": 6}])
def test_rules_for_people_must_make_sense(make: Make, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make({"a": {"channel": "console", **wrong}})


def test_a_test_message_counts_as_a_person(make: Make, tmp_path: Path) -> None:
    context = make({"drop": {"channel": "filedrop", "folder": str(tmp_path / "out"), "people_per_day": 5}})
    sender_control.send_test(context, "drop", NUMBER, "Uji", "Ani")
    with context.database.read() as connection:
        (row,) = connection.execute(select(recent_people)).all()
    assert bytes(row.address_hash) == KEYS.hash_address(NUMBER)


def test_a_sender_that_is_gone_is_marked_and_may_come_back(make: Make) -> None:
    ids = sync_senders(make({"a": {"channel": "console"}, "b": {"channel": "console"}}))
    context = make({"a": {"channel": "console"}})
    sync_senders(context)
    assert {name: row.removed for name, row in _rows(context).items()} == {"a": False, "b": True}
    assert sync_senders(make({"a": {"channel": "console"}, "b": {"channel": "console"}})) == ids
    assert not _rows(context)["b"].removed


def test_missing_credentials_leave_the_facts(make: Make) -> None:
    complete = sender_facts(make({"sms": TWILIO}, TOKEN="t" * 32))["sms"]
    assert sender_facts(make({"sms": TWILIO}))["sms"] == complete
    assert complete.identity == "+6281100000001"


def test_an_origin_that_cannot_be_told_stays_what_it_was(make: Make) -> None:
    hidden = {**TWILIO, "from": "${SENDER}"}
    sync_senders(make({"sms": hidden}, TOKEN="t" * 32, SENDER="+6281100000009"))
    context = make({"sms": hidden})
    sync_senders(context)
    assert _rows(context)["sms"].identity == "+6281100000009"


def test_the_list_names_what_is_missing(make: Make) -> None:
    found = {c["name"]: c for c in sender_control.list_channels(make({"sms": TWILIO}))}
    assert {"console", "filedrop", "simulator", "twilio-sms", "twilio-whatsapp"} <= set(found)
    assert all("error" not in channel for channel in found.values())
    assert found["twilio-sms"]["capabilities"]["receipts"] == "push"
    (sender,) = found["twilio-sms"]["senders"]
    assert not sender["ready"]
    assert "TOKEN" in sender["problem"]


def test_check_reports_a_missing_variable_as_a_finding(make: Make) -> None:
    context = make({"sms": TWILIO, "layar": {"channel": "console"}})
    found = {line["sender"]: line for line in sender_control.check_senders(context)}
    assert (found["sms"]["ok"], found["layar"]["ok"]) == (False, True)
    assert "TOKEN" in found["sms"]["detail"]
    with pytest.raises(UsageError):
        sender_control.check_senders(context, "tidak-ada")


def test_check_asks_the_adapter_and_survives_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(self: ConsoleChannel) -> list[Check]:
        return [Check("balance", False, "empty", "top it up")]

    async def crash(self: ConsoleChannel) -> list[Check]:
        raise RuntimeError("adapter")

    context = make({"layar": {"channel": "console"}})
    monkeypatch.setattr(ConsoleChannel, "check", check)
    assert sender_control.check_senders(context, "layar")[-1] == {
        "sender": "layar",
        "check": "balance",
        "ok": False,
        "detail": "empty",
        "fix": "top it up",
    }
    monkeypatch.setattr(ConsoleChannel, "check", crash)
    (finding,) = sender_control.check_senders(context, "layar")
    assert (finding["ok"], finding["detail"]) == (False, "the adapter failed (RuntimeError)")


def test_a_test_message_is_sent_and_on_record(drop: Context, tmp_path: Path) -> None:
    assert sender_control.send_test(drop, "drop", "0812-3456-7890", "Uji", "Ani")["outcome"] == "accepted"
    (message,) = _dropped(tmp_path / "out")
    assert (message["to"], message["text"]) == (NUMBER, "Uji")
    with drop.database.read() as connection:
        (act,) = connection.execute(select(journal)).all()
    assert (act.actor, act.verb, act.subject, act.details) == ("Ani", "channel send-test", "drop", {})


def test_a_test_message_is_refused_where_campaigns_would_be(drop: Context, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="serves ID"):
        sender_control.send_test(drop, "drop", "+14155550100", "Uji", "Ani")
    sender_control.pause(drop, "drop", "perawatan", "Ani")
    with pytest.raises(RefusedError, match="perawatan"):
        sender_control.send_test(drop, "drop", NUMBER, "Uji", "Ani")
    sender_control.resume(drop, "drop", "Ani")
    refused = {"address_hash": KEYS.hash_address(NUMBER), "purpose": "*", "at_us": 1}
    with drop.database.begin() as connection:
        connection.execute(insert(suppressions).values(**refused))
    with pytest.raises(RefusedError, match="refused"):
        sender_control.send_test(drop, "drop", NUMBER, "Uji", "Ani")
    assert _dropped(tmp_path / "out") == []


def test_a_test_message_takes_a_permit(drop: Context) -> None:
    """Invariant 9: the next permit of the sender is later by one interval."""
    sender_control.set_rate(drop, "drop", "20 msg/s", "Ani")
    before_us = drop.now_us()
    sender_control.send_test(drop, "drop", NUMBER, "Uji", "Ani")
    assert _rows(drop)["drop"].tat_us >= before_us + 50_500
    with drop.database.begin() as connection:
        connection.execute(senders.update().values(tat_us=drop.now_us() + 3_600_000_000))
    with pytest.raises(RefusedError, match="busy"):
        sender_control.send_test(drop, "drop", NUMBER, "Uji", "Ani")


def test_a_long_test_message_takes_as_many_permits_as_it_has_segments(drop: Context, tmp_path: Path) -> None:
    sender_control.set_rate(drop, "drop", "20 seg/s", "Ani")
    before_us = drop.now_us()
    sender_control.send_test(drop, "drop", NUMBER, "x" * 459, "Ani")
    assert _rows(drop)["drop"].tat_us >= before_us + 3 * 50_500
    assert [message["segments"] for message in _dropped(tmp_path / "out")] == [3]


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Accepted(("x1",)), None),
        (Misconfigured("20003"), ProviderError),
        (Rejected(reason="invalid_number"), IncompleteError),  # type: ignore[arg-type]
        (Ambiguous(), IncompleteError),
        (RuntimeError("bug"), IncompleteError),
    ],
)
def test_the_end_of_a_test_message_is_told(
    make: Make, monkeypatch: pytest.MonkeyPatch, outcome: Outcome | Exception, error: type[Exception] | None
) -> None:
    async def send(self: ConsoleChannel, message: OutboundMessage) -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(ConsoleChannel, "send", send)
    context = make({"layar": {"channel": "console"}})
    if error is None:
        assert sender_control.send_test(context, "layar", NUMBER, "Uji", "")["provider_ids"] == ["x1"]
        return
    with pytest.raises(error) as caught:
        sender_control.send_test(context, "layar", NUMBER, "Uji", "")
    assert NUMBER not in str(caught.value)


def test_a_change_of_unit_weighs_what_waits_anew(make: Make) -> None:
    context = make({"sms": {"channel": "console"}})
    sender = sync_senders(context)["sms"]
    built = Builder(context)
    message = built.message(built.step(built.campaign()), built.person(), sender)

    def units() -> int:
        with context.database.read() as connection:
            return int(connection.execute(select(messages.c.units).where(messages.c.id == message)).scalar_one())

    assert units() == 1
    assert sender_control.set_rate(context, "sms", "80 seg/s", "Ani")["rate_unit"] == "segment"
    assert units() == 2
    assert sender_control.set_rate(context, "sms", "none", "Ani")["rate_per_s"] is None
    assert units() == 1


@pytest.mark.parametrize("rate", ["80", "0 msg/s", "cepat"])
def test_a_rate_must_be_one(make: Make, rate: str) -> None:
    with pytest.raises(UsageError):
        sender_control.set_rate(make({"sms": {"channel": "console"}}), "sms", rate, "Ani")


def test_an_unknown_sender_cannot_be_changed(make: Make) -> None:
    with pytest.raises(UsageError):
        sender_control.pause(make({"sms": {"channel": "console"}}), "tidak-ada", "", "Ani")
