"""Who fetches a page, where from, and how often they may be wrong."""

from __future__ import annotations

import pytest

from dispatcher.web.visitors import _MOST_SOURCES, MISSES_A_MINUTE, Misses, is_program, source_of

PEOPLE = [
    "Mozilla/5.0 (Linux; Android 4.4.2; GT-I9060I) AppleWebKit/537.36 Chrome/81.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Version/12.1 Safari/604.1",
    "Opera/9.80 (Android; Opera Mini/36.2/191.249; U; id) Presto/2.12.423 Version/12.16",
    "Mozilla/5.0 (Linux; U; Android 10; id; Redmi Note 8) AppleWebKit/537.36 UCBrowser/13.4 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 11; SM-A125F; wv) AppleWebKit/537.36 Chrome/120.0 Mobile [FB_IAB/FB4A;FBAV/440.0;]",
    "Mozilla/5.0 (KAIOS/2.5) AppleWebKit/537.36 Gecko/48.0 Firefox/48.0 KAIOS/2.5",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_phones_of_people(agent: str) -> None:
    assert not is_program("GET", [(b"user-agent", agent.encode())])
    assert is_program("HEAD", [(b"user-agent", agent.encode())])
    assert is_program("GET", [(b"user-agent", agent.encode()), (b"purpose", b"prefetch")])


def test_the_address_is_the_one_that_the_outermost_trusted_proxy_saw() -> None:
    said = [(b"x-forwarded-for", b"1.1.1.1, 2.2.2.2"), (b"x-forwarded-for", b"3.3.3.3")]
    found = [source_of(("127.0.0.1", 1), said, proxies) for proxies in range(5)]
    assert found == ["127.0.0.1", "3.3.3.3", "2.2.2.2", "1.1.1.1", "127.0.0.1"]


def test_a_network_of_ipv6_is_one_source() -> None:
    one, other, mapped = ("2001:db8::1", 1), ("2001:db8::2:3", 1), ("::ffff:203.0.113.9", 1)
    assert source_of(one, [], 0) == source_of(other, [], 0)
    assert source_of(mapped, [], 0) == "203.0.113.9"
    assert source_of(None, [(b"x-forwarded-for", b"x" * 9999)], 1) == "x" * 64


def test_a_source_is_let_in_again_as_its_misses_pass() -> None:
    now = [0.0]
    misses = Misses(lambda: now[0])
    for second in range(MISSES_A_MINUTE):
        now[0] = float(second)
        assert not misses.are_too_many("a")
        misses.note("a")
    assert misses.are_too_many("a")
    assert not misses.are_too_many("b")
    now[0] = 59.9
    assert misses.are_too_many("a")
    now[0] = 60.0
    assert not misses.are_too_many("a")


def test_memory_is_bounded() -> None:
    misses = Misses(lambda: 0.0)
    for source in range(_MOST_SOURCES + 10):
        misses.note(str(source))
    assert len(misses._times) == _MOST_SOURCES
