"""Every kind of waiting has its sentence."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import dispatcher
from dispatcher.delivery.machine import LOST
from dispatcher.delivery.waiting import SENTENCES, say, why_paused, why_queued

NOW = 1_700_000_000_000_000


def _sender(**changes: Any) -> Any:
    row = {
        "removed": False,
        "paused": False,
        "pause_reason": "",
        "slow_until_us": None,
        "rate_per_s": None,
        "rate_unit": "message",
        "spacing_us": None,
        "people_per_day": None,
    }
    return SimpleNamespace(**{**row, **changes})


def _queued(rule: str, from_us: int, sender: Any) -> tuple[str, str, int | None]:
    why = why_queued(rule, from_us, sender, "wa", NOW)
    return why.rule, why.explanation, why.until_us


@pytest.mark.parametrize(
    ("sender", "rule", "said", "until_us"),
    [
        (None, "sender-removed", "put it back", None),
        (_sender(removed=True), "sender-removed", "put it back", None),
        (_sender(paused=True, pause_reason="20003"), "sender", "20003. Go on with: dispatcher channel set wa", None),
        (_sender(paused=True), "sender", "by a person", None),
        (_sender(slow_until_us=NOW + 5), "throttled", "slow down", NOW + 5),
        (_sender(slow_until_us=NOW - 5), "turn", "its turn through wa.", NOW),
        (_sender(rate_per_s=0.5), "turn", "at 0.5 messages a second", NOW),
    ],
)
def test_what_stands_in_the_senders_way_comes_first(sender: Any, rule: str, said: str, until_us: int | None) -> None:
    found = _queued("due", NOW - 1, sender)
    assert (found[0], found[2]) == (rule, until_us)
    assert said in found[1]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("due", "Not due yet"),
        ("window", "hours"),
        ("retry", "tried again"),
        ("throttled", "slow down"),
        ("late-permit", "turn passed"),
        ("resend", "sent again"),
        ("proven-not-sent", "proved"),
        ("people-per-day", "as many people as it may in 24 hours (1000)"),
        ("spacing", "waits for 6 h"),
        ("of-the-future", "until then"),
    ],
)
def test_each_rule_of_a_row_has_a_sentence_and_an_instant(rule: str, said: str) -> None:
    sender = _sender(people_per_day=1000, spacing_us=6 * 3_600_000_000)
    found = _queued(rule, NOW + 60, sender)
    assert (found[0], found[2]) == (rule, NOW + 60)
    assert said in found[1]


def test_what_never_goes_has_no_instant() -> None:
    assert _queued("never", 1 << 62, _sender())[2] is None


@pytest.mark.parametrize(("us", "said"), [(6_000_000, "6 s"), (90_000_000, "90 s"), (120_000_000, "2 min")])
def test_a_spacing_is_said_in_the_largest_whole_unit(us: int, said: str) -> None:
    assert f"waits for {said}." in _queued("spacing", NOW + 1, _sender(spacing_us=us))[1]


@pytest.mark.parametrize(
    ("reason", "rule", "said"),
    [
        ("by Ani", "paused", "campaign resume ajakan"),
        ("ceiling: 3 people are more than the 2 approved", "paused", "--lift-ceilings"),
        ("breaker: 60 of 100 messages failed", "breaker", "--no-breaker"),
        ("session: balai was changed", "session", "balai"),
        ("the database was restored as of 2026", "paused", "restored as of 2026"),
    ],
)
def test_a_paused_campaign_says_how_to_go_on(reason: str, rule: str, said: str) -> None:
    why = why_paused("ajakan", reason)
    assert why.rule == rule
    assert said in why.explanation


def test_no_rule_is_written_into_a_row_that_has_no_sentence() -> None:
    """Wherever a row is made to wait, by name."""
    written = re.compile(r'(?:not_before_rule ?=|_requeue\([^)]*?,) ?"([a-z-]+)"')
    sources = Path(dispatcher.__file__).parent.rglob("*.py")
    found = {rule for path in sources for rule in written.findall(path.read_text())}
    assert {"throttled", "retry", "sender", "late-permit", "resend", "proven-not-sent"} <= found
    assert found <= SENTENCES.keys()


def test_what_nobody_knows_names_the_command() -> None:
    for rule in ("unknown", LOST):
        assert "message settle --campaign ajakan" in say(rule, campaign="ajakan").explanation
