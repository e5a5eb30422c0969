"""Channels that send over HTTP, against a provider that misbehaves (invariants 4 and 5)."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from dispatcher.spi import Accepted, Ambiguous, Misconfigured, NotSent, Outcome, Throttled
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance.base import Contract, outcome_of, run
from dispatcher.testing.rawserver import Behaviour, RawServer

UNREADABLE: Final[dict[str, bytes]] = {
    "empty": b"",
    "html": b"<!doctype html><title>Welcome</title>",
    "half-json": b'{"status": "que',
    "other-json": b'["accepted"]',
    "null": b"null",
    "not-utf8": b'{"x": "\xff\xfe"}',
    "deep-json": b"[" * 200_000,
}

AMBIGUOUS: Final[dict[str, Behaviour]] = {
    "reset-before-reading": raw.reset_before_reading,
    "closed-after-reading": raw.close_after_reading,
    "reset-after-reading": raw.reset_after_reading,
    "silent-after-reading": raw.silent,
    "half-a-head": raw.raw(b"HTTP/1.1 201 Created\r\ncontent-le"),
    "half-an-answer": raw.raw(raw.head(201, 500) + b'{"sid": "1"'),
    "half-an-answer-then-silence": raw.raw(raw.head(201, 500) + b'{"sid": "1"', close=False),
    "no-http": raw.raw(b"220 mail.example.org ESMTP\r\n\r\n"),
    "slow-body": raw.dripping(b" " * 100, 0.02),
    "huge-answer": raw.huge,
    "500": raw.answer(500, b'{"code": 20500}'),
    "502": raw.answer(502, b"<h1>Bad gateway</h1>"),
    "503": raw.answer(503, b"", {"retry-after": "1"}),
}

IMPATIENT: Final = {"total_s": 0.4, "connect_s": 0.2}
"""For a provider that does not answer. Where one does, a busy machine may take longer than that."""

REDIRECTS: Final = (301, 302, 303, 307, 308)


class HttpChannel(Contract):
    @pytest.mark.parametrize("name", AMBIGUOUS)
    def test_an_end_that_nobody_knows_is_ambiguous(self, name: str) -> None:
        outcome, asked = run(self._ask(AMBIGUOUS[name], **IMPATIENT))
        assert isinstance(outcome, Ambiguous)
        assert asked <= 1, "the request was repeated"

    @pytest.mark.parametrize("name", UNREADABLE)
    def test_a_yes_that_cannot_be_read_is_ambiguous(self, name: str) -> None:
        assert self.accepted is not None
        outcome, _ = run(self._ask(raw.answer(self.accepted.status, UNREADABLE[name])))
        assert isinstance(outcome, Ambiguous)

    @pytest.mark.parametrize("status", REDIRECTS)
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        async def scenario() -> tuple[Outcome, int, int]:
            async with RawServer(self.yes()) as other:
                redirect = raw.answer(status, b"", {"location": f"{other.url}/elsewhere"})
                outcome, asked = await self._ask(redirect)
                return outcome, asked, other.opened

        outcome, asked, elsewhere = run(scenario())
        assert not isinstance(outcome, Accepted)
        assert (asked, elsewhere) == (1, 0)

    def test_a_refused_connection_proves_that_nothing_was_sent(self) -> None:
        with raw.refusing_port() as port:
            outcome = run(self._ask_at(f"http://127.0.0.1:{port}"))
        assert isinstance(outcome, NotSent)

    def test_a_connection_that_never_opens_proves_that_nothing_was_sent(self) -> None:
        async def scenario() -> Outcome:
            async with raw.unanswering_port() as port:
                return await self._ask_at(f"http://127.0.0.1:{port}", **IMPATIENT)

        assert isinstance(run(scenario()), NotSent)

    def test_too_fast_is_throttled_for_as_long_as_asked(self) -> None:
        outcome, _ = run(self._ask(raw.answer(429, b"<h1>Slow down</h1>", {"retry-after": "7"})))
        assert isinstance(outcome, Throttled)
        assert outcome.retry_after_s == 7

    @pytest.mark.parametrize("status", [401, 403])
    def test_wrong_credentials_pause_the_sender(self, status: int) -> None:
        outcome, _ = run(self._ask(raw.answer(status)))
        assert isinstance(outcome, Misconfigured)

    def test_one_message_is_one_request(self) -> None:
        outcome, asked = run(self._ask(self.yes()))
        assert isinstance(outcome, Accepted)
        assert asked == 1

    def test_a_kept_connection_that_dies_is_not_tried_again(self) -> None:
        """The client may reopen a connection only where not a byte of the request had left."""

        async def scenario() -> tuple[list[Outcome], int]:
            async with (
                RawServer(self.yes(), raw.close_after_reading) as server,
                self.opened(server.url) as (channel, _),
            ):
                outcomes = [await outcome_of(self, channel, self.message(ref=f"{i}.1")) for i in range(2)]
                return outcomes, len(server.requests)

        outcomes, asked = run(scenario())
        assert [type(outcome) for outcome in outcomes] == [Accepted, Ambiguous]
        assert asked == 2

    def test_proxies_of_the_environment_are_ignored(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def scenario() -> tuple[Outcome, int]:
            async with RawServer(self.yes()) as proxy:
                for name in ("http_proxy", "https_proxy", "all_proxy"):
                    monkeypatch.setenv(name, proxy.url)
                    monkeypatch.setenv(name.upper(), proxy.url)
                monkeypatch.delenv("no_proxy", raising=False)
                monkeypatch.delenv("NO_PROXY", raising=False)
                outcome, _ = await self._ask(self.yes())
                return outcome, proxy.opened

        outcome, through_proxy = run(scenario())
        assert isinstance(outcome, Accepted)
        assert through_proxy == 0

    def test_a_cancelled_send_gives_its_connection_back(self) -> None:
        async def scenario() -> Outcome:
            # a cancelled request holds its connection until its time-out
            time_outs = {"total_s": 2.0, "connect_s": 1.0}
            async with (
                RawServer(raw.silent, self.yes()) as server,
                self.opened(server.url, **time_outs) as (channel, _),
            ):
                sending = asyncio.create_task(channel.send(self.message()))
                await server.wait_until(lambda s: s.open == 1)
                sending.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await sending
                await server.wait_until(lambda s: s.open == 0)
                return await outcome_of(self, channel, self.message(ref="8.1"))

        assert isinstance(run(scenario()), Accepted)

    def test_no_connection_is_left_behind(self) -> None:
        async def scenario() -> int:
            mixed = (*AMBIGUOUS.values(), *(self.yes() for _ in range(30)))
            async with RawServer(*mixed, self.yes()) as server:
                async with self.opened(server.url, **IMPATIENT) as (channel, _):
                    sends = (outcome_of(self, channel, self.message(ref=f"{i}.1")) for i in range(40))
                    await asyncio.gather(*sends)
                await server.wait_until(lambda s: s.open == 0)
                return server.open

        assert run(scenario()) == 0

    async def _ask(self, behaviour: Behaviour, **time_outs: float) -> tuple[Outcome, int]:
        """One send, and how many requests the provider has read."""
        async with RawServer(behaviour) as server:
            outcome = await self._ask_at(server.url, **time_outs)
            return outcome, len(server.requests)

    async def _ask_at(self, url: str, **time_outs: float) -> Outcome:
        async with self.opened(url, **time_outs) as (channel, _):
            return await outcome_of(self, channel, self.message())
