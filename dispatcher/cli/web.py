"""`dispatcher web`: the web alone."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.output import connect_context, say

app = typer.Typer()


@app.command()
def web(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one.")] = 8000,
) -> None:
    """Take in what providers say (/hooks), and tell how it is (/healthz, /readyz, /metrics)."""
    import uvloop

    from dispatcher.web.server import serve

    context = connect_context()
    uvloop.run(serve(context, host, port, lambda bound: say(f"Listening on http://{host}:{bound}")))
