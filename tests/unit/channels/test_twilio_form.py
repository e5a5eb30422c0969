"""Callbacks are read by hand, because they come by the million: exactly as the library reads them."""

from __future__ import annotations

from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.spi.webhooks import _fields

PIECES = st.sampled_from([*"a%+2Bb5&=é", "%2B", "%2b", "%25", "%C3%A9", "%FF"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_form_is_read_as_the_library_reads_it(body: str) -> None:
    try:
        wanted = parse_qs(body, keep_blank_values=True, errors="strict")
    except ValueError:
        wanted = None
    try:
        found = dict(_fields(body.encode()))
    except ValueError:
        found = None
    assert found == wanted
