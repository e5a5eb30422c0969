"""The JSON Schema that editors use."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dispatcher.campaign.document import read_document
from dispatcher.campaign.schema import FILE, campaign_schema, schema_text
from tests.unit.campaign.linting import GOOD, spoiled
from tests.unit.campaign.test_fingerprint import FULL

ROOT = Path(__file__).parents[3]
SAMPLES = sorted((ROOT / "campaigns").glob("*.yaml"))
VALIDATOR = Draft202012Validator(campaign_schema())


def problems(text: str) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(read_document(text, "").data)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(campaign_schema())


def test_the_file_is_current() -> None:
    assert (ROOT / FILE).read_text(encoding="utf-8") == schema_text(), (
        "run python -m dispatcher.campaign.schema --write"
    )


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_fit(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


def test_there_are_samples() -> None:
    assert SAMPLES


@pytest.mark.parametrize("text", [GOOD, FULL], ids=["good", "full"])
def test_what_the_loader_takes_fits(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("title: Ajakan", "titel: Ajakan", "$"),
        ('open: "08:00"', "open: 8", "$.window.open"),
        ('open: "08:00"', 'open: "25:00"', "$.window.open"),
        ("after: 4 hours", "after: 4 fortnights", "$.steps[1].route[0].after"),
        ("2027-02-03 09:00", "besok", "$.steps[1].at"),
        ("[pelajar, mahasiswa]", "pelajar", "$.audience.groups"),
    ],
)
def test_it_finds_slips(old: str, new: str, path: str) -> None:
    assert path in problems(spoiled((old, new)))


def test_every_key_is_described() -> None:
    def undescribed(node: Any, path: str) -> list[str]:
        own = [f"{path}.{key}" for key, value in node.get("properties", {}).items() if "description" not in value]
        inner = [found for key, value in node.get("$defs", {}).items() for found in undescribed(value, key)]
        return own + inner

    assert undescribed(copy.deepcopy(campaign_schema()), "campaign") == []
