"""The order of columns in rows that are stored in bulk.

Free of SQLAlchemy: the process that reads a file would wait for its import.
"""

from __future__ import annotations

from json import JSONEncoder
from typing import Any, Final

from dispatcher.audience.ledger import Word

CHANGING: Final = (
    "row_hash", "name_sealed", "birth_date_sealed", "birth_year", "minor", "salutation", "language", "region", "rw",
    "rt", "role", "zone", "attributes", "synthetic", "import_id", "updated_us",
)  # fmt: skip
"""What an import writes of a contact that is known."""

CONTACT: Final = ("id", *CHANGING, "identity_hash", "created_us")
MOVED_POINT: Final = ("media", "rank")
POINT: Final = ("id", "contact_id", "media", "rank", "address_hash", "address_sealed", "country", "line_type")
MEMBERSHIP: Final = ("group_slug", "contact_id")
CONSENT: Final = ("contact_id", "purpose", "media", "granted", "basis", "import_id", "at_us")
EVENT: Final = (*Word._fields, "sheet", "seq", "salt", "commitment")

_AS_JSON: Final = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: Any) -> str:
    return _AS_JSON(value) if value else "{}"
