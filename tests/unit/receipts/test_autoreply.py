"""Who gets an automatic answer, and why not; no two robots ever talk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.core.clock import DAY_US, HOUR_US
from dispatcher.receipts.autoreply import KINDS, MOST_CONFIRMED, Heard, Kind, Way, decide, looks_automatic

ALL = frozenset(KINDS)
SMS, WHATSAPP, CONVERSATION = Way(True, False), Way(False, True), Way(False, False)
ASKED = Heard("not-understood", "+6281234567890", "Di mana tempatnya, Pak?")


def why(heard: Heard, way: Way | None = SMS, kinds: frozenset[str] = ALL) -> str:
    reply, why_not = decide(heard, way, kinds, DAY_US)
    assert bool(reply) != bool(why_not)
    return why_not


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_due(kind: Kind) -> None:
    assert decide(replace(ASKED, kind=kind), SMS, ALL, DAY_US) == (kind, "")


def test_what_is_switched_off() -> None:
    assert why(ASKED, kinds=frozenset({"stop"})) == "off"


@pytest.mark.parametrize(
    "address", ["99123", "500", "TELKOMSEL", "KESBANGPOL", "", "+62812", "6281234567890", "+0812345678901"]
)
def test_never_to_short_codes_and_names(address: str) -> None:
    assert why(replace(ASKED, address=address)) == "not-a-person"


@pytest.mark.parametrize(
    "text",
    [
        "Ini balasan otomatis. Kami akan membalas besok.",
        "Pesan ini dikirim secara otomatis, mohon tidak membalas",
        "Terima kasih telah menghubungi Toko Maju! Kami buka 08.00",
        "Terima kasih sudah menghubungi kami",
        "Thank you for contacting us, we will be back on Monday",
        "Auto-reply: I am out of the office",
        "This is an automated response.",
        "Jangan balas pesan ini.",
        "DO NOT REPLY to this number",
        "Kode OTP Anda 123456, jangan berikan kepada siapa pun",
        "Your verification code is 123456",
    ],
)
def test_never_in_answer_to_a_machine(text: str) -> None:
    assert looks_automatic(text)
    assert why(replace(ASKED, text=text)) == "robot"


@pytest.mark.parametrize(
    "text",
    ["Terima kasih", "STOP", "Terima kasih pak, saya hadir", "tolong balas pesan saya", "otomatis dapat tempat?"],
)
def test_people_are_no_machines(text: str) -> None:
    assert not looks_automatic(text)


@pytest.mark.parametrize("text", ["👍", "🙏🙏", "", "…", "!!"])
def test_a_gesture_asks_for_nothing(text: str) -> None:
    assert why(replace(ASKED, text=text)) == "nothing-said"


@pytest.mark.parametrize("text", ["Да, приду", "はい", "x" * 10_000, "HADIR TIDAK"])
def test_another_script_or_a_long_text_is_answered_once(text: str) -> None:
    assert why(replace(ASKED, text=text)) == ""


def test_who_refused_hears_nothing_more() -> None:
    assert why(replace(ASKED, kind="stop", refused=True)) == "refused"


def test_at_most_one_in_a_time() -> None:
    assert why(replace(ASKED, since_last_us=DAY_US - 1)) == "recent"
    assert why(replace(ASKED, since_last_us=DAY_US)) == ""


def test_a_stop_is_confirmed_in_any_case_and_an_answer_a_few_times() -> None:
    lately = replace(ASKED, since_last_us=1, lately=MOST_CONFIRMED - 1)
    assert why(replace(lately, kind="stop", lately=99)) == ""
    assert why(replace(lately, kind="answer")) == ""
    assert why(replace(lately, kind="answer", lately=MOST_CONFIRMED)) == "recent"
    assert why(replace(lately, kind="help")) == "recent"


def test_what_the_provider_answers_itself() -> None:
    assert why(replace(ASKED, kind="stop", by_provider=True)) == "provider"


def test_two_robots_fall_silent() -> None:
    """Ours answers what the other says each second; the other one is not recognised as a robot."""
    answered: list[int] = []
    for second in range(0, 3 * DAY_US, 600_000_000):
        since = second - answered[-1] if answered else None
        if decide(replace(ASKED, since_last_us=since), SMS, ALL, DAY_US).reply:
            answered.append(second)
    assert len(answered) == 3


@pytest.mark.parametrize("way", [None, CONVERSATION])
def test_a_channel_that_cannot_carry_it(way: Way | None) -> None:
    assert why(ASKED, way) == "channel"


def test_whatsapp_within_a_day_of_what_the_person_wrote() -> None:
    assert why(replace(ASKED, age_us=22 * HOUR_US), WHATSAPP) == ""
    assert why(replace(ASKED, age_us=24 * HOUR_US), WHATSAPP) == "window"
    assert why(replace(ASKED, age_us=48 * HOUR_US), SMS) == ""


def test_what_anyone_may_have_made_up_is_not_answered() -> None:
    assert why(replace(ASKED, kind="stop", unsigned=True)) == "unsigned"
