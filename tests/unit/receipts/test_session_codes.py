"""Which session a reply names."""

from __future__ import annotations

import pytest

from dispatcher.receipts.session_codes import named_session

ANSWERS = {"hadir": ["HADIR", "YA"], "tidak-hadir": ["TIDAK", "BERHALANGAN"]}
CODES = {"pusat": "PUSAT", "barat": "BARAT", "kelas-1": "KELAS1", "kelas-2": "KELAS2", "kepulauan-seribu": "P SERIBU"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("PUSAT", ("pusat", "")),
        ("hadir pusat", ("pusat", "hadir")),
        ("Pusat, hadir ya pak", ("pusat", "hadir")),
        ("TIDAK BARAT", ("barat", "tidak-hadir")),
        ("hadir kelas 1", ("kelas-1", "hadir")),
        ("KELAS2", ("kelas-2", "")),
        ("hadir p. seribu", ("kepulauan-seribu", "hadir")),
        ("hadir pusta", ("pusat", "hadir")),
        ("hadr pusaat", ("pusat", "hadir")),
        ("yq pusat", None),  # no slip is forgiven in a short word
        ("HADIR PUSAT BARAT", None),
        ("HADIR TIDAK PUSAT", None),
        ("KELAS3", None),
        ("hadir", None),
        ("di mana kelas pusat", None),
        ("👍", None),
        ("", None),
        ("PUSAT " * 5_000, None),
    ],
)
def test_what_is_named(text: str, named: tuple[str, str] | None) -> None:
    assert named_session(text, ANSWERS, CODES) == named


def test_who_was_invited_to_nothing_names_nothing() -> None:
    assert named_session("PUSAT", ANSWERS, {}) is None
