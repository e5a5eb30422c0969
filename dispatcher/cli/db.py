"""dispatcher db: the schema of the database."""

from __future__ import annotations

import typer

from dispatcher.cli.output import JsonFlag, print_json, say

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Create or upgrade the database.")


@app.callback()
def database() -> None:
    """Create or upgrade the database."""


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
