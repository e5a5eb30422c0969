"""An SMS centre's face: SMPP 3.4, with receipts and replies over the session that submitted.

Fates are those of every face; in this one's words: `http_429` is ESME_RTHROTTLED, `http_500_…` ESME_RSYSERR, and
`reset_…` ends the session with all that it left unanswered. A receipt that is not confirmed is repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import smpp34

from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.faces.smpp_session import (
    BINDS,
    DELIVER_SM,
    GSM,
    INVALID_COMMAND,
    MESSAGE_STATE,
    RECEIPTED_MESSAGE_ID,
    RESPONSE,
    SUBMIT_SM,
    UCS2,
    Said,
    SmppSession,
)
from dispatcher.testing.carrier.fate import Fate, Step
from dispatcher.testing.carrier.messages import Message

OK, INVALID_BIND, INVALID_DESTINATION, SYSTEM_ERROR, THROTTLED = 0x00, 0x04, 0x0B, 0x08, 0x58
INVALID_PASSWORD, INVALID_SYSTEM_ID = 0x0E, 0x0F
RECEIPT: Final = 0x04
_TOLD: Final = {"delivered": "DELIVRD", "undelivered": "UNDELIV", "failed": "REJECTD"}
_STATE: Final = {"DELIVRD": 2, "UNDELIV": 5, "REJECTD": 8}
_LATER_S: Final = 0.05


class SmppFace:
    """`protocol` makes the server's side of one connection. `broken` hears that the ledger has ended."""

    def __init__(self, carrier: Carrier, broken: Callable[[OSError], None]) -> None:
        self._carrier = carrier
        self._broken = broken
        self._run = f"{time.time_ns() // 1000:x}"
        self._bound: list[SmppSession] = []
        self._unsaid: list[Said] = []
        self._asked: dict[tuple[SmppSession, int], Said] = {}

    def protocol(self) -> SmppSession:
        return SmppSession(self._guarded, self._gone)

    # What comes in

    def _guarded(self, session: SmppSession, command: int, status: int, sequence: int, whole: bytes) -> None:
        """A message that cannot be written down is not answered, and one that cannot be read ends its session."""
        try:
            self._take(session, command, status, sequence, whole)
        except OSError as error:
            session.reset()
            self._broken(error)
        except smpp34.SmppError:
            session.reset()

    def _take(self, session: SmppSession, command: int, status: int, sequence: int, whole: bytes) -> None:
        if command in BINDS:
            self._bind(session, command, sequence, whole)
        elif command == SUBMIT_SM:
            self._submit(session, sequence, whole)
        elif command == DELIVER_SM | RESPONSE:
            again = self._asked.pop((session, sequence), None)
            if again is not None and status != OK:
                self._carrier.timeline.after(self._carrier.behaviour.redelivery_after_s, lambda: self._say(again))
        elif not command & RESPONSE:
            session.refuse(INVALID_COMMAND, sequence)

    def _bind(self, session: SmppSession, command: int, sequence: int, whole: bytes) -> None:
        system_id, password = whole[16:].split(b"\0", 2)[:2]
        options = self._carrier.options
        status = OK if system_id == options.system_id.encode() else INVALID_SYSTEM_ID
        if status == OK and password != options.smpp_password.encode():
            status = INVALID_PASSWORD
        session.answer(command, status, sequence, b"carrier\0" if status == OK else b"")
        if status == OK and session not in self._bound:
            self._bound.append(session)
            unsaid, self._unsaid = self._unsaid, []
            for say in unsaid:
                self._say(say)

    def _gone(self, session: SmppSession) -> None:
        """What it did not confirm goes to another session."""
        if session in self._bound:
            self._bound.remove(session)
        for key in [key for key in self._asked if key[0] is session]:
            self._say(self._asked.pop(key))

    def _submit(self, session: SmppSession, sequence: int, whole: bytes) -> None:
        if session not in self._bound:
            session.answer(SUBMIT_SM, INVALID_BIND, sequence)
            return
        said = smpp34.decode(whole)
        assert isinstance(said, smpp34.SubmitSm)
        to = f"+{said.destination_addr}"
        if not (said.destination_addr.isdecimal() and 7 <= len(said.destination_addr) <= 15):
            self._refuse(session, said, INVALID_DESTINATION)
        elif self._carrier.options.bare:
            self._answer(session, sequence, self._accept(said, to))
        else:
            self._meet(session, said, to, self._carrier.fate_of(to, to, whatsapp=False))

    def _meet(self, session: SmppSession, said: smpp34.SubmitSm, to: str, fate: Fate) -> None:
        """Let the fault of this try happen, if it has one."""
        carrier, sequence = self._carrier, said.sequence_number
        match fate.fault:
            case "http_429":
                self._refuse(session, said, THROTTLED)
            case "http_500_before_accept":
                self._refuse(session, said, SYSTEM_ERROR)
            case "reset_before_accept":
                carrier.ledger.dropped(carrier.now_us(), "")
                session.reset()
            case "http_500_after_accept":
                self._live(said, to, fate)
                session.answer(SUBMIT_SM, SYSTEM_ERROR, sequence)
            case "reset_after_accept":
                self._live(said, to, fate)
                session.reset()
            case "slow_after_accept":
                self._answer_after(carrier.behaviour.slow_s, session, sequence, self._live(said, to, fate))
            case None if fate.early:
                at_once = fate._replace(steps=tuple(step._replace(after_s=0) for step in fate.steps))
                self._answer_after(_LATER_S, session, sequence, self._live(said, to, at_once))
            case None:
                self._answer_after(fate.latency_s, session, sequence, self._live(said, to, fate))

    # What goes out

    def _live(self, said: smpp34.SubmitSm, to: str, fate: Fate) -> Message:
        """Accept, and have the rest happen."""
        message = self._accept(said, to)
        name = self._name(message)
        wanted = bool(said.registered_delivery & 1)

        def tell(told: Message, step: Step) -> None:
            word = _TOLD.get(step.status)
            if wanted and word:
                for _ in range(step.told):
                    self._say(receipt(told, name, word, step.error, self._carrier.now_us()))

        self._carrier.unfold(message, name, fate, tell, lambda text: self._say(reply(message, text)), hears=True)
        return message

    def _accept(self, said: smpp34.SubmitSm, to: str) -> Message:
        """In the ledger before anything is answered."""
        carrier = self._carrier
        message = carrier.messages.add(to, said.source_addr, b"", "queued", carrier.now_us())
        octets = said.short_message or b"".join(tlv.value for tlv in said.tlvs)
        digest = blake2b(octets, digest_size=8).hexdigest()
        carrier.ledger.accepted(message.created_us, self._name(message), message.sender, to, "", digest)
        return message

    def _name(self, message: Message) -> str:
        return f"{self._run}-{message.number:x}"

    def _refuse(self, session: SmppSession, said: smpp34.SubmitSm, status: int) -> None:
        carrier = self._carrier
        carrier.ledger.rejected(carrier.now_us(), status, said.source_addr, f"+{said.destination_addr}", "")
        session.answer(SUBMIT_SM, status, said.sequence_number)

    def _answer(self, session: SmppSession, sequence: int, message: Message) -> None:
        session.answer(SUBMIT_SM, OK, sequence, self._name(message).encode() + b"\0")

    def _answer_after(self, delay_s: float, session: SmppSession, sequence: int, message: Message) -> None:
        if delay_s > 0:
            self._carrier.timeline.after(delay_s, lambda: self._answer(session, sequence, message))
        else:
            self._answer(session, sequence, message)

    def _say(self, said: Said) -> None:
        """Over any bound session, or when there is one; again where it is not confirmed."""
        if self._bound:
            session = self._bound[-1]
            self._asked[session, session.deliver(said)] = said
        else:
            self._unsaid.append(said)


def receipt(message: Message, name: str, word: str, error: str, now_us: int) -> Said:
    """By text and by optional parameters, as most centres do (SMPP 3.4, appendix B and 5.3.2)."""
    text = (
        f"id:{name} sub:001 dlvrd:{int(word == 'DELIVRD'):03} submit date:{_date(message.created_us)} "
        f"done date:{_date(now_us)} stat:{word} err:{error[-3:] or '000'} text:"
    )
    tlvs = (
        smpp34.Tlv(RECEIPTED_MESSAGE_ID, name.encode() + b"\0"),
        smpp34.Tlv(MESSAGE_STATE, bytes((_STATE[word],))),
    )
    return Said(message.to, message.sender, text.encode("ascii"), RECEIPT, GSM, tlvs)


def reply(message: Message, text: str) -> Said:
    """Letters and digits read the same in the GSM alphabet."""
    is_plain = text.isascii() and text.isalnum()
    octets, coding = (text.encode("ascii"), GSM) if is_plain else (text.encode("utf-16-be"), UCS2)
    return Said(message.to, message.sender, octets, 0, coding)


def _date(instant_us: int) -> str:
    return datetime.fromtimestamp(instant_us / 1e6, UTC).strftime("%y%m%d%H%M")
