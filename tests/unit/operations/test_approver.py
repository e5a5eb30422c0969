"""An author who spells their own name otherwise is still the author (invariant 10)."""

from __future__ import annotations

import pytest

from dispatcher.operations.approve import same_person


@pytest.mark.parametrize(
    "other",
    [
        "ani  Pratiwi ",
        "Ani\u200bPratiwi",
        "\u0410ni Pratiwi",
        "\uff21ni Pratiwi",
        "Ani Pratiwi.",
        "Án\u0131 Pratiwi",
        "An\u0456 Pr\u0430tiwi",
    ],
)
def test_the_same_name_in_other_letters(other: str) -> None:
    assert same_person("Ani Pratiwi", other)


@pytest.mark.parametrize("other", ["Ana Pratiwi", "Pratiwi", "Ani Pratama"])
def test_another_name(other: str) -> None:
    assert not same_person("Ani Pratiwi", other)
