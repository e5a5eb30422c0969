"""SMPP's words and codes, and what they mean here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dispatcher.spi import ErrorTable, Status

STATES: Final[dict[str, Status]] = {
    "SCHEDULED": Status.ACCEPTED,
    "ENROUTE": Status.SENT,
    "ACCEPTD": Status.ACCEPTED,
    "DELIVRD": Status.DELIVERED,
    "EXPIRED": Status.FAILED,
    "DELETED": Status.FAILED,
    "UNDELIV": Status.FAILED,
    "REJECTD": Status.FAILED,
    "SKIPPED": Status.FAILED,
    "UNKNOWN": Status.UNKNOWN,
}
"""`stat:` of a receipt → ours (SMPP 3.4, appendix B; SCHEDULED and SKIPPED are of version 5)."""

MESSAGE_STATE: Final = (
    "SCHEDULED", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED",
)  # fmt: skip
"""By the number in the TLV `message_state` (SMPP 3.4, 5.2.28)."""

SPELLINGS: Final = {
    "DELIVERED": "DELIVRD", "ACCEPTED": "ACCEPTD", "UNDELIVERABLE": "UNDELIV", "UNDELIVERED": "UNDELIV",
    "REJECTED": "REJECTD", "EN_ROUTE": "ENROUTE",
}  # fmt: skip
"""Words that SMS centres write out."""

ERRORS: Final = ErrorTable.load(Path(__file__).with_name("errors.toml"))


def code_of(status: int) -> str:
    """A command_status as errors.toml spells it."""
    return f"0x{status:02X}"
