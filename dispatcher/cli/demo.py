"""`dispatcher demo`: a whole campaign on this machine, in a minute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from dispatcher.cli.output import JsonFlag, print_json, progress, say

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    contacts: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many made-up people.")] = 2000,
    folder: Annotated[Path | None, typer.Option(help="Where it leaves what it made.")] = None,
    language: Annotated[Literal["id", "en"], typer.Option(help="Of the report: id or en.")] = "id",
    as_json: JsonFlag = False,
) -> None:
    """Import made-up contacts, plan, send through the built-in carrier, listen, and report.

    Needs no account, no server and no network; nobody gets a message.
    """
    from dispatcher.cli.report_view import print_report
    from dispatcher.operations.report import campaign_report
    from dispatcher.settings import Environment
    from dispatcher.testing.demo.run import CAMPAIGN, demo

    place = folder or Environment().state_dir / "demo"
    with demo(place, contacts, say, progress) as run:
        report = campaign_report(run.context, CAMPAIGN)
    if as_json:
        print_json(report)
    else:
        print_report(report, language)
    say(f"Everything is in {place}: contacts, campaign, settings, database, and the carrier's ledger.")
