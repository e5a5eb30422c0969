"""dispatcher session: list, import, set; door and attendance (session_door.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.output import JsonFlag, WhoOption, connect_context, print_json, print_table, say
from dispatcher.cli.session_door import attendance, door

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Events people are invited to: list, import, set; who came."
)
app.command("door")(door)
app.command("attendance")(attendance)

_COLUMNS = ("code", "title", "place", "starts", "ends", "capacity", "campaigns")


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """All sessions by their start, and the campaigns that invite to them."""
    from dispatcher.operations.session_list import list_sessions

    found = list_sessions(connect_context())
    if as_json:
        print_json(found)
        return
    print_table(_COLUMNS, [[_shown(session[name]) for name in _COLUMNS] for session in found])


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file with a row of headings: kode, judul, tempat, …")],
    by: WhoOption = "",
    sheet: Annotated[str, typer.Option(help="The sheet of an XLSX file; the first one with rows by default.")] = "",
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go; FILE.rejected.csv beside FILE by default.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; the database stays as it is.")
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """Read sessions from a file, new ones and changes. Exit code 5: some rows were rejected."""
    from getpass import getuser

    from dispatcher.operations.sessions import import_sessions

    result = import_sessions(
        connect_context(), file, by or getuser(), sheet=sheet, rejects=rejects, dry_run=dry_run
    ).as_json()
    if as_json:
        print_json(result)
    else:
        title = "What would happen (nothing was written)" if dry_run else ""
        counts = ("rows", "created", "updated", "unchanged", "rejected")
        print_table(("", "rows"), [(name, result[name]) for name in counts], title)
        if result["reasons"]:
            print_table(("rejected because", "rows"), result["reasons"].items())
            say(f"Rejected rows, with line and reason: {result['rejects_file']}")
        _tell_course(result)
    return 5 if result["rejected"] else 0


@app.command("set")
def set_(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The session's code.")],
    by: WhoOption,
    title: Annotated[str, typer.Option(help="What it is, as people read it.")] = "",
    place: Annotated[str, typer.Option(help="Where it is, e.g. Balai Kota.")] = "",
    address: Annotated[str, typer.Option(help='Street and number; "none" takes it away.')] = "",
    region: Annotated[str, typer.Option(help='Where it is by code or name, e.g. 31.71.03; "none" takes it away.')] = "",
    start: Annotated[str, typer.Option(help='When it begins, e.g. "2027-02-10 09:00"; the end moves along.')] = "",
    end: Annotated[str, typer.Option(help='When it ends, e.g. "12:00" of that day; "none" takes it away.')] = "",
    capacity: Annotated[str, typer.Option(help='How many people have room; "none" is without a limit.')] = "",
    zone: Annotated[str, typer.Option(help="In which its times are: WIB, WITA or WIT.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Change a session. Live steps move with it; campaigns that were approved with the former one are paused."""
    from dispatcher.core.errors import UsageError
    from dispatcher.operations.sessions import set_session

    given = {
        "title": title,
        "place": place,
        "address": address,
        "region": region,
        "starts": start,
        "ends": end,
        "capacity": capacity,
        "zone": zone,
    }
    if not any(given.values()):
        raise UsageError("option", "say one thing to change", "--start, --end, --place, --address, --capacity …")
    outcome = set_session(connect_context(), code, given, by)
    if as_json:
        print_json(outcome)
        return
    what = ", ".join(outcome["changed"])
    say(f"{code}: {what} changed." if what else f"{code} stands so already; nothing changed.")
    _tell_course(outcome)


def _tell_course(outcome: dict[str, Any]) -> None:
    for step in outcome["moved"]:
        say(f"{step['campaign']}: the step {step['step']} for {step['occasion']} is now due {step['due']}.")
    for slug in outcome["rewritten"]:
        say(f"{slug}: texts that wait were written anew.")
    for code, people in outcome["told"].items():
        say(
            f"{code}: {people:,} people were told what no longer holds, and have not declined. Tell them: a step with "
            f"`sessions: [{code}]`, see docs/sessions.md, When it moves."
        )
    for slug in outcome["paused"]:
        say(
            f"{slug} is paused: it was approved with the session as it was. Plan it, have it approved and apply it "
            f"anew, then: dispatcher campaign resume {slug}"
        )
