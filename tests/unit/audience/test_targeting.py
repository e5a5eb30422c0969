from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dispatcher.audience.areas import Area
from dispatcher.audience.person import Person, Standing
from dispatcher.audience.targeting import is_targeted, matches
from dispatcher.campaign.model import Audience, Rule

ON = date(2027, 2, 10)
SITI = Person(
    language="id",
    role="ketua",
    region="31.74.05.1003",
    rw=7,
    rt=3,
    birth_year=1980,
    groups=frozenset({"rt", "pkk"}),
    campaigns={"undangan": Standing(answer="hadir", delivered=True)},
)


def means(rule: dict[str, Any], person: Person = SITI) -> bool:
    return matches(Rule.model_validate(rule), person, {}, on=ON)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, True),
        ({"groups": ["lmk", "pkk"]}, True),
        ({"groups": ["lmk"]}, False),
        ({"groups": ["pkk"], "roles": ["anggota"]}, False),
        ({"roles": ["anggota", "ketua"]}, True),
        ({"languages": ["en"]}, False),
        ({"regions": ["31"]}, True),
        ({"regions": ["31.74"]}, True),
        ({"regions": ["31.75", "31.74.05.1003"]}, True),
        ({"regions": ["31.74.05.1003/7"]}, True),
        ({"regions": ["31.74.05.1003/7/3"]}, True),
        ({"regions": ["31.74.05.1003/007/003"]}, True),
        ({"regions": ["31.74.05.1003/7/4"]}, False),
        ({"regions": ["31.74.05.1003/8"]}, False),
        ({"regions": ["32"]}, False),
        ({"where": "umur >= 17 and kelompok in ['rt']"}, True),
        ({"where": "umur < 17"}, False),
        ({"outcomes": [{"campaign": "undangan", "answered": True}]}, True),
        ({"outcomes": [{"campaign": "undangan", "answered": False}]}, False),
        ({"outcomes": [{"campaign": "undangan", "answered": "hadir"}]}, True),
        ({"outcomes": [{"campaign": "undangan", "answered": "tidak-hadir"}]}, False),
        ({"outcomes": [{"campaign": "undangan", "delivered": True, "answered": False}]}, False),
        ({"outcomes": [{"campaign": "lain", "answered": False}]}, True),
        ({"outcomes": [{"campaign": "lain", "delivered": False}]}, True),
        ({"outcomes": [{"campaign": "lain", "delivered": True}]}, False),
    ],
)
def test_rules(rule: dict[str, Any], expected: bool) -> None:
    assert means(rule) is expected


@pytest.mark.parametrize(
    ("audience", "step", "expected"),
    [
        ({}, {}, False),
        ({"everyone": True}, {}, True),
        ({"everyone": True}, {"groups": ["lmk"]}, False),
        ({"groups": ["rt"]}, {"groups": ["pkk"]}, True),
        ({"groups": ["rt"], "exclude": {"roles": ["ketua"]}}, {}, False),
        ({"groups": ["rt"], "exclude": {"roles": ["ketua"], "languages": ["en"]}}, {}, True),
    ],
)
def test_audiences(audience: dict[str, Any], step: dict[str, Any], expected: bool) -> None:
    meant = is_targeted(Audience.model_validate(audience), Rule.model_validate(step), SITI, {}, on=ON)
    assert meant is expected


@pytest.mark.parametrize("text", ["", "31.7", "31.74.5", "31.74.05.100", "31.74/7", "31.74.05.1003/7/3/1", "Menteng"])
def test_what_is_no_area(text: str) -> None:
    with pytest.raises(ValueError, match="is no area"):
        Area.parse(text)
