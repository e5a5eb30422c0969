"""Twilio's words and codes, and what they mean here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dispatcher.spi import ErrorTable, Status

STATUSES: Final[dict[str, Status]] = {
    **dict.fromkeys(("scheduled", "accepted", "queued", "sending"), Status.ACCEPTED),
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    **dict.fromkeys(("undelivered", "failed", "canceled"), Status.FAILED),
    "partially_delivered": Status.FAILED,  # a message of several parts is delivered when all are
}
"""MessageStatus → ours: https://www.twilio.com/docs/messaging/api/message-resource#message-status-values"""

ERRORS: Final = ErrorTable.load(Path(__file__).with_name("errors.toml"))
