"""dispatcher message: list, show, settle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from dispatcher.cli.exchange_view import print_call, print_exchange
from dispatcher.cli.output import JsonFlag, WhoOption, connect_context, print_json, print_table, say

if TYPE_CHECKING:
    from dispatcher.delivery.machine import Decision

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show and settle single messages.")

Identifier = Annotated[int, typer.Argument(metavar="ID", help="The message's id.")]
Campaign = Annotated[str, typer.Option("--campaign", help="Only messages of this campaign.")]


@app.command("list")
def list_(
    campaign: Campaign = "",
    status: Annotated[str, typer.Option(help="Only messages of this status, e.g. unknown.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Messages, newest first. Never their numbers or texts."""
    from dispatcher.operations.message_list import list_messages

    found = list_messages(connect_context(), campaign, status, limit)
    if as_json:
        print_json(found)
        return
    columns = ("campaign", "step", "hop", "sender", "status", "reason", "code", "attempt", "not_before", "rule")
    rows = [(str(row["id"]), *(_shown(row[name]) for name in columns)) for row in found]
    print_table(("id", *columns), rows)


def _shown(value: object) -> object:
    return "" if value is None else value


@app.command()
def show(
    message_id: Identifier,
    show_number: Annotated[bool, typer.Option("--show-number", help="The whole number; kept on record.")] = False,
    show_text: Annotated[bool, typer.Option("--show-text", help="The text; kept on record.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """One message: its attempts, what was said to and by the provider, its receipts, and why it waits."""
    import getpass

    from dispatcher.operations.inspect_messages import show_message

    found = show_message(connect_context(), message_id, getpass.getuser(), show_number=show_number, show_text=show_text)
    if as_json:
        print_json(found)
    else:
        _print_message(found)


def _print_message(found: dict[str, Any]) -> None:
    plain = {k: v for k, v in found.items() if not isinstance(v, list) and v not in (None, "")}
    print_table(("", ""), [(name, str(value)) for name, value in plain.items()])
    for title in ("attempts", "receipts"):
        rows = [{k: v for k, v in row.items() if k not in ("exchanges", "call")} for row in found[title]]
        if rows:
            print_table(tuple(rows[0]), [tuple(map(_shown, row.values())) for row in rows], title=title)
    for attempt in found["attempts"]:
        for exchange in attempt["exchanges"]:
            print_exchange(attempt["attempt"], exchange)
    for receipt in found["receipts"]:
        if receipt["call"]:
            print_call(receipt["received"], receipt["call"])


@app.command()
def settle(
    by: WhoOption,
    decision: Annotated[str, typer.Option("--as", help="sent, not-sent or resend.")],
    message_id: Annotated[int | None, typer.Argument(metavar="[ID]", help="One message.")] = None,
    campaign: Annotated[str, typer.Option("--campaign", help="All unknown messages of this campaign.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Decide on what may have been sent: it was, it was not, or send it again (some may then get it twice)."""
    from dispatcher.core.errors import UsageError
    from dispatcher.operations.inspect_messages import DECISIONS, settle_campaign, settle_message

    if decision not in DECISIONS:
        raise UsageError("option", f"--as {decision} is not known", f"Choose one of: {', '.join(DECISIONS)}.")
    if (message_id is None) == (not campaign):
        raise UsageError("option", "name one message, or a campaign", "message settle ID, or --campaign CAMPAIGN")
    chosen = cast("Decision", decision)
    if message_id is not None:
        outcome = settle_message(connect_context(), message_id, chosen, by)
    else:
        outcome = settle_campaign(connect_context(), campaign, chosen, by)
    if as_json:
        print_json(outcome)
    else:
        say(f"{outcome['settled']:,} message(s) settled as {decision}.")
