"""Twilio's face: the Messages API as its public documentation describes it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.faces.twilio_content import TwilioContent
from dispatcher.testing.carrier.faces.twilio_hooks import callback, inbound_form, status_form
from dispatcher.testing.carrier.faces.twilio_reads import Sids, TwilioReads, refuse
from dispatcher.testing.carrier.faces.twilio_words import (
    MAGIC_FROM,
    MAGIC_TO,
    VERSION,
    error_body,
    message_json,
    read_form,
)
from dispatcher.testing.carrier.fate import Fate, Step
from dispatcher.testing.carrier.http1 import Request
from dispatcher.testing.carrier.ledger import Ledger
from dispatcher.testing.carrier.messages import Message

CONTENT: Final = b"/v1/"
_ADDRESS: Final = re.compile(r"(?:whatsapp:)?\+[1-9][0-9]{6,14}")
_SENDER: Final = re.compile(r"(?:whatsapp:)?\+?[1-9][0-9]{2,14}|MG[0-9a-f]{32}|[A-Za-z0-9 +_&-]{1,11}")
_URL: Final = re.compile(r"https?://(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::[0-9]+)?(?:[/?#]\S*)?")
_REF: Final = re.compile(r"[?&]m=([A-Za-z0-9._~%:+=-]{0,200})")
_INDONESIAN_MOBILE: Final = "+628"
_EARLY_AT_MOST_S: Final = 5.0
_AS_SENT: Final = "%&=+"  # a request is encoded already: only what would break a line is quoted


class TwilioFace:
    def __init__(self, carrier: Carrier) -> None:
        options = carrier.options
        self._carrier = carrier
        self._account = options.account_sid
        self._base = f"/{VERSION}/Accounts/{options.account_sid}"
        self._messages_path = f"{self._base}/Messages.json".encode()
        self._token = options.auth_token
        pairs = ((options.account_sid, options.auth_token), (options.api_key, options.api_secret))
        self._passes = frozenset(b"Basic " + b64encode(f"{name}:{secret}".encode()) for name, secret in pairs)
        self._sids = Sids(carrier.now_us())
        if options.remembers:
            self._sids.resume(carrier.messages, Ledger(carrier.ledger.path))
        self._reads = TwilioReads(carrier, self._sids)
        self._content = TwilioContent(carrier)

    def handle(self, request: Request) -> None:
        """Any request under `/2010-04-01/`, or under `/v1/` of the host for content."""
        if request.authorization not in self._passes:
            refuse(request, 20003)
        elif request.target == self._messages_path and request.method == b"POST":
            self._create(request)
        elif request.method == b"GET":
            (self._content if request.target.startswith(CONTENT) else self._reads).handle(request)
        else:
            refuse(request, 20404)

    # Create

    def _create(self, request: Request) -> None:
        form = read_form(request.body)
        to, sender = form.get("To", ""), form.get("MessagingServiceSid") or form.get("From", "")
        code = self._objection(form, to, sender)
        if code:
            self._reject(request, code, form)
        elif self._carrier.options.bare:
            message = self._accept(form, request.body)
            request.answer(201, self._json(message, form))
        else:
            whatsapp = to.startswith("whatsapp:")
            self._meet(request, form, self._carrier.fate_of(to, to.removeprefix("whatsapp:"), whatsapp=whatsapp))

    def _objection(self, form: dict[str, str], to: str, sender: str) -> int:
        """The code of the error that Twilio would answer with, 0 for none."""
        if not to:
            return 21604
        if not sender:
            return 21603
        if to in MAGIC_TO or sender in MAGIC_FROM:
            return MAGIC_FROM.get(sender) or MAGIC_TO[to]
        if not _ADDRESS.fullmatch(to):
            return 21211
        if not _SENDER.fullmatch(sender):
            return 21212
        return _content_objection(form) or _pair_objection(to, sender) or self._opt_out(to, sender)

    def _opt_out(self, to: str, sender: str) -> int:
        return 21610 if (to, sender) in self._carrier.opted_out else 0

    def _meet(self, request: Request, form: dict[str, str], fate: Fate) -> None:
        """Let the fault of this try happen, if it has one."""
        match fate.fault:
            case "http_429":
                self._reject(request, 20429, form, b"Retry-After: %g\r\n" % self._carrier.behaviour.retry_after_s)
            case "http_500_before_accept":
                self._reject(request, 20500, form)
            case "reset_before_accept":
                self._carrier.ledger.dropped(self._carrier.now_us(), _ref(form))
                request.reset()
            case "http_500_after_accept":
                self._take(request, form, fate)
                refuse(request, 20500)
            case "reset_after_accept":
                self._take(request, form, fate)
                request.reset()
            case "slow_after_accept":
                self._answer(request, self._take(request, form, fate), form, self._carrier.behaviour.slow_s)
            case None:
                self._answer_in_time(request, form, fate)

    def _answer_in_time(self, request: Request, form: dict[str, str], fate: Fate) -> None:
        if not (fate.early and fate.steps and fate.steps[0].told and "StatusCallback" in form):
            self._answer(request, self._take(request, form, fate), form, fate.latency_s)
            return
        first, *rest = fate.steps
        sooner = Fate(None, fate.latency_s, True, (Step(0, first.status, first.error, first.told), *rest), fate.reply)
        body = b""

        def answer() -> None:
            request.answer(201, body)

        body = self._json(self._take(request, form, sooner, answer), form)
        self._carrier.timeline.after(_EARLY_AT_MOST_S, answer)

    def _take(
        self, request: Request, form: dict[str, str], fate: Fate, answered: Callable[[], None] | None = None
    ) -> Message:
        """Accept, and have the rest happen. `answered`: what to do when the first callback was."""
        message = self._accept(form, request.body)
        sid, url = self._sids.of(message), form.get("StatusCallback", "")
        hooks = [answered] if answered else []

        def tell(told: Message, step: Step) -> None:
            if url:
                self._call_back(told, sid, url, step, hooks.pop() if hooks else None)

        self._carrier.unfold(message, sid, fate, tell, lambda text: self._reply(message, sid, text))
        return message

    def _accept(self, form: dict[str, str], body: bytes) -> Message:
        """In the ledger before anything is answered."""
        carrier = self._carrier
        service, to = form.get("MessagingServiceSid", ""), form["To"]
        sender = service or form["From"]
        now_us = carrier.now_us()
        if carrier.options.bare:
            body = b""
        message = carrier.messages.add(to, sender, body, "accepted" if service else "queued", now_us)
        text = form.get("Body") or form.get("ContentSid", "") + form.get("ContentVariables", "")
        digest = blake2b(text.encode(), digest_size=8).hexdigest()
        kept = quote(body, safe=_AS_SENT) if carrier.options.remembers else ""
        carrier.ledger.accepted(now_us, self._sids.of(message), sender, to, _ref(form), digest, kept)
        return message

    def _answer(self, request: Request, message: Message, form: dict[str, str], delay_s: float) -> None:
        body = self._json(message, form)
        if delay_s > 0:
            self._carrier.timeline.after(delay_s, lambda: request.answer(201, body))
        else:
            request.answer(201, body)

    def _reject(self, request: Request, code: int, form: dict[str, str], headers: bytes = b"") -> None:
        to, sender = form.get("To", ""), form.get("MessagingServiceSid") or form.get("From", "")
        self._carrier.ledger.rejected(self._carrier.now_us(), code, sender, to, _ref(form))
        request.answer(*error_body(code, to, sender), headers)

    def _json(self, message: Message, form: dict[str, str]) -> bytes:
        return message_json(message, self._sids.of(message), self._account, form).encode()

    # Webhooks

    def _call_back(self, message: Message, sid: str, url: str, step: Step, answered: Callable[[], None] | None) -> None:
        now_us = self._carrier.now_us()
        for copy in range(step.told):
            post = callback(sid, self._token, url, lambda: status_form(message, sid, self._account, step, now_us))
            post.answered = answered if copy == 0 else None
            self._carrier.callbacks.post(post)

    def _reply(self, message: Message, sid: str, text: str) -> None:
        behaviour = self._carrier.behaviour
        form = inbound_form(message, sid, self._account, text, opt_outs=behaviour.handles_opt_outs)
        match form.get("OptOutType"):
            case "STOP":
                self._carrier.opted_out.add((message.to, message.sender))
            case "START":
                self._carrier.opted_out.discard((message.to, message.sender))
        if behaviour.inbound_url:
            self._carrier.callbacks.post(callback(form["MessageSid"], self._token, behaviour.inbound_url, lambda: form))


def _content_objection(form: dict[str, str]) -> int:
    body = form.get("Body", "")
    if not (body or "ContentSid" in form or "MediaUrl" in form):
        return 21602
    if len(body) > 1600:
        return 21617
    if "StatusCallback" in form and not _URL.fullmatch(form["StatusCallback"]):
        return 21609
    return 21656 if "ContentVariables" in form and not _is_object(form["ContentVariables"]) else 0


def _pair_objection(to: str, sender: str) -> int:
    whatsapp = to.startswith("whatsapp:")
    if whatsapp != sender.startswith("whatsapp:") and not sender.startswith("MG"):
        return 21910
    return 21614 if not whatsapp and to.startswith("+62") and not to.startswith(_INDONESIAN_MOBILE) else 0


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _ref(form: dict[str, str]) -> str:
    found = _REF.search(form.get("StatusCallback", ""))
    return found[1] if found else ""
