"""The recipient's page against a bare page of the web framework, in the same run: at most three times its cost.

python -m benchmarks.page [REQUESTS] [--connections 50] [--profile FILE]

Both run on uvicorn in a process of their own and are asked over kept connections. Ours looks each link up in SQL; every
request is for another person, first before anyone has answered, then by people who come and are shown their code.
Each is measured in rounds, one after the other, and compared by the best of its rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import insert, select

from benchmarks.figures import keep
from benchmarks.place import applied_campaign, installation
from benchmarks.receipts import process, serve_ours
from dispatcher.operations.context import Context
from dispatcher.operations.expand import Expander
from dispatcher.render.personal import new_token
from dispatcher.store.links import Link, store_links
from dispatcher.store.tables import messages, session_people, sessions, steps
from tests.servers import free_port

ROUNDS = 6
PAGE = "<!doctype html><title>Halaman</title><p>Halaman"
PHONE = "Mozilla/5.0 (Linux; Android 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0 Mobile Safari/537.36"
WANTED = 3.0


class Measured(NamedTuple):
    """Pages a second: the framework's bare one, ours, and ours with a code for the door."""

    bare: float
    first: float
    coming: float


def serve_bare(ready: Any, port: int) -> None:
    import uvicorn
    import uvloop
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import Route

    async def page(_: Request) -> Response:
        return HTMLResponse(PAGE)

    app = Starlette(routes=[Route("/l/{token}", page)])
    config = uvicorn.Config(app, port=port, log_config=None, access_log=False, lifespan="off", http="httptools")
    server = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        ready.set()
        await serving

    uvloop.run(run())


async def get_all(url: str, paths: Sequence[str], connections: int) -> float:
    """Pages a second."""
    from pyreqwest.client import ClientBuilder

    async with ClientBuilder().no_proxy().build() as client:
        waiting = iter(paths)

        async def drain() -> None:
            for path in waiting:
                answer = await client.get(url + path).header("user-agent", PHONE).build().send()
                if answer.status != 200:
                    raise RuntimeError(f"answered with {answer.status}")
                await answer.bytes()

        started = time.perf_counter()
        await asyncio.gather(*(drain() for _ in range(connections)))
        return len(paths) / (time.perf_counter() - started)


def measure(port: int, paths: Sequence[str], connections: int) -> float:
    import uvloop

    return uvloop.run(get_all(f"http://127.0.0.1:{port}", paths, connections))


def compare(count: int, connections: int, *, postgres: bool, profile: str = "") -> Measured:
    bare_port, port = free_port(), free_port()
    with installation(postgres=postgres, public_url="https://kspl.example") as (context, environ):
        tokens = _linked(context, count)
        first, coming = ([f"/l/{token}" for token in half] for half in (tokens[: count // 2], tokens[count // 2 :]))
        rates: list[Measured] = []
        with process(serve_bare, bare_port), process(serve_ours, environ, port, profile):
            for _ in range(ROUNDS):
                bare = measure(bare_port, first, connections)
                ours = measure(port, first, connections)
                rates.append(Measured(bare, ours, measure(port, coming, connections)))
    return Measured(*(max(column) for column in zip(*rates, strict=True)))


def _linked(context: Context, count: int) -> list[str]:
    """So many people with a link to a session each; the later half comes."""
    applied_campaign(context, count)
    with context.database.read() as connection:
        step = connection.execute(select(steps)).one()
    Expander(context).expand(step.id)
    now_us = context.now_us()
    with context.database.begin() as connection:
        day_us = 86_400_000_000
        about = {"slug": "pagi", "title": "Kelas Pemilu", "place": "Balai Kota", "address": "Jl. Merdeka Selatan 8"}
        connection.execute(insert(sessions).values(**about, starts_us=now_us + day_us, updated_us=now_us))
        connection.execute(steps.update().values(occasion="pagi"))
        rows = connection.execute(select(messages.c.id, messages.c.contact_id, messages.c.cell_id)).all()
        tokens = [new_token() for _ in rows]
        hashed = zip(map(context.keys.hash_link, tokens), rows, strict=True)
        store_links(
            connection,
            [
                Link(h, row.id, step.id, step.campaign_id, row.contact_id, row.cell_id, now_us + day_us)
                for h, row in hashed
            ],
        )
        coming = [{"session_slug": "pagi", "contact_id": row.contact_id, "rsvp": "yes"} for row in rows[count // 2 :]]
        connection.execute(insert(session_people), coming)
    return tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", type=int, nargs="?", default=10_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--profile", default="", help="Where to write cProfile's figures of the web process.")
    parser.add_argument("--sqlite", action="store_true", help="Not on Postgres.")
    arguments = parser.parse_args()
    if arguments.profile:
        Path(arguments.profile).parent.mkdir(parents=True, exist_ok=True)
    for name, postgres in (("SQLite", False), *(() if arguments.sqlite else (("Postgres", True),))):
        got = compare(arguments.requests, arguments.connections, postgres=postgres, profile=arguments.profile)
        keep(f"page {name}", first_times=got.bare / got.first, coming_times=got.bare / got.coming)
        print(f"bare page of the framework     {got.bare:>8,.0f} pages/s")
        for what, rate in (("page", got.first), ("page with a door code", got.coming)):
            print(f"{what}, {name:<12}{'':<{max(0, 16 - len(what))}} {rate:>8,.0f} pages/s", end="")
            print(f"   {got.bare / rate:.2f} times the cost (wanted: at most {WANTED:g})")


if __name__ == "__main__":
    main()
