"""The engine's pooled HTTP client, and the one place that tells *not sent* from *may have been sent*.

    NotSentError      the connection was never opened, or the request could not be built
    AmbiguousError    everything else: it may have left, and its end is not known

Neither carries a URL, a header or a body: providers put numbers and secrets there (invariant 12).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote_plus, urlencode

from dispatcher import __version__
from dispatcher.core.outcome import Ambiguous, Misconfigured, Throttled

if TYPE_CHECKING:
    from pyreqwest.client import Client
    from pyreqwest.request import StreamRequest
    from pyreqwest.response import Response

FORM: Final = "application/x-www-form-urlencoded"
JSON_TYPE: Final = "application/json"
MAX_ANSWER_BYTES: Final = 1024 * 1024
_MOST_PATTERNS = 64
_MOST_WORDS = 8192
_LONGEST_WORD = 64


class NotSentError(Exception):
    """The connection was never opened: proven not to have left."""


class AmbiguousError(Exception):
    """The request may have left and its end is not known."""


@dataclass(slots=True)  # frozen costs four times as much to make, and there is one for every message
class HttpResponse:
    """A whole answer. `headers` in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """ValueError where the body is not JSON."""
        return _json(self.body)

    def object(self) -> dict[str, Any]:
        """ValueError where the body is not a JSON object."""
        return json_object(self.body)

    def record(self) -> dict[str, Any]:
        """The JSON object, `{}` where the body is none: for refusals, whose status says enough."""
        try:
            return json_object(self.body)
        except ValueError:
            return {}


def json_object(body: bytes) -> dict[str, Any]:
    """Of an answer or a webhook. ValueError where it is not a JSON object."""
    record = _json(body)
    if not isinstance(record, dict):
        raise ValueError("JSON, but no object")
    return record


def _json(body: bytes) -> Any:
    """ValueError also where it is nested too deeply."""
    return _parser()(body, allow_inf_nan=False, cache_strings="keys")


@cache
def _parser() -> Callable[..., Any]:
    """Imported late, for commands that need no channel; and once, because an import costs as much as a short parse."""
    from pydantic_core import from_json

    return from_json


@cache
def _json_bytes() -> Callable[[object], bytes]:
    from pydantic_core import to_json

    return to_json


@cache
def _request_body() -> Callable[[bytes], Any]:
    from pyreqwest.request import RequestBody

    return RequestBody.from_bytes


class _Words(dict[str, str]):
    """Words as a form spells them; forgotten all at once when there are many. Long ones are not shared, nor kept."""

    def __missing__(self, word: str) -> str:
        if len(word) > _LONGEST_WORD:
            return quote_plus(word)
        if len(self) >= _MOST_WORDS:
            self.clear()
        quoted = self[word] = quote_plus(word)
        return quoted


_words = _Words()


def form_quoted(text: str) -> str:
    """`quote_plus`, word by word: forms are made on the hot path, and texts of one campaign share most words."""
    return "+".join([_words[word] for word in text.split(" ")])


class HttpClient(Protocol):
    """Never follows redirects, never retries, uses no proxy unless configured."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        """At most one of `form`, `json` and `body`; only the first two set their content type.

        Raises NotSentError or AmbiguousError. Build the mapping of `headers` once, not for every call.
        """
        ...


class PooledClient:
    """`HttpClient` over pyreqwest: one per worker process, shared by all senders, closed by the engine.

    `connect_s` must stay below `total_s`, else a connection that never opens ends as ambiguous. `pool_idle_s` must stay
    below the providers' own, else a request may meet a connection that is just being closed. `proxy`: a URL; without
    it the environment's proxies are ignored too. A cancelled request may still arrive, and holds its connection until
    `total_s` at the latest.
    """

    def __init__(
        self,
        *,
        total_s: float = 8.0,
        connect_s: float = 3.0,
        pool_idle_s: float = 20.0,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        proxy: str = "",
    ) -> None:
        if not 0 < connect_s < total_s:
            raise ValueError("the connect time-out must be shorter than the total one")
        self._limit = max_answer_bytes
        self._client: Client | None = _build(total_s, connect_s, pool_idle_s, proxy)
        self._patterns: dict[tuple[str, str], tuple[dict[str, str], StreamRequest]] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        failure: NotSentError | AmbiguousError
        request = None
        try:
            if form is not None:
                headers, body = {**(headers or {}), "content-type": FORM}, urlencode(form).encode("ascii")
            elif json is not None:
                headers, body = {"content-type": JSON_TYPE, **(headers or {})}, _json_bytes()(json)
            request = self._built(method, url, headers or {}, body)
            async with request as response:
                answer = await self._read(response)
                if answer is not None:
                    return HttpResponse(response.status, response.headers, answer)
            failure = AmbiguousError("the answer is larger than the limit")
        except Exception as error:
            failure = _classify(error) if request is not None else NotSentError(f"not built: {type(error).__name__}")
        # Raised out here: an exception with the library's error as its context would carry the URL into a log.
        raise failure

    def _built(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> StreamRequest:
        """Copied from one that was built before: a third of the price, where a sender's requests differ in their body.

        Without a body, or with a query, they differ in their address, which may hold a number or a text: nothing of it
        is kept.
        """
        client = self._open_client()
        if body is None or "?" in url:
            request = client.request(method, url).headers(headers).build_streamed()
        else:
            request = self._pattern(client, method, url, headers).copy()
        if body is not None:
            request.body = _request_body()(body)
        return request

    def _pattern(self, client: Client, method: str, url: str, headers: Mapping[str, str]) -> StreamRequest:
        known = self._patterns.get((method, url))
        if known is None or known[0] != headers:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            built = client.request(method, url).headers(headers).build_streamed()
            known = self._patterns[method, url] = dict(headers), built
        return known[1]

    async def _read(self, response: Response) -> bytes | None:
        """The body, None where it is longer than the limit. `read` waits until it has the amount or the end."""
        body = await response.body_reader.read(self._limit + 1)
        if body is None:
            return b""
        return body.to_bytes() if len(body) <= self._limit else None

    def _open_client(self) -> Client:
        if self._client is None:
            raise RuntimeError("the client is closed")
        return self._client

    async def close(self) -> None:
        """Ends what is under way as ambiguous. Idle connections close with the last reference to the client."""
        client, self._client = self._client, None
        self._patterns.clear()  # each holds the client, and with it the idle connections
        if client is not None:
            await client.close()


def _build(total_s: float, connect_s: float, pool_idle_s: float, proxy: str) -> Client:
    from pyreqwest.client import ClientBuilder
    from pyreqwest.proxy import ProxyBuilder

    builder = (
        ClientBuilder()
        .http1_only()
        .follow_redirects(False)  # a 307 would post twice
        .referer(False)
        .no_proxy()
        .gzip(False)  # a small compressed answer may unpack to any size
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .timeout(timedelta(seconds=total_s))
        .connect_timeout(timedelta(seconds=connect_s))
        .pool_idle_timeout(timedelta(seconds=pool_idle_s))
        .user_agent(f"dispatcher/{__version__}")
    )
    return (builder.proxy(ProxyBuilder.all(proxy)) if proxy else builder).build()


def _classify(error: Exception) -> NotSentError | AmbiguousError:
    """By the cause, never by the type: a server that closes after reading the request raises `ConnectError` too."""
    details = getattr(error, "details", None) or {}
    causes = (details.get("causes") if isinstance(details, dict) else None) or ()
    if any("client error (Connect)" in cause["message"] for cause in causes):
        return NotSentError("the connection could not be opened")
    return AmbiguousError(f"the request may have left ({type(error).__name__})")


def classify_status(response: HttpResponse) -> Throttled | Ambiguous | Misconfigured | None:
    """What the status alone says with every HTTP provider; None: the provider's own words decide.

    429: never processed. 401 and 403: credentials. 5xx, 3xx and 1xx: nobody knows. Adapters refine it where their
    provider documents more.
    """
    status = response.status
    if status == 429:
        return Throttled(retry_after_s(response), "429")
    if status in (401, 403):
        return Misconfigured(str(status), "the provider refused the credentials")
    if status >= 500:
        return Ambiguous(str(status), "the provider failed while it handled the request")
    if not 200 <= status < 300 and not 400 <= status < 500:
        return Ambiguous(str(status), "an answer that is neither a success nor a refusal")
    return None


def retry_after_s(response: HttpResponse) -> float | None:
    """`Retry-After` in seconds from now (RFC 9110, 10.2.3): a number, or a date set against the answer's own `Date`."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    until = _http_date(value)
    if until is None:
        return None
    now = _http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
