"""What providers called with is shown with the message, and nothing private of it."""

from __future__ import annotations

import json

import pytest

from dispatcher.cli.exchange_view import print_call
from dispatcher.core.phone import mask
from dispatcher.core.status import Status
from dispatcher.operations.contacts import erase_contact
from dispatcher.operations.inspect_messages import show_message
from dispatcher.receipts.fold import make_ref
from tests.integration.builders import make_context
from tests.integration.web.stage import Stage

TEXT = "Yth. Siti Aminah, gunakan hak pilih Anda."


def test_a_call_is_shown_redacted_until_its_person_is_erased(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    person = stage.person()
    message = stage.message(Status.ACCEPTED, person, text=TEXT)
    with stage.web() as provider:
        more = {"To": person.number, "ErrorCode": "30005", "ErrorMessage": f"{person.number}: {TEXT}"}
        assert provider.status(message, "undelivered", **more) == 204
    (receipt,) = show_message(stage.context, message, "Ani")["receipts"]
    call = receipt["call"]
    assert call["method"] == "POST"
    assert call["path"] == "/hooks/sms"
    assert call["query"] == {"m": "[secret]"}
    assert call["body"]["To"] == mask(person.number)
    assert (call["body"]["MessageStatus"], call["body"]["ErrorCode"]) == ("undelivered", "30005")
    print_call(receipt["received"], call)
    for shown in (json.dumps(call), capsys.readouterr().out):
        for private in (person.number[1:], person.number[3:], "Siti", "hak pilih", make_ref(message, 1)):
            assert private not in shown

    erase_contact(stage.context, str(person.id), by="Ani")
    (receipt,) = show_message(stage.context, message, "Ani")["receipts"]
    assert receipt["call"] is None


def test_a_call_that_quotes_a_credential_is_shown_without_it(stage: Stage) -> None:
    """Under a key that nobody declares."""
    message = stage.message(Status.ACCEPTED, stage.person(), text=TEXT)
    with stage.web() as provider:
        assert provider.status(message, "undelivered", ErrorMessage="no account for kunci-rahasia") == 204
    senders = {"lain": {"channel": "unsigned", "k": "${KEY}", "other": "${NOT_SET}", "file": "${GONE}"}}
    context = make_context(stage.url, {"senders": senders}, KEY="kunci-rahasia", GONE_FILE="/nirwana")
    (receipt,) = show_message(context, message, "Ani")["receipts"]
    assert receipt["call"]["body"]["ErrorMessage"] == "no account for [secret]"
    context.database.close()
