"""dispatcher keys: where the installation's secrets are kept, and their prints. Never the secrets."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from dispatcher.cli.output import JsonFlag, print_json, print_table, say

_SECRET = "DISPATCHER_SECRET_KEY"  # noqa: S105  the name of a variable
_SUPPRESSION = "DISPATCHER_SUPPRESSION_KEY"

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The installation's keys and their prints.")


@app.callback()
def keys() -> None:
    """The installation's keys and their prints."""


@app.command()
def show(as_json: JsonFlag = False) -> None:
    """Print each key's print, which tells keys apart without revealing them, and where the key is kept."""
    from dispatcher.settings import Environment
    from dispatcher.store.keys import load_keys

    environment = Environment()
    secret = environment.get(_SECRET)
    suppression = environment.get(_SUPPRESSION)
    found = load_keys(secret, suppression, environment.state_dir)
    rows = [
        ("secret", found.secret_print, _place(_SECRET, secret, environment.state_dir / "secret.key")),
        (
            "suppression",
            found.suppression_print,
            _place(_SUPPRESSION, suppression, environment.state_dir / "suppression.key"),
        ),
    ]
    if as_json:
        print_json([{"key": name, "print": mark, "kept": place} for name, mark, place in rows])
        return
    print_table(("key", "print", "kept in"), rows)
    say("Back both up, apart from the database: without them nothing sealed opens, and refusals are forgotten.")


def _place(name: str, value: str | None, file: Path) -> str:
    """The variable, the file that NAME_FILE names, or the one in the state folder."""
    if not value:
        return str(file)
    return name if os.environ.get(name) else os.environ[f"{name}_FILE"]
