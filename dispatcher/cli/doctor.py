"""dispatcher doctor: what is missing or broken, and the fix."""

from __future__ import annotations

from dataclasses import asdict

import typer

from dispatcher.cli.output import JsonFlag, print_json, print_table

app = typer.Typer(add_completion=False, help="What is missing or broken, and how to mend it.")


@app.command()
def doctor(as_json: JsonFlag = False) -> int:
    """Look at everything and change nothing. Exit code 5: something is not as it should be."""
    from dispatcher.operations.doctor import examine
    from dispatcher.settings import Environment

    found = examine(Environment())
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        rows = [(f.check, "ok" if f.ok else "WRONG", f.detail, f.fix) for f in found]
        print_table(("check", "", "", "what to do"), rows)
    return 0 if all(finding.ok for finding in found) else 5
