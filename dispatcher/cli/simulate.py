"""`dispatcher simulate`: the carrier in a box, as a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Loopback, unless you mean it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 8801,
    smpp_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Where an SMS centre answers too, as in --smpp-port 2775.")
    ] = None,
    ledger: Annotated[Path | None, typer.Option(help="Where to keep what was accepted.")] = None,
    behaviour: Annotated[Path | None, typer.Option(help="How it behaves: a JSON file.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="One setting, as in --set failure=0.1")] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Accept everything, call nobody back.")] = False,
) -> None:
    """Speak Twilio's and Meta's APIs and SMPP on this machine: receipts, failures by reason, faults, replies, a ledger.

    Prints one line of JSON when it is ready. No message leaves the machine.
    """
    from dispatcher.testing.carrier.__main__ import options_from, run

    arguments = [f"--host={host}", f"--port={port}", *(f"--set={change}" for change in changes or ())]
    if smpp_port is not None:
        arguments.append(f"--smpp-port={smpp_port}")
    if ledger:
        arguments.append(f"--ledger={ledger}")
    if behaviour:
        arguments.append(f"--behaviour={behaviour}")
    run(options_from([*arguments, *(["--bare"] if bare else [])]))
