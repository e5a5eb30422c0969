from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.clock import DAY_US, HOUR_US, MINUTE_US, from_us, to_us
from dispatcher.core.window import (
    END_OF_DAY,
    EVERY_DAY,
    LONGEST_OPENING_US,
    NeverOpensError,
    Window,
    Windows,
    parse_time_of_day,
)

JAKARTA = "Asia/Jakarta"
NEW_YORK = "America/New_York"
WEEKDAYS = frozenset(range(5))
OFFICE = Window(JAKARTA, EVERY_DAY, time(8), time(20))


def at(text: str, zone: str = JAKARTA) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def shown(instant_us: int, zone: str = JAKARTA) -> str:
    return from_us(instant_us, zone).replace(tzinfo=None).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("now", "opens", "closes"),
    [
        ("2027-02-10T07:59", "2027-02-10T08:00", "2027-02-10T20:00"),
        ("2027-02-10T08:00", "2027-02-10T08:00", "2027-02-10T20:00"),
        ("2027-02-10T19:59", "2027-02-10T19:59", "2027-02-10T20:00"),
        ("2027-02-10T20:00", "2027-02-11T08:00", "2027-02-11T20:00"),
    ],
)
def test_a_day_window(now: str, opens: str, closes: str) -> None:
    assert shown(OFFICE.next_open_us(at(now))) == opens
    assert shown(OFFICE.closes_us(at(now))) == closes
    assert OFFICE.is_open(at(now)) == (now == opens)


def test_weekdays_only() -> None:
    window = Window(JAKARTA, WEEKDAYS, time(8), time(20))
    assert shown(window.next_open_us(at("2027-02-12T20:00"))) == "2027-02-15T08:00"


def test_overnight_belongs_to_the_day_it_starts() -> None:
    window = Window(JAKARTA, frozenset({4}), time(22), time(5))
    assert window.is_open(at("2027-02-13T04:59"))
    assert not window.is_open(at("2027-02-12T04:59"))
    assert shown(window.closes_us(at("2027-02-12T23:00"))) == "2027-02-13T05:00"


def test_blackout_dates_are_closed() -> None:
    quiet = frozenset(date(2027, 2, d) for d in (11, 12, 13))
    window = Window(JAKARTA, EVERY_DAY, time(8), time(20), quiet)
    assert shown(window.next_open_us(at("2027-02-10T20:00"))) == "2027-02-14T08:00"


def test_an_opening_that_runs_into_a_blackout_ends_at_midnight() -> None:
    window = Window(JAKARTA, EVERY_DAY, time(22), time(5), frozenset({date(2027, 2, 11)}))
    assert shown(window.closes_us(at("2027-02-10T23:00"))) == "2027-02-11T00:00"
    assert shown(window.next_open_us(at("2027-02-11T00:00"))) == "2027-02-12T22:00"


def test_a_thousand_blackout_dates_still_open_after_them() -> None:
    quiet = frozenset(date(2027, 1, 1) + timedelta(days=n) for n in range(1000))
    window = Window(JAKARTA, EVERY_DAY, time(8), time(20), quiet)
    assert shown(window.next_open_us(at("2027-01-01T09:00"))) == "2029-09-27T08:00"


def test_several_windows_are_one_schedule() -> None:
    both = Windows((OFFICE, Window(JAKARTA, frozenset({2}), time(19), time(22))))
    assert shown(both.closes_us(at("2027-02-10T09:00"))) == "2027-02-10T22:00"
    assert shown(both.closes_us(at("2027-02-11T09:00"))) == "2027-02-11T20:00"
    assert shown(both.next_open_us(at("2027-02-10T22:00"))) == "2027-02-11T08:00"
    assert both.is_open(at("2027-02-10T21:00"))


def test_windows_in_different_zones() -> None:
    both = Windows((OFFICE, Window("Asia/Jayapura", EVERY_DAY, time(8), time(20))))
    assert shown(both.next_open_us(at("2027-02-10T00:00"))) == "2027-02-10T06:00"
    assert shown(both.closes_us(at("2027-02-10T06:00"))) == "2027-02-10T20:00"


def test_whole_days_run_together() -> None:
    week = Window(JAKARTA, WEEKDAYS, time(0), END_OF_DAY)
    assert shown(week.closes_us(at("2027-02-08T12:00"))) == "2027-02-13T00:00"
    always = Window(JAKARTA, EVERY_DAY, time(0), END_OF_DAY)
    now = at("2027-02-08T12:00")
    assert always.next_open_us(now) == now
    assert always.closes_us(now) == now + LONGEST_OPENING_US


@pytest.mark.parametrize(
    "window",
    [
        Window(JAKARTA, frozenset(), time(8), time(20)),
        Window(JAKARTA, frozenset({7}), time(8), time(20)),
        Window(JAKARTA, EVERY_DAY, time(8), time(8)),
        Window(JAKARTA, EVERY_DAY, END_OF_DAY, time(8)),
    ],
)
def test_a_window_that_never_opens_is_known(window: Window) -> None:
    assert window.never_opens and Windows((window,)).never_opens and Windows(()).never_opens
    assert not window.is_open(0) and not Windows((window,)).is_open(0)
    for ask in (window.next_open_us, window.closes_us, Windows((window,)).next_open_us):
        with pytest.raises(NeverOpensError):
            ask(0)
    assert not Windows((window, OFFICE)).never_opens


def test_clock_put_forward() -> None:
    """New York, 14 March 2027: 02:00 EST is 03:00 EDT."""
    across = Window(NEW_YORK, EVERY_DAY, time(2, 30), time(8))
    midnight = at("2027-03-14T00:00", NEW_YORK)
    assert shown(across.next_open_us(midnight), NEW_YORK) == "2027-03-14T03:00"
    assert across.next_open_us(midnight) == midnight + 2 * HOUR_US
    inside = Window(NEW_YORK, EVERY_DAY, time(2, 10), time(2, 50))
    assert shown(inside.next_open_us(midnight), NEW_YORK) == "2027-03-15T02:10"


def test_clock_put_back() -> None:
    """New York, 7 November 2027: 02:00 EDT is 01:00 EST, so 01:30 comes twice."""
    midnight = at("2027-11-07T00:00", NEW_YORK)
    start = Window(NEW_YORK, EVERY_DAY, time(1, 30), time(8))
    assert start.next_open_us(midnight) == midnight + 2 * HOUR_US + 30 * MINUTE_US
    end = Window(NEW_YORK, EVERY_DAY, time(22), time(1, 30))
    assert end.closes_us(midnight) == midnight + HOUR_US + 30 * MINUTE_US


ZONES = [JAKARTA, NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "UTC"]
times = st.builds(time, st.integers(0, 23), st.integers(0, 59)) | st.just(END_OF_DAY)
windows = st.builds(
    Window,
    st.sampled_from(ZONES),
    st.frozensets(st.integers(0, 6), min_size=1),
    times,
    times,
    st.frozensets(st.dates(date(2027, 1, 1), date(2027, 12, 31)), max_size=4),
).filter(lambda w: not w.never_opens)
instants = st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
    lambda d: to_us(d.replace(tzinfo=UTC))
)


def wall_clock_allows(window: Window, instant_us: int) -> bool:
    local = from_us(instant_us, window.zone)
    now, day = local.time(), local.date()
    if day in window.blackout:
        return False
    yesterday = day - timedelta(days=1)
    begun = yesterday.weekday() in window.days and yesterday not in window.blackout
    if window.end == END_OF_DAY:
        return day.weekday() in window.days and window.start <= now
    if window.start < window.end:
        return day.weekday() in window.days and window.start <= now < window.end
    return (day.weekday() in window.days and now >= window.start) or (begun and now < window.end)


@given(windows, instants, st.floats(0, 1, exclude_max=True))
def test_never_open_when_the_wall_clock_is_outside(window: Window, now_us: int, part: float) -> None:
    opens, closes = window.next_open_us(now_us), window.closes_us(now_us)
    assert now_us <= opens < closes
    inside = opens + int((closes - opens) * part)
    assert wall_clock_allows(window, opens)
    assert wall_clock_allows(window, inside)
    assert wall_clock_allows(window, closes - 1)


@given(windows, instants)
def test_asking_again_while_closed_finds_the_same_opening(window: Window, now_us: int) -> None:
    opens = window.next_open_us(now_us)
    assert window.next_open_us((now_us + opens) // 2) == opens or window.is_open(now_us)
    assert window.is_open(opens)
    closes = window.closes_us(opens)
    assert closes == opens + LONGEST_OPENING_US or not window.is_open(closes)


@given(instants)
def test_outside_dst_it_is_never_closed_while_the_wall_clock_allows(now_us: int) -> None:
    assert OFFICE.is_open(now_us) == wall_clock_allows(OFFICE, now_us)
    assert OFFICE.next_open_us(now_us) - now_us < DAY_US


@pytest.mark.parametrize(
    ("text", "expected"),
    [("08:00", time(8)), (" 8.30 ", time(8, 30)), ("23:59", time(23, 59)), ("24:00", END_OF_DAY)],
)
def test_time_of_day(text: str, expected: time) -> None:
    assert parse_time_of_day(text) == expected


@pytest.mark.parametrize("text", ["", "8", "08:60", "24:01", "25:00", "8am", "-1:00", "08:00:00"])
def test_not_a_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        parse_time_of_day(text)
