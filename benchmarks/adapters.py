"""What the HTTP adapters cost: messages a second of `channel.send`, against pyreqwest alone with the same bytes.

python -m benchmarks.adapters [MESSAGES] [--rounds 5]

64 at a time over the engine's pooled client. Bare: requests made beforehand, `builder … build().send()`, the answer's
status looked at. Both ask the same server, another process: the carrier simulator in its bare mode, and for the gateway
one that gives Zenziva's answer. They take turns, and the best of each counts. The CPU of this process a message says
how much of a ratio is hidden where the server is what is slow. Wanted: at least 0.70 of what is done bare.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple

import uvloop
from pyreqwest.client import Client, ClientBuilder

from benchmarks.figures import keep
from dispatcher import __version__
from dispatcher.spi import Accepted, Channel, HttpResponse, NotSentError, OutboundMessage, PooledClient, Template
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.carrier.http1 import Connection, Request
from dispatcher.testing.carrier.options import ACCESS_TOKEN, APP_SECRET, BUSINESS_ACCOUNT_ID, PHONE_NUMBER_ID
from dispatcher.testing.synthetic import synthetic_contacts, synthetic_e164
from dispatcher_channels.http_gateway import HttpGatewayChannel
from dispatcher_channels.twilio import TwilioSmsChannel
from dispatcher_channels.whatsapp_cloud import WhatsappCloudChannel

CONNECTIONS = 64
WANTED = 0.70
ZENZIVA = b'{"messageId": 415677, "to": "081234567890", "status": "1", "text": "Success", "cost": 240}'


class Wire(NamedTuple):
    """A request as it leaves."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Recorder:
    """An `HttpClient` that keeps the request and sends nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.requests: list[Wire] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        assert form is None
        builder = self._client.request(method, url).headers(dict(headers or {}))
        built = (builder.body_json(json) if body is None else builder.body_bytes(body)).build()
        assert built.body is not None
        self.requests.append(Wire(method, url, dict(built.headers), bytes(built.body.copy_bytes() or b"")))
        raise NotSentError("kept")


class Turn(NamedTuple):
    per_second: float
    cpu_us: float


class Contest(NamedTuple):
    name: str
    make: Callable[[Any], Channel[Any]]
    messages: list[OutboundMessage]


async def spread(count: int, one: Callable[[int], Awaitable[None]]) -> Turn:
    """So many under way at a time."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await one(number)

    cpu_s, started_s = time.process_time(), time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(CONNECTIONS)))
    return Turn(count / (time.perf_counter() - started_s), (time.process_time() - cpu_s) / count * 1e6)


async def ours(contest: Contest, http: PooledClient) -> Turn:
    channel = contest.make(http)

    async def one(number: int) -> None:
        assert isinstance(await channel.send(contest.messages[number]), Accepted)

    return await spread(len(contest.messages), one)


async def bare(wires: list[Wire], client: Client) -> Turn:
    async def one(number: int) -> None:
        wire = wires[number]
        request = client.request(wire.method, wire.url).headers(wire.headers).body_bytes(wire.body).build()
        assert (await request.send()).status < 300

    return await spread(len(wires), one)


async def recorded(contest: Contest, client: Client) -> list[Wire]:
    recorder = Recorder(client)
    channel = contest.make(recorder)
    for message in contest.messages:
        try:
            await channel.send(message)
        except NotSentError:
            continue
    assert len(recorder.requests) == len(contest.messages)
    return recorder.requests


def bare_client() -> Client:
    """It says of itself what ours says: the bytes are the same."""
    plain = ClientBuilder().http1_only().no_proxy().gzip(False).brotli(False).zstd(False).deflate(False)
    return plain.user_agent(f"dispatcher/{__version__}").build()


async def measure(contests: list[Contest], rounds: int) -> int:
    http = PooledClient()
    found: dict[str, tuple[list[Turn], list[Turn]]] = {contest.name: ([], []) for contest in contests}
    async with bare_client() as client:
        wires = {contest.name: await recorded(contest, client) for contest in contests}
        for _, contest in itertools.product(range(rounds), contests):
            found[contest.name][0].append(await bare(wires[contest.name], client))
            found[contest.name][1].append(await ours(contest, http))
    await http.close()
    return sum([not told(name, *turns) for name, turns in found.items()])


def told(name: str, theirs: list[Turn], mine: list[Turn]) -> bool:
    """Print the best of each; False where ours is too slow."""
    base, best = max(theirs), max(mine)
    base_us, best_us = min(turn.cpu_us for turn in theirs), min(turn.cpu_us for turn in mine)
    ratio = best.per_second / base.per_second
    print(
        f"{name:<24} bare {base.per_second:7,.0f}/s {base_us:4.0f} µs of CPU   "
        f"adapter {best.per_second:7,.0f}/s {best_us:4.0f} µs   ratio {ratio:.2f}, of CPU {base_us / best_us:.2f}"
    )
    keep(f"adapter {name}", ratio=ratio, per_s=best.per_second)
    return ratio >= WANTED


def contests_at(carrier: CarrierProcess, gateway: str, count: int) -> list[Contest]:
    names = [contact["nama"] for contact in synthetic_contacts(count)]
    texts = [
        f"Yth. {name}, pemungutan suara berlangsung Rabu, 14 Februari pukul 07.00-13.00 WIB di TPS Anda."
        for name in names
    ]
    calls = [f"https://kesbangpol.example/hooks/a?m={number}.1" for number in range(count)]
    sms = [OutboundMessage(f"{n}.1", synthetic_e164(n), texts[n], None, calls[n], 86_400) for n in range(count)]
    templates = [Template("undangan", "id", {"nama": name, "tempat": "Balai RW 007"}) for name in names]
    whatsapp = [OutboundMessage(f"{n}.1", synthetic_e164(n), None, templates[n]) for n in range(count)]
    twilio = {"account_sid": carrier.account_sid, "auth_token": carrier.auth_token, "from": "+6281100000000"}
    meta = {
        "phone_number_id": PHONE_NUMBER_ID, "business_account_id": BUSINESS_ACCOUNT_ID, "access_token": ACCESS_TOKEN,
        "app_secret": APP_SECRET, "verify_token": "x", "base_url": carrier.url,
    }  # fmt: skip
    zenziva = {"gateway": "zenziva", "base_url": gateway, "credentials": {"userkey": "u", "passkey": "p"}}
    return [
        contest("twilio-sms", TwilioSmsChannel, {**twilio, "base_url": carrier.url}, sms),
        contest("whatsapp-cloud", WhatsappCloudChannel, meta, whatsapp),
        contest("http-gateway (zenziva)", HttpGatewayChannel, {**zenziva, "from": "PEMDA"}, sms),
    ]


def contest(name: str, channel: type[Channel[Any]], settings: object, messages: list[OutboundMessage]) -> Contest:
    config = channel.Config.model_validate(settings)
    return Contest(name, lambda http: channel(config, http), messages)


def zenziva(ready: Pipe) -> None:
    async def serve() -> None:
        def handle(request: Request) -> None:
            request.answer(201, ZENZIVA)

        server = await asyncio.get_running_loop().create_server(lambda: Connection(handle), "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


@contextmanager
def gateway() -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ready, theirs = context.Pipe()
    process = context.Process(target=zenziva, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ready.recv()}"
    finally:
        process.terminate()
        process.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("messages", type=int, nargs="?", default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with CarrierProcess(CarrierOptions(bare=True)) as carrier, gateway() as url:
        return min(1, uvloop.run(measure(contests_at(carrier, url, arguments.messages), arguments.rounds)))


if __name__ == "__main__":
    sys.exit(main())
