"""dispatcher db: the schema of the database, and what to do after it was restored."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.output import JsonFlag, WhoOption, connect_context, print_json, say

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Create, upgrade or restore the database.")


@app.callback()
def database() -> None:
    """Create or upgrade the database; say that it was restored from a backup."""


@app.command()
def upgrade(as_json: JsonFlag = False) -> None:
    """Create the tables, or bring them to this version's schema. Safe to run again, and by several at once."""
    from dispatcher.settings import Environment
    from dispatcher.store.engine import Database
    from dispatcher.store.migrate import HEAD, current_revision
    from dispatcher.store.migrate import upgrade as migrate

    url = Environment().database_url
    database = Database(url)
    try:
        before = current_revision(database)
    finally:
        database.close()
    migrate(url)
    if as_json:
        print_json({"before": before, "now": HEAD})
    else:
        say(f"The database has schema {HEAD}" + (" already." if before == HEAD else f" (before: {before or 'none'})."))


@app.command("mark-restored")
def mark_restored(
    since: Annotated[str, typer.Option(help="When the backup was made: 2026-02-14T03:00:00+07:00")],
    by: WhoOption = "",
    as_json: JsonFlag = False,
) -> None:
    """After restoring a backup: pause all that sends, and hold as unknown what may have been sent since.

    Stop all workers first. Nothing is sent from a restored database before this ran.
    """
    from dispatcher.operations.restore import mark_restored, parse_since

    done = mark_restored(connect_context(), parse_since(since), by).as_dict()
    if as_json:
        print_json(done)
        return
    say(f"Everything that happened between {done['since']} and {done['until']} is unknown to this database.")
    say(f"Paused: {done['campaigns_paused']} campaign(s), {done['senders_paused']} sender(s).")
    say(f"Held as unknown: {sum(done['unknown'].values())} message(s).")
    say("Look-ups go on under `dispatcher up`. What they leave, settle: dispatcher message list --status unknown")
    say("Then let senders and campaigns go on: dispatcher channel set NAME --resume, dispatcher campaign resume SLUG")
    say("Also lost: refusals, imports and approvals of that time; see docs/reliability.md.")
