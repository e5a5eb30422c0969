"""The engine's pooled HTTP client, and the one place that tells *not sent* from *may have been sent*."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class NotSentError(Exception):
    """The connection was never opened: proven not to have left."""


class AmbiguousError(Exception):
    """The request may have left and its end is not known."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer. `headers` in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """ValueError where the body is not JSON."""
        import json

        return json.loads(self.body)


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
    ) -> HttpResponse:
        """Raises NotSentError or AmbiguousError."""
        ...
