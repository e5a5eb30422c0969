"""`dispatcher web`: the web alone."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.output import connect_context, say

app = typer.Typer(add_completion=False)


@app.command()
def web(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 8000,
) -> None:
    """Take in what providers say (/hooks), and tell how it is (/healthz, /readyz, /metrics).

    SIGTERM ends it in order: every call that came is answered. Logs are lines of JSON on stderr.
    """
    import uvloop

    from dispatcher.operations.logs import set_up_logs
    from dispatcher.operations.senders import sync_senders
    from dispatcher.web.server import serve

    set_up_logs()
    context = connect_context()
    sync_senders(context)
    uvloop.run(serve(context, host, port, lambda bound: say(f"Listening on http://{host}:{bound}")))
