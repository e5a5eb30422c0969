"""dispatcher campaign: validate, plan, approve, apply, watch, stop, report."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
)
from dispatcher.cli.pledges import pledges

if TYPE_CHECKING:
    from dispatcher.core.diagnostics import Diagnostic
    from dispatcher.operations.apply import Applied

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Validate, plan, approve, apply, watch and report on campaigns."
)

File = Annotated[Path, typer.Argument(help="The campaign, a YAML file.")]
Slug = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign's name.")]
app.command()(pledges)

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; shown in the campaign's status.")]


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Campaigns, YAML files.")],
    online: Annotated[
        bool, typer.Option("--online", help="Ask the providers too: credentials, and the templates they hold.")
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """Everything there is to say about a campaign file, without database or network. Exit code 3: it has errors.

    With --online, exit code 7: a provider refuses, could not be asked, or a credential is missing.
    """
    from dispatcher.core.diagnostics import has_errors

    found = _validate(files, online=online)
    if as_json:
        print_json([diagnostic.as_dict() for diagnostic in found])
    else:
        print_diagnostics(found)
        errors = sum(d.severity == "error" for d in found)
        say(f"{len(files)} file(s): {errors} error(s), {len(found) - errors} other remark(s).")
    if online:
        from dispatcher.operations.online import is_about_a_provider

        if any(map(is_about_a_provider, found)):
            return 7
    return 3 if has_errors(found) else 0


def _validate(files: list[Path], *, online: bool) -> list[Diagnostic]:
    import time

    from dispatcher.operations.channels import Channels
    from dispatcher.operations.linking import link_base
    from dispatcher.operations.senders import facts_from
    from dispatcher.operations.validate import known_from, validate_file
    from dispatcher.settings import Environment

    environment = Environment()
    settings = environment.settings if environment.config_is_given else None
    channels = Channels()
    senders = facts_from(environment, channels) if settings else None
    known = known_from(settings, senders, link_base=link_base(environment) if settings else None)
    found: list[Diagnostic] = []
    for file in files:
        loaded, diagnostics = validate_file(file, now_us=time.time_ns() // 1000, known=known)
        found += diagnostics
        if online:
            from dispatcher.operations.online import online_diagnostics

            found += online_diagnostics(environment, channels, loaded)
    return found


@app.command()
def plan(file: File, by: WhoOption, as_json: JsonFlag = False) -> None:
    """Who would get what, when, and at what cost. Stored under its fingerprint; nobody is messaged."""
    from dispatcher.operations.plan import plan_campaign

    with progress("Planning") as advance:
        made = plan_campaign(connect_context(), file, by, progress=advance)
    if as_json:
        print_json(made.as_dict())
        return
    from dispatcher.cli.plan_view import print_plan

    print_diagnostics(made.diagnostics)
    print_plan(made.as_dict())
    say(f"\nApprove it: dispatcher campaign approve {made.campaign} --fingerprint {made.fingerprint[:16]} --by WHO")


@app.command()
def approve(
    slug: Slug,
    fingerprint: Annotated[str, typer.Option(help="The fingerprint that the plan printed.")],
    by: WhoOption,
    as_json: JsonFlag = False,
) -> None:
    """Let exactly this plan be applied. By someone who is not its author (exit code 4)."""
    from dispatcher.operations.approve import approve_plan

    approved = approve_plan(connect_context(), slug, fingerprint, by)
    if as_json:
        print_json(approved)
    else:
        say(f"{slug} is approved. Start it: dispatcher campaign apply FILE")


@app.command()
def apply(
    file: File,
    by: WhoOption = "",
    wait: Annotated[bool, typer.Option("--wait", help="Send from here until the due steps are done.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Start or schedule what was approved. With --wait, exit code 5: something is held as unknown."""
    from dispatcher.operations.apply import apply_campaign

    context = connect_context()
    applied = apply_campaign(context, file, by)
    code = _wait(context, applied.campaign, as_json=as_json) if wait else 0
    if as_json:
        print_json({**applied.as_dict(), **_state_now(context, applied, wait=wait)})
    elif wait:
        from dispatcher.cli.report_view import print_status
        from dispatcher.operations.status import campaign_status

        print_status(campaign_status(context, applied.campaign).as_dict())
    else:
        say(f"{applied.campaign} is {applied.state}. {applied.note}".strip())
    return code


def _wait(context: Any, slug: str, *, as_json: bool) -> int:
    """With JSON on stdout, what a console sender prints goes to stderr."""
    from contextlib import nullcontext, redirect_stdout

    from dispatcher.queue.embedded import run_until_done

    context.outages.tell = lambda error: say(f"Waiting: {error.message}. {error.hint}")
    with redirect_stdout(sys.stderr) if as_json else nullcontext(), progress("Sending") as advance:
        return run_until_done(context, slug, advance)


def _state_now(context: Any, applied: Applied, *, wait: bool) -> dict[str, str]:
    """After waiting, what was told before no longer holds."""
    if not wait:
        return {}
    from dispatcher.operations.progress import standing_of

    return {"state": standing_of(context, applied.campaign).state, "note": ""}


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """All campaigns, newest first."""
    from dispatcher.operations.campaign_list import list_campaigns

    found = list_campaigns(connect_context())
    if as_json:
        print_json(found)
        return
    columns = ("campaign", "state", "steps", "steps_done", "next_due", "title", "reason")
    headings = ("campaign", "state", "steps", "done", "next", "title", "reason")
    print_table(headings, [[row[name] if row[name] is not None else "" for name in columns] for row in found])


@app.command()
def diff(
    slug: Slug,
    file: Annotated[Path | None, typer.Argument(help="A YAML file; the newest plan by default.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """What changed since the revision that was applied."""
    from dispatcher.operations.diff import diff_campaign

    found = diff_campaign(connect_context(), slug, file)
    if as_json:
        print_json(found)
    elif found["changed"]:
        sys.stdout.write(found["diff"])
    else:
        say(f"{slug}: nothing changed.")


@app.command()
def pause(slug: Slug, by: WhoOption = "", reason: ReasonOption = "", as_json: JsonFlag = False) -> None:
    """Stop sending at once, until it is resumed."""
    from dispatcher.operations.control import pause_campaign

    _move(lambda: pause_campaign(connect_context(), slug, by, reason), as_json=as_json)


@app.command()
def resume(
    slug: Slug,
    by: WhoOption = "",
    reason: ReasonOption = "",
    lift_ceilings: Annotated[
        bool, typer.Option("--lift-ceilings", help="Go beyond the people, segments and cost that were approved.")
    ] = False,
    breaker: Annotated[
        bool | None,
        typer.Option("--breaker/--no-breaker", help="Whether it pauses itself when many fail or opt out."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Go on where it was paused."""
    from dispatcher.operations.control import resume_campaign

    changes: dict[str, Any] = {"lift_ceilings": lift_ceilings, "breaker": breaker}
    _move(lambda: resume_campaign(connect_context(), slug, by, reason, **changes), as_json=as_json)


@app.command()
def cancel(slug: Slug, by: WhoOption = "", reason: ReasonOption = "", as_json: JsonFlag = False) -> None:
    """Stop it for good; what waits is cancelled."""
    from dispatcher.operations.control import cancel_campaign

    _move(lambda: cancel_campaign(connect_context(), slug, by, reason), as_json=as_json)


def _move(act: Callable[[], dict[str, Any]], *, as_json: bool) -> None:
    outcome = act()
    if as_json:
        print_json(outcome)
        return
    cancelled = outcome.get("cancelled_messages")
    more = f" {cancelled:,} waiting message(s) cancelled." if cancelled else ""
    say(f"{outcome['campaign']} is {outcome['state']}.{more}")


@app.command()
def status(
    slug: Slug,
    why: Annotated[bool, typer.Option("--why", help="Say why anything waits, and until when.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Where a campaign stands: everyone selected, by what became of them."""
    from dispatcher.operations.status import campaign_status

    found = campaign_status(connect_context(), slug, why=why).as_dict()
    if as_json:
        print_json(found)
        return
    from dispatcher.cli.report_view import print_status

    print_status(found)


@app.command()
def report(
    slug: Slug,
    format_: Annotated[str, typer.Option("--format", help="text, json, csv, xlsx or html.")] = "text",
    language: Annotated[str, typer.Option(help="Language of text, html and xlsx: id or en.")] = "id",
    level: Annotated[str, typer.Option(help="Regions down to: city, kecamatan, kelurahan, rw or rt.")] = "kecamatan",
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """What a campaign reached: people, groups, regions, failures, answers, attendance, cost. No personal data."""
    from dispatcher.cli.report_view import write_report
    from dispatcher.operations.report import campaign_report

    options = _checked(("json" if as_json else format_), language, level)
    found = campaign_report(connect_context(), slug, level=options["level"], language=options["language"])
    write_report(found, options["format"], options["language"], out)


def _checked(format_: str, language: str, level: str) -> dict[str, str]:
    from dispatcher.core.errors import UsageError
    from dispatcher.outreach.coverage import LEVELS

    for option, value, allowed in (
        ("format", format_, ("text", "json", "csv", "xlsx", "html")),
        ("language", language, ("id", "en")),
        ("level", level, tuple(LEVELS)),
    ):
        if value not in allowed:
            raise UsageError("option", f"--{option} {value} is not known", f"Choose one of: {', '.join(allowed)}.")
    return {"format": format_, "language": language, "level": level}
