"""dispatcher session door, session attendance: who came."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.output import JsonFlag, WhoOption, connect_context, print_json, print_table, say

SessionArgument = Annotated[str, typer.Argument(metavar="CODE", help="The session's code.")]

_COLUMNS = ("id", "label", "state", "created", "by", "closes", "checked_in")


def door(
    code: SessionArgument,
    by: WhoOption = "",
    label: Annotated[str, typer.Option(help='What officers call it, e.g. "Pintu Utara"; shown on the page.')] = "",
    valid: Annotated[
        str, typer.Option(help='For how long after the session it serves, e.g. "2 hours" or "1 day".')
    ] = "12 hours",
    list_: Annotated[bool, typer.Option("--list", help="Show the session's links instead of making one.")] = False,
    revoke: Annotated[int | None, typer.Option(metavar="ID", help="End that link at once.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a link for an officer's phone, to check people in at the door. It is shown once."""
    from getpass import getuser

    from dispatcher.operations.doors import list_doors, open_door, revoke_door

    context = connect_context()
    if list_:
        _show_doors(list_doors(context, code), as_json=as_json)
        return
    if revoke is not None:
        outcome = revoke_door(context, code, revoke, by or getuser())
        was = "It opens nothing any more." if outcome["was_open"] else "It was revoked before."
        print_json(outcome) if as_json else say(f"Door {revoke} of {code} is revoked. {was}")
        return
    made = open_door(context, code, by or getuser(), label=label, after_us=_duration_us(valid))
    if as_json:
        print_json(made)
        return
    print(made["url"])
    say(f"A link to the door of {code}, until {made['closes']}. Whoever has it can check people in; it is shown once.")
    say(f"To end it: dispatcher session door {code} --revoke {made['id']}")
    if not made["url"].startswith("https:"):
        say("Phones give a page their camera over https only; codes can be typed all the same.")


def _show_doors(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_table(_COLUMNS, [[str(one[name]) for name in _COLUMNS] for one in found])


def _duration_us(text: str) -> int:
    from datetime import timedelta

    from dispatcher.core.duration import parse_duration
    from dispatcher.core.errors import UsageError

    try:
        return int(parse_duration(text) / timedelta(microseconds=1))
    except ValueError as problem:
        raise UsageError("option", f"--valid: {problem}", 'E.g. --valid "2 hours".') from None


def attendance(
    code: SessionArgument,
    file: Annotated[
        Path, typer.Argument(help="A CSV or XLSX file with a column for codes, mobile numbers or own ids.")
    ],
    by: WhoOption = "",
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="'heading=field': code, phone, external_id, name, group or came.")
    ] = None,
    sheet: Annotated[str, typer.Option(help="The sheet of an XLSX file; the first one with rows by default.")] = "",
    rejects: Annotated[
        Path | None, typer.Option(help="Where unmatched rows go; FILE.rejected.csv beside FILE by default.")
    ] = None,
    guests: Annotated[
        bool, typer.Option("--guests", help="Count rows that match nobody as guests; nothing of them is kept.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; the database stays as it is.")
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """Take in an attendance sheet. Exit code 5: some rows match nobody."""
    from getpass import getuser

    from dispatcher.operations.attendance import SheetOptions, take_attendance

    options = SheetOptions(_overrides(map_ or []), sheet, rejects, guests, dry_run)
    result = take_attendance(connect_context(), code, file, by or getuser(), options).as_json()
    if as_json:
        print_json(result)
        return 5 if result["unmatched"] else 0
    title = "What would happen (nothing was written)" if dry_run else ""
    counts = ("rows", "matched", "already", "walk_ins", "absent", "unmatched")
    print_table(("", "rows"), [(name, result[name]) for name in counts], title)
    if result["reasons"]:
        print_table(("unmatched because", "rows"), result["reasons"].items())
        say(f"Unmatched rows, with line and reason: {result['rejects_file']}")
    return 5 if result["unmatched"] else 0


def _overrides(pairs: list[str]) -> dict[str, str]:
    from dispatcher.core.errors import UsageError

    found = {}
    for pair in pairs:
        heading, separator, field = pair.rpartition("=")
        if not (separator and heading.strip() and field.strip()):
            raise UsageError("option", f"--map {pair}: write 'heading=field'", "E.g. --map 'Kode Tamu=code'.")
        found[heading.strip()] = field.strip()
    return found
