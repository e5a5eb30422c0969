"""dispatcher channel: channels that are installed, senders that are configured."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from dispatcher.cli.output import JsonFlag, WhoOption, connect_context, print_json, print_table, say

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Channels and senders: list, check, send a test, set the rate."
)

Name = Annotated[str, typer.Argument(metavar="SENDER", help="A sender of dispatcher.yaml.")]


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """Channels, where they come from, and the senders on them."""
    from dispatcher.operations.sender_control import list_channels

    found = list_channels(connect_context())
    if as_json:
        print_json(found)
        return
    rows = [(c["name"], c["version"], c["origin"], _abilities(c)) for c in found]
    print_table(("channel", "version", "from", "can"), rows)
    senders = [(s, c["name"]) for c in found for s in c["senders"]]
    print()
    print_table(
        ("sender", "channel", "rate", "state"),
        [(s["name"], channel, _rate(s), _state(s)) for s, channel in senders],
    )
    for sender, _ in senders:
        if sender["note"]:
            say(sender["note"])


def _abilities(channel: dict[str, Any]) -> str:
    able = channel["capabilities"]
    if able is None:
        return f"does not load: {channel['error']}"
    words = [able["media"], f"receipts {able['receipts']}"]
    return ", ".join(words + [name for name in ("inbound", "templates", "lookup", "deduplicates") if able[name]])


def _rate(sender: dict[str, Any]) -> str:
    per_s = sender["rate_per_s"]
    return f"{per_s:g} {sender['rate_unit']}s/s" if per_s else "no limit"


def _state(sender: dict[str, Any]) -> str:
    if sender.get("problem"):
        return str(sender["problem"])
    return f"paused: {sender['pause_reason']}" if sender["paused"] else "ready"


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="[SENDER]", help="One sender; all by default.")] = "",
    as_json: JsonFlag = False,
) -> int:
    """Credentials, templates, balance: asks the providers. Exit code 7: something is wrong."""
    from dispatcher.operations.sender_control import check_senders

    found = check_senders(connect_context(), name)
    if as_json:
        print_json(found)
    else:
        rows = [(c["sender"], c["check"], "ok" if c["ok"] else "WRONG", c["detail"], c["fix"]) for c in found]
        print_table(("sender", "check", "", "", "what to do"), rows)
    return 0 if all(line["ok"] for line in found) else 7


@app.command("send-test")
def send_test(
    name: Name,
    to: Annotated[str, typer.Option(help='A number of your own; "-" reads it from stdin.')],
    text: Annotated[str, typer.Option(help="What it says.")],
    by: WhoOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Send one message outside any campaign."""
    from dispatcher.operations.sender_control import send_test as send

    number = sys.stdin.readline().strip() if to == "-" else to
    outcome = send(connect_context(), name, number, text, by)
    if as_json:
        print_json(outcome)
    else:
        say(f"{name} took it{': ' + ', '.join(outcome['provider_ids']) if outcome['provider_ids'] else ''}.")


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What `channel:` says in dispatcher.yaml.")],
    folder: Annotated[str, typer.Option(help="Where; default dispatcher-NAME.", metavar="FOLDER")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write a package for a channel of your own, with its tests."""
    from pathlib import Path

    from dispatcher.operations.channels import Channels
    from dispatcher.operations.new_channel import new_channel

    written = [str(path) for path in new_channel(name, Path(folder) if folder else None, Channels().names)]
    if as_json:
        print_json({"name": name, "files": written})
        return
    for path in written:
        print(path)
    say(f'Go on there: pip install -e ".[dev]" and pytest; then `channel: {name}` works in dispatcher.yaml.')


@app.command("set")
def set_(
    name: Name,
    rate: Annotated[str, typer.Option(help='How fast it may go: "80 msg/s", "80 seg/s", or "none".')] = "",
    pause: Annotated[bool, typer.Option("--pause", help="Send nothing through it.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Send through it again.")] = False,
    reason: Annotated[str, typer.Option(help="Why it is paused.")] = "",
    by: WhoOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Change a sender while campaigns run; holds at once, for all workers."""
    from dispatcher.core.errors import UsageError
    from dispatcher.operations import sender_control

    if (pause and resume) or not (rate or pause or resume):
        raise UsageError("option", "say one thing to change", "--rate, --pause or --resume")
    context = connect_context()
    outcome: dict[str, Any] = {}
    if rate:
        outcome = sender_control.set_rate(context, name, rate, by)
    if pause:
        outcome = sender_control.pause(context, name, reason, by)
    elif resume:
        outcome = sender_control.resume(context, name, by)
    if as_json:
        print_json(outcome)
    else:
        say(f"{name}: {_rate(outcome)}, {_state(outcome)}.")
