"""What short replies mean: a table of what people write (corpus.py), and of what must not act."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.words import normalise
from dispatcher.receipts.keywords import campaign_answer, universal_word
from tests.unit.receipts import corpus

ANSWERS = {
    "hadir": ["HADIR", "YA", "IYA", "IKUT"],
    "tidak-hadir": ["TIDAK", "TIDAK HADIR", "BATAL"],
    "setuju": ["SETUJU", "SAYA SETUJU"],
    "kelas-1": ["KELAS1"],
    "kelas-2": ["KELAS2"],
}


@pytest.mark.parametrize(
    "table", [corpus.STOPS, corpus.NOT_STOPS, corpus.STARTS, corpus.HELPS, corpus.HADIR, corpus.NO_ANSWERS]
)
def test_the_corpus_is_large_enough(table: list[str]) -> None:
    assert len(set(table)) >= 60


@pytest.mark.parametrize("text", corpus.STOPS)
def test_stop_is_heard(text: str) -> None:
    assert universal_word(text) == "stop"


@pytest.mark.parametrize("text", [*corpus.NOT_STOPS, *corpus.STARTS, *corpus.HELPS, *corpus.HADIR, *corpus.NO_ANSWERS])
def test_a_sentence_with_a_stop_word_stops_nothing(text: str) -> None:
    assert universal_word(text, [ANSWERS]) != "stop"


@pytest.mark.parametrize("text", corpus.STARTS)
def test_start_is_heard(text: str) -> None:
    assert universal_word(text) == "start"


@pytest.mark.parametrize("text", corpus.HELPS)
def test_help_is_heard(text: str) -> None:
    assert universal_word(text) == "help"


@pytest.mark.parametrize("text", [*corpus.HADIR, *corpus.NO_ANSWERS, *corpus.STOPS])
def test_neither_start_nor_help(text: str) -> None:
    assert universal_word(text, [ANSWERS]) not in ("start", "help")


@pytest.mark.parametrize("text", corpus.HADIR)
def test_an_answer_is_heard(text: str) -> None:
    assert campaign_answer(text, ANSWERS) == "hadir"


@pytest.mark.parametrize("text", [*corpus.NO_ANSWERS, *corpus.STOPS, *corpus.STARTS, *corpus.HELPS])
def test_what_is_no_answer(text: str) -> None:
    assert campaign_answer(text, ANSWERS) is None


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("TIDAK", "tidak-hadir"),
        ("tidka", "tidak-hadir"),
        ("tidak hadir", "tidak-hadir"),
        ("maaf tidak hadir", "tidak-hadir"),
        ("BATAL", "tidak-hadir"),
        ("BTAL", "tidak-hadir"),
        ("Saya setuju", "setuju"),
        ("setujuu", "setuju"),
        ("stuju", "setuju"),
        ("kelas1", "kelas-1"),
        ("kelas 1", "kelas-1"),
        ("Kelas-2 ya pak", "kelas-2"),
        ("hadir " * 2000, None),
    ],
)
def test_other_answers_of_a_campaign(text: str, meaning: str | None) -> None:
    assert campaign_answer(text, ANSWERS) == meaning


@pytest.mark.parametrize("text", ["HADIR STOP", "stop hadir", "ya, stop", "setuju, berhenti", "STOP MULAI"])
def test_a_stop_wins_over_other_keywords(text: str) -> None:
    assert universal_word(text, [ANSWERS]) == "stop"


@pytest.mark.parametrize("text", ["tidak stop", "TIDAK, STOP", "stop tidak", "hadir jangan stop", "hadir, bukan stop"])
def test_a_keyword_that_turns_a_stop_around_leaves_it_to_a_person(text: str) -> None:
    assert universal_word(text, [ANSWERS]) is None


def test_a_slip_that_could_be_two_answers_is_none() -> None:
    assert campaign_answer("pagix", {"a": ["PAGIA"], "b": ["PAGIB"]}) is None


def test_keywords_a_slip_apart_forgive_nothing() -> None:
    answers = {"a": ["MAWAR"], "b": ["MAWIR"]}
    assert [campaign_answer(text, answers) for text in ("mawar", "MAWIR", "mwar", "mawirr")] == ["a", "b", None, "b"]


def test_a_keyword_without_letters_matches_nothing() -> None:
    assert campaign_answer("👍", {"ya": ["👍"]}) is None


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader_of_keywords(text: str) -> None:
    assert not set(normalise(text)) & set("_.,!?🙏")
    universal_word(text, [ANSWERS])
    campaign_answer(text, ANSWERS)


@pytest.mark.parametrize("text", ["stop " * 200_000, "jangan kirim " * 24, "stop, " * 53])
def test_a_long_reply_costs_little(text: str) -> None:
    started = time.perf_counter()
    assert universal_word(text) is None
    assert time.perf_counter() - started < 0.1
