"""docs/writing-campaigns.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher.campaign import model
from dispatcher.campaign.names import ALONE, BLOCKS
from dispatcher.render.filters import FILTERS
from tests.unit.campaign.linting import findings

TEXT = (Path(__file__).parents[3] / "docs" / "writing-campaigns.md").read_text(encoding="utf-8")
PARTS = [p for p in vars(model).values() if isinstance(p, type) and issubclass(p, model.Part) and p is not model.Part]


def test_the_first_campaign_is_valid(tmp_path: Path) -> None:
    examples = [block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "\ncampaign:" in block]
    assert examples
    for example in examples:
        assert [d for d in findings(tmp_path, example) if d.severity == "error"] == []


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_is_named(part: type[model.Part]) -> None:
    missing = [name for name in part.model_fields if not re.search(rf"[`{{\s]{name}[`:]", TEXT)]
    assert missing in ([], ["answered", "delivered"])  # docs/targeting.md


def test_every_variable_and_filter_is_named() -> None:
    names = [*ALONE, *(f"{block}.{name}" for block, names in BLOCKS.items() for name in names)]
    assert [name for name in names if f"| `{name}` |" not in TEXT] == []
    assert [name for name in FILTERS if f"`{name}" not in TEXT] == []
