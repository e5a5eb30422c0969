"""Meta's face: the Cloud API as its public documentation describes it.

Webhooks go to `Behaviour.webhook_url`, statuses and replies alike. Free text outside 24 hours of a reply is accepted,
and fails later with 131047, as Meta does.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.faces.meta_account import MetaAccount, held, placeholders
from dispatcher.testing.carrier.faces.meta_words import (
    accepted_json,
    error_body,
    inbound_value,
    status_value,
    webhook,
)
from dispatcher.testing.carrier.fate import Fate, Step
from dispatcher.testing.carrier.http1 import Request
from dispatcher.testing.carrier.messages import Message

PATH: Final = re.compile(rb"/v[0-9]+\.[0-9]+/(.*)")
_NUMBER: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
_REF: Final = re.compile(r"[A-Za-z0-9._~:+=-]{0,512}")
_WINDOW_US: Final = 24 * 3600 * 1_000_000
_EARLY_AT_MOST_S: Final = 5.0


class Wanted(NamedTuple):
    """A request for a message. `to`: E.164, "" where it is no number; `code`: of what is wrong with it, 0: nothing."""

    to: str
    ref: str
    content: dict[str, Any]
    is_text: bool
    code: int


class MetaFace:
    def __init__(self, carrier: Carrier) -> None:
        options = carrier.options
        self._carrier = carrier
        self._account = MetaAccount(carrier)
        self._bearer = f"Bearer {options.access_token}".encode()
        self._number = options.phone_number_id
        self._run = f"{time.time_ns() // 1000:x}"

    def handle(self, request: Request) -> None:
        """Any request under `/v26.0/`, whatever the version."""
        found = PATH.fullmatch(request.target)
        path, _, query = (found[1] if found else b"").decode("latin-1").partition("?")
        if request.authorization != self._bearer:
            request.answer(*error_body(190))
        elif request.method == b"POST" and path == f"{self._number}/messages":
            self._create(request)
        else:
            self._account.handle(request, path, query)

    # Create

    def _create(self, request: Request) -> None:
        wanted = self._read(request.body)
        if wanted.code:
            self._reject(request, wanted.code, wanted)
        elif self._carrier.options.bare:
            self._answer(request, self._accept(wanted), 0)
        else:
            self._meet(request, wanted, self._carrier.fate_of(wanted.to, wanted.to, whatsapp=True))

    def _read(self, body: bytes) -> Wanted:
        try:
            record = json.loads(body)
            number = _NUMBER.fullmatch(str(record.get("to", "")))
            kind = record.get("type", "text")
            content = record.get(kind)
        except (ValueError, AttributeError, TypeError):
            return Wanted("", "", {}, False, 100)
        ref = str(record.get("biz_opaque_callback_data", ""))
        wanted = Wanted(f"+{number[1]}" if number else "", ref if _REF.fullmatch(ref) else "", {}, kind == "text", 0)
        if record.get("messaging_product") != "whatsapp" or not isinstance(content, dict):
            return wanted._replace(code=100)
        return wanted._replace(content=content, code=self._objection(wanted, content) if number else 131009)

    def _objection(self, wanted: Wanted, content: dict[str, Any]) -> int:
        """The code of the error that Meta would answer with, 0 for none."""
        if wanted.is_text:
            return 0 if content.get("body") else 131008
        template = held(self._carrier, str(content.get("name")))
        language = content.get("language")
        code = language.get("code") if isinstance(language, dict) else None
        if template is None or not code or template.language not in ("", code):
            return 132001
        if template.status != "approved":
            return {"paused": 132015, "disabled": 132016}.get(template.status, 132001)
        return 132000 if template.body and len(set(placeholders(template))) != _filled(content) else 0

    def _meet(self, request: Request, wanted: Wanted, fate: Fate) -> None:
        """Let the fault of this try happen, if it has one."""
        carrier = self._carrier
        if wanted.is_text and carrier.now_us() - carrier.wrote_us.get(wanted.to, 0) > _WINDOW_US:
            fate = fate._replace(steps=(Step(fate.steps[0].after_s, "failed", "63016"),), reply=None)
        match fate.fault:
            case "http_429":
                self._reject(request, 130429, wanted, b"Retry-After: %g\r\n" % carrier.behaviour.retry_after_s)
            case "http_500_before_accept":
                self._reject(request, 2, wanted)
            case "reset_before_accept":
                carrier.ledger.dropped(carrier.now_us(), wanted.ref)
                request.reset()
            case "http_500_after_accept":
                self._take(wanted, fate)
                request.answer(*error_body(131000))
            case "reset_after_accept":
                self._take(wanted, fate)
                request.reset()
            case "slow_after_accept":
                self._answer(request, self._take(wanted, fate), carrier.behaviour.slow_s)
            case None:
                self._answer_in_time(request, wanted, fate)

    def _answer_in_time(self, request: Request, wanted: Wanted, fate: Fate) -> None:
        first, *rest = fate.steps
        if not (fate.early and first.told and self._carrier.behaviour.webhook_url):
            self._answer(request, self._take(wanted, fate), fate.latency_s)
            return
        body = b""

        def answer() -> None:
            request.answer(200, body)

        message = self._take(wanted, fate._replace(steps=(first._replace(after_s=0), *rest)), answer)
        body = accepted_json(message, self._wamid(message))
        self._carrier.timeline.after(_EARLY_AT_MOST_S, answer)

    def _take(self, wanted: Wanted, fate: Fate, answered: Callable[[], None] | None = None) -> Message:
        """Accept, and have the rest happen. `answered`: what to do when the first callback was."""
        message = self._accept(wanted)
        wamid, url = self._wamid(message), self._carrier.behaviour.webhook_url
        hooks = [answered] if answered else []

        def tell(told: Message, step: Step) -> None:
            now_us = self._carrier.now_us()
            first = hooks.pop() if hooks else None
            for _ in range(step.told):
                self._post(wamid, lambda: status_value(told, wamid, wanted.ref, step, now_us), first)
                first = None

        self._carrier.unfold(
            message, wamid, fate, tell, lambda text: self._reply(message, wamid, text), hears=bool(url)
        )
        return message

    def _accept(self, wanted: Wanted) -> Message:
        """In the ledger before anything is answered."""
        carrier = self._carrier
        message = carrier.messages.add(wanted.to, self._number, b"", "accepted", carrier.now_us())
        digest = blake2b(json.dumps(wanted.content).encode(), digest_size=8).hexdigest()
        wamid = self._wamid(message)
        carrier.ledger.accepted(message.created_us, wamid, self._number, wanted.to, wanted.ref, digest)
        return message

    def _wamid(self, message: Message) -> str:
        return f"wamid.{self._run}{message.number:012x}"

    def _answer(self, request: Request, message: Message, delay_s: float) -> None:
        body = accepted_json(message, self._wamid(message))
        if delay_s > 0:
            self._carrier.timeline.after(delay_s, lambda: request.answer(200, body))
        else:
            request.answer(200, body)

    def _reject(self, request: Request, code: int, wanted: Wanted, headers: bytes = b"") -> None:
        self._carrier.ledger.rejected(self._carrier.now_us(), code, self._number, wanted.to, wanted.ref)
        request.answer(*error_body(code), headers)

    # Webhooks

    def _reply(self, message: Message, wamid: str, text: str) -> None:
        now_us = self._carrier.wrote_us[message.to] = self._carrier.now_us()
        self._post(f"{wamid}/reply", lambda: inbound_value(message, wamid, text, now_us))

    def _post(
        self, subject: str, value: Callable[[], dict[str, Any]], answered: Callable[[], None] | None = None
    ) -> None:
        options, url = self._carrier.options, self._carrier.behaviour.webhook_url
        if url:
            callback = webhook(subject, url, options.app_secret, options.business_account_id, self._number, value)
            callback.answered = answered
            self._carrier.callbacks.post(callback)


def _filled(content: dict[str, Any]) -> int:
    """How many parameters of the body are filled."""
    components = content.get("components")
    bodies = [c for c in components if isinstance(c, dict) and c.get("type") == "body"] if components else []
    return sum(len(body.get("parameters") or ()) for body in bodies)
