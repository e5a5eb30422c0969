"""What Twilio holds: messages whose end is unknown, templates, and the account. Asked off the hot path."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

from dispatcher import spi
from dispatcher.spi import asking
from dispatcher_channels.twilio.config import TwilioConfig
from dispatcher_channels.twilio.words import ERRORS, STATUSES

PAGE_SIZE = 200


class TwilioAccount(asking.Account):
    provider = "Twilio"
    hint = "Look at account_sid and auth_token (or api_key and api_secret) in the Twilio console."
    error_table = ERRORS

    def __init__(self, config: TwilioConfig, http: spi.HttpClient, prefix: str) -> None:
        super().__init__(http, {"authorization": config.authorization, "accept": "application/json"})
        self._config = config
        self._prefix = prefix

    async def look_up(self, query: spi.LookupQuery) -> spi.LookupResult:
        """Twilio does not give back the StatusCallback: an attempt is recognised by recipient, origin, text and time.

        The list is asked by recipient and origin only: `DateSent` is empty while a message waits in Twilio's own queue.
        An empty answer is no proof: no page of Twilio's says that the list is consistent with what was created, a
        request may wait in a proxy longer than we do, and accounts may obfuscate addresses.
        """
        if query.provider_id:
            sid = quote(query.provider_id, safe="")
            return _found(await self.get(f"{self._config.account_url}/Messages/{sid}.json"))
        wanted = {"To": self._prefix + query.to, "PageSize": str(PAGE_SIZE)}
        if self._config.address:
            wanted["From"] = self._prefix + self._config.address
        url = f"{self._config.account_url}/Messages.json?{urlencode(wanted)}"
        pages = self.pages(self._config.base_url, url, "next_page_uri")
        ours = [_listed(one) async for page in pages for one in page["messages"] if self._is_ours(one)]
        return asking.recognised(query, ours)

    def _is_ours(self, record: asking.Record) -> bool:
        service = self._config.messaging_service_sid
        return record["direction"] == "outbound-api" and (not service or record["messaging_service_sid"] == service)

    async def template(self, template_id: str) -> spi.TemplateResult:
        """https://www.twilio.com/docs/content/content-api-resources; only WhatsApp wants an approval."""
        url = f"{self._config.content_base_url}/v1/Content/{quote(template_id, safe='')}"
        try:
            record = await self.get(url)
            approval = await self.get(f"{url}/ApprovalRequests") if self._prefix else {}
        except asking.RefusedError as refused:
            if (refused.status, refused.code) == (404, "20404"):  # any other 404 says nothing about templates
                return spi.Absent()
            raise
        if record["sid"] != template_id:
            raise ValueError("another template")
        types, whatsapp = dict(record["types"]), dict(approval.get("whatsapp") or {})
        state = str(whatsapp.get("status") or "not submitted") if self._prefix else ""
        shape = {"language": record["language"], "types": types, "variables": dict(record.get("variables") or {})}
        return spi.HeldTemplate(
            id=template_id,
            digest=asking.digest_of(shape),
            language=str(record["language"] or ""),
            approved=state in ("", "approved"),
            state=state,
            reason=str(whatsapp.get("rejection_reason") or ""),
            parameters=frozenset(asking.placeholders(types)) if types else None,
            text=_body(types),
        )

    def questions(self) -> Mapping[str, asking.Question]:
        last = {"templates": self.templates} if self._prefix else {"origin": self.origin}
        return {"account": self.account, "balance": self.balance, **last}

    async def account(self) -> asking.Finding:
        status = (await self.get(f"{self._config.account_url}.json"))["status"]
        return f"the account is {status}", "" if status == "active" else "reactivate the account"

    async def balance(self) -> asking.Finding:
        record = await self.get(f"{self._config.account_url}/Balance.json")
        fix = "" if float(record["balance"] or 0) > 0 else "top up the account"
        return f"{record['currency']} {record['balance']}", fix

    async def origin(self) -> asking.Finding:
        """Registered names and WhatsApp numbers are in no list that the API gives."""
        if service := self._config.messaging_service_sid:
            record = await self.get(f"{self._config.messaging_base_url}/v1/Services/{service}")
            return f"messaging service {record['sid']}", ""
        if not self._config.address.startswith("+"):
            return "a name or short code: only Twilio's console can tell whether it is registered", ""
        wanted = urlencode({"PhoneNumber": self._config.address, "PageSize": 1})
        record = await self.get(f"{self._config.account_url}/IncomingPhoneNumbers.json?{wanted}")
        if record["incoming_phone_numbers"]:
            return "the number belongs to the account", ""
        return "the number does not belong to the account", "buy or verify the number, or set another `from`"

    async def templates(self) -> asking.Finding:
        url = f"{self._config.content_base_url}/v1/ContentAndApprovals?PageSize={PAGE_SIZE}"
        records = (await self.get(url))["contents"]
        approved = sum((record.get("approval_requests") or {}).get("status") == "approved" for record in records)
        fix = "" if approved else "submit a template for approval: WhatsApp takes no other first message"
        return f"{approved} of {len(records)} templates are approved", fix


def _listed(record: asking.Record) -> asking.Listed:
    return asking.Listed(_found(record), parsedate_to_datetime(record["date_created"]).timestamp(), record["body"])


def _found(record: asking.Record) -> spi.Found:
    code = str(record.get("error_code") or "")
    return ERRORS.found(record["sid"], STATUSES.get(record["status"], spi.Status.ACCEPTED), code)


def _body(types: asking.Record) -> str:
    """Twilio sends the richest type that the channel can show; all types of a template hold the same text."""
    names = ("body", "title", "header_text")  # where the types keep what people read first
    return next((kind[n] for kind in types.values() for n in names if isinstance(kind.get(n), str)), "")
