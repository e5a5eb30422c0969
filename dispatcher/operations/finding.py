"""One line of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Keys are a promise: check ok detail fix."""

    check: str
    ok: bool
    detail: str = ""
    fix: str = ""


def good(check: str, detail: str = "") -> Finding:
    return Finding(check, True, detail)


def bad(check: str, detail: str, fix: str) -> Finding:
    return Finding(check, False, detail, fix)
