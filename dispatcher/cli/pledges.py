"""dispatcher campaign pledges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.output import JsonFlag, connect_context, print_json, print_table


def pledges(
    slug: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's name.")],
    unit: Annotated[str, typer.Option(help="The attribute that names an agency unit, e.g. unit_kerja.")] = "",
    history: Annotated[bool, typer.Option("--history", help="Earlier answers too: none is erased.")] = False,
    show_name: Annotated[bool, typer.Option("--show-name", help="Names; kept on record.")] = False,
    format_: Annotated[str, typer.Option("--format", help="text, json, csv or xlsx.")] = "text",
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout; for this user only.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Who answered, when, through what and to which words; how many of each unit, group and region did not."""
    import getpass

    from dispatcher.core.errors import UsageError
    from dispatcher.operations.pledges import list_pledges

    if format_ not in ("text", "json", "csv", "xlsx"):
        raise UsageError("option", f"--format {format_} is not known", "Choose one of: text, json, csv, xlsx.")
    context = connect_context()
    found = list_pledges(context, slug, getpass.getuser(), unit=unit, history=history, show_name=show_name)
    if as_json or format_ == "json":
        print_json(found)
    elif format_ == "text":
        _print(found)
    else:
        _write(found["answers"], format_, out)


def _print(found: dict[str, Any]) -> None:
    for name in ("units", "groups", "regions"):
        rows = found.get(name, [])
        if rows:
            key = name[:-1]
            cells = [(row[key], str(row["people"]), _said(row["answers"]), str(row["not_answered"])) for row in rows]
            print_table((key, "people", "answers", "not answered"), cells)


def _said(answers: dict[str, int]) -> str:
    return ", ".join(f"{meaning} {n}" for meaning, n in answers.items())


def _write(rows: list[dict[str, Any]], format_: str, out: Path | None) -> None:
    from dispatcher.cli.report_view import write_content
    from dispatcher.outreach.flat import table_as_csv
    from dispatcher.outreach.sections import Section
    from dispatcher.outreach.workbook import table_as_xlsx

    columns = tuple(rows[0]) if rows else ("contact", "meaning", "at", "via", "text_version", "text_hash", "message")
    cells = tuple(tuple("" if row[name] is None else str(row[name]) for name in columns) for row in rows)
    is_csv = format_ == "csv"
    content = table_as_csv(columns, cells).encode() if is_csv else table_as_xlsx(Section("pledges", columns, cells))
    write_content(content, format_, out, private=True)
