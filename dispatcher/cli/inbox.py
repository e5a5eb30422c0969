"""dispatcher inbox: list, show, done, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatcher.cli.output import JsonFlag, WhoOption, connect_context, print_json, print_table, say

if TYPE_CHECKING:
    from datetime import timedelta

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Answers that need a person: list, show, mark as done, export."
)

_COLUMNS = ("id", "received", "sender", "campaign", "from", "contact", "meaning", "handled", "handled_by")
_AUTOMATIC = ("reply", "no_reply", "reply_state", "reply_begun")
_TEXTS = ("text", "note", "answer")

Handled = Annotated[bool, typer.Option("--all", help="Those that are done as well.")]
Campaign = Annotated[str, typer.Option(help="Only those to this campaign.")]
Older = Annotated[str, typer.Option(help='Only those that came longer ago than e.g. "4h" or "2d".')]
Newer = Annotated[str, typer.Option(help='Only those that came less long ago than e.g. "4h" or "2d".')]
Stops = Annotated[bool, typer.Option("--stops", help="All stops of gateways that sign nothing, in their place.")]
ShowNumber = Annotated[bool, typer.Option("--show-number", help="Whole numbers; kept on record.")]
ShowText = Annotated[bool, typer.Option("--show-text", help="What people wrote, and notes; kept on record.")]


@app.command("list")
def list_(
    handled: Handled = False,
    campaign: Campaign = "",
    older: Older = "",
    newer: Newer = "",
    stops: Stops = False,
    show_number: ShowNumber = False,
    show_text: ShowText = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Replies that nothing else settled, newest first. A refusal acted already and is not among them."""
    options = {"handled": handled, "show_number": show_number, "show_text": show_text}
    found = _found(limit, (campaign, older, newer, stops), options)
    if as_json:
        print_json(found)
        return
    columns = (*_COLUMNS, "reply_state", *(_TEXTS if show_text else ()))
    print_table(columns, [(str(row["id"]), *_cells(row, columns[1:])) for row in found])


@app.command()
def show(
    reply_id: Annotated[int, typer.Argument(metavar="ID", help="The reply's id.")],
    show_number: ShowNumber = False,
    show_text: ShowText = False,
    as_json: JsonFlag = False,
) -> None:
    """One reply, the automatic answer to it, and what became of that."""
    import getpass

    from dispatcher.operations.inbox import show_reply

    found = show_reply(connect_context(), reply_id, getpass.getuser(), show_number=show_number, show_text=show_text)
    if as_json:
        print_json(found)
        return
    plain = [(name, str(value)) for name, value in found.items() if value not in (None, "", []) and name != "receipts"]
    print_table(("", ""), plain)
    if found["receipts"]:
        rows = [tuple(map(str, receipt.values())) for receipt in found["receipts"]]
        print_table(tuple(found["receipts"][0]), rows, title="receipts")


@app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout; for this user only.")] = None,
    format_: Annotated[str, typer.Option("--format", help="csv or xlsx.")] = "csv",
    handled: Handled = False,
    campaign: Campaign = "",
    older: Older = "",
    newer: Newer = "",
    stops: Stops = False,
    show_number: ShowNumber = False,
    show_text: ShowText = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 10_000,
) -> None:
    """The same as a table for a spreadsheet, with the automatic answer that was due."""
    from dispatcher.cli.report_view import write_content
    from dispatcher.core.errors import UsageError
    from dispatcher.outreach.flat import table_as_csv
    from dispatcher.outreach.sections import Section
    from dispatcher.outreach.workbook import table_as_xlsx

    if format_ not in ("csv", "xlsx"):
        raise UsageError("option", f"--format {format_} is not known", "Choose one of: csv, xlsx.")
    options = {"handled": handled, "show_number": show_number, "show_text": show_text}
    found = _found(limit, (campaign, older, newer, stops), options)
    columns = (*_COLUMNS, *_AUTOMATIC, *(_TEXTS if show_text else ()))
    rows = tuple(_cells(row, columns) for row in found)
    content = (
        table_as_csv(columns, rows).encode() if format_ == "csv" else table_as_xlsx(Section("inbox", columns, rows))
    )
    write_content(content, format_, out, private=True)


def _found(limit: int, only: tuple[str, str, str, bool], options: dict[str, bool]) -> list[dict[str, Any]]:
    import getpass

    from dispatcher.operations.inbox import Only, list_inbox

    campaign, older, newer, stops = only
    which = Only(campaign, _age("older", older), _age("newer", newer), stops)
    return list_inbox(connect_context(), getpass.getuser(), limit, only=which, **options)


def _age(option: str, value: str) -> timedelta | None:
    from dispatcher.core.duration import parse_duration
    from dispatcher.core.errors import UsageError

    try:
        age: timedelta | None = parse_duration(value) if value else None
    except ValueError as error:
        raise UsageError("option", f"--{option}: {error}") from None
    return age


def _cells(row: dict[str, Any], columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("" if row[name] is None else str(row[name]) for name in columns)


@app.command()
def done(
    reply_id: Annotated[int, typer.Argument(metavar="ID", help="The reply's id.")],
    by: WhoOption,
    note: Annotated[str, typer.Option(help="What was done; kept sealed, erased with the person.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Say that a person has dealt with it."""
    from dispatcher.operations.inbox import mark_done

    outcome = mark_done(connect_context(), reply_id, by, note)
    if as_json:
        print_json(outcome)
    else:
        say(f"Reply {reply_id} is done.")
