"""Who fetches a page: a person, or a program that looks for them. And who guesses at links."""

from __future__ import annotations

import ipaddress
import time
import tomllib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from dispatcher.web.page import FOLDER

_PARTS: Final[tuple[str, ...]] = tuple(tomllib.loads((FOLDER / "programs.toml").read_text(encoding="utf-8"))["parts"])
_MOST_SOURCES: Final = 10_000
MISSES_A_MINUTE: Final = 20
_MINUTE_S: Final = 60.0

Headers = Iterable[tuple[bytes, bytes]]


def is_program(method: str, headers: Headers) -> bool:
    """A preview, a scanner or a prefetch; also whatever does not say what it is."""
    if method == "HEAD":
        return True
    agent = ""
    for name, value in headers:
        if name == b"user-agent":
            agent = value.decode("latin-1")
        elif name in (b"purpose", b"sec-purpose", b"x-moz") and b"pre" in value.lower():
            return True
    return not agent or _is_program(agent)


@lru_cache(maxsize=2048)
def _is_program(agent: str) -> bool:
    lowered = agent.lower()
    return any(part in lowered for part in _PARTS)


def source_of(client: tuple[str, int] | None, headers: Headers, proxies: int) -> str:
    """The address that the outermost of so many trusted proxies saw; of IPv6 the network of 64 bits."""
    address = client[0] if client else ""
    if proxies:
        said = [part.strip() for name, value in headers if name == b"x-forwarded-for" for part in _parts(value)]
        if len(said) >= proxies:
            address = said[-proxies]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return address


def _parts(value: bytes) -> list[str]:
    return value.decode("latin-1").split(",")


class Misses:
    """Wrong links by source, of the last minute. Bounded: the source that was quiet longest is forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def are_too_many(self, source: str) -> bool:
        times = self._times.get(source)
        return times is not None and len(times) == MISSES_A_MINUTE and self._clock() - times[0] < _MINUTE_S

    def note(self, source: str) -> None:
        self._times.setdefault(source, deque(maxlen=MISSES_A_MINUTE)).append(self._clock())
        self._times.move_to_end(source)
        if len(self._times) > _MOST_SOURCES:
            self._times.popitem(last=False)
