"""The sample campaigns are valid, fit their medium, and cover the programme."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from dispatcher.audience.groups import GROUPS
from dispatcher.campaign.context import Known, LintContext
from dispatcher.campaign.loader import load_campaign
from dispatcher.campaign.model import Campaign
from dispatcher.core.clock import to_us
from dispatcher.operations.senders import sender_facts
from dispatcher.operations.text_facts import text_facts
from dispatcher.operations.validate import known_from, validate_file
from dispatcher.settings import Environment
from dispatcher.wiring import connect

CAMPAIGNS: Final = Path(__file__).parents[2] / "campaigns"
SAMPLES: Final = sorted(CAMPAIGNS.glob("*.yaml"))
SETTINGS: Final = sorted((CAMPAIGNS / "settings").glob("*.yaml"))
NOW_US: Final = to_us(datetime(2027, 1, 4, tzinfo=UTC))
COMMUNITY: Final = {"rt", "rw", "lmk", "dasawisma", "pkk", "fkdm", "fpk", "ormas"}

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda path: path.stem)
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    """What an installation with these settings and without any credential knows."""
    folder = tmp_path_factory.mktemp("installation")
    environment = Environment(
        {
            "DISPATCHER_CONFIG": str(request.param),
            "DISPATCHER_STATE_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'dispatcher.db'}",
        }
    )
    context = connect(environment)
    yield known_from(context.settings, sender_facts(context), {path.stem for path in SAMPLES})
    context.database.close()


@pytest.fixture(scope="module")
def campaigns() -> dict[str, Campaign]:
    loaded = {path.stem: load_campaign(path).campaign for path in SAMPLES}
    return {stem: campaign for stem, campaign in loaded.items() if campaign is not None}


@each_sample
def test_nothing_is_to_be_said_against_it(sample: Path, known: Known) -> None:
    _, found = validate_file(sample, now_us=NOW_US, known=known)
    assert [f"{d.severity} {d.code} {d}" for d in found if d.severity != "info"] == []


@each_sample
def test_texts_are_short_plain_and_say_who_speaks(sample: Path) -> None:
    loaded = load_campaign(sample)
    assert loaded.campaign is not None
    facts = text_facts(LintContext(loaded, loaded.campaign, NOW_US)).values()
    shown = [fact for fact in facts if fact.rendered and fact.text.kind in ("text", "body")]
    assert shown
    for fact in shown:
        assert fact.rendered is not None
        body = fact.rendered.body
        assert "Kesbangpol" in body
        assert re.search(r"\bSTOP\b", body), body
        assert fact.rendered.encoding == "gsm7", body
        assert fact.rendered.segments <= 2 or fact.text.kind == "body", body


def test_every_part_of_the_programme_has_its_campaign(campaigns: dict[str, Campaign]) -> None:
    assert set(campaigns) == {campaign.campaign for campaign in campaigns.values()}
    goals = {stem: campaign.goal.people for stem, campaign in campaigns.items() if campaign.goal}
    assert goals == {
        "sosialisasi-umum": 30_000,
        "kelas-1-undang-undang-politik": 3400,
        "kelas-2-kemitraan-parpol": 1700,
        "kelas-3-perempuan-politik": 1100,
    }
    assert set(campaigns["penjangkauan-komunitas"].audience.groups) == COMMUNITY
    assert set(campaigns["gunakan-hak-pilih"].audience.groups) == COMMUNITY
    assert {group for campaign in campaigns.values() for group in campaign.audience.groups} == set(GROUPS)


def test_class_1_meets_in_each_of_the_six_areas(campaigns: dict[str, Campaign]) -> None:
    campaign = campaigns["kelas-1-undang-undang-politik"]
    areas = {slug: session.region for slug, session in campaign.sessions.items()}
    assert set(areas.values()) == {"31.01", "31.71", "31.72", "31.73", "31.74", "31.75"}
    for step in campaign.steps:
        assert step.audience.regions == tuple(areas[slug] for slug in step.sessions)


def test_the_pledge_reminds_those_who_have_not_answered(campaigns: dict[str, Campaign]) -> None:
    campaign = campaigns["ikrar-netralitas"]
    assert {"butir_3", "butir_4"} <= set(campaign.variables)
    assert [answer.meaning for answer in campaign.answers] == ["setuju"]
    for step in campaign.steps[1:]:
        assert [(o.campaign, o.answered) for o in step.audience.outcomes] == [("ikrar-netralitas", False)]
