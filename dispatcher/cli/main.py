"""The command `dispatcher`: nouns, then verbs. A noun is imported only when it is used, so that help is fast."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer

    from dispatcher.core.errors import DispatcherError


class Entry(NamedTuple):
    module: str
    help: str


COMMANDS = {
    "demo": Entry("demo", "Run a whole campaign against the built-in carrier: no account, no server."),
    "contacts": Entry("contacts", "Import, show, export, stop and erase contacts."),
    "campaign": Entry("campaign", "Validate, plan, approve, apply, watch and report on campaigns."),
    "session": Entry("session", "Events people are invited to: list, import, set; who came."),
    "message": Entry("message", "List, show and settle single messages."),
    "inbox": Entry("inbox", "Answers that need a person: list, mark as done."),
    "channel": Entry("channel", "Channels and senders: list, check, send a test, set the rate."),
    "simulate": Entry("simulate", "The carrier simulator as a server."),
    "up": Entry("up", "Everything in one process: web, workers, clock."),
    "web": Entry("web", "The web server alone."),
    "doctor": Entry("doctor", "What is missing or broken, and how to mend it."),
    "db": Entry("db", "Create or upgrade the database; mark it as restored from a backup."),
    "keys": Entry("keys", "The installation's keys and their prints."),
}


ABOUT = """SMS and WhatsApp campaigns for public agencies and civic groups.

  Begin with: dispatcher demo"""


def run(arguments: list[str], begin: Callable[[], None] = lambda: None) -> int:
    """Exit codes: 0 done, 1 unexpected, 2 usage, 3 campaign, 4 policy, 5 incomplete, 6 away, 7 provider, 130.

    `begin` is called before the command does anything: from then on Ctrl-C must be a KeyboardInterrupt.
    """
    noun, *rest = arguments or ["--help"]
    if noun in {"-h", "--help", "--version"}:
        _print(_help() if noun != "--version" else _version())
        return 0
    if noun not in COMMANDS:
        return _unknown(noun, as_json="--json" in rest)
    return _run_noun(noun, rest, begin)


def _run_noun(noun: str, arguments: list[str], begin: Callable[[], None]) -> int:
    import typer.main

    from dispatcher.core.errors import DispatcherError

    as_json = "--json" in arguments
    try:
        app = importlib.import_module(f"dispatcher.cli.{COMMANDS[noun].module}").app
        words, app, arguments = _chosen(app, [noun], arguments)
        command = typer.main.get_command(app)
        begin()
        name = " ".join(("dispatcher", *words))
        with command.make_context(name, arguments, help_option_names=["-h", "--help"]) as context:
            result = command.invoke(context)
        sys.stdout.flush()
    except DispatcherError as error:
        return _report(error, as_json=as_json)
    except typer.Exit as ending:
        return ending.exit_code
    except (KeyboardInterrupt, typer.Abort, EOFError):
        _tell("Interrupted. Nothing is lost: what was begun is settled when a worker runs again.")
        return 130
    except typer.TyperException as error:
        return _report_usage(error, as_json=as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("DISPATCHER_DEBUG"):
            _tell_where(error)
        return _report_unexpected(error, as_json=as_json)
    return result if isinstance(result, int) else 0


def _chosen(app: typer.Typer, words: list[str], arguments: list[str]) -> tuple[list[str], typer.Typer, list[str]]:
    """Only the verb that is asked for, where it is there: to prepare all of a noun's costs as much as to look."""
    import typer.main

    for command in app.registered_commands if arguments and len(app.registered_commands) > 1 else ():
        verb = command.name or typer.main.get_command_name(getattr(command.callback, "__name__", ""))
        if verb == arguments[0]:
            alone = typer.Typer(add_completion=False)
            alone.registered_commands.append(command)
            return [*words, verb], alone, arguments[1:]
    return words, app, arguments


def _help() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:{width}}{entry.help}" for name, entry in COMMANDS.items()]
    options = ("  --version   Show the version and exit.", "  -h, --help  Show this message, or that of a command.")
    usage = "Usage: dispatcher COMMAND [OPTIONS] [ARGS]..."
    return "\n".join((usage, "", f"  {ABOUT}", "", "Options:", *options, "", "Commands:", *lines))


def _version() -> str:
    from importlib.metadata import version

    return f"dispatcher, version {version('dispatcher')}"


def _unknown(word: str, *, as_json: bool) -> int:
    from difflib import get_close_matches

    from dispatcher.core.errors import UsageError

    near = get_close_matches(word, COMMANDS, 1)
    kind = "option" if word.startswith("-") else "command"
    hint = f"Did you mean {near[0]}?" if near else "dispatcher --help lists the commands."
    return _report(UsageError("usage", f"there is no {kind} {word}", hint), as_json=as_json)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


def _report(error: DispatcherError, *, as_json: bool) -> int:
    from dispatcher.cli.output import print_diagnostics, print_json
    from dispatcher.core.errors import CampaignError

    if as_json:
        print_json({"error": error.as_dict()})
    elif isinstance(error, CampaignError):
        print_diagnostics(error.diagnostics)
    else:
        _tell(f"Error: {error.message}")
        if error.hint:
            _tell(f"  {error.hint}")
    return error.exit_code


def _report_usage(error: typer.TyperException, *, as_json: bool) -> int:
    if as_json:
        from dispatcher.cli.output import print_json

        print_json({"error": {"code": "usage", "message": error.format_message(), "hint": "See --help."}})
    else:
        getattr(error, "show", lambda: _tell(f"Error: {error}"))()
    return 2


def _tell_where(error: Exception) -> None:
    """A traceback without messages: those of libraries quote numbers, names and texts (invariant 12)."""
    import traceback

    for one in (error, error.__cause__ or error.__context__):
        if one is not None:
            _tell(f"{type(one).__name__}\n{''.join(traceback.format_tb(one.__traceback__))}")


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
        _tell(f"Error: {message}\n  {hint}")
    return 1
