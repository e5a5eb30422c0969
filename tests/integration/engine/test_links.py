"""Links of messages wherever texts are made: expansion, later hops, and what is written anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from dispatcher.core.errors import CampaignError
from dispatcher.core.status import Reason
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.plan import plan_campaign
from dispatcher.render.content import Content, decode
from dispatcher.render.personal import STAND_IN
from dispatcher.spi import Rejected
from dispatcher.store.tables import links, plans, steps
from tests.integration.engine.scripted import Provider
from tests.integration.engine.stage import Stage

BASE = "https://kspl.example"
TEXT = "Yth. {{ contact.name }}: {{ link }} {{ stop }}"
_TOKEN = re.compile(r"/l/([0-9A-Za-z]{11})\b")


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(database_url, tmp_path, {"wa": Provider(), "sms": Provider()}, links={"base_url": BASE})
    yield stage
    stage.close()


def _content(stage: Stage, row: Any) -> Content:
    return decode(stage.context.keys.sealer.open("messages.body", row.id, row.body_sealed))


def _tokens(stage: Stage, **wanted: Any) -> list[str]:
    return [match for row in stage.rows(**wanted) for match in _TOKEN.findall(str(_content(stage, row)))]


def _links(stage: Stage) -> list[Any]:
    with stage.context.database.read() as connection:
        return list(connection.execute(select(links)))


def _hashes(stage: Stage, tokens: list[str]) -> set[bytes]:
    return {stage.context.keys.hash_link(token) for token in tokens}


def _stored(stage: Stage) -> set[bytes]:
    return {bytes(row.token_hash) for row in _links(stage)}


def test_a_text_without_a_link_stores_none(stage: Stage) -> None:
    stage.people(5)
    stage.start(route="[{senders: sms}]")
    assert _links(stage) == []
    with stage.context.database.read() as connection:
        assert connection.execute(select(plans.c.document)).scalar_one()["links"] is None


def test_expanding_again_makes_no_further_links(stage: Stage) -> None:
    """Invariant 2."""
    stage.people(20)
    step_id = stage.start(route="[{senders: sms}]", text=TEXT)
    before = _stored(stage)
    assert len(before) == 20
    with stage.context.database.begin() as connection:
        connection.execute(update(steps).where(steps.c.id == step_id).values(state="expanding", cursor=0))
    stage.expander.expand(step_id)
    assert _stored(stage) == before == _hashes(stage, _tokens(stage))


def test_the_next_hop_has_a_link_of_its_own_and_both_work(stage: Stage) -> None:
    stage.people(2)
    stage.start(route="[{senders: wa}, {senders: sms}]", text=TEXT)
    stage.send(Rejected(Reason.NOT_ON_CHANNEL, "63003"), sender="wa")
    stage.tick()
    first, second = _tokens(stage, hop=0), _tokens(stage, hop=1)
    assert len({*first, *second}) == 4
    assert _stored(stage) == _hashes(stage, first + second)


def test_a_changed_contact_gets_a_text_with_a_link_that_works(stage: Stage) -> None:
    """Invariant 15; the former link works too, since a text may have been read before it was written anew."""
    stage.import_rows([("a", "Ani", "081234567801")])
    stage.start(route="[{senders: sms}]", text=TEXT)
    (before,) = _tokens(stage)
    stage.import_rows([("a", "Ani Lestari", "081234567801")])
    (after,) = _tokens(stage)
    assert after != before
    assert "Ani Lestari" in str(_content(stage, stage.rows()[0]).text)
    assert _hashes(stage, [before, after]) == _stored(stage)
    assert {row.message_id for row in _links(stage)} == {stage.rows()[0].id}


def test_a_link_in_a_parameter_of_a_provider_template(stage: Stage) -> None:
    stage.people(1)
    route = '[{senders: sms, template: {id: HX1, parameters: {"1": "{{ link }}"}, body: "Lihat {{1}} Balas STOP"}}]'
    stage.start(route=route)
    template = _content(stage, stage.rows()[0]).template
    assert template is not None
    assert _hashes(stage, _TOKEN.findall(template.parameters["1"])) == _stored(stage)


def test_the_way_to_stop_may_be_the_link(stage: Stage) -> None:
    stage.people(1)
    path = stage.write(route="[{senders: sms}]")
    path.write_text(path.read_text().replace("Stop: s.id/x", "Berhenti: {{ link }}"))
    plan_campaign(stage.context, path, "Ani")
    apply_campaign(stage.context, path, "Ani")
    stage.expander.expand(stage.step_id())
    assert _hashes(stage, _tokens(stage)) == _stored(stage)
    assert len(_stored(stage)) == 1


def test_the_plan_shows_a_link_that_leads_nowhere(stage: Stage) -> None:
    """As long as the real one, so that parts and cost are those of the real one."""
    stage.people(1)
    plan = plan_campaign(stage.context, stage.write(route="[{senders: sms}]", text=TEXT), "Ani")
    assert f"{BASE}/l/{STAND_IN} " in plan.samples[0].text
    assert stage.context.keys.hash_link(STAND_IN) not in _stored(stage)


def test_another_domain_needs_another_approval(stage: Stage) -> None:
    """Invariant 10: where the link leads is part of what was approved, where a text has one."""
    stage.people(1)
    linked = stage.write("satu", route="[{senders: sms}]", text=TEXT)
    plain = stage.write("dua", route="[{senders: sms}]")
    elsewhere = stage.connect(links={"base_url": "https://lain.example"})
    for path, is_same in ((linked, False), (plain, True)):
        found = [plan_campaign(context, path, "Ani").fingerprint for context in (stage.context, elsewhere)]
        assert (found[0] == found[1]) is is_same
    elsewhere.database.close()


def test_the_domain_that_was_approved_is_the_one_sent(stage: Stage) -> None:
    stage.people(1)
    step_id = stage.apply(route="[{senders: sms}]", text=TEXT)
    elsewhere = stage.connect(links={"base_url": "https://lain.example"})
    type(stage.expander)(elsewhere).expand(step_id)
    elsewhere.database.close()
    assert f"{BASE}/l/" in str(_content(stage, stage.rows()[0]).text)


def test_without_an_address_nothing_is_planned(stage: Stage) -> None:
    nowhere = stage.connect(links={})
    with pytest.raises(CampaignError) as refused:
        plan_campaign(nowhere, stage.write(route="[{senders: sms}]", text=TEXT), "Ani")
    nowhere.database.close()
    assert [one.code for one in refused.value.diagnostics if one.severity == "error"] == ["link-address"]
