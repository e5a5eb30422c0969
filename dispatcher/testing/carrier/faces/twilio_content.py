"""Twilio's other hosts on the same port: the Content API, as its public documentation describes it.

`Behaviour.templates` says what is held. While it is empty, any template is held and approved, with a text that nobody
knows, so that a rehearsal needs no copy of the real ones.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dispatcher.testing.carrier.behaviour import HeldContent
from dispatcher.testing.carrier.carrier import Carrier
from dispatcher.testing.carrier.faces.twilio_reads import refuse
from dispatcher.testing.carrier.http1 import Request

_CONTENT: Final = re.compile(r"/v1/Content/(HX[0-9A-Za-z]+)(/ApprovalRequests)?")
_ANYTHING: Final = HeldContent(language="", body="")


class TwilioContent:
    """Reads only: templates are made in Twilio's console."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._account = carrier.options.account_sid

    def handle(self, request: Request) -> None:
        """Any signed-in GET under `/v1/`."""
        path = request.target.decode("latin-1").partition("?")[0]
        if path in ("/v1/Content", "/v1/ContentAndApprovals"):
            request.answer_json(200, self._page(path))
        elif (found := _CONTENT.fullmatch(path)) and (held := self._held(found[1])) is not None:
            sid = found[1]
            request.answer_json(200, self._approval(sid, held) if found[2] else self._content(sid, held))
        else:
            refuse(request, 20404)

    def _held(self, sid: str) -> HeldContent | None:
        templates = self._carrier.behaviour.templates
        return templates.get(sid) if templates else _ANYTHING

    def _content(self, sid: str, held: HeldContent) -> dict[str, Any]:
        url = f"https://content.twilio.com/v1/Content/{sid}"
        approvals = f"{url}/ApprovalRequests"
        return {
            "sid": sid, "account_sid": self._account, "friendly_name": sid.lower(), "language": held.language,
            "variables": held.variables, "types": {"twilio/text": {"body": held.body}} if held.body else {},
            "date_created": "2026-11-01T00:00:00Z", "date_updated": "2026-11-01T00:00:00Z", "url": url,
            "links": {"approval_create": f"{approvals}/whatsapp", "approval_fetch": approvals},
        }  # fmt: skip

    def _approval(self, sid: str, held: HeldContent) -> dict[str, Any]:
        url = f"https://content.twilio.com/v1/Content/{sid}/ApprovalRequests"
        return {"sid": sid, "account_sid": self._account, "whatsapp": _whatsapp(sid, held), "url": url}

    def _page(self, path: str) -> dict[str, Any]:
        with_approval = path.endswith("Approvals")
        contents = [
            {**self._content(sid, held), **({"approval_requests": _whatsapp(sid, held)} if with_approval else {})}
            for sid, held in self._carrier.behaviour.templates.items()
        ]
        url = f"https://content.twilio.com{path}?PageSize=50&Page=0"
        meta = {
            "page": 0, "page_size": 50, "first_page_url": url, "previous_page_url": None, "url": url,
            "next_page_url": None, "key": "contents",
        }  # fmt: skip
        return {"contents": contents, "meta": meta}


def _whatsapp(sid: str, held: HeldContent) -> dict[str, Any]:
    return {
        "type": "whatsapp", "name": sid.lower(), "category": "UTILITY", "content_type": "twilio/text",
        "status": held.status, "rejection_reason": held.rejection_reason, "allow_category_change": True,
    }  # fmt: skip
