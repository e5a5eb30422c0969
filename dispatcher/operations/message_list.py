"""List messages. Little is imported: people ask often, and want to see it at once."""

from __future__ import annotations

from typing import Any

from dispatcher.core.clock import iso
from dispatcher.core.errors import UsageError
from dispatcher.core.status import Status
from dispatcher.delivery.schedule import FAR_US
from dispatcher.operations.context import Context
from dispatcher.store import inspection
from dispatcher.store.campaigns import require_campaign


def list_messages(context: Context, slug: str = "", status: str = "", limit: int = 50) -> list[dict[str, Any]]:
    """Newest first. UsageError for a campaign or a status that does not exist."""
    if status and status not in list(Status):
        raise UsageError("unknown-status", f"there is no status {status}", f"Choose one of: {', '.join(Status)}.")
    with context.database.read() as connection:
        campaign_id = require_campaign(connection, slug).id if slug else None
        rows = inspection.list_messages(connection, campaign_id, status, limit)
    return [head(row) for row in rows]


def head(row: Any) -> dict[str, Any]:
    """What is told of each, here as where one is shown."""
    waits = row.status == Status.QUEUED
    return {
        "id": row.id,
        "campaign": row.campaign,
        "step": row.step,
        "occasion": row.occasion,
        "hop": row.hop,
        "sender": row.sender,
        "status": row.status,
        "reason": row.reason,
        "code": row.provider_code,
        "attempt": row.attempt,
        "not_before": iso(row.not_before_us, row.zone) if waits and row.not_before_us < FAR_US else None,
        "rule": row.not_before_rule if waits else "",
        "begun": iso(row.begun_us, row.zone),
        "ended": iso(row.ended_us, row.zone),
    }
