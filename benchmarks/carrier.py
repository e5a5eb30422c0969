"""Creates a second that the carrier simulator takes, from a bare pyreqwest loop on the same machine.

    python benchmarks/carrier.py [--creates 50000] [--connections 50]

Three modes: bare (no fate, no callbacks), quiet (a fate and a ledger line for each status, no callback URL), and with
two callbacks a message to a webhook that answers 204 in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import psutil
import uvloop
from pyreqwest.client import Client, ClientBuilder

from dispatcher.testing.carrier import Behaviour, CarrierOptions, CarrierProcess
from dispatcher.testing.carrier.http1 import Connection, Request
from dispatcher.testing.synthetic import synthetic_e164

TEXT = "Bapak/Ibu yang terhormat, pemungutan suara berlangsung Rabu, 14 Februari pukul 07.00-13.00 WIB di TPS Anda."
SOON = Behaviour(sent_after_ms=(1, 5), delivered_after_ms=(1, 5))


def bodies(n: int, hook: str) -> Iterator[bytes]:
    for i in range(n):
        form = {"To": synthetic_e164(i), "From": "+6281100000000", "Body": TEXT}
        if hook:
            form["StatusCallback"] = f"{hook}/hooks/sms?m={i}.1"
        yield urlencode(form).encode()


async def create_all(carrier: CarrierProcess, forms: Iterator[bytes], connections: int) -> None:
    url = f"{carrier.url}/2010-04-01/Accounts/{carrier.account_sid}/Messages.json"
    token = b64encode(f"{carrier.account_sid}:{carrier.auth_token}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/x-www-form-urlencoded"}

    async def loop(client: Client) -> None:
        for form in forms:
            answer = await client.post(url).headers(headers).body_bytes(form).build().send()
            assert answer.status == 201

    async with ClientBuilder().no_proxy().timeout(timedelta(seconds=30)).build() as client:
        await asyncio.gather(*(loop(client) for _ in range(connections)))


async def measure(name: str, options: CarrierOptions, arguments: argparse.Namespace, *, called_back: bool) -> None:
    n: int = arguments.creates
    seen = 0

    def hook(request: Request) -> None:
        nonlocal seen
        seen += 1
        request.answer(204, b"")

    server = await asyncio.get_running_loop().create_server(lambda: Connection(hook), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    forms = list(bodies(n, f"http://127.0.0.1:{port}" if called_back else ""))
    with CarrierProcess(options) as carrier:
        process = psutil.Process(carrier.pid)
        before_s, started_s = sum(process.cpu_times()[:2]), time.perf_counter()
        await create_all(carrier, iter(forms), arguments.connections)
        created_s = time.perf_counter() - started_s
        while called_back and seen < 2 * n:
            await asyncio.sleep(0.05)
        spent_s, cpu_s = time.perf_counter() - started_s, sum(process.cpu_times()[:2]) - before_s
        rss = process.memory_info().rss / 2**20
    server.close()
    receipts = f"  {seen / spent_s:7,.0f} callbacks/s" if called_back else ""
    print(
        f"{name:15} {n / created_s:7,.0f} creates/s  {cpu_s / n * 1e6:5.0f} µs of the carrier's CPU a message  "
        f"{rss:5.0f} MiB{receipts}"
    )


async def run(arguments: argparse.Namespace) -> None:
    await measure("bare", CarrierOptions(bare=True), arguments, called_back=False)
    await measure("quiet", CarrierOptions(behaviour=SOON), arguments, called_back=False)
    await measure("two callbacks", CarrierOptions(behaviour=SOON), arguments, called_back=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--creates", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=50)
    uvloop.run(run(parser.parse_args()))
