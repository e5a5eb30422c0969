"""`dispatcher up`: everything in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatcher.cli.output import connect_context, say

if TYPE_CHECKING:
    import asyncio

    from dispatcher.operations.context import Context
    from dispatcher.queue.embedded import EmbeddedWorkers

app = typer.Typer(add_completion=False)


@app.command()
def up(
    host: Annotated[str, typer.Option(help="Where the web listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 8000,
) -> None:
    """Run the web, the workers and the clock until Ctrl-C or SIGTERM; what was begun is finished.

    Logs are lines of JSON on stderr.
    """
    import uvloop

    from dispatcher.operations.doctor_senders import public_url
    from dispatcher.operations.logs import set_up_logs
    from dispatcher.operations.senders import idle_rates, sync_senders
    from dispatcher.store.senders import sender_rows

    set_up_logs()
    context = connect_context()
    sync_senders(context)
    for finding in public_url(context.environment, excuse_gone=False):
        if not finding.ok:
            say(f"The public URL is {finding.detail}. {finding.fix}")
    with context.database.read() as connection:
        idle = idle_rates(context.settings, sender_rows(connection))
    for one in idle:
        say(str(one))
    uvloop.run(_run(context, host, port))


async def _run(context: Context, host: str, port: int) -> None:
    import asyncio

    from dispatcher.queue.embedded import EmbeddedWorkers
    from dispatcher.web.server import serve

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    with EmbeddedWorkers(context, failed=lambda: loop.call_soon_threadsafe(stop.set)) as workers:
        say("Workers and clock are running. Ctrl-C stops them; nothing is lost.")
        ending = asyncio.create_task(_end_with(workers, stop))
        try:
            await serve(context, host, port, lambda bound: say(f"Listening on http://{host}:{bound}"), stop)
        finally:
            ending.cancel()
    workers.check()


async def _end_with(workers: EmbeddedWorkers, stop: asyncio.Event) -> None:
    """At the same time as the web, so that one does not use up the other's grace."""
    await stop.wait()
    workers.stop()
