"""What can be asked of Twilio's face afterwards: the account, one message, a list of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.faces.twilio_hooks import visible_sender
from dispatcher.testing.carrier.faces.twilio_words import VERSION, error_body, message_json, read_form, read_query
from dispatcher.testing.carrier.http1 import Request
from dispatcher.testing.carrier.ledger import Ledger
from dispatcher.testing.carrier.messages import Message, Messages

_DEFAULT_PAGE: Final = 50
_LARGEST_PAGE: Final = 1000
_SID: Final = re.compile(r"SM[0-9a-f]{32}")


def refuse(request: Request, code: int) -> None:
    """Answer with one of Twilio's errors that concerns no message."""
    headers = b'WWW-Authenticate: Basic realm="Twilio API"\r\n' if code == 20003 else b""
    request.answer(*error_body(code), headers)


class Sids:
    """Sids of one run share a prefix that no other run has; the rest is the message's number."""

    def __init__(self, run: int) -> None:
        self._run = f"SM{run:016x}"
        self._first = 0

    def resume(self, messages: Messages, ledger: Ledger) -> None:
        """Go on with what an earlier run accepted, under the names it gave."""
        statuses = ledger.statuses()
        for sid, time_us, sender, to, request in ledger.requests():
            if messages.count == 0:
                self._run, self._first = sid[:18], int(sid[18:], 16)
            message = messages.add(to, sender, request.encode("ascii"), "queued", time_us)
            message.become(statuses[sid], "", time_us)

    def of(self, message: Message) -> str:
        return f"{self._run}{message.number + self._first:016x}"

    def number(self, sid: str) -> int:
        """-1 for a sid of another run, or none."""
        if not _SID.fullmatch(sid) or not sid.startswith(self._run):
            return -1
        return int(sid[len(self._run) :], 16) - self._first


class TwilioReads:
    def __init__(self, carrier: Carrier, sids: Sids) -> None:
        self._carrier = carrier
        self._sids = sids
        self._account = carrier.options.account_sid
        self._base = f"/{VERSION}/Accounts/{self._account}"

    def handle(self, request: Request) -> None:
        path, _, query = request.target.decode("latin-1").partition("?")
        if path == f"{self._base}.json":
            request.answer_json(200, self._account_json())
        elif path == f"{self._base}/Balance.json":
            request.answer_json(200, {"account_sid": self._account, "balance": "100.00", "currency": "USD"})
        elif path == f"{self._base}/Messages.json":
            self._list(request, read_query(query))
        elif path.startswith(f"{self._base}/Messages/") and path.endswith(".json"):
            self._fetch(request, path[len(self._base) + 10 : -5])
        else:
            refuse(request, 20404)

    def _fetch(self, request: Request, sid: str) -> None:
        message = self._carrier.messages.get(self._sids.number(sid))
        if message is None:
            refuse(request, 20404)
        else:
            request.answer(200, self._json(message))

    def _list(self, request: Request, query: dict[str, str]) -> None:
        """Newest first. `DateSent` is compared in whole days, GMT; a message not yet sent counts by its creation."""
        try:
            size = min(int(query.get("PageSize", _DEFAULT_PAGE)), _LARGEST_PAGE)
            page = int(query.get("Page", 0))
            wanted = list(islice(self._matching(query), max(size, 1) + 1))
        except ValueError:
            refuse(request, 20404)
            return
        shown = wanted[: max(size, 1)]
        records = b", ".join(self._json(message) for message in shown)
        more = self._page_uri(query, page + 1, size, shown[-1]) if len(wanted) > len(shown) else None
        paging = {
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
            "uri": self._page_uri(query, page, size, None),
            "first_page_uri": self._page_uri(query, 0, size, None),
            "next_page_uri": more,
            "previous_page_uri": None,
        }
        request.answer(200, json.dumps(paging).encode()[:-1] + b', "messages": [' + records + b"]}")

    def _matching(self, query: dict[str, str]) -> Iterator[Message]:
        before = self._sids.number(query["PageToken"].removeprefix("PA")) if query.get("PageToken") else None
        sender = query.get("From")
        days = _days(query)
        for message in self._carrier.messages.newest_first(query.get("To", ""), before):
            if (sender is None or visible_sender(message) == sender) and days(message):
                yield message

    def _page_uri(self, query: dict[str, str], page: int, size: int, last: Message | None) -> str:
        kept = {name: value for name, value in query.items() if name not in {"Page", "PageSize", "PageToken"}}
        kept |= {"PageSize": str(size), "Page": str(page)}
        if last is not None:
            kept["PageToken"] = f"PA{self._sids.of(last)}"
        return f"{self._base}/Messages.json?{urlencode(kept)}"

    def _json(self, message: Message) -> bytes:
        return message_json(message, self._sids.of(message), self._account, read_form(message.form)).encode()

    def _account_json(self) -> dict[str, object]:
        return {
            "sid": self._account, "owner_account_sid": self._account, "friendly_name": "Carrier simulator",
            "status": "active", "type": "Full", "date_created": None, "date_updated": None, "auth_token": None,
            "uri": f"{self._base}.json", "subresource_uris": {"messages": f"{self._base}/Messages.json"},
        }  # fmt: skip


def _days(query: dict[str, str]) -> Callable[[Message], bool]:
    """The filter that `DateSent`, `DateSent<` and `DateSent>` ask for, both ends included. ValueError for no date."""
    exact, until, since = (_day(query.get(name)) for name in ("DateSent", "DateSent<", "DateSent>"))

    def matches(message: Message) -> bool:
        day = datetime.fromtimestamp((message.sent_us or message.created_us) // 1_000_000, UTC).date()
        return (exact is None or day == exact) and (until is None or day <= until) and (since is None or day >= since)

    return matches


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
