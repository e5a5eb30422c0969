"""Coverage: groups overlap, regions add up, households are counted for those who were reached."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core import region
from dispatcher.core.status import Status
from dispatcher.outreach.coverage import LEVELS, Coverage, Multipliers, by_group, by_region, overall

ALL = region.all_kelurahan()
WORDS = [*[status.value for status in Status], "held_out", "skipped"]
DEFAULT = Multipliers()


class Cell(NamedTuple):
    region: str = "31.71.06.1001"
    rw: int | None = None
    rt: int | None = None
    role: str = ""
    groups: tuple[str, ...] = ()
    word: str = "delivered"
    people: int = 1


CELLS = st.lists(
    st.builds(
        Cell,
        st.sampled_from([*ALL[:40], "31.71", "31.71.06", "31", ""]),
        st.none() | st.integers(1, 12),
        st.none() | st.integers(1, 20),
        st.sampled_from(["", "ketua", "anggota"]),
        st.sampled_from([(), ("rt",), ("pkk", "rt"), ("dasawisma",)]),
        st.sampled_from(WORDS),
        st.integers(1, 500),
    ),
    max_size=20,
)


@given(CELLS, st.sampled_from(sorted(LEVELS)))
def test_regions_add_up_to_everyone(cells: list[Cell], level: str) -> None:
    areas = by_region(cells, level, DEFAULT)
    everyone = overall(cells, DEFAULT)
    tops = [area for area in areas if area.code.count(".") <= 1]
    for name in ("people", "messaged", "reached", "read", "unconfirmed", "failed", "households"):
        assert sum(getattr(area.coverage, name) for area in tops) == getattr(everyone, name)


@given(CELLS)
def test_a_region_holds_at_least_its_parts(cells: list[Cell]) -> None:
    areas = {area.code: area.coverage.people for area in by_region(cells, "rt", DEFAULT)}
    for code, people in areas.items():
        parts = [n for other, n in areas.items() if code and other.rpartition(".")[0] == code]
        assert people >= sum(parts)


@given(CELLS, st.sampled_from(sorted(LEVELS)))
def test_a_region_stands_before_its_parts(cells: list[Cell], level: str) -> None:
    codes = [area.code for area in by_region(cells, level, DEFAULT)]
    for index, code in enumerate(codes):
        parent = code.rpartition(".")[0]
        assert not parent or parent not in codes or codes.index(parent) < index


@given(CELLS)
def test_no_count_exceeds_the_people(cells: list[Cell]) -> None:
    found = overall(cells, DEFAULT)
    assert found.people == sum(cell.people for cell in cells)
    assert found.reached + found.unconfirmed + found.failed <= found.messaged <= found.people
    assert found.read <= found.reached


def test_a_person_counts_in_each_group_and_their_households_in_one() -> None:
    found = by_group([Cell(groups=("pkk", "rt"), role="ketua", people=2)], DEFAULT)
    assert {slug: (part.people, part.households) for slug, part in found.items()} == {"rt": (2, 180), "pkk": (2, 0)}


def test_only_who_was_reached_stands_for_households() -> None:
    cells = [Cell(groups=("rt",), role="ketua", word=word) for word in ("failed", "accepted", "skipped", "held_out")]
    assert overall(cells, DEFAULT).households == 0
    assert overall([Cell(groups=("rt",), role="anggota")], DEFAULT).households == 0


@pytest.mark.parametrize(
    ("per_role", "expected"),
    [({}, 90), ({"ketua": 50}, 50), ({"ketua": 50, "rt": 60}, 60), ({"rt": 60, "ketua-rt": 70}, 70), ({"rt": 0}, 0)],
)
def test_settings_correct_the_estimates(per_role: dict[str, int], expected: int) -> None:
    assert Multipliers(per_role).of(("rt",), "ketua") == expected
    assert Multipliers(per_role).of(("pkk",), "ketua") == 0


def test_the_largest_of_several_roles_counts_once() -> None:
    assert DEFAULT.of(("rt", "rw", "pkk"), "ketua") == 1000
    assert Multipliers(per_member={"warga": 3}).of(("warga",), "") == 3


def test_areas_are_named() -> None:
    areas = {area.code: (area.name, area.level) for area in by_region([Cell(rw=7, rt=3)], "rt", DEFAULT)}
    assert areas["31.71.06"] == ("Menteng", "kecamatan")
    assert areas["31.71.06.1001.007"] == ("RW 007", "rw")
    assert areas["31.71.06.1001.007.003"] == ("RT 003 / RW 007", "rt")


def test_an_rt_without_its_rw_tells_nothing() -> None:
    assert [area.level for area in by_region([Cell(rt=3)], "rt", DEFAULT)] == ["city", "kecamatan", "kelurahan"]


def test_a_code_that_no_longer_exists_is_shown_as_it_is() -> None:
    (area, *_) = by_region([Cell(region="99.99.99.9999")], "city", DEFAULT)
    assert (area.code, area.name) == ("99.99", "99.99")


def test_the_key_of_households_says_that_they_are_an_estimate() -> None:
    assert "households_estimate" in Coverage().as_dict()
