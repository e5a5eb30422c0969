"""What became of an attempt whose end is unknown.

Twilio does not give back the StatusCallback, so an attempt is recognised by recipient, origin, text and time. The
list is asked by recipient and origin only: `DateSent` is empty while a message waits in Twilio's own queue, and a
filter on it would hide just those.

An empty answer is no proof (`absence_is_proof` is off): no page of Twilio's says that the list is consistent with
what was created, a request may wait in a proxy longer than we do, and accounts may obfuscate addresses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from dispatcher.spi import (
    Absent,
    AmbiguousError,
    Found,
    HttpClient,
    LookupQuery,
    LookupResult,
    NotSentError,
    Reason,
    Status,
    Undecided,
)
from dispatcher_channels.twilio.config import TwilioConfig
from dispatcher_channels.twilio.words import ERRORS, STATUSES

PAGE_SIZE = 200
MAX_PAGES = 5
BEFORE_S = 60
"""How far Twilio's clock, to the second, may be behind the database's."""
AFTER_S = 180


class UnreadableError(Exception):
    """The API did not answer with what it documents; the message says how, and holds nothing of the answer."""


async def look_up(query: LookupQuery, config: TwilioConfig, http: HttpClient, prefix: str) -> LookupResult:
    search = MessageSearch(config, http, prefix)
    try:
        if query.provider_id:
            return _found(await search.get(f"{config.messages_url}/{quote(query.provider_id, safe='')}.json"))
        return _decide(query, [record async for record in search.around(query)])
    except UnreadableError as error:
        return Undecided(str(error))
    except (NotSentError, AmbiguousError) as error:
        return Undecided(f"the look-up failed: {error}")
    except (KeyError, TypeError, ValueError, AttributeError):
        return Undecided("a record that is not as documented")


class MessageSearch:
    def __init__(self, config: TwilioConfig, http: HttpClient, prefix: str) -> None:
        self._config = config
        self._http = http
        self._prefix = prefix
        self._headers = {"authorization": config.authorization, "accept": "application/json"}

    async def get(self, url: str) -> dict[str, Any]:
        response = await self._http.request("GET", url, headers=self._headers)
        if response.status != 200:
            raise UnreadableError(f"the look-up was answered with HTTP {response.status}")
        return response.object()

    async def around(self, query: LookupQuery) -> AsyncIterator[dict[str, Any]]:
        """Our messages to this person created around the attempt. UnreadableError where the list is too long."""
        wanted = {"To": self._prefix + query.to, "PageSize": str(PAGE_SIZE)}
        if self._config.address:
            wanted["From"] = self._prefix + self._config.address
        url = f"{self._config.messages_url}.json?{urlencode(wanted)}"
        for _ in range(MAX_PAGES):
            page = await self.get(url)
            for record in page["messages"]:
                if self._is_ours(record) and _is_near(record, query):
                    yield record
            if not page.get("next_page_uri"):
                return
            url = urljoin(self._config.base_url + "/", str(page["next_page_uri"]).lstrip("/"))
            if not url.startswith(self._config.base_url + "/"):
                raise UnreadableError("the list's next page is on another host")
        raise UnreadableError("more messages to this person than can be told apart")

    def _is_ours(self, record: dict[str, Any]) -> bool:
        service = self._config.messaging_service_sid
        return record["direction"] == "outbound-api" and (not service or record["messaging_service_sid"] == service)


def _is_near(record: dict[str, Any], query: LookupQuery) -> bool:
    created_s = parsedate_to_datetime(record["date_created"]).timestamp()
    until_us = query.begun_us if query.until_us is None else query.until_us
    return query.begun_us / 1_000_000 - BEFORE_S <= created_s <= until_us / 1_000_000 + AFTER_S


def _decide(query: LookupQuery, records: list[dict[str, Any]]) -> LookupResult:
    """A template's text is Twilio's, and a redacted text is gone: any such message may be it."""
    text = None if query.text is None else query.text.strip()
    possible = [record for record in records if text is None or record["body"].strip() in ("", text)]
    if not possible:
        return Absent()
    if len(possible) == 1 and (text is None or possible[0]["body"]):
        return _found(possible[0])
    return Undecided(f"{len(possible)} messages could be it")


def _found(record: dict[str, Any]) -> LookupResult:
    code = str(record.get("error_code") or "")
    status = STATUSES.get(record["status"], Status.ACCEPTED)
    entry = ERRORS.get(code)
    failed = status is Status.FAILED
    reason = (entry.reason if entry else Reason.OTHER) if failed else None
    return Found(record["sid"], status, reason, code if failed else "")
