"""Ready configurations, and what is refused: gateways that drive a private WhatsApp session."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dispatcher.spi import ErrorTable

FOLDER: Final = Path(__file__).with_name("gateways")
UNOFFICIAL: Final = {"fonnte": "fonnte.com", "wablas": "wablas.com", "watzap": "watzap.id"}
"""They act as a phone that is logged in to WhatsApp Web, which WhatsApp forbids: such numbers get banned."""


@cache
def ready_gateways() -> Mapping[str, Mapping[str, Any]]:
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))}


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The sender's settings over those of its gateway. `null` takes a key away. ValueError for an unknown gateway."""
    name = settings.get("gateway", "")
    if not name or name in UNOFFICIAL:
        return dict(settings)
    if name not in ready_gateways():
        raise ValueError(f"gateway: there is none called {str(name)!r}; ready are: {', '.join(ready_gateways())}")
    return _merged(ready_gateways()[name], settings)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged


def unofficial(gateway: str, base_url: str) -> str:
    """Which of the unofficial gateways this is, by its name or its host; "" for none."""
    if gateway in UNOFFICIAL:
        return gateway
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    return next((name for name, domain in UNOFFICIAL.items() if f".{host}".endswith(f".{domain}")), "")


def explain(code: str, language: str) -> str:
    """Of any ready gateway; "" where two of them use the same code."""
    sentences = {
        sentence
        for name, settings in ready_gateways().items()
        if (sentence := ErrorTable.of(settings.get("codes", {}), name).explain(code, language))
    }
    return sentences.pop() if len(sentences) == 1 else ""
