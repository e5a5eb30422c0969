"""How far ahead of a claim its first permit lies."""

from __future__ import annotations

from dispatcher.delivery.pacing import HORIZON_US, LONGEST_LEAD_US, SHORTEST_LEAD_US, Lead


def test_it_grows_while_permits_are_missed_and_stays_within_the_horizon() -> None:
    lead = Lead()
    seen = [lead.us]
    for _ in range(10):
        lead.was_late()
        seen.append(lead.us)
    assert seen == sorted(seen)
    assert seen[0] == SHORTEST_LEAD_US
    assert seen[-1] == LONGEST_LEAD_US < HORIZON_US


def test_it_shrinks_while_permits_are_kept() -> None:
    lead = Lead()
    for _ in range(10):
        lead.was_late()
    for _ in range(1000):
        lead.was_in_time()
    assert lead.us == SHORTEST_LEAD_US
