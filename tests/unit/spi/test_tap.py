"""What a send said and heard is its own, however many are under way."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from dispatcher.spi import AmbiguousError, NotSentError, PooledClient
from dispatcher.spi.tap import MOST_EXCHANGES, Exchange, Tap
from dispatcher.testing import rawserver as raw
from dispatcher.testing.rawserver import Connection, RawServer

AT_ONCE = 64


async def each_its_own(connection: Connection) -> None:
    """Answers late and in any order, by what was asked; some not at all."""
    request = await connection.read_request()
    number = json.loads(request.body)["number"]
    await asyncio.sleep(random.Random(number).random() / 50)
    if number % 4 == 3:
        connection.reset()
        return
    body = json.dumps({"number": number}).encode()
    await connection.write(raw.head((200, 400, 500)[number % 4], len(body)) + body)


def test_sends_never_mix() -> None:
    async def send(tap: Tap, url: str, number: int) -> list[Exchange]:
        task = asyncio.current_task()
        assert task is not None
        tap.begin(task)
        try:
            for _ in range(2):
                await tap.request("POST", f"{url}/{number}", json={"number": number})
        except AmbiguousError:
            pass
        return tap.end(task)

    async def scenario() -> list[list[Exchange]]:
        async with RawServer(each_its_own) as server:
            client = PooledClient()
            tap = Tap(client)
            try:
                said = await asyncio.gather(*(send(tap, server.url, number) for number in range(4 * AT_ONCE)))
                assert tap._sends == {}
                return said
            finally:
                await client.close()

    for number, said in enumerate(asyncio.run(scenario())):
        assert len(said) == (1 if number % 4 == 3 else 2)
        for exchange in said:
            assert exchange.json == {"number": number}
            assert exchange.url.endswith(f"/{number}")
            assert exchange.ended_s is not None
            if number % 4 == 3:
                assert exchange.answer is None
                assert exchange.failure
            else:
                assert exchange.answer is not None
                assert exchange.answer.status == (200, 400, 500)[number % 4]
                assert exchange.answer.object() == {"number": number}


def test_outside_a_send_nothing_is_remembered() -> None:
    """A look-up, a check, or what a channel asks from a task of its own: it may outlive the send that began it."""

    async def scenario() -> list[Exchange]:
        async with RawServer(raw.answer(200, b"{}")) as server:
            client = PooledClient()
            tap, task = Tap(client), asyncio.current_task()
            assert task is not None
            await tap.request("GET", server.url)
            tap.note("bind", {}, {})
            tap.begin(task)
            await asyncio.create_task(tap.request("GET", server.url))
            said = tap.end(task)
            await client.close()
            return said

    assert asyncio.run(scenario()) == []


def test_a_send_that_asks_on_and_on_is_remembered_in_part() -> None:
    async def scenario() -> list[Exchange]:
        client = PooledClient()
        tap, task = Tap(client), asyncio.current_task()
        assert task is not None
        tap.begin(task)
        with raw.refusing_port() as port:
            for _ in range(MOST_EXCHANGES + 3):
                with pytest.raises(NotSentError):
                    await tap.request("GET", f"http://127.0.0.1:{port}")
                tap.note("pdu", {}, {})
        await client.close()
        return tap.end(task)

    assert len(asyncio.run(scenario())) == MOST_EXCHANGES


def test_an_exchange_shows_nothing_of_itself() -> None:
    exchange = Exchange("POST", "http://a/+6281234567890", {"a": "b"}, {"To": "+6281234567890"}, body=b"+6281234567890")
    assert "628" not in repr(exchange)
