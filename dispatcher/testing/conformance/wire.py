"""What the wire log keeps of a channel's exchanges: nothing of a number, a text or a credential (invariant 12)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from dispatcher.delivery import wirelog
from dispatcher.delivery.redact import Redaction, Redactor
from dispatcher.spi import AmbiguousError, Channel, NotSentError, OutboundMessage, Template
from dispatcher.spi.tap import Tap
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance.base import NUMBER, TEXT, Contract, run
from dispatcher.testing.rawserver import Behaviour, RawServer

NAME = "Siti Aminah binti Ahmad"


class WireOfChannel(Contract):
    """The declared keys alone must cover what it sends; what a provider quotes is found by the engine as well."""

    def test_declared_keys_cover_what_is_sent(self) -> None:
        for message in self._messages():
            kept = run(self._kept(self.yes(), message, net=False))
            assert len(json.loads(kept)) == 1, "nothing was asked, so that nothing is proven"
            self._holds_nothing_private(kept)

    @pytest.mark.parametrize("status", [200, 400, 500])
    @pytest.mark.parametrize("kind", ["json", "text", "form"])
    def test_what_the_provider_quotes_is_not_kept(self, status: int, kind: str) -> None:
        for message in self._messages():
            said = f"{message.to} / 0{message.to[3:]}: {message.text or NAME} {' '.join(self._secrets())}"
            bodies = {
                "json": json.dumps({"detail": said, message.to: [said]}),
                "text": f"<p>{said}</p>",
                "form": f"problem={quote_plus(said)}",
            }
            quoting = raw.answer(status, bodies[kind].encode())
            self._holds_nothing_private(run(self._kept(quoting, message, net=True)))

    def _messages(self) -> Iterator[OutboundMessage]:
        """One of each kind that it carries."""
        able = self.able()
        if able.free_text or not able.templates:
            yield self.message()
        if able.templates:
            yield self.message(text=None, template=Template(self.template_id, "id", {"1": NAME, "2": TEXT}))

    def _secrets(self) -> list[str]:
        config = self.channel.Config.model_validate(self.settings("http://127.0.0.1:9"))
        return [secret for secret in config.secret_values() if secret]

    async def _kept(self, provider: Behaviour, message: OutboundMessage, *, net: bool) -> str:
        async with RawServer(provider) as server, self.opened(server.url) as (channel, http):
            tap = Tap(http)
            channel.http = tap
            return await _exchange(channel, tap, message, net=net)

    def _holds_nothing_private(self, kept: str) -> None:
        shown = json.dumps(json.loads(kept), ensure_ascii=False) if kept else ""
        for private in (NUMBER[1:], NUMBER[3:], TEXT, NAME, *self._secrets()):
            for spelled in (private, quote(private, safe=""), quote_plus(private)):
                assert spelled not in kept, "a number, a text or a secret was kept"
                assert spelled not in shown, "a number, a text or a secret was kept"


async def _exchange(channel: Channel[Any], tap: Tap, message: OutboundMessage, *, net: bool) -> str:
    """As the engine does it."""
    task = asyncio.current_task()
    assert task is not None
    tap.begin(task)
    with contextlib.suppress(NotSentError, AmbiguousError):
        await channel.send(message)
    redaction = Redaction(Redactor(channel.private, channel.config.secret_values()), message, net=net)
    return wirelog.write(tap.end(task), redaction, 0, 0.0)
