from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.spi import (
    Ambiguous,
    ErrorTable,
    Filtered,
    Misconfigured,
    NotSent,
    OptedOut,
    Outcome,
    Reason,
    Rejected,
    Throttled,
    Unsupported,
)


def table(tmp_path: Path, text: str) -> ErrorTable:
    path = tmp_path / "errors.toml"
    path.write_text(text, encoding="utf-8")
    return ErrorTable.load(path)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("rejected", Rejected(Reason.BLOCKED, "7")),
        ("opted_out", OptedOut("7")),
        ("unsupported", Unsupported("code 7")),
        ("filtered", Filtered("7")),
        ("throttled", Throttled(60, "7")),
        ("not_sent", NotSent("7", retry_after_s=60)),
        ("misconfigured", Misconfigured("7")),
        ("ambiguous", Ambiguous("7")),
    ],
)
def test_a_class_is_an_outcome(tmp_path: Path, kind: str, outcome: Outcome) -> None:
    codes = table(
        tmp_path, f'7 = {{ class = "{kind}", reason = "blocked", retry_after_s = 60, en = "No", id = "Tidak" }}'
    )
    assert codes.outcome("7") == outcome
    assert codes["7"].suppresses == (kind == "opted_out")


def test_what_the_provider_asks_goes_before_the_table(tmp_path: Path) -> None:
    codes = table(tmp_path, '7 = { class = "throttled", reason = "throttled", retry_after_s = 60 }')
    assert codes.outcome("7", 3.0) == Throttled(3.0, "7")


def test_an_unknown_code_is_no_error(tmp_path: Path) -> None:
    codes = table(tmp_path, "")
    assert codes.outcome("8") is None
    assert codes.explain("8") == ""


def test_sentences_by_language(tmp_path: Path) -> None:
    codes = table(tmp_path, '7 = { class = "filtered", reason = "filtered", en = "No", id = "Tidak" }')
    assert [codes.explain("7", language) for language in ("id", "en", "fr")] == ["Tidak", "No", ""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('7 = { reason = "blocked" }', r"errors.toml: \[7\] has no 'class'"),
        ('7 = { class = "rejected" }', r"\[7\] has no 'reason'"),
        ('7 = { class = "refused", reason = "blocked" }', r"\[7\] class 'refused' is none of rejected, opted_out"),
        ('7 = { class = "rejected", reason = "because" }', r"\[7\] 'because' is not a valid Reason"),
        ("7 = 8", r"errors.toml: \[7\]"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        table(tmp_path, text)
