"""Receipts of automatic answers: their ids are from the same source as those of messages, so that none is mistaken."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from dispatcher.operations.fold import Event
from dispatcher.receipts.reply_life import heard
from dispatcher.store.reply_queue import replies_by_id, set_reply_state
from dispatcher.store.stops import stop_address


def fold_replies(connection: Connection, events: Sequence[Event], now_us: int) -> None:
    """Of what no message matched; "folded" where it speaks of an answer that this sender gave."""
    left = [event for event in events if event.attempt and event.row["state"] != "folded"]
    if not left:
        return
    found = replies_by_id(connection, (event.attempt.message_id for event in left if event.attempt))
    states = {reply_id: row.reply_state for reply_id, row in found.items()}
    for event in left:
        assert event.attempt is not None
        row = found.get(event.attempt.message_id)
        if row is None or row.sender_id != event.row["sender_id"]:
            continue
        event.row["state"] = "folded"
        reached = heard(states[row.id], event.receipt.status)
        if reached != states[row.id] and event.attempt.number == row.reply_attempt:
            states[row.id] = reached
            set_reply_state(connection, row.id, reached, event.receipt.code)
        if event.receipt.suppress:
            stop_address(connection, bytes(row.address_hash), "*", "opted_out", "provider", now_us)
