"""Posting to webhooks over kept connections: every way in which an answer comes, or does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dispatcher.testing.carrier import poster
from dispatcher.testing.carrier.poster import Poster

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Answer = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


class Hook:
    """A server that answers its n-th request over all connections as `answer` says."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.connections = 0
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                await self._answer(len(self.requests), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def _posted(answer: Answer, times: int = 2) -> tuple[list[int | None], Hook]:
    async def main() -> tuple[list[int | None], Hook]:
        hook, client = Hook(answer), Poster("Carrier/1")
        server = await asyncio.start_server(hook, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/sms?m=1.1"
        found = [await client.post(url, {"X-Sign": "s"}, b"a=b") for _ in range(times)]
        client.close()
        server.close()
        return found, hook

    return asyncio.run(asyncio.wait_for(main(), 20))


def says(*answers: bytes) -> Answer:
    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(number, len(answers)) - 1])

    return answer


@pytest.mark.parametrize(
    ("answer", "status", "connections"),
    [
        (OK, 204, 1),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, 1),
        (b"HTTP/1.1 503 Away\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 503, 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 204, 1),
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, 2),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 2),
    ],
    ids=["empty", "sized", "chunked", "continue", "closing", "old"],
)
def test_a_connection_is_kept_where_the_receiver_keeps_it(answer: bytes, status: int, connections: int) -> None:
    found, hook = _posted(says(answer))
    assert found == [status, status]
    assert hook.connections == connections
    assert hook.requests[0].startswith(b"POST /hooks/sms?m=1.1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Sign: s\r\n" in hook.requests[0]
    assert hook.requests[0].endswith(b"\r\n\r\na=b")


async def _cut(number: int, writer: asyncio.StreamWriter) -> None:
    writer.write(OK if number != 2 else b"")
    if number == 2:
        writer.close()


async def _half(number: int, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    writer.close()


def test_a_kept_connection_that_was_just_closed_is_replaced() -> None:
    found, hook = _posted(_cut)
    assert found == [204, 204]
    assert hook.connections == 2


@pytest.mark.parametrize("answer", [_half, says(b"nonsense\r\n\r\n")], ids=["half", "nonsense"])
def test_what_is_no_whole_answer_is_none(answer: Answer) -> None:
    found, hook = _posted(answer)
    assert found == [None, None]
    assert len(hook.requests) == 2


def test_silence_ends_in_time_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poster, "TIMEOUT_S", 0.2)
    found, hook = _posted(says(b"", OK))
    assert found == [None, 204]
    assert hook.connections == 2


def test_nobody_listens() -> None:
    assert asyncio.run(Poster("Carrier/1").post("http://127.0.0.1:1/hooks", {}, b"")) is None
