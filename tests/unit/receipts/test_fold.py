"""References, and the fold over receipts: any order and any repetition ends in the same state (invariant 6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.ids import MAX_ID
from dispatcher.core.status import GOOD, RANK, Status
from dispatcher.delivery import machine
from dispatcher.delivery.machine import Message
from dispatcher.receipts.fold import Ref, fold_parts, hear_part, make_ref, parse_ref

NOW = 1_700_000_000_000_000
WORDS = (Status.UNKNOWN, Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED)
Heard = list[tuple[str, Status]]


def sending(attempt: int = 1) -> Message:
    message = Message(
        id=1, step_id=1, campaign_id=1, contact_id=1, hop=0, sender_id=1, status=Status.QUEUED, reason="", attempt=0,
        tries=0, prior="", claim_token=7, lease_until_us=None, not_before_us=NOW, not_before_rule="due",
        hop_after_us=3_600_000_000, hop_due_us=None, begun_us=None, ended_us=None, provider_id="", provider_code="",
        parts=0, counted=True, has_sibling=False,
    )  # fmt: skip
    for _ in range(attempt):
        machine.begin(message, NOW, NOW + 15)
    return message


@given(st.integers(1, MAX_ID), st.integers(1, (1 << 15) - 1), st.sampled_from(["", "0123456789abcdef"]))
def test_a_reference_comes_back_as_it_left(message_id: int, attempt: int, mac: str) -> None:
    text = make_ref(message_id, attempt) + (f".{mac}" if mac else "")
    assert parse_ref(text) == Ref(message_id, attempt, mac)
    assert Ref(message_id, attempt, mac).bare == make_ref(message_id, attempt)


@pytest.mark.parametrize(
    "text",
    ["", ".", "1", "1.", ".1", "a.1", "1.a", "-1.1", "1.-1", "0.1", "1.0", "1.1.x.y", "1 .1", "+1.1", "1.1\n2", "²3.1",
     "1.32768", f"{MAX_ID + 1}.1", "9" * 60 + ".1", "1." + "9" * 60, "1.1." + "f" * 60, "١.١"],
)  # fmt: skip
def test_what_is_no_reference_is_none(text: str) -> None:
    assert parse_ref(text) is None


@given(st.text())
def test_no_text_breaks_the_reader_of_references(text: str) -> None:
    parse_ref(text)


@given(st.data(), st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), st.integers(1, 3))
def test_receipts_of_one_attempt_in_any_order_and_number_end_alike(
    data: st.DataObject, words: list[Status], attempt: int
) -> None:
    repeated = data.draw(st.permutations(words + data.draw(st.lists(st.sampled_from(words), max_size=4))))
    ends = []
    for order in (words, repeated):
        message = sending(attempt)
        for word in order:
            machine.apply_receipt(message, attempt, word, "unreachable", "30003", NOW)
        ends.append((message.status, message.reason, message.hop_due_us is None, message.ended_us))
    assert ends[0] == ends[1]
    assert ends[0][0] is max((Status.SENDING, *words), key=lambda s: RANK[s] if s is not Status.UNKNOWN else 0)


@given(
    st.data(),
    st.integers(1, 4).flatmap(
        lambda parts: st.tuples(
            st.just(parts),
            st.lists(st.tuples(st.sampled_from([str(i) for i in range(parts)]), st.sampled_from(WORDS)), max_size=10),
        )
    ),
)
def test_receipts_of_several_parts_in_any_order_and_number_end_alike(
    data: st.DataObject, drawn: tuple[int, Heard]
) -> None:
    parts, events = drawn
    repeated = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events or [("0", WORDS[0])])))))
    if not events:
        repeated = []
    first, second = folded(events, parts), folded(repeated, parts)
    assert first is second
    assert (first in GOOD) == all(any(p == str(i) and s in GOOD for p, s in events) for i in range(parts))
    if first not in GOOD:
        assert (first is Status.FAILED) == any(status is Status.FAILED for _, status in events)


def folded(events: Heard, parts: int) -> Status:
    message, heard = sending(), dict[str, Status]()
    for part, status in events:
        whole = hear_part(heard, part, status, parts)
        if whole is not None:
            machine.apply_receipt(message, 1, whole, "", "", NOW)
    return message.status


@pytest.mark.parametrize(
    ("statuses", "parts", "whole"),
    [
        ((), 2, None),
        ((Status.UNKNOWN,), 2, None),
        ((Status.DELIVERED,), 2, Status.ACCEPTED),
        ((Status.DELIVERED, Status.SENT), 2, Status.SENT),
        ((Status.DELIVERED, Status.DELIVERED), 2, Status.DELIVERED),
        ((Status.DELIVERED, Status.READ), 2, Status.DELIVERED),
        ((Status.READ, Status.READ), 2, Status.READ),
        ((Status.DELIVERED, Status.FAILED), 3, Status.FAILED),
        ((Status.SENT,), 1, Status.SENT),
    ],
)
def test_a_message_is_as_far_as_the_least_of_its_parts(
    statuses: tuple[Status, ...], parts: int, whole: Status | None
) -> None:
    assert fold_parts(statuses, parts) is whole
