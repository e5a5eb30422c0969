"""What short replies mean: a table of what people write, and of what must not act."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.receipts.keywords import campaign_answer, normalise, universal_word

ANSWERS = {
    "hadir": ["HADIR", "YA", "IKUT"],
    "tidak-hadir": ["TIDAK", "TIDAK HADIR", "BATAL"],
    "setuju": ["SETUJU", "SAYA SETUJU"],
    "kelas-1": ["KELAS1"],
    "kelas-2": ["KELAS2"],
}

STOPS = """
STOP|stop|Stop.|  stop  |STOP!!!|"STOP"|*stop*|_STOP_|S T O P|s.t.o.p|stopp|Stoppp|STOP 🙏|🛑 stop|ＳＴＯＰ|𝐒𝐓𝐎𝐏
STOP\u200b|ST\u00adOP|stop all|STOPALL|stop sms|Stop WA|stop ya|stop dong|tolong stop|Tolong stop ya pak|mohon stop, bu
stop saja|saya mau stop|stop sms pak, terima kasih|please stop|stop please|stop thanks|STOP kirim pesan
BERHENTI|berhenti|Berhentiii|berenti|brenti|hentikan|mohon berhenti|saya ingin berhenti|berhenti langganan
berhenti berlangganan|UNSUB|unsubscribe|UNREG|BATAL LANGGANAN|batal langganan.|cancel|quit|opt-out|optout
jangan kirim lagi|Jangan hubungi saya lagi!|tolong berhenti kirim sms
"""
NOT_STOPS = """
jangan berhenti|jangan stop|stop dulu ya pak, saya mau tanya|kapan berhenti?|mau berhenti ya pak?|stop atau lanjut?
bus berhenti di mana|non stop|nonstop|sop|top|stopan|tidak stop|belum mau stop|stop hadir|hadir stop|stop stop jalan
berhenti merokok|di halte stop kontak|batal|saya batal datang|batal hadir|the end|saya cancel acara lain
henti jantung|kenapa saya harus berhenti|stop hoaks|stop politik uang|ayo stop golput|👍|🙏🙏||   |...|?|0812|ya|tidak
"""


def lines(table: str) -> list[str]:
    return [text for row in table.strip("\n").split("\n") for text in row.split("|")]


@pytest.mark.parametrize("text", lines(STOPS))
def test_stop_is_heard(text: str) -> None:
    assert universal_word(text) == "stop"


@pytest.mark.parametrize("text", lines(NOT_STOPS))
def test_a_sentence_with_a_stop_word_stops_nothing(text: str) -> None:
    assert universal_word(text) != "stop"


@pytest.mark.parametrize("text", ["MULAI", "mulai", "Start", "UNSTOP", "mulai lagi", "berlangganan", "langganan!"])
def test_start_is_heard(text: str) -> None:
    assert universal_word(text) == "start"


@pytest.mark.parametrize("text", ["HELP", "bantuan", "Bantuan?", "info", "TOLONG"])
def test_help_is_heard(text: str) -> None:
    assert universal_word(text) == "help"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("HADIR", "hadir"),
        ("hadir.", "hadir"),
        ("Hadir 👍", "hadir"),
        ("Hadir pak", "hadir"),
        ("ya", "hadir"),
        ("Ya, hadir", "hadir"),
        ("saya mau hadir, terima kasih", "hadir"),
        ("hadr", "hadir"),
        ("hadiir", "hadir"),
        ("hadit", "hadir"),
        ("ahdir", "hadir"),
        ("TIDAK", "tidak-hadir"),
        ("tidka", "tidak-hadir"),
        ("tidak hadir", "tidak-hadir"),
        ("maaf tidak hadir", None),
        ("batal", "tidak-hadir"),
        ("BTAL", "tidak-hadir"),
        ("setuju", "setuju"),
        ("Saya setuju", "setuju"),
        ("setujuu", "setuju"),
        ("stuju", "setuju"),
        ("kelas1", "kelas-1"),
        ("KELAS2", "kelas-2"),
        ("kelas3", None),
        ("kelas", None),
        ("yaa", None),
        ("yo", None),
        ("ikt", None),
        ("ga hadir", None),
        ("tak hadir", None),
        ("belum setuju", None),
        ("tidak setuju", None),
        ("hadir setuju", None),
        ("hadir 2 orang", None),
        ("hadirin", None),
        ("hadiah", None),
        ("saya mau", None),
        ("terima kasih", None),
        ("", None),
        ("👍", None),
        ("да", None),
        ("はい", None),
        ("hadir " * 2000, None),
    ],
)
def test_answers_of_a_campaign(text: str, meaning: str | None) -> None:
    assert campaign_answer(text, ANSWERS) == meaning


def test_a_slip_that_could_be_two_answers_is_none() -> None:
    assert campaign_answer("pagix", {"a": ["PAGIA"], "b": ["PAGIB"]}) is None


def test_a_keyword_without_letters_matches_nothing() -> None:
    assert campaign_answer("👍", {"ya": ["👍"]}) is None


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader_of_keywords(text: str) -> None:
    assert not set(normalise(text)) & set("_.,!?🙏")
    universal_word(text)
    campaign_answer(text, ANSWERS)


def test_a_very_long_reply_costs_nothing() -> None:
    started = time.perf_counter()
    assert universal_word("stop " * 200_000) is None
    assert time.perf_counter() - started < 0.1
