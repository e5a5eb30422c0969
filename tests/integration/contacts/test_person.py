"""Show, export, stop and erase one person, with messages and replies on record."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import insert, select

from dispatcher.audience.consent import may_message
from dispatcher.core.errors import UsageError
from dispatcher.core.status import Status
from dispatcher.operations.contacts import erase_contact, export_contact, show_contact, stop_contact
from dispatcher.operations.context import Context
from dispatcher.operations.import_result import ImportResult
from dispatcher.operations.verify_consent import verify_consent
from dispatcher.store import tables as t
from dispatcher.store import tally
from dispatcher.store.exchanges import Wire, keep
from tests.integration.contacts.conftest import count, everything

Run = Callable[..., ImportResult]

NUMBER = "081234567890"
E164 = "+6281234567890"
TEXT = "Undangan untuk Siti"


@pytest.fixture
def siti(run: Run, context: Context) -> int:
    run(f"Nama,No HP,Kelompok\nSiti Aminah,{NUMBER},PKK\n")
    (person,) = show_contact(context, NUMBER)
    return int(person["id"])


def put_message(
    context: Context, contact_id: int, message_id: int, status: Status = Status.QUEUED, e164: str = E164
) -> None:
    """A row of step 1 of campaign 1, counted."""
    seal = context.keys.sealer.seal
    row = {
        "id": message_id, "step_id": message_id, "campaign_id": 1, "contact_id": contact_id, "hop": 0, "sender_id": 1,
        "cell_id": 1, "priority": 1, "status": status, "address_hash": context.keys.hash_address(e164),
        "address_sealed": seal("messages.address", message_id, e164),
        "body_sealed": seal("messages.body", message_id, TEXT),
        "units": 1, "segments": 1, "not_before_us": 1, "not_after_us": 2, "expires_us": 3,
        "claim_token": 99,
    }  # fmt: skip
    with context.database.begin() as connection:
        connection.execute(insert(t.messages).values(row))


def statuses(context: Context) -> list[tuple[int, str, str, int | None]]:
    m = t.messages.c
    with context.database.read() as connection:
        rows = connection.execute(select(m.id, m.status, m.reason, m.claim_token).order_by(m.id))
        return [tuple(row) for row in rows]


def test_stop_refuses_withdraws_and_cancels_in_one_commit(context: Context, siti: int) -> None:
    """Invariant 8: a claimed row is cancelled too, and its token is gone."""
    put_message(context, siti, 1)
    put_message(context, siti, 2, Status.DELIVERED)
    outcome = stop_contact(context, NUMBER, by="Rina", reason="surat 3 Maret")
    assert outcome == {
        "purpose": "*", "contacts": 1, "numbers": 1, "newly_refused": 1, "consents_withdrawn": 1, "cancelled": 1,
    }  # fmt: skip
    assert statuses(context) == [(1, "cancelled", "opted_out", None), (2, "delivered", "", 99)]
    with context.database.read() as connection:
        counted = tally.read(connection, [1])
        assert counted[tally.people_key(1, Status.CANCELLED)] == 1
        act = connection.execute(select(t.journal)).one()
    assert (act.actor, act.verb, act.subject) == ("Rina", "contacts stop", str(siti))
    assert act.at_us > 0
    (person,) = show_contact(context, NUMBER)
    (refused,) = person["numbers"][0]["refused"]
    assert (refused["via"], refused["reason"], bool(refused["at"])) == ("officer", "surat 3 Maret", True)
    (person,) = show_contact(context, NUMBER)
    assert person["consents"][0]["granted"] is False


def test_stop_again_changes_nothing_but_the_journal(context: Context, siti: int) -> None:
    stop_contact(context, NUMBER)
    again = stop_contact(context, NUMBER)
    assert (again["newly_refused"], again["consents_withdrawn"]) == (0, 0)
    assert count(context.database, t.suppressions) == 1


def test_a_number_nobody_has_can_refuse_before_it_is_imported(context: Context, run: Run) -> None:
    assert stop_contact(context, NUMBER)["newly_refused"] == 1
    assert run(f"Nama,No HP\nSiti,{NUMBER}\n").suppressed == 1


def test_stop_of_one_purpose_spares_campaigns_of_another(context: Context, siti: int) -> None:
    put_message(context, siti, 1)
    assert stop_contact(context, NUMBER, purpose="events")["cancelled"] == 0
    assert statuses(context)[0][1] == "queued"


def test_stop_of_one_purpose_also_holds_for_a_number_the_person_gets_later(
    context: Context, siti: int, run: Run
) -> None:
    """Who agreed to everything goes on agreeing to the rest."""
    assert stop_contact(context, NUMBER, purpose="events", reason="menelepon")["consents_withdrawn"] == 1
    assert stop_contact(context, NUMBER, purpose="events", reason="lagi")["consents_withdrawn"] == 0
    (person,) = show_contact(context, NUMBER)
    consents = {(one["purpose"], one["media"]): one["granted"] for one in person["consents"]}
    assert consents == {("*", "*"): True, ("events", "*"): False}
    assert not may_message(consents, "events", "sms", "required")
    assert may_message(consents, "pendidikan-pemilih", "sms", "required")
    last = export_contact(context, NUMBER)["consent_events"][-1]
    assert (last["purpose"], last["granted"], last["via"]) == ("events", False, "officer")
    assert verify_consent(context.database).faults == ()


def test_stop_and_show_by_id(context: Context, siti: int) -> None:
    assert stop_contact(context, str(siti))["numbers"] == 1
    assert show_contact(context, str(siti))[0]["numbers"][0]["refused"]


def test_export_holds_everything_opened(context: Context, siti: int) -> None:
    put_message(context, siti, 1, Status.DELIVERED)
    seal = context.keys.sealer.seal
    with context.database.begin() as connection:
        connection.execute(
            insert(t.inbound).values(
                id=5,
                sender_id=1,
                provider_id="x",
                address_hash=context.keys.hash_address(E164),
                address_sealed=seal("inbound.address", 5, E164),
                text_sealed=seal("inbound.text", 5, "HADIR"),
                received_us=1_700_000_000_000_000,
            )
        )
        keep(connection, context.keys.sealer, [Wire(1, 1, '[{"status": 400}]')], 5)
        connection.execute(
            insert(t.answers).values(campaign_id=1, contact_id=siti, meaning="come", via="reply", at_us=5)
        )
    held = export_contact(context, NUMBER)
    assert held["contacts"][0]["name"] == "Siti Aminah"
    assert held["contacts"][0]["numbers"][0]["number"] == E164
    assert (held["messages"][0]["text"], held["messages"][0]["number"]) == (TEXT, E164)
    assert held["replies"][0]["text"] == "HADIR"
    assert held["replies"][0]["received"] == "2023-11-14T22:13:20+00:00"
    (event,) = held["consent_events"]
    assert (event["via"], event["source"], event["media"]) == ("import", "warga.csv", "*")
    assert not event.keys() & {"salt", "commitment"}
    assert held["exchanges"] == [{"message_id": 1, "attempt": 1, "said": [{"status": 400}]}]
    assert held["answers"][0]["meaning"] == "come"
    json.dumps(held)


def test_a_word_that_was_withdrawn_stays_in_the_ledger_with_its_import(context: Context, siti: int) -> None:
    stop_contact(context, NUMBER, reason="menelepon")
    stop_contact(context, NUMBER, reason="lagi")
    said = export_contact(context, NUMBER)["consent_events"]
    assert [(word["granted"], word["via"], bool(word["source"])) for word in said] == [
        (True, "import", True),
        (False, said[1]["via"], False),
    ]


def test_erasure_leaves_counts_and_the_refusal_only(context: Context, siti: int, run: Run) -> None:
    """Invariants 14 and 15."""
    put_message(context, siti, 1)
    put_message(context, siti, 2, Status.DELIVERED)
    stop_contact(context, NUMBER, reason="Siti menelepon")
    outcome = erase_contact(context, NUMBER, by="Rina")
    assert outcome["refusal_kept"] is True
    stored = everything(context.database)
    assert [stored[name] for name in ("contact_points", "memberships", "consents")] == [[], [], []]
    (contact,) = [row for row in stored["contacts"] if row[0] == siti]
    assert not [value for value in contact if isinstance(value, bytes)]
    assert "menelepon" not in repr(stored), "nor what an officer wrote"
    assert len(stored["messages"]) == 2
    with context.database.read() as connection:
        sealed = connection.execute(select(t.messages.c.body_sealed, t.messages.c.address_sealed))
        assert {tuple(row) for row in sealed} == {(None, None)}
    with pytest.raises(UsageError, match="nobody"):
        show_contact(context, NUMBER)
    assert run(f"Nama,No HP,Kelompok\nSiti Aminah,{NUMBER},PKK\n").created == 1
    assert show_contact(context, NUMBER)[0]["numbers"][0]["refused"]


def test_erasure_cancels_what_is_queued(context: Context, siti: int) -> None:
    put_message(context, siti, 1)
    assert erase_contact(context, NUMBER, by="Rina")["cancelled"] == 1
    assert statuses(context) == [(1, "cancelled", "no_address", None)]


def test_a_shared_number_is_not_erased_by_guess(context: Context, siti: int, run: Run) -> None:
    run(f"Nama,No HP\nTono,{NUMBER}\n", "more.csv")
    with pytest.raises(UsageError, match="2 people share") as raised:
        erase_contact(context, NUMBER, by="Rina")
    assert NUMBER not in str(raised.value)
    erase_contact(context, str(siti), by="Rina")
    assert [person["name"] for person in show_contact(context, NUMBER)] == ["Tono"]


@pytest.mark.parametrize("who", ["081299999999", "1234567890123456", "siti", ""])
def test_nobody_found_is_a_usage_error_without_the_number(context: Context, who: str) -> None:
    with pytest.raises(UsageError) as raised:
        show_contact(context, who)
    assert not who or who not in f"{raised.value.message}{raised.value.hint}"
