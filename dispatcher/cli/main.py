"""The command `dispatcher`: nouns, then verbs. A noun is imported only when it is used, so that help is fast."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from dispatcher.core.errors import DispatcherError


class Entry(NamedTuple):
    module: str
    help: str


COMMANDS = {
    "demo": Entry("demo", "Run a whole campaign against the built-in carrier: no account, no server."),
    "contacts": Entry("contacts", "Import, show, export, stop and erase contacts."),
    "campaign": Entry("campaign", "Validate, plan, approve, apply, watch and report on campaigns."),
    "message": Entry("message", "List, show and settle single messages."),
    "session": Entry("session", "Events that people are invited to."),
    "inbox": Entry("inbox", "Answers that need a person."),
    "channel": Entry("channel", "Channels and senders: list, check, send a test, set the rate."),
    "simulate": Entry("simulate", "The carrier simulator as a server."),
    "up": Entry("up", "Everything in one process: web, workers, clock."),
    "web": Entry("web", "The web server alone."),
    "doctor": Entry("doctor", "What is missing or broken, and how to mend it."),
    "db": Entry("db", "Create or upgrade the database; mark it as restored."),
    "keys": Entry("keys", "The installation's keys and their prints."),
}


class Commands(click.Group):
    """Knows the names and one line of help of each command without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        import typer.main

        app = importlib.import_module(f"dispatcher.cli.{entry.module}").app
        command: Any = typer.main.get_command(app)
        command.name = cmd_name
        return command  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dispatcher", prog_name="dispatcher")
def cli() -> None:
    """SMS and WhatsApp campaigns for public agencies and civic groups.

    Begin with: dispatcher demo
    """


def main() -> None:
    """Runs the command and turns every ending into an exit code of the contract."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Exit codes: 0 done, 1 unexpected, 2 usage, 3 campaign, 4 policy, 5 incomplete, 6 away, 7 provider, 130."""
    from dispatcher.core.errors import DispatcherError

    try:
        result = cli.main(args=arguments, prog_name="dispatcher", standalone_mode=False)
    except DispatcherError as error:
        return _report(error, as_json="--json" in arguments)
    except (KeyboardInterrupt, click.Abort, EOFError):
        click.echo("Interrupted. Nothing is lost: what was begun is settled when a worker runs again.", err=True)
        return 130
    except click.ClickException as error:
        return _report_usage(error, as_json="--json" in arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("DISPATCHER_DEBUG"):
            raise
        return _report_unexpected(error, as_json="--json" in arguments)
    return result if isinstance(result, int) else 0


def _report(error: DispatcherError, *, as_json: bool) -> int:
    from dispatcher.cli.output import print_diagnostics, print_json
    from dispatcher.core.errors import CampaignError

    if as_json:
        print_json({"error": error.as_dict()})
    elif isinstance(error, CampaignError):
        print_diagnostics(error.diagnostics)
    else:
        click.echo(f"Error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
    return error.exit_code


def _report_usage(error: click.ClickException, *, as_json: bool) -> int:
    if as_json:
        from dispatcher.cli.output import print_json

        print_json({"error": {"code": "usage", "message": error.format_message(), "hint": "See --help."}})
    else:
        error.show()
    return 2


def _report_unexpected(error: Exception, *, as_json: bool) -> int:
    """Only the kind of error: its message may hold what must not be shown."""
    message = f"something unexpected happened ({type(error).__name__})"
    hint = "Run it again with DISPATCHER_DEBUG=1 to see where, and tell us."
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.strerror}{': ' + str(error.filename) if error.filename else ''}"
        hint = "Free space, or correct the path or its permissions; nothing was lost."
    if as_json:
        from dispatcher.cli.output import print_json

        print_json({"error": {"code": "unexpected", "message": message, "hint": hint}})
    else:
        click.echo(f"Error: {message}\n  {hint}", err=True)
    return 1
