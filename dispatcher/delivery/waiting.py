"""Why a message waits, or was never made, in words that a campaign manager can act on: one sentence for each rule.

A rule is what the row says (`not_before_rule`), or what stands in the way of many: the campaign, the sender, no worker.
What a person must mend comes before what only takes time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from dispatcher.delivery.breaker import BREAKER
from dispatcher.delivery.machine import LOST
from dispatcher.delivery.people import PEOPLE_PER_DAY, SPACING

CEILING: Final = "ceiling:"
"""How the reason of a campaign begins that paused itself at a ceiling of its approval (invariant 10)."""

SESSION: Final = "session:"
"""How the reason of a campaign begins that was paused because a session of it was changed."""

_RESUME = "Go on with: dispatcher campaign resume {campaign}"
_SETTLE = "dispatcher message settle --campaign {campaign} --as sent|not-sent|resend --by WHO"

SENTENCES: Final[Mapping[str, str]] = {
    # the campaign
    "paused": f"The campaign is paused ({{reason}}). {_RESUME}",
    "ceiling": f"The campaign is paused ({{reason}}). {_RESUME} --lift-ceilings",
    "breaker": f"The campaign paused itself ({{reason}}). {_RESUME}, or, so that it never pauses itself: --no-breaker",
    "session": "The campaign is paused ({reason}).",
    # the installation
    "nobody-runs": "No worker runs. Start one: dispatcher up, or celery -A dispatcher.worker worker",
    "older": "The database is older than what was sent from it. Run: dispatcher db mark-restored --since T --by WHO",
    # the sender
    "sender-removed": "Sender {sender} is no longer in the settings: put it back, or cancel the campaign.",
    "sender": "Sender {sender} is paused: {sender_reason}. Go on with: dispatcher channel set {sender} --resume",
    "throttled": "The provider asked sender {sender} to slow down.",
    # the row
    "not-due": "Not due yet; people are chosen within the hour before.",
    "expanding": "Due; it is expanded by the next worker that runs (dispatcher up).",
    "due": "Not due yet.",
    "window": "Outside the hours at which people may be messaged; goes on when they open.",
    "never": "The campaign's window never opens again: it will expire.",
    "retry": "The provider could not be reached; it is tried again.",
    "late-permit": "Its turn passed before it could leave; it takes the next.",
    "resend": "Was settled to be sent again.",
    "proven-not-sent": "The provider proved it was not sent; it is sent again.",
    PEOPLE_PER_DAY: "Sender {sender} messaged as many people as it may in 24 hours ({people_per_day}).",
    SPACING: "The same number got a message through {sender} a short while ago; the next waits for {spacing}.",
    "turn": "Waits for its turn through {sender}{rate}.",
    # left out
    "capped": (
        "Left out: when this step chose its people, they had as many messages over all campaigns as the caps allow "
        "(`caps:` in the settings and in the campaign). Later steps ask again."
    ),
    # nobody knows
    "unknown": f"May have been sent; nobody knows. Receipts and look-ups go on settling them; a person can: {_SETTLE}",
    LOST: f"May have been sent in the time that the database lost. A look-up may settle it; a person can: {_SETTLE}",
}


class Why(NamedTuple):
    """`until_us`: when it goes on; None: when a person acts."""

    rule: str
    explanation: str
    until_us: int | None


def say(rule: str, until_us: int | None = None, **about: Any) -> Why:
    """`about`: what the sentence names."""
    return Why(rule, SENTENCES.get(rule, "Waits until then.").format(**about), until_us)


def why_paused(campaign: str, reason: str) -> Why:
    if reason.startswith(CEILING):
        return Why("paused", SENTENCES["ceiling"].format(campaign=campaign, reason=reason), None)
    rule = "session" if reason.startswith(SESSION) else "breaker" if reason.startswith(BREAKER) else "paused"
    return say(rule, campaign=campaign, reason=reason)


def why_queued(rule: str, from_us: int, sender: Any | None, name: str, now_us: int) -> Why:
    """Of a row whose campaign runs. `sender`: as SQL has it, None where there is none; `name`: what it is called."""
    if sender is None or sender.removed:
        return say("sender-removed", sender=name)
    if sender.paused:
        return say("sender", sender=name, sender_reason=sender.pause_reason or "by a person")
    if (sender.slow_until_us or 0) > max(now_us, from_us):
        return say("throttled", sender.slow_until_us, sender=name)
    if from_us <= now_us or rule == "sender":
        rate = f" at {sender.rate_per_s:g} {sender.rate_unit}s a second" if sender.rate_per_s else ""
        return say("turn", now_us, sender=name, rate=rate)
    about = {"people_per_day": sender.people_per_day, "spacing": _length(sender.spacing_us)}
    return say(rule, None if rule == "never" else from_us, sender=name, **about)


def _length(length_us: int | None) -> str:
    """In the largest unit that leaves no rest."""
    seconds = (length_us or 0) // 1_000_000
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    size, unit = next((size, unit) for size, unit in units if seconds % size == 0)
    return f"{seconds // size} {unit}"
