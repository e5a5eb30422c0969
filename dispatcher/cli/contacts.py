"""dispatcher contacts: import, show, export, stop, erase, verify, retain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatcher.cli.output import (
    JsonFlag,
    WhoOption,
    connect_context,
    print_diagnostics,
    print_json,
    print_table,
    progress,
    say,
    write_whole,
)

if TYPE_CHECKING:
    from dispatcher.operations.import_result import ImportResult

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Import, show, export, stop and erase contacts.")

Who = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER|ID",
        help="A phone number or a contact's id; \"-\" reads it from stdin, which keeps it out of the shell's history.",
    ),
]
Country = Annotated[str, typer.Option(help="Where numbers without a country code belong (ISO 3166, e.g. ID).")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file with a row of headings.")],
    group: Annotated[list[str] | None, typer.Option(help="Put everyone into this group; may be repeated.")] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="HEADING=FIELD", help="Say what a column holds; may be repeated."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Keep a column of identity numbers or religion.")
    ] = None,
    basis: Annotated[str, typer.Option(help="Basis of consent, e.g. consent or public-task.")] = "",
    evidence: Annotated[str, typer.Option(help="Where the basis can be checked, e.g. a decree or a form.")] = "",
    source: Annotated[str, typer.Option(help="Where the file comes from; the file's name by default.")] = "",
    purpose: Annotated[str, typer.Option(help='The purpose people agreed to; "*" is every purpose.')] = "*",
    sheet: Annotated[str, typer.Option(help="The sheet of an XLSX file; the first one with rows by default.")] = "",
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go; FILE.rejected.csv beside FILE by default.")
    ] = None,
    country: Country = "ID",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; the database stays as it is.")
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """Read contacts from a file. The same file again changes nothing. Exit code 5: some rows were rejected."""
    from dispatcher.operations.expand import Expander
    from dispatcher.operations.import_contacts import import_contacts
    from dispatcher.operations.import_result import ImportOptions
    from dispatcher.operations.readdress import Readdresser

    options = ImportOptions(
        groups=tuple(group or ()),
        overrides=tuple(_pair(text) for text in map_ or ()),
        keep=tuple(keep or ()),
        basis=basis,
        evidence=evidence,
        source=source,
        purpose=purpose,
        sheet=sheet,
        country=country.upper(),
        rejects=rejects,
        dry_run=dry_run,
    )
    context = connect_context()
    readdress = Readdresser(Expander(context))
    with progress("Checking" if dry_run else "Importing") as advance:
        result = import_contacts(context, file, options, progress=advance, on_contacts_changed=readdress)
    print_diagnostics(result.diagnostics)
    if as_json:
        print_json(result.as_json())
    else:
        _print_result(result)
    return 5 if result.rejected else 0


def _pair(text: str) -> tuple[str, str]:
    from dispatcher.core.errors import UsageError

    heading, equals, target = text.rpartition("=")
    if not equals or not heading.strip() or not target.strip():
        raise UsageError("map", f'--map "{text}" is not HEADING=FIELD', "For example: --map 'Nomor Kontak=phone'")
    return heading.strip(), target.strip()


def _print_result(result: ImportResult) -> None:
    counts = ("rows", "created", "updated", "unchanged", "rejected", "minors", "shared_numbers", "suppressed")
    title = "What would happen (nothing was written)" if result.dry_run else ""
    print_table(("", "rows"), [(_LABELS.get(name, name), getattr(result, name)) for name in counts], title)
    if result.reasons:
        print_table(("rejected because", "rows"), result.reasons.most_common())
        say(f"Rejected rows, with line and reason: {result.rejects_file}")
    if result.notes:
        print_table(("note", "rows"), result.notes.most_common())
    for shared in result.shared[:10]:
        say(f"{shared.number} is the number of several people (lines {', '.join(map(str, shared.lines))}).")


_LABELS = {
    "minors": "under 18",
    "shared_numbers": "numbers of several people (messaged once)",
    "suppressed": "refused before, and still refused",
}


@app.command()
def show(who: Who, country: Country = "ID", as_json: JsonFlag = False) -> None:
    """Show one person, or everyone who shares the number."""
    from dispatcher.operations.contacts import show_contact

    people = show_contact(connect_context(), _given(who), country)
    if as_json:
        print_json({"contacts": people})
        return
    for person in people:
        print_table(("", ""), _lines(person))


@app.command()
def export(
    who: Who,
    out: Annotated[Path | None, typer.Option(help="Write to this file (0600) instead of stdout.")] = None,
    country: Country = "ID",
    as_json: JsonFlag = False,
) -> None:
    """Everything that is held on one person, for them, on their request."""
    from dispatcher.operations.contacts import export_contact

    held = export_contact(connect_context(), _given(who), country)
    text = _as_text(held) if not as_json else None
    if out is not None:
        write_whole(out, (text or _json(held)).encode(), private=True)
        say(f"Written to {out}.")
    elif text is None:
        print_json(held)
    else:
        sys.stdout.write(text)


@app.command()
def stop(
    who: Who,
    by: WhoOption = "",
    purpose: Annotated[str, typer.Option(help='Refuse only this purpose; "*" is everything.')] = "*",
    reason: Annotated[str, typer.Option(help="How the person asked, e.g. by letter on 3 March.")] = "",
    country: Country = "ID",
    as_json: JsonFlag = False,
) -> None:
    """Take down a refusal: never message this number again, and cancel what is queued."""
    from dispatcher.operations.contacts import stop_contact

    outcome = stop_contact(
        connect_context(), _given(who), by=by or _os_user(), purpose=purpose, reason=reason, country=country
    )
    if as_json:
        print_json(outcome)
        return
    say("Refused from now on, also after erasure and new imports." if outcome["numbers"] else "They have no number.")
    print_table(("", ""), _lines(outcome))


@app.command()
def erase(who: Who, by: WhoOption, country: Country = "ID", as_json: JsonFlag = False) -> None:
    """Erase what is personal of one person. Counts stay, and so does a refusal, as a keyed hash."""
    from dispatcher.operations.contacts import erase_contact

    outcome = erase_contact(connect_context(), _given(who), by=by, country=country)
    if as_json:
        print_json(outcome)
        return
    print_table(("", ""), _lines(outcome))


@app.command()
def verify(
    kept: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What --json printed earlier: nothing of that may have changed.")
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Check that nothing was put into the consent ledger, taken out of it or altered. Exit code 5: something was."""
    from dispatcher.operations.verify_consent import read_kept, verify_consent

    found = verify_consent(connect_context().database, read_kept(kept) if kept else None)
    if as_json:
        print_json(found.as_dict())
    else:
        for name, fault in found.faults:
            say(f"{name}: {fault}")
        if not found.faults:
            say(f"All {found.events} event(s) fit the digests of {len(found.sheets)} import(s) and day(s).")
    return 5 if found.faults else 0


@app.command()
def retain(
    by: WhoOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only; the database stays as it is.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Erase what is older than `retention` in the settings allows. Safe to stop and run again."""
    from dispatcher.operations.retain import retain

    found = retain(connect_context(), by=by or _os_user(), dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, **found})
    elif not found:
        say("The settings name no age under `retention`, so everything is kept.")
    else:
        print_table(("older than allowed" if dry_run else "erased", "rows"), list(found.items()))


def _given(who: str) -> str:
    return sys.stdin.readline().strip() if who == "-" else who


def _os_user() -> str:
    from getpass import getuser

    return getuser()


def _lines(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value; lists and nested records in the short form of YAML."""
    return [
        (name.replace("_", " "), _short(value)) for name, value in record.items() if value not in (None, "", [], {})
    ]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_short(inner)}" for name, inner in value.items() if inner not in (None, "", [], {}))
    if isinstance(value, list):
        return "\n".join(_short(inner) for inner in value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _as_text(held: dict[str, Any]) -> str:
    """A page a person can read: a heading per section, a block per entry."""
    parts = [f"Exported {held['exported']}\n"]
    for section, entries in held.items():
        if isinstance(entries, list) and entries:
            parts.append(f"\n{section.replace('_', ' ').upper()}\n")
            parts += ["".join(f"  {name}: {text}\n" for name, text in _lines(entry)) + "\n" for entry in entries]
    return "".join(parts)


def _json(held: object) -> str:
    import json

    return json.dumps(held, ensure_ascii=False, indent=2, default=str) + "\n"
