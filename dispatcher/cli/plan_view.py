"""A plan as a person reads it: steps, who is left out, ceilings, samples as they would arrive."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from dispatcher.cli.output import print_table, say
from dispatcher.core.money import Money

Plan = Mapping[str, Any]


def print_plan(plan: Plan) -> None:
    """`plan`: as in the contract."""
    say(f"{plan['title']} ({plan['campaign']}), fingerprint {plan['fingerprint'][:16]}")
    headings = ("step", "messages", "segments", "cost", "starts", "ends", "senders", "hops that may follow", "late")
    print_table(headings, [_step(step) for step in plan["steps"]])
    if not plan["selected"]:
        say("Nobody is meant by this audience. Are the contacts imported? dispatcher contacts import FILE")
    left_out = [("held out by chance", plan["held_out"]), *plan["skipped"].items()]
    print_table(("left out", f"of {plan['selected']:,}"), [row for row in left_out if row[1]] or [("nobody", 0)])
    ceilings = plan["ceilings"]
    cost = Money.from_json(ceilings["cost"])
    rows = [("people", ceilings["people"]), ("segments", ceilings["segments"]), ("cost", cost or "-")]
    print_table(("the approval allows at most", ""), [(name, _number(value)) for name, value in rows])
    _print_warnings(plan)
    _print_samples(plan["samples"])


def _step(step: Mapping[str, Any]) -> tuple[object, ...]:
    name = f"{step['name']} · {step['occasion']}" if step["occasion"] else step["name"]
    senders = ", ".join(f"{sender} {count:,}" for sender, count in step["senders"].items())
    return (
        name,
        step["messages"],
        step["segments"],
        Money.from_json(step["cost"]).formatted() if step["cost"] else "-",
        _instant(step["starts"]),
        _instant(step["ends"]),
        senders,
        step["following_messages"],
        step["late"],
    )


def _instant(text: str | None) -> str:
    return text.replace("T", " ") if text else "-"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _print_warnings(plan: Plan) -> None:
    if plan["unpriced"]:
        say(f"No price is known for {', '.join(plan['unpriced'])}: their part of the cost is missing.")
    for step in plan["steps"]:
        if step["late"]:
            say(f"{step['name']}: {step['late']:,} would expire before their turn. Raise the rate, or start earlier.")
    for note in plan["notes"]:
        say(note)


def _print_samples(samples: Sequence[Mapping[str, Any]]) -> None:
    """As bubbles, the way a phone shows them."""
    from rich import box
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 100)
    for sample in samples:
        title = Text(f"{sample['step']} → {sample['to']}")
        about = Text(f"{sample['sender']} · {sample['language']} · {sample['segments']} segment(s)")
        text = Text(sample["text"], overflow="fold")
        console.print(Panel(text, title=title, subtitle=about, title_align="left", box=box.ROUNDED, width=72))
