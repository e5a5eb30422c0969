from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.spi import (
    Ambiguous,
    ErrorTable,
    Filtered,
    HttpResponse,
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


def test_codes_that_say_the_same_share_an_entry(tmp_path: Path) -> None:
    codes = table(tmp_path, '7 = { class = "filtered", reason = "filtered", also = ["8"], en = "No", id = "Tidak" }')
    assert list(codes) == ["7", "8"]
    assert codes.outcome("8") == Filtered("8")
    assert codes.explain("8", "en") == "No"
    assert codes.explain("8", "also") == ""


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "7", Rejected(Reason.BLOCKED, "7")),
        (429, "7", Throttled(None, "7")),
        (503, "7", Ambiguous("503", "the provider failed while it handled the request")),
        (401, "", Misconfigured("401", "the provider refused the credentials")),
        (401, "7", Rejected(Reason.BLOCKED, "7")),
        (404, "", Misconfigured("404", "there is no such address at this base_url")),
        (400, "8", Rejected(Reason.PROVIDER, "8", "refused with a code that is not in errors.toml")),
        (200, "8", Ambiguous("200", "an answer that is not documented")),
        (400, "", Ambiguous("400", "an answer that is not documented")),
    ],
)
def test_a_refusal_is_its_status_and_then_its_code(tmp_path: Path, status: int, code: str, outcome: Outcome) -> None:
    codes = table(tmp_path, '7 = { class = "rejected", reason = "blocked" }')
    assert codes.refusal(HttpResponse(status, {}, b""), code) == outcome


def test_what_is_dead_on_arrival_is_never_sent_again(tmp_path: Path) -> None:
    codes = table(
        tmp_path,
        """
        7 = { class = "not_sent", reason = "unreachable" }
        8 = { class = "opted_out", reason = "opted_out" }
        """,
    )
    assert codes.dead("7") == Rejected(Reason.UNREACHABLE, "7")
    assert codes.dead("8") == OptedOut("8")
    assert codes.dead("9") == Rejected(Reason.PROVIDER, "9")
