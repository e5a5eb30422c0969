"""What was approved is what is sent (invariant 10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dispatcher.campaign.fingerprint import fingerprint, provider_template_ids, sender_names, short
from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.model import Campaign, Moment
from tests.unit.campaign.linting import GOOD, SENDERS, spoiled, written

FULL = """\
version: 1
campaign: penuh
title: Semua isian
owner: Kesbangpol
purpose: pendidikan-pemilih
language: id
zone: Asia/Jakarta
goal: {people: 30000}
window: {days: [mon, tue], open: "08:00", close: "19:00", blackouts: [2027-01-01]}
audience:
  groups: [rt]
  roles: [ketua]
  regions: ["31.74"]
  languages: [id]
  where: umur >= 17
  outcomes: [{campaign: lain, answered: false, delivered: true}]
  everyone: false
  exclude: {groups: [pkk]}
holdout: 0.1
consent: required
minors: {from_age: 16, basis: Persetujuan orang tua}
caps: {per_day: 1, per_7_days: 2, per_30_days: 3}
variables: {satu: 1, dua: dua, tiga: 2027-02-10}
stop: {sms: Berhenti}
sessions:
  pagi: {title: T, place: P, address: A, region: "31.73", starts: 2027-01-20 09:00, ends: 2027-01-20 12:00, capacity: 9}
answers: [{keywords: [YA], meaning: hadir, reply: Terima kasih}]
on_unknown: hold
route: [{senders: sms-utama, text: Isi, template: {id: HX2}}]
steps:
  - name: satu
    at: {before: 2 days, at: "09:00"}
    sessions: [pagi]
    audience: {groups: [rt]}
    expires: 1 day
    priority: normal
    text: {id: Halo, en: Hello}
    on_unknown: hold
    route:
      - senders: {wa-utama: 2, wa-kedua: 1}
        after: 4 hours
        text: Isi
        template: {id: HX1, language: id, parameters: {"1": a}, body: "{{1}}"}
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return loaded(tmp_path, FULL)


def loaded(folder: Path, text: str) -> Campaign:
    found = load_campaign(written(folder, text))
    assert found.campaign is not None, found.diagnostics
    return found.campaign


def of(campaign: Campaign, **others: Any) -> str:
    return fingerprint(campaign, others.pop("sources", {}), others.pop("senders", SENDERS), **others)


def with_session(campaign: Campaign, **changes: Any) -> Campaign:
    sessions = {"pagi": campaign.sessions["pagi"].model_copy(update=changes)}
    return campaign.model_copy(update={"sessions": sessions})


Parts = tuple[str | int, ...]


def leaves(value: Any, path: Parts = ()) -> Iterator[tuple[Parts, Any]]:
    """Every single value of a campaign."""
    parts = dict(enumerate(value)) if isinstance(value, tuple) else value
    parts = dict(value) if isinstance(value, BaseModel) else parts
    if not isinstance(parts, dict) or not parts:
        yield path, value
        return
    for key, inner in parts.items():
        yield from leaves(inner, (*path, key))


def replaced(value: Any, path: Parts, new: Any) -> Any:
    """A copy with one value changed, whatever the model says about it."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, BaseModel):
        return value.model_copy(update={str(key): replaced(getattr(value, str(key)), rest, new)})
    if isinstance(value, dict):
        return {**value, key: replaced(value[key], rest, new)}
    return tuple(replaced(item, rest, new) if index == key else item for index, item in enumerate(value))


def altered(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case None:
            return timedelta(hours=1)
        case str():
            return value + "x"
        case int() | float():
            return value + 1
        case timedelta():
            return value + timedelta(hours=1)
        case tuple():
            return ("lain",)
        case dict():
            return {"lain": "lain"}
    return value.replace(year=2030) if hasattr(value, "year") else value.replace(hour=10)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_every_value_counts_but_weights(campaign: Campaign) -> None:
    original = of(campaign)
    unchanged = [path for path, value in leaves(campaign) if of(replaced(campaign, path, altered(value))) == original]
    assert [path[-2:] for path in unchanged] == [
        ("senders", "sms-utama"),
        ("senders", "wa-utama"),
        ("senders", "wa-kedua"),
    ]


def test_every_field_of_the_model_is_in_the_walk(campaign: Campaign) -> None:
    walked = {part for path, _ in leaves(campaign) for part in path if isinstance(part, str)}
    for model in (Campaign, *_parts()):
        assert set(model.model_fields) <= walked | {"after"}, model


def _parts() -> Iterator[Any]:
    from dispatcher.campaign import model as module

    yield from (p for p in vars(module).values() if isinstance(p, type) and issubclass(p, module.Part))


def test_layout_comments_and_order_of_keys_do_not_count(tmp_path: Path, campaign: Campaign) -> None:
    head, steps = FULL.split("steps:\n")
    lines = head.replace("owner: Kesbangpol\n", "").replace("groups: [rt]\n", "groups:\n    - 'rt'  # RT\n", 1)
    moved = "# Kampanye\nsteps:\n" + steps + lines + 'owner: "Kesbangpol"\n'
    assert of(loaded(tmp_path, moved)) == of(campaign)


def test_the_weights_and_their_form_do_not_count(tmp_path: Path, campaign: Campaign) -> None:
    text = FULL.replace("{wa-utama: 2, wa-kedua: 1}", "[wa-kedua, wa-utama]")
    assert of(loaded(tmp_path, text)) == of(campaign)


def test_the_type_of_a_variable_counts(tmp_path: Path, campaign: Campaign) -> None:
    for old, new in (("satu: 1", 'satu: "1"'), ("satu: 1", "satu: 1.0"), ("tiga: 2027-02-10", 'tiga: "2027-02-10"')):
        assert of(loaded(tmp_path, FULL.replace(old, new))) != of(campaign)


def test_sources_count(campaign: Campaign) -> None:
    prints = {of(campaign, sources=s) for s in ({}, {"a": "x"}, {"a": "y"}, {"b": "x"})}
    assert len(prints) == 4


def test_channel_and_from_of_used_senders_count_and_nothing_else(campaign: Campaign) -> None:
    def with_sender(name: str, **changes: Any) -> str:
        return of(campaign, senders={**SENDERS, name: replace(SENDERS[name], **changes)})

    assert with_sender("wa-utama", identity="+62811000999") != of(campaign)
    assert with_sender("wa-utama", channel="meta-whatsapp") != of(campaign)
    assert with_sender("wa-utama", countries=("ID",), max_characters=70, free_text=True) == of(campaign)
    assert with_sender("sms-kedua", identity="LAIN") == of(campaign)  # not used
    assert of(campaign, senders={}) != of(campaign)


def test_provider_held_templates_count_if_used(campaign: Campaign) -> None:
    assert of(campaign, provider_templates={"HX1": "a"}) != of(campaign)
    assert of(campaign, provider_templates={"HX1": "a"}) != of(campaign, provider_templates={"HX1": "b"})
    assert of(campaign, provider_templates={"HX9": "a"}) == of(campaign)
    assert provider_template_ids(campaign) == {"HX1", "HX2"}


def test_a_moved_session_counts_unless_the_steps_say_live(tmp_path: Path, campaign: Campaign) -> None:
    def moved(campaign: Campaign, **changes: Any) -> str:
        return of(with_session(campaign, **changes))

    live = loaded(tmp_path, FULL.replace("    priority: normal", "    live: [session]\n    priority: normal"))
    for change in ({"place": "Lain"}, {"address": "Lain"}, {"starts": campaign.sessions["pagi"].ends}, {"capacity": 7}):
        assert moved(campaign, **change) != of(campaign)
        assert moved(live, **change) == of(live)
    assert moved(live, title="Lain") != of(live)
    assert of(live) != of(campaign)


def test_one_step_that_is_not_live_is_enough_to_count(tmp_path: Path) -> None:
    text = spoiled(
        ("sessions: [pagi]", "sessions: [pagi]\n    live: [session]"),
        ("name: ajakan", "name: ajakan\n    sessions: [pagi]"),
    )
    campaign = loaded(tmp_path, text)
    assert of(with_session(campaign, place="Lain")) != of(campaign)


def test_form() -> None:
    campaign = Campaign.model_validate(
        {"campaign": "a", "title": "A", "purpose": "p", "audience": {"everyone": True},
         "steps": [{"name": "s", "at": "2027-01-01 09:00", "text": "A", "route": [{"senders": "x"}]}]}
    )  # fmt: skip
    full = of(campaign)
    assert len(full) == 64
    assert int(full, 16)
    assert short(full) == full[:16]
    assert sender_names(campaign) == ["x"]
    assert full == of(campaign.model_copy(deep=True))


def test_relative_instants_count(campaign: Campaign) -> None:
    step = campaign.steps[0]
    assert isinstance(step.at, Moment)
    later = step.model_copy(update={"at": step.at.model_copy(update={"before": timedelta(days=3)})})
    assert of(campaign.model_copy(update={"steps": (later,)})) != of(campaign)


def test_the_good_campaign_has_one(tmp_path: Path) -> None:
    assert of(loaded(tmp_path, GOOD)) == of(loaded(tmp_path, GOOD))
