"""What a plan adds up to, and what its approval allows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dispatcher.core.money import Money
from dispatcher.plan.model import Plan, StepPlan, raised


def step(name: str, **changes: Any) -> StepPlan:
    values: dict[str, Any] = {
        "name": name, "occasion": "", "due_us": 0, "expires_us": 1, "selected": 110, "held_out": 5,
        "skipped": {"no_consent": 5}, "messages": 100, "following": 40, "segments": 120, "following_segments": 80,
        "cost": Money.of("IDR", Decimal(1000)), "following_cost": Money.of("USD", Decimal(2)), "starts_us": None,
        "ends_us": None, "late": 0, "senders": {"a": 100}, "units": {"a": 100},
    }  # fmt: skip
    return StepPlan(**{**values, **changes})


def plan(*steps: StepPlan) -> Plan:
    return Plan("ajakan", "Ajakan", "Asia/Jakarta", "f" * 64, "Ani", 0, steps)


def test_everyone_selected_is_held_out_skipped_or_messaged() -> None:
    """Invariant 11."""
    found = plan(step("satu"), step("dua", skipped={"opted_out": 5}))
    assert found.selected == found.held_out + sum(found.skipped.values()) + found.messages == 220
    assert found.skipped == {"no_consent": 5, "opted_out": 5}


def test_the_ceilings_are_five_percent_above_the_plan_with_every_later_hop() -> None:
    """Invariant 10: people once each, segments and cost of all hops, currency by currency."""
    assert plan(step("satu")).ceilings == {
        "people": 105,
        "segments": 210,
        "cost": {"IDR": "1050.00", "USD": "2.10"},
    }


def test_a_ceiling_is_rounded_up() -> None:
    assert [raised(count) for count in (0, 1, 20, 21)] == [0, 2, 21, 23]
