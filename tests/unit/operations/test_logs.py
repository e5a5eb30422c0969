"""Numbers that other people's libraries log are masked (invariant 12)."""

from __future__ import annotations

import io
import json
import logging

import pytest

from dispatcher.operations.logs import set_up_logs


def _logged(text: str) -> str:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        set_up_logs(stream)
        logging.getLogger("a.library").warning(text)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    return str(json.loads(stream.getvalue())["event"])


@pytest.mark.parametrize(
    "number",
    ["+6281234567890", "+62 812-3456-7890", "6281234567890", "081234567890", "+12025550123", "%2B6281234567890"],
)
@pytest.mark.parametrize("around", ["to {}.", "To={}&From=x", "whatsapp:{}", "'{}'", "to_{} ends"])
def test_a_number_in_any_spelling_and_place_is_masked(number: str, around: str) -> None:
    assert not any(part in _logged(around.format(number)) for part in ("2025550123", "7890"))


@pytest.mark.parametrize(
    "text", ["message 1764000000000123456", "at 2026-11-24T12:56:13+07:00", "took 0.0812345678 s", "a0812345678bcd"]
)
def test_ids_instants_and_digests_stay(text: str) -> None:
    assert _logged(text) == text
