"""Webhooks: signed as Twilio signs, in the order, number and time that the behaviour asks for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest
from twilio.request_validator import RequestValidator

from dispatcher.testing.carrier import CarrierProcess
from dispatcher.testing.synthetic import synthetic_e164
from tests.acceptance.place import eventually
from tests.integration.carrier.ends import SENDER, Account, Hook

WITHOUT_WHATSAPP = next(i for i in range(10_000) if synthetic_e164(i).endswith("00") and i)
WITH_WHATSAPP = next(i for i in range(10_000) if not synthetic_e164(i).endswith("00"))


def create_all(account: Account, hook: Hook, n: int) -> dict[str, str]:
    """sid → To."""
    answers = [account.create(i, StatusCallback=f"{hook.url}/hooks/sms?m={i}.1").json() for i in range(n)]
    return {answer["sid"]: answer["to"] for answer in answers}


def whatsapp(account: Account, hook: Hook, position: int) -> str:
    sid: str = account.create(
        f"whatsapp:{synthetic_e164(position)}",
        From=f"whatsapp:{SENDER}",
        StatusCallback=f"{hook.url}/hooks/wa?m=1.1",
    ).json()["sid"]
    return sid


def test_sent_then_delivered_each_signed_as_the_sdk_expects(
    account: Account, hook: Hook, carrier: CarrierProcess
) -> None:
    sid = account.create(1, StatusCallback=f"{hook.url}/hooks/sms?m=7.1&x=%C3%A9").json()["sid"]
    calls = hook.wait_for(2)
    assert [call.status for call in calls] == ["sent", "delivered"]
    for call in calls:
        assert call.path == "/hooks/sms?m=7.1&x=%C3%A9"
        assert RequestValidator(carrier.auth_token).validate(hook.url + call.path, call.form, call.signature)
        assert not RequestValidator("another token").validate(hook.url + call.path, call.form, call.signature)
        assert (call.form["MessageSid"], call.form["To"], call.form["From"]) == (sid, synthetic_e164(1), SENDER)
        assert call.form["AccountSid"] == carrier.account_sid
    assert calls[0].token != calls[1].token
    assert len(calls[1].form["RawDlrDoneDate"]) == 10
    assert account.get(f"/Messages/{sid}.json").json()["status"] == "delivered"


ALTERED: dict[str, Callable[[str, dict[str, str], str], tuple[str, dict[str, str], str]]] = {
    "another message": lambda url, form, signature: (url.replace("m=7.1", "m=8.1"), form, signature),
    "another path": lambda url, form, signature: (url.replace("/hooks/sms", "/hooks/wa"), form, signature),
    "no query": lambda url, form, signature: (url.partition("?")[0], form, signature),
    "another value": lambda url, form, signature: (url, form | {"To": "+6281199999999"}, signature),
    "one field more": lambda url, form, signature: (url, form | {"ErrorCode": "21610"}, signature),
    "one field less": lambda url, form, signature: (url, dict(list(form.items())[1:]), signature),
    "the case of the signature": lambda url, form, signature: (url, form, signature.swapcase()),
    "a shorter signature": lambda url, form, signature: (url, form, signature[:-1]),
    "no signature": lambda url, form, signature: (url, form, ""),
}


def test_what_was_altered_is_refused_by_the_sdk(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    """Two callbacks and a reply."""
    carrier.control(reply=1, reply_after_ms=[1, 5], inbound_url=f"{hook.url}/hooks/sms?m=7.1")
    validator = RequestValidator(carrier.auth_token)
    account.create(1, StatusCallback=f"{hook.url}/hooks/sms?m=7.1")
    calls = hook.wait_for(3)
    assert sum("MessageStatus" not in call.form for call in calls) == 1
    for call in calls:
        url = hook.url + call.path
        assert validator.validate(url, call.form, call.signature)
        for name, alter in ALTERED.items():
            assert not validator.validate(*alter(url, call.form, call.signature)), name


def test_whatsapp_is_read_too(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(read=1)
    whatsapp(account, hook, WITH_WHATSAPP)
    assert hook.statuses(3) == ["sent", "delivered", "read"]
    assert hook.calls[-1].form["EventType"] == "READ"
    assert hook.calls[-1].form["ChannelPrefix"] == "whatsapp"


def test_a_made_up_number_without_whatsapp_fails_with_63003(account: Account, hook: Hook) -> None:
    sid = whatsapp(account, hook, WITHOUT_WHATSAPP)
    assert hook.statuses(1) == ["failed"]
    assert hook.calls[0].form["ErrorCode"] == "63003"
    message = account.get(f"/Messages/{sid}.json").json()
    assert (message["status"], message["error_code"]) == ("failed", 63003)


def test_a_service_names_itself_and_the_number_it_chose(account: Account, hook: Hook) -> None:
    service = "MG" + "1" * 32
    account.create(1, From="", MessagingServiceSid=service, StatusCallback=f"{hook.url}/h")
    form = hook.wait_for(2)[0].form
    assert (form["MessagingServiceSid"], form["From"]) == (service, "+15005550006")


def test_failures_by_reason(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(failure=1, failure_codes={"30007": 1, "30003": 1, "30005": 0, "30006": 0, "30008": 0})
    sids = create_all(account, hook, 30)
    ends = ("undelivered", "failed")
    calls = hook.wait(lambda calls: sum(call.status in ends for call in calls) == len(sids))
    codes = {(call.status, call.form["ErrorCode"]) for call in calls if call.status in ends}
    assert codes == {("undelivered", "30003"), ("failed", "30007")}


def test_no_receipt_ends_at_sent(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(no_receipt=1)
    create_all(account, hook, 3)
    assert hook.statuses(3) == ["sent"] * 3
    assert carrier.summary()["still_to_happen"] == 0


def test_repeated_callbacks_carry_the_same_token(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(repeated=1)
    create_all(account, hook, 1)
    assert hook.statuses(4) == ["sent", "sent", "delivered", "delivered"]
    assert Counter(Counter(call.token for call in hook.calls).values()) == {2: 2}


def test_lost_callbacks_still_happened(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(lost=1)
    create_all(account, hook, 3)
    eventually(carrier.is_silent)
    assert hook.calls == []
    assert set(carrier.ledger.statuses().values()) == {"delivered"}


def test_disordered_callbacks_of_both_kinds(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(disordered=1)
    sids = create_all(account, hook, 30)
    eventually(carrier.is_silent)
    orders = {tuple(call.status for call in hook.calls if call.form["MessageSid"] == sid) for sid in sids}
    assert orders == {("delivered", "sent"), ("sent", "failed", "delivered")}
    assert set(carrier.ledger.statuses().values()) == {"delivered"}


def test_late_callbacks_wait(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(late=1, late_by_s=[0.5, 0.6])
    started_s = time.monotonic()
    create_all(account, hook, 1)
    assert hook.statuses(2) == ["sent", "delivered"]
    assert time.monotonic() - started_s >= 0.5


def test_what_is_hours_late_can_be_hastened(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(late=1)
    create_all(account, hook, 3)
    assert hook.statuses(3) == ["sent"] * 3
    carrier.hasten()
    assert hook.statuses(6)[3:] == ["delivered"] * 3


def test_an_early_callback_comes_before_the_reply(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(early=1)
    for i in range(5):
        sid = account.create(i, StatusCallback=f"{hook.url}/h?m={i}.1").json()["sid"]
        assert sid in {call.form["MessageSid"] for call in hook.calls}


def test_a_failed_callback_is_tried_once_more(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    hook.answers[:] = [500, 204, 503, 500]
    carrier.control(no_receipt=1)
    create_all(account, hook, 1)
    assert hook.statuses(2) == ["sent", "sent"]
    assert hook.calls[0].token == hook.calls[1].token
    create_all(account, hook, 1)
    hook.wait_for(4)
    eventually(carrier.is_silent)
    summary = carrier.summary()["callbacks"]
    assert (len(hook.calls), summary["delivered"], summary["failed"], summary["redelivered"]) == (4, 1, 1, 2)


def test_a_refused_callback_is_not_tried_again(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    hook.answers[:] = [403]
    carrier.control(no_receipt=1)
    create_all(account, hook, 1)
    hook.wait_for(1)
    eventually(carrier.is_silent)
    assert (len(hook.calls), carrier.summary()["callbacks"]["refused"]) == (1, 1)


def test_a_patient_carrier_outlasts_a_webhook_that_is_away(
    account: Account, hook: Hook, carrier: CarrierProcess
) -> None:
    hook.answers[:] = [503] * 4
    carrier.control(no_receipt=1, redeliveries=5, redelivery_after_s=0.01)
    create_all(account, hook, 1)
    assert hook.statuses(5) == ["sent"] * 5


def test_recipients_answer_by_signed_webhook(account: Account, hook: Hook, carrier: CarrierProcess) -> None:
    carrier.control(
        reply=1, reply_after_ms=[1, 5], inbound_url=f"{hook.url}/hooks/in", replies={"HADIR": 1, "SETUJU": 0, "STOP": 0}
    )
    account.create(1)
    call = hook.wait_for(1)[0]
    assert (call.path, call.form["Body"], call.form["From"], call.form["To"]) == (
        "/hooks/in", "HADIR", synthetic_e164(1), SENDER,
    )  # fmt: skip
    assert RequestValidator(carrier.auth_token).validate(f"{hook.url}/hooks/in", call.form, call.signature)
    assert "OptOutType" not in call.form


@pytest.mark.parametrize("handles", [False, True])
def test_stop_may_be_handled_by_the_carrier(
    account: Account, hook: Hook, carrier: CarrierProcess, handles: bool
) -> None:
    stop = {"reply": 1, "reply_after_ms": [1, 5], "replies": {"STOP": 1, "HADIR": 0, "SETUJU": 0}}
    carrier.control(**stop, handles_opt_outs=handles, inbound_url=f"{hook.url}/hooks/in")
    account.create(1)
    assert hook.wait_for(1)[0].form.get("OptOutType") == ("STOP" if handles else None)
    again = account.create(1).json()
    assert again.get("code") == (21610 if handles else None)
