"""Meta's side is written from its public documentation: answers, callbacks and signatures."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dispatcher.spi import Check, HeldTemplate, HookRequest, Misconfigured, Rejected, Template, Undecided, Unsupported
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance import Answer, ChannelContract
from dispatcher.testing.conformance.base import GuardedClient, outcome_of
from dispatcher.testing.rawserver import RawServer
from dispatcher_channels.whatsapp_cloud import WhatsappCloudChannel, WhatsappCloudConfig
from dispatcher_channels.whatsapp_cloud.send import ERRORS

NUMBER_ID = "106540352242922"
ACCOUNT_ID = "102290129340398"
APP_SECRET = "an app secret nobody may see"
VERIFY_TOKEN = "a verify token nobody may see"
WAMID = "wamid.HBgNNjI4MTIzNDU2Nzg5MBUCABEYEjlBOUU1RkYzOTFBNEMxRjFCNAA="
BODY = {"type": "BODY", "text": "Yth. {{nama}}, kami tunggu di {{tempat}}."}


def answered(status: int = 200, **record: Any) -> Answer:
    return Answer(status, json.dumps(record).encode(), {"content-type": "application/json"})


def refused(status: int, code: int, **more: Any) -> Answer:
    error = {"message": f"(#{code}) refused", "type": "OAuthException", "code": code, "fbtrace_id": "AbC", **more}
    return answered(status, error=error)


def record_of(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "name": "undangan", "language": "id", "status": "APPROVED", "components": [BODY], **changes}


def call(*values: dict[str, Any], field: str = "messages") -> HookRequest:
    """Each value in an entry of its own."""
    entries = [{"id": ACCOUNT_ID, "changes": [{"field": field, "value": value}]} for value in values]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()
    return HookRequest("POST", "https://example.org/hooks/a", {"content-type": "application/json"}, body, {})


def value_of(number_id: str = NUMBER_ID, **content: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **content}


def status_of(word: str, ref: str = "7.1", code: str = "") -> dict[str, Any]:
    errors = {"errors": [{"code": int(code), "title": "refused"}]} if code else {}
    return {
        "id": WAMID, "status": word, "timestamp": "1764000000", "recipient_id": "6281234567890",
        "biz_opaque_callback_data": ref, **errors,
    }  # fmt: skip


class TestWhatsappCloud(ChannelContract):
    channel = WhatsappCloudChannel
    recordings = Path(__file__).parents[1] / "recordings" / "whatsapp-cloud"
    words = ("sent", "delivered", "read", "played", "failed")
    accepted = answered(
        messaging_product="whatsapp",
        contacts=[{"input": "6281234567890", "wa_id": "6281234567890"}],
        messages=[{"id": WAMID, "message_status": "accepted"}],
    )
    template_id = "undangan"
    held = (answered(data=[record_of(name="undangan_lain"), record_of()], paging={"cursors": {}}),)
    not_held = answered(data=[record_of(name="undangan_lain")])

    def settings(self, url: str) -> dict[str, Any]:
        return {
            "phone_number_id": NUMBER_ID, "business_account_id": ACCOUNT_ID, "base_url": url,
            "access_token": "an access token nobody may see", "app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN,
        }  # fmt: skip

    def callback(self, word: str, ref: str = "7.1", code: str = "") -> HookRequest:
        return call(value_of(statuses=[status_of(word, ref, code)]))

    def signed(self, request: HookRequest) -> HookRequest:
        digest = hmac.new(APP_SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        return replace(request, headers={**request.headers, "x-hub-signature-256": f"sha256={digest}"})


SUITE = TestWhatsappCloud()


def channel() -> Any:
    return SUITE.build("http://127.0.0.1:9", GuardedClient())


def ask(question: Any, *answers: Answer) -> Any:
    async def scenario() -> Any:
        behaviours = [raw.answer(a.status, a.body, a.headers) for a in answers]
        async with RawServer(*behaviours) as server, SUITE.opened(server.url) as (opened, _):
            return await question(opened)

    return asyncio.run(scenario())


def sent(answer: Answer, **template: str) -> Any:
    message = SUITE.message(text=None, template=Template("undangan", "id", template)) if template else SUITE.message()
    return ask(lambda opened: outcome_of(SUITE, opened, message), answer)


@pytest.mark.parametrize("code", [code for code in ERRORS if code != "33"])
def test_every_code_is_its_class_in_a_refusal_and_inside_a_200(code: str) -> None:
    wanted = ERRORS.outcome(code)
    assert sent(refused(400, int(code))) == wanted
    assert sent(refused(200, int(code))) == wanted
    for language in ("id", "en"):
        assert WhatsappCloudChannel.explain(code, language)


def test_any_permission_is_the_tokens_fault() -> None:
    assert sent(refused(400, 274)) == Misconfigured("200")


def test_a_number_of_another_account_pauses_the_sender() -> None:
    assert sent(refused(400, 100, error_subcode=33)) == Misconfigured("33")


def test_an_unknown_code_is_a_refusal_of_this_message_only() -> None:
    assert isinstance(sent(refused(400, 987654)), Rejected)


def test_a_500_counts_as_a_refusal_only_where_the_account_is_at_fault() -> None:
    """Invariant 4: a code that would send again does not override a 5xx."""
    assert sent(refused(500, 3)) == Misconfigured("3")
    assert type(sent(refused(500, 131049))).__name__ == "Ambiguous"
    assert type(sent(refused(500, 130429))).__name__ == "Ambiguous"


@pytest.mark.parametrize(
    "parameters",
    [
        {"1": "a", "3": "b"},
        {"1": "a", "nama": "b"},
        {"header.image": "https://example.org/a.png", "header.1": "a"},
        {"button.10": "a"},
        {"button.x": "a"},
        {"button.0.colour": "red"},
    ],
)
def test_parameters_that_cannot_be_a_templates_are_unsupported(parameters: dict[str, str]) -> None:
    assert isinstance(sent(SUITE.accepted, **parameters), Unsupported)


def test_a_text_longer_than_whatsapp_takes_is_unsupported() -> None:
    result = ask(lambda opened: opened.send(SUITE.message(text="x" * 4097)), SUITE.accepted)
    assert isinstance(result, Unsupported)


def verification(token: str = VERIFY_TOKEN, mode: str = "subscribe", challenge: str = "1158201444") -> HookRequest:
    query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": challenge}
    return HookRequest("GET", "https://example.org/hooks/a", {}, b"", query)


def test_a_challenge_is_answered_to_who_knows_the_verify_token() -> None:
    assert channel().verify(verification())
    answer = channel().parse(verification())
    assert (answer.reply, answer.content_type, answer.receipts) == (b"1158201444", "text/plain", ())


def test_a_challenge_is_not_answered_otherwise() -> None:
    for request in (verification(""), verification(VERIFY_TOKEN + "x"), verification("é"), verification(mode="x")):
        assert not channel().verify(request)
    assert not channel().verify(HookRequest("GET", "https://example.org/hooks/a", {}, b"", {}))
    with pytest.raises(ValueError, match="challenge"):
        channel().parse(verification(challenge="<script>"))


@pytest.mark.parametrize("secret", ["access_token", "app_secret", "verify_token"])
def test_an_empty_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValidationError, match="is empty"):
        WhatsappCloudConfig.model_validate({**SUITE.settings("http://127.0.0.1:9"), secret: ""})


def test_every_entry_is_read_and_other_numbers_are_left_alone() -> None:
    other = value_of("999", statuses=[status_of("read", "9.1")])
    mine = value_of(statuses=[status_of("sent"), status_of("delivered")])
    answer = channel().parse(call(mine, other, value_of(statuses=[status_of("read", "8.1")])))
    assert [(receipt.ref, receipt.status.value) for receipt in answer.receipts] == [
        ("7.1", "sent"), ("7.1", "delivered"), ("8.1", "read"),
    ]  # fmt: skip
    assert answer.unmapped == ()


def test_what_cannot_be_read_costs_nothing_of_the_rest() -> None:
    broken: list[Any] = [None, 7, {"status": "sent"}, {"status": ["x"], "id": WAMID}, status_of("read")]
    answer = channel().parse(call(value_of(statuses=broken, messages=[{"type": "text"}, "x"], errors=7)))
    assert [receipt.status.value for receipt in answer.receipts] == ["read"]
    assert answer.unmapped == ("status sent", "status (unreadable)", "a message without a number")


def template(*records: dict[str, Any]) -> Any:
    return ask(lambda opened: opened.template("undangan"), answered(data=list(records)))


def test_parameters_are_named_as_a_message_fills_them() -> None:
    buttons = [
        {"type": "QUICK_REPLY", "text": "Hadir"},
        {"type": "URL", "text": "Lihat", "url": "https://example.org/{{1}}"},
        {"type": "COPY_CODE"},
    ]
    components = [{"type": "HEADER", "format": "IMAGE"}, BODY, {"type": "BUTTONS", "buttons": buttons}]
    found = template(record_of(components=components))
    assert found.parameters - found.optional == {"header.image", "nama", "tempat", "button.1", "button.2.code"}
    assert found.optional == {"button.0.payload"}
    assert (found.language, found.text, found.approved) == ("id", BODY["text"], True)
    assert template(record_of(components=[{"type": "HEADER", "format": "TEXT", "text": "{{1}}"}])).parameters == {
        "header.1"
    }


def test_a_template_says_why_it_may_not_be_sent() -> None:
    found = template(record_of(status="REJECTED", rejected_reason="TAG_CONTENT_MISMATCH"))
    assert (found.approved, found.state, found.reason) == (False, "REJECTED", "TAG_CONTENT_MISMATCH")


def test_of_several_languages_only_what_they_share_is_told() -> None:
    """Invariant 10: the digest covers each of them."""
    one = template(record_of())
    two = template(record_of(language="en", components=[{"type": "BODY", "text": "Dear {{nama}}"}]), record_of())
    assert (two.language, two.text, two.parameters) == ("", "", None)
    assert one.digest != two.digest
    assert not template(record_of(), record_of(language="en", status="PENDING")).approved


def test_a_list_with_another_page_proves_no_absence() -> None:
    page = answered(data=[record_of(name="x")], paging={"next": "https://graph.facebook.com/more"})
    assert isinstance(ask(lambda opened: opened.template("undangan"), page), Undecided)


def test_a_held_template_is_told_as_such() -> None:
    assert isinstance(template(record_of()), HeldTemplate)


def checked(answer: Answer) -> Sequence[Check]:
    lines: Sequence[Check] = ask(lambda opened: opened.check(), answer)
    return lines


def test_check_tells_the_number_its_quality_and_its_limit() -> None:
    number = {
        "id": NUMBER_ID, "status": "CONNECTED", "quality_rating": "GREEN",
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
    }  # fmt: skip
    lines = checked(answered(data=[number]))
    assert [(line.name, line.ok) for line in lines] == [("token", True), ("number", True), ("quality", True)]
    assert "TIER_2K" in lines[2].detail
    red = checked(answered(data=[{**number, "status": "FLAGGED", "quality_rating": "RED"}]))
    assert [line.ok for line in red] == [True, False, False]


def test_check_tells_a_wrong_token_another_account_and_another_server() -> None:
    wrong = checked(refused(401, 190))
    assert [(line.name, line.ok) for line in wrong] == [("token", False)]
    assert "190" in wrong[0].detail
    assert [line.ok for line in checked(answered(data=[{"id": "1"}]))] == [True, False]
    assert [line.ok for line in checked(Answer(200, b"<html>"))] == [False]
