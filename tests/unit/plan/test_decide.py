"""What becomes of one person in one step, and what they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from dispatcher.audience.recipient import Point, Recipient
from dispatcher.campaign.model import Campaign
from dispatcher.campaign.senders import SenderFacts
from dispatcher.core.status import Reason
from dispatcher.plan.decide import Decider, Draft, HeldOut, Skip
from dispatcher.render.sandbox import Templates

SENDERS = {
    "wa": SenderFacts("wa", "twilio-whatsapp", "whatsapp", countries=("ID",)),
    "a": SenderFacts("a", "twilio-sms", "sms", countries=("ID",)),
    "b": SenderFacts("b", "twilio-sms", "sms", countries=("ID",)),
}
MOBILE = Point(1, "sms", 1, b"mobile", b"", "ID")
WHATSAPP = Point(2, "whatsapp", 0, b"whatsapp", b"", "ID")
ANI = Recipient(7, "ANI LESTARI", points=(MOBILE,), consents={("*", "*"): True}, region="31.71.06.1001", rt=3)
DUE = date(2027, 2, 10)
DOCUMENT: dict[str, Any] = {
    "campaign": "ajakan",
    "title": "Ajakan memilih",
    "owner": "Kesbangpol",
    "purpose": "pendidikan-pemilih",
    "audience": {"everyone": True},
    "stop": {"sms": "Stop: s.id/x"},
    "route": [{"senders": "a"}],
    "steps": [{"name": "satu", "at": "2027-02-10 09:00", "text": "Yth. {{ contact.first_name }}. {{ stop }}"}],
}


def decider(**changes: Any) -> Decider:
    step: Mapping[str, Any] = {**DOCUMENT["steps"][0], **changes.pop("step", {})}
    campaign = Campaign.model_validate({**DOCUMENT, "steps": [step], **changes})
    return Decider(campaign, campaign.steps[0], None, SENDERS, Templates({}), DUE)


def decide(recipient: Recipient, **changes: Any) -> Draft:
    found = decider(**changes).decide(recipient)
    assert isinstance(found, Draft)
    return found


def test_a_person_who_may_be_messaged_gets_the_text_in_their_name() -> None:
    found = decide(ANI)
    assert (found.hop, found.sender.name, found.point) == (0, "a", MOBILE)
    assert found.written.preview == "Yth. Ani. Stop: s.id/x"
    assert found.written.segments == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"points": ()}, Reason.NO_ADDRESS),
        ({"points": (WHATSAPP,)}, Reason.NO_ADDRESS),
        ({"points": (MOBILE._replace(country="SG"),)}, Reason.INELIGIBLE),
        ({"consents": {}}, Reason.NO_CONSENT),
        ({"consents": {("*", "*"): True, ("pendidikan-pemilih", "sms"): False}}, Reason.NO_CONSENT),
        ({"refused": {b"mobile": frozenset({"*"})}}, Reason.OPTED_OUT),
        ({"refused": {b"mobile": frozenset({"pendidikan-pemilih"})}}, Reason.OPTED_OUT),
    ],
)
def test_who_may_not_is_skipped_for_the_reason(changes: dict[str, Any], reason: Reason) -> None:
    assert decider().decide(replace(ANI, **changes)) == Skip(reason)


def test_minors_are_left_out_unless_the_campaign_says_from_which_age() -> None:
    seventeen = replace(ANI, adult_on=date(2027, 2, 11))
    assert decider().decide(seventeen) == Skip(Reason.MINOR)
    assert decide(replace(ANI, adult_on=DUE))
    minors = {"basis": "Persetujuan orang tua"}
    assert decide(seventeen, minors=minors)
    assert decider(minors=minors).decide(replace(ANI, adult_on=date(2028, 2, 11))) == Skip(Reason.MINOR)
    assert decider(minors=minors).decide(replace(seventeen, consents={})) == Skip(Reason.NO_CONSENT)


def test_a_refusal_for_another_purpose_does_not_count_here() -> None:
    assert decide(replace(ANI, refused={b"mobile": frozenset({"survei"})}))


def test_a_refused_number_does_not_block_another_of_the_same_person() -> None:
    second = MOBILE._replace(id=3, rank=2, address_hash=b"second")
    found = decide(replace(ANI, points=(second, MOBILE), refused={b"mobile": frozenset({"*"})}))
    assert found.point is second


def test_without_a_need_for_consent_an_explicit_no_still_counts() -> None:
    assert decide(replace(ANI, consents={}), consent="not-required")
    refused = replace(ANI, consents={("survei", "sms"): False})
    assert decider(consent="not-required").decide(refused) == Skip(Reason.NO_CONSENT)


def test_the_first_hop_that_reaches_someone_is_theirs_and_of_several_reasons_the_most_telling_is_told() -> None:
    route = [{"senders": "wa", "template": {"id": "HX1", "language": "id", "body": "Halo"}}, {"senders": "a"}]
    assert decide(ANI, route=route).hop == 1
    assert decide(replace(ANI, points=(MOBILE, WHATSAPP)), route=route).hop == 0
    found = decider(route=route).decide(replace(ANI, points=(WHATSAPP,), refused={b"whatsapp": frozenset({"*"})}))
    assert found == Skip(Reason.OPTED_OUT)


def test_a_text_that_fails_for_someone_skips_them_alone() -> None:
    step = {"text": "{{ 1 // contact.jumlah }} {{ stop }}"}
    assert decider(step=step).decide(replace(ANI, attributes={"jumlah": 0})) == Skip(Reason.UNRENDERABLE)
    assert decide(replace(ANI, attributes={"jumlah": 1}), step=step)


def test_held_out_people_are_the_same_in_every_step_and_as_many_as_asked() -> None:
    one, other = decider(holdout=0.2), decider(holdout=0.2, step={"name": "dua"})
    held = [isinstance(one.decide(replace(ANI, id=i)), HeldOut) for i in range(2000)]
    assert held == [isinstance(other.decide(replace(ANI, id=i)), HeldOut) for i in range(2000)]
    assert 340 < sum(held) < 460


def test_senders_share_people_by_weight_and_each_person_keeps_theirs() -> None:
    chosen = decider(route=[{"senders": {"a": 3, "b": 1}}])
    names = [_sender(chosen, i) for i in range(2000)]
    assert names == [_sender(chosen, i) for i in range(2000)]
    assert 420 < names.count("b") < 580


def _sender(chosen: Decider, contact_id: int) -> str:
    found = chosen.decide(replace(ANI, id=contact_id))
    assert isinstance(found, Draft)
    return found.sender.name


def test_people_read_their_language_where_there_is_one() -> None:
    step = {"text": {"id": "Halo {{ contact.language }}. {{ stop }}", "en": "Hello {{ contact.language }}. {{ stop }}"}}
    for language, begins in (("id", "Halo id."), ("en", "Hello en."), ("jv", "Halo jv."), ("", "Halo id.")):
        assert decide(replace(ANI, language=language), step=step).written.preview.startswith(begins)


def test_what_the_provider_holds_is_shown_as_the_person_reads_it() -> None:
    template = {"id": "HX1", "language": "id", "body": "Halo {{1}}, RT {{2}}", "parameters": {
        "1": "{{ contact.first_name }}", "2": "{{ contact.rt }}"}}  # fmt: skip
    found = decide(replace(ANI, points=(WHATSAPP,)), route=[{"senders": "wa", "template": template}], step={"text": ""})
    assert found.written.preview == "Halo Ani, RT 3"
    assert found.written.content.template is not None
    assert found.written.content.template.parameters == {"1": "Ani", "2": "3"}
