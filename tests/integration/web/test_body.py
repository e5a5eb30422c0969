"""Bodies that never end, end early, or come all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from dispatcher.web.body import MAX_BODY, BodyError, BodyReader


def read(messages: Iterable[dict[str, Any]], headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """What comes of these messages, after which nothing comes any more."""
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        for message in waiting:
            return message
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    return asyncio.run(BodyReader(timeout_s=0.05).read({"headers": list(headers)}, receive))


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_pieces() -> None:
    assert read([part(b"a"), part(b""), part(b"b", more=False)]) == b"ab"


def test_a_body_of_the_largest_size() -> None:
    assert len(read([part(b"x" * MAX_BODY, more=False)])) == MAX_BODY


@pytest.mark.parametrize(
    ("messages", "headers", "status"),
    [
        ([part(b"a")], [], 408),
        ([], [], 408),
        ([part(b"a"), {"type": "http.disconnect"}], [], 0),
        ([part(b"x" * MAX_BODY), part(b"x")], [], 413),
        ([part(b"x" * (MAX_BODY + 1), more=False)], [], 413),
        ([], [(b"content-length", b"%d" % (MAX_BODY + 1))], 413),
    ],
)
def test_why_there_is_no_body(messages: list[dict[str, Any]], headers: list[tuple[bytes, bytes]], status: int) -> None:
    with pytest.raises(BodyError) as refused:
        read(messages, headers)
    assert refused.value.status == status


def test_many_large_bodies_at_once_are_refused() -> None:
    async def all_of_them() -> list[Any]:
        reader, gate = BodyReader(), asyncio.Event()

        async def one() -> bytes:
            sent = iter([part(b"x" * MAX_BODY)])

            async def receive() -> dict[str, Any]:
                for message in sent:
                    return message
                await gate.wait()
                return part(b"", more=False)

            return await reader.read({"headers": []}, receive)

        reads = [asyncio.ensure_future(one()) for _ in range(70)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gate.set()
        held = await asyncio.gather(*reads, return_exceptions=True)
        return [*held, await one()]

    *held, after = asyncio.run(all_of_them())
    assert [body.status for body in held if isinstance(body, BodyError)] == [503] * 6
    assert len(after) == MAX_BODY
