"""The funnel adds up, whatever the counts (invariant 11)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.status import Status
from dispatcher.outreach.funnel import Funnel, HopCount, total

COUNTS = st.integers(0, 10_000)
PEOPLE = st.dictionaries(st.sampled_from([status.value for status in Status]), COUNTS)
SKIPPED = st.dictionaries(st.sampled_from(["opted_out", "no_consent", "no_address"]), COUNTS)
HOPS = st.lists(st.builds(HopCount, st.integers(0, 2), st.sampled_from("ab"), PEOPLE, SKIPPED), max_size=4).map(tuple)


@st.composite
def funnels(draw: st.DrawFn) -> Funnel:
    people, skipped, held_out, pending = draw(PEOPLE), draw(SKIPPED), draw(COUNTS), draw(COUNTS)
    selected = sum(people.values()) + sum(skipped.values()) + held_out + pending
    return Funnel(selected, held_out, skipped, pending, people, draw(HOPS))


@given(st.lists(funnels(), max_size=5))
def test_a_total_of_steps_conserves(parts: list[Funnel]) -> None:
    found = total(parts)
    assert found.conserves
    assert found.selected == sum(part.selected for part in parts)
    assert sum(sum(hop.messages.values()) for hop in found.hops) == sum(
        sum(hop.messages.values()) for part in parts for hop in part.hops
    )
    assert len({(hop.hop, hop.sender) for hop in found.hops}) == len(found.hops)


@given(funnels())
def test_each_stage_is_a_part_of_the_one_before(funnel: Funnel) -> None:
    counts = [people for _, people in funnel.stages()]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == funnel.selected


@given(funnels(), st.integers(1, 100))
def test_a_person_lost_or_counted_twice_is_noticed(funnel: Funnel, off: int) -> None:
    for selected in (funnel.selected + off, funnel.selected - off):
        assert not Funnel(selected, funnel.held_out, funnel.skipped, funnel.pending, funnel.people).conserves


def test_a_negative_counter_does_not_conserve() -> None:
    assert not Funnel(0, 1, {}, 0, {"queued": -1}).conserves


def test_statuses_come_in_the_order_of_the_funnel_without_zeros() -> None:
    shown = Funnel(3, people={"read": 1, "queued": 2, "sent": 0}).as_dict()
    assert list(shown["messages"].items()) == [("queued", 2), ("read", 1)]
