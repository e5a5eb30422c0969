"""dispatcher inbox: list, done."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.output import JsonFlag, WhoOption, connect_context, print_json, print_table, say

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Answers that need a person: list, mark as done.")


@app.command("list")
def list_(
    handled: Annotated[bool, typer.Option("--all", help="Those that are done as well.")] = False,
    show_number: Annotated[bool, typer.Option("--show-number", help="Whole numbers; kept on record.")] = False,
    show_text: Annotated[bool, typer.Option("--show-text", help="What people wrote; kept on record.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Replies that nothing else settled, newest first. A refusal acted already and is not among them."""
    import getpass

    from dispatcher.operations.inbox import list_inbox

    found = list_inbox(
        connect_context(), getpass.getuser(), limit, handled=handled, show_number=show_number, show_text=show_text
    )
    if as_json:
        print_json(found)
        return
    columns = ("received", "sender", "from", "contact", "meaning", "handled", *(("text",) if show_text else ()))
    rows = [(str(row["id"]), *("" if row[name] is None else str(row[name]) for name in columns)) for row in found]
    print_table(("id", *columns), rows)


@app.command()
def done(
    reply_id: Annotated[int, typer.Argument(metavar="ID", help="The reply's id.")],
    by: WhoOption,
    as_json: JsonFlag = False,
) -> None:
    """Say that a person has dealt with it."""
    from dispatcher.operations.inbox import mark_done

    outcome = mark_done(connect_context(), reply_id, by)
    if as_json:
        print_json(outcome)
    else:
        say(f"Reply {reply_id} is done.")
