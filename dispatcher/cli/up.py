"""`dispatcher up`: everything in one process."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.output import connect_context, say

app = typer.Typer(add_completion=False)


@app.command()
def up(
    host: Annotated[str, typer.Option(help="Where the web listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one.")] = 8000,
) -> None:
    """Run the web, the workers and the clock until Ctrl-C or SIGTERM; what was begun is finished."""
    import uvloop

    from dispatcher.operations.senders import sync_senders
    from dispatcher.queue.embedded import EmbeddedWorkers
    from dispatcher.web.server import serve

    context = connect_context()
    sync_senders(context)
    with EmbeddedWorkers(context) as workers:
        say("Workers and clock are running. Ctrl-C stops them; nothing is lost.")
        uvloop.run(serve(context, host, port, lambda bound: say(f"Listening on http://{host}:{bound}")))
        workers.check()
