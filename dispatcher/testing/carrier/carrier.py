"""The carrier itself, whatever face speaks for it: behaviour, ledger, messages and what is still to happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from dispatcher.core.clock import Clock
from dispatcher.testing.carrier.callbacks import Callbacks
from dispatcher.testing.carrier.fate import Fate, Step, decide
from dispatcher.testing.carrier.ledger import LedgerWriter
from dispatcher.testing.carrier.messages import Message, Messages
from dispatcher.testing.carrier.options import CarrierOptions
from dispatcher.testing.carrier.timeline import Timeline
from dispatcher.testing.synthetic import has_whatsapp

Tell = Callable[[Message, Step], None]


class Carrier:
    """A face asks for a recipient's fate, accepts or refuses, and is told each step that is due."""

    def __init__(self, options: CarrierOptions, ledger: Path) -> None:
        loop = asyncio.get_running_loop()
        self.options = options
        self.behaviour = options.behaviour
        self.ledger = LedgerWriter(ledger)
        self.messages = Messages(options.max_messages)
        self.timeline = Timeline(loop)
        self.callbacks = Callbacks(options.callbacks_at_once, self.timeline, self._redelivery)
        self.opted_out: set[tuple[str, str]] = set()
        self.wrote_us: dict[str, int] = {}
        self._clock = Clock()
        self._started_s = loop.time()
        self._loop = loop

    def now_us(self) -> int:
        return self._clock.now_us()

    def fate_of(self, to: str, e164: str, *, whatsapp: bool) -> Fate:
        """Counts as a try; `to` is the address as the face writes it."""
        return decide(
            self.behaviour,
            to,
            self.messages.next_try(to),
            whatsapp=whatsapp,
            reachable=not whatsapp or has_whatsapp(e164),
            elapsed_s=self._loop.time() - self._started_s,
        )

    def unfold(
        self,
        message: Message,
        sid: str,
        fate: Fate,
        tell: Tell,
        reply: Callable[[str], None],
        *,
        hears: bool = False,
    ) -> None:
        """Have the message live through its fate: each step is written down, then told to the face.

        `hears`: replies need no `inbound_url`, because they go over the connection that sent.
        """
        accepted_s, steps = self.timeline.now_s(), iter(fate.steps)
        step = next(steps)

        def happen() -> None:
            nonlocal step
            now_us, due = self.now_us(), step
            if message.become(due.status, due.error, now_us):
                self.ledger.status(now_us, sid, due.status, due.error)
            if due.told:
                tell(message, due)
            if following := next(steps, None):
                step = following
                self.timeline.at(accepted_s + step.after_s, happen)

        self.timeline.at(accepted_s + step.after_s, happen)
        if fate.reply is not None and (hears or self.behaviour.inbound_url):
            text = fate.reply.text
            self.timeline.after(fate.reply.after_s, lambda: reply(text))

    def forget(self) -> None:
        """As if just started: an empty ledger, no messages, nothing still to happen, tries counted from 0."""
        self.timeline.clear()
        self.callbacks.forget()
        self.messages.forget()
        self.opted_out.clear()
        self.wrote_us.clear()
        self.ledger.reset()

    async def close(self) -> None:
        self.timeline.clear()
        await self.callbacks.close()
        self.ledger.close()

    def _redelivery(self) -> tuple[int, float]:
        return self.behaviour.redeliveries, self.behaviour.redelivery_after_s
