"""One exchange with a provider, or a call of its, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def print_exchange(attempt: int, exchange: dict[str, Any]) -> None:
    _print(_lines(attempt, exchange))


def print_call(received: str, call: dict[str, Any]) -> None:
    _print(_call_lines(received, call))


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        # the answer is the provider's: nothing in it may move the cursor
        print("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line))


def _lines(attempt: int, exchange: dict[str, Any]) -> Iterator[str]:
    yield f"attempt {attempt}, {exchange['at']}, {exchange['ms']} ms"
    yield f"  > {exchange['method']} {exchange.get('host', '')}{exchange.get('path', '')}".rstrip()
    yield from _fields("  >   ?", exchange.get("query"))
    yield from _fields("  >  ", exchange.get("headers"))
    yield from _fields("  >  ", exchange.get("request"))
    said = exchange.get("status") or exchange.get("failure")
    if said:
        yield f"  < {said}"
    yield from _fields("  <  ", exchange.get("answer_headers"))
    yield from _fields("  <  ", exchange.get("answer"))


def _call_lines(received: str, call: dict[str, Any]) -> Iterator[str]:
    yield f"called {received}"
    yield f"  < {call['method']} {call.get('path', '')}".rstrip()
    yield from _fields("  <   ?", call.get("query"))
    yield from _fields("  <  ", call.get("body"))


def _fields(mark: str, value: Any) -> Iterator[str]:
    """A line for each member of an object; anything else on one line."""
    import json

    if isinstance(value, dict):
        for name, one in value.items():
            yield f"{mark} {name}: {one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)}"
    elif value not in (None, ""):
        yield f"{mark} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
