"""The channel: what it can do, and which file does it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dispatcher.spi import (
    Ambiguous,
    Capabilities,
    Channel,
    Check,
    Deliver,
    HookAnswer,
    HttpClient,
    Misconfigured,
    Note,
    NotSent,
    OutboundMessage,
    Outcome,
    Private,
    Throttled,
    Unsupported,
)
from dispatcher_channels.smpp import deliver, pdu, submit
from dispatcher_channels.smpp.config import SmppConfig
from dispatcher_channels.smpp.link import OPEN_S, Link, Refusal
from dispatcher_channels.smpp.pdu import Pdu
from dispatcher_channels.smpp.session import GoneError, LostError, Session
from dispatcher_channels.smpp.words import ERRORS, code_of


async def _to_nobody(answer: HookAnswer, raw: str) -> bool:
    return False


def _to_no_log(name: str, said: Mapping[str, Any], heard: Mapping[str, Any]) -> None:
    pass


class SmppChannel(Channel[SmppConfig]):
    """Ids are the SMS centre's: receipts match by them, one per part."""

    name = "smpp"
    capabilities = Capabilities(media="sms", receipts="session", inbound=True, concurrency=50)
    private = Private(numbers=("destination_addr",))
    Config = SmppConfig

    def __init__(self, config: SmppConfig, http: HttpClient) -> None:
        super().__init__(config, http)
        self.capabilities = replace(type(self).capabilities, concurrency=config.window)
        self._link = Link(config, self._heard)
        self._deliver: Deliver = _to_nobody
        self._note: Note = _to_no_log

    @property
    def identity(self) -> str:
        return self.config.from_

    def attached(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def watched(self, note: Note) -> None:
        self._note = note

    async def send(self, message: OutboundMessage) -> Outcome:
        if not message.text:
            return Unsupported("SMPP carries texts, not templates")
        if len(message.text) > self.capabilities.max_characters:
            return Unsupported(f"a text of more than {self.capabilities.max_characters} characters")
        session = await self._link.session()
        if isinstance(session, Refusal):
            status = "no connection" if session.status is None else code_of(session.status)
            self._note("bind_transceiver", {}, {"command_status": status})
            return _no_session(session)
        return await self._submit(session, message)

    async def _submit(self, session: Session, message: OutboundMessage) -> Outcome:
        """Part after part: where the first is refused, none has left."""
        answers: list[Pdu] = []
        for encode in submit.encoders(message, self.config):
            outcome, heard = await _one(session, encode, answers)
            self._note("submit_sm", {"destination_addr": message.to, "part": len(answers) + bool(outcome)}, heard)
            if outcome is not None:
                return submit.after_others(outcome) if answers else outcome
        return submit.accepted(answers, message, self.config)

    async def _heard(self, said: Pdu) -> int:
        """The status to answer with, after the commit (invariant 7)."""
        answer = deliver.read(said.whole, self.config)
        return pdu.OK if await self._deliver(answer, f"deliver_sm {said.whole.hex()}") else pdu.TEMPORARY

    async def check(self) -> Sequence[Check]:
        """Binds only where the account may hold a second session: a worker may hold the first."""
        if self.config.max_binds > 1:
            return [await self._check_bind()]
        try:
            async with asyncio.timeout(OPEN_S):
                (await self._link.connect()).hang_up()
        except (OSError, TimeoutError):
            return [_unreachable()]
        return [Check("connection", True, "the SMS centre takes connections; with max_binds 1 no bind is tried")]

    async def _check_bind(self) -> Check:
        found = await self._link.session()
        if isinstance(found, Session):
            return Check("bind", True, "the SMS centre takes our bind")
        if found.status is None:
            return _unreachable()
        code = code_of(found.status)
        return Check("bind", False, f"refused with {code}. {self.explain(code, 'en')}".strip(), "ask the operator")

    @classmethod
    def explain(cls, code: str, language: str = "id") -> str:
        """Codes of receipts hold the network's own error after the word."""
        return ERRORS.explain(code.partition(" ")[0], language)

    async def close(self) -> None:
        await self._link.close()


async def _one(
    session: Session, encode: submit.Encoder, answers: list[Pdu]
) -> tuple[Outcome | None, Mapping[str, Any]]:
    """None: it was taken, and its answer is with the others. And what was heard, for the wire log."""
    outcome: Outcome | None
    try:
        answer = await session.submit(encode)
    except GoneError:
        outcome = NotSent(detail="the session ended before it left")
        return outcome, {"lost": outcome.detail}
    except LostError:
        outcome = Ambiguous(detail="the session ended before the answer came")
        return outcome, {"lost": outcome.detail}
    outcome = submit.refusal(answer)
    if outcome is None:
        answers.append(answer)
    return outcome, {
        "command_id": f"0x{answer.command:08X}",
        "sequence_number": answer.sequence,
        "command_status": code_of(answer.status),
        "message_id": answer.text,
    }


def _no_session(refusal: Refusal) -> Outcome:
    """Nothing has left, whatever was said."""
    if refusal.status is None:
        return NotSent(detail="no session with the SMS centre", retry_after_s=refusal.retry_after_s)
    code = code_of(refusal.status)
    known = ERRORS.outcome(code)
    if isinstance(known, Misconfigured | Throttled | NotSent):
        return known
    return NotSent(code, "the SMS centre refused the bind", refusal.retry_after_s)


def _unreachable() -> Check:
    return Check("connection", False, "the SMS centre does not answer", "check host, port, tls and the way to it (VPN)")
