"""From a begun row to the provider and back: open what is sealed, hand it to the channel, name what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any

from dispatcher.delivery import wirelog
from dispatcher.delivery.redact import Redaction, Redactor
from dispatcher.operations.context import Context
from dispatcher.operations.logs import log
from dispatcher.operations.watch import Watch, current_task
from dispatcher.receipts.fold import make_ref
from dispatcher.render.content import decode
from dispatcher.spi import (
    Accepted,
    Ambiguous,
    AmbiguousError,
    Channel,
    ChannelConfig,
    NotSent,
    NotSentError,
    OutboundMessage,
    Outcome,
    Private,
)
from dispatcher.spi.tap import Exchange, Tap
from dispatcher.store.claims import Claimed

SEND_TIMEOUT_S = 9.0
"""For a channel that keeps no time of its own; the shared client's is shorter."""

MOST_PARTS = 32_767


class Outgoing:
    """Of one sender, in one process. `tap`: what its channel asks through; None where no wire log is kept."""

    def __init__(self, context: Context, name: str, channel: Channel[Any], tap: Tap | None = None) -> None:
        self._name = name
        self._tap = tap
        self._keeps_accepted = tap is not None and context.settings.wire_log.accepted
        self._redactor = _redactor(channel) if tap is not None else Redactor(Private())
        self._context = context
        self._channel = channel
        self._watch = Watch(SEND_TIMEOUT_S)
        public_url, capabilities = context.environment.public_url, channel.capabilities
        has_hook = bool(public_url) and capabilities.receipts == "push"
        self._hook = f"{public_url}/hooks/{name}?m=" if has_hook else ""
        self._needs_mac = not capabilities.signs_hooks

    def message(self, row: Claimed, attempt: int) -> OutboundMessage:
        """SealBrokenError where the row does not open."""
        keys, ref = self._context.keys, make_ref(row.id, attempt)
        content = decode(keys.sealer.open("messages.body", row.id, row.body_sealed))
        valid_for_s = max(1, (row.expires_us - self._context.database.clock.now_us()) // 1_000_000)
        return OutboundMessage(
            ref=ref,
            to=keys.sealer.open("messages.address", row.id, row.address_sealed),
            text=content.text,
            template=content.template,
            callback_url=self.callback_url(ref),
            valid_for_s=valid_for_s,
            segments=row.segments,
        )

    def callback_url(self, ref: str) -> str:
        if not self._hook:
            return ""
        return f"{self._hook}{ref}" + ("." + self._context.keys.mac("hook", ref) if self._needs_mac else "")

    async def exchange(self, message: OutboundMessage) -> tuple[Outcome, str]:
        """Send it; what happened, and what of it goes into the wire log ("" for a plain acceptance)."""
        tap, task = self._tap, current_task()
        if tap is None:
            return await self._send(message, task), ""
        tap.begin(task)
        try:
            outcome = await self._send(message, task)
        finally:
            said = tap.end(task)
        if not said or (isinstance(outcome, Accepted) and not self._keeps_accepted):
            return outcome, ""
        return outcome, self._kept(said, message)

    def _kept(self, said: Sequence[Exchange], message: OutboundMessage) -> str:
        """What cannot be redacted is not kept; the end of the attempt is worth more."""
        try:
            redaction = Redaction(self._redactor, message)
            return wirelog.write(said, redaction, self._context.database.clock.now_us(), monotonic())
        except Exception as error:
            log.error("wire-not-kept", sender=self._name, exc_info=error)
            return ""

    async def _send(self, message: OutboundMessage, task: asyncio.Task[Any]) -> Outcome:
        """The one place where something leaves the house. Whatever is not plainly said counts as ambiguous.

        `task`: the one that waits for it. A channel may keep a cancellation to itself: the lane goes on all the same.
        """
        self._watch.begin(task)
        try:
            return _said(await self._channel.send(message))
        except NotSentError:
            return NotSent(detail="no connection")
        except AmbiguousError:
            return Ambiguous(detail="no answer")
        except asyncio.CancelledError:
            if self._watch.is_cancelled_by_others(task):
                raise  # somebody ends the lane
            is_overdue = self._watch.is_overdue(task)
            return Ambiguous(detail="no answer in time" if is_overdue else "cancelled by its channel")
        except Exception as error:
            return Ambiguous(detail=type(error).__name__)
        finally:
            self._watch.end(task)


def _redactor(channel: Channel[Any]) -> Redactor:
    """A plug-in may say nothing, or nonsense, of what is private: then what is found by itself is redacted."""
    private, config = getattr(channel, "private", None), getattr(channel, "config", None)
    secrets = config.secret_values() if isinstance(config, ChannelConfig) else ()
    return Redactor(private if isinstance(private, Private) else Private(), secrets)


def _said(outcome: object) -> Outcome:
    """What a plug-in gives back may be anything; of what cannot be recorded nobody knows what it says."""
    if isinstance(outcome, Accepted):
        ids, parts = outcome.provider_ids, outcome.parts
        if isinstance(ids, tuple) and isinstance(parts, int) and 0 <= parts <= MOST_PARTS:
            for one in ids:
                if not isinstance(one, str) or not one.isprintable():
                    break
            else:
                return outcome
        return Ambiguous(detail="an acceptance that cannot be read")
    return outcome if isinstance(outcome, Outcome) else Ambiguous(detail="no outcome")
