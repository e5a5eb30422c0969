"""What a changed session does to campaigns that are under way (invariant 10, docs/decisions/0012).

A live step that has not begun moves with its session. One that has begun has texts waiting: its campaign is paused in
the commit of the change, the texts are written anew, and it goes on. Where nobody approved the session as it stands,
the campaign stays paused until somebody has.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.errors import RefusedError
from dispatcher.delivery.waiting import SESSION
from dispatcher.operations.occasions import Load, pause_for, revision_now
from dispatcher.operations.revision import Revision
from dispatcher.store.sessions import anything_waits, move_step, unfinished_steps
from dispatcher.store.steps import set_state


@dataclass(frozen=True, slots=True)
class Moved:
    """A step that is due at another time than before."""

    campaign: str
    step: str
    occasion: str
    due_us: int
    zone: str


@dataclass(slots=True)
class Course:
    """What came of a change. `paused`: campaigns that wait for a person; `to_rewrite`: those that only wait for us.

    `told`: session → people who were messaged about it as it was, and have not declined.
    """

    moved: list[Moved] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    to_rewrite: list[str] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)


def take_course(load: Load, connection: Connection, codes: Collection[str], now_us: int) -> Course:
    """In the commit of the change: every unfinished step of these sessions moves, or its campaign pauses."""
    course, rows = Course(), unfinished_steps(connection, codes)
    stopped: set[int] = set()
    for row in rows:
        revision = revision_now(load, connection, row, row.applied_plan)
        if revision is not None:
            course.moved += _move(connection, row, revision)
        elif row.campaign_id not in stopped:
            stopped.add(row.campaign_id)
            course.paused.append(row.slug)
            if row.campaign_state != "paused":
                pause_for(connection, row.campaign_id, row.occasion, now_us)
    for row in rows:
        if row.campaign_id not in stopped and row.campaign_state != "paused" and _is_written(connection, row):
            stopped.add(row.campaign_id)
            reason = f"{SESSION} {row.occasion} was changed, and texts that wait are written anew; resume it"
            set_state(connection, row.campaign_id, "paused", reason, now_us)
            course.to_rewrite.append(row.slug)
    return course


def _move(connection: Connection, row: Any, revision: Revision) -> list[Moved]:
    now = revision.due(row.name, row.occasion)
    if (now.due_us, now.expires_us) == (row.due_us, row.expires_us):
        return []
    move_step(connection, row.id, now.due_us, now.expires_us)
    return [Moved(row.slug, row.name, row.occasion, now.due_us, revision.campaign.zone)]


def _is_written(connection: Connection, row: Any) -> bool:
    return bool(row.state != "scheduled" and anything_waits(connection, row.id))


def settle_sessions(load: Load, connection: Connection, campaign: Any) -> None:
    """Before it goes on: unfinished steps move to where their sessions stand.

    RefusedError where a session stands as nobody approved it.
    """
    for row in unfinished_steps(connection, campaign_id=campaign.id):
        revision = revision_now(load, connection, row, row.applied_plan)
        if revision is None:
            raise RefusedError(
                "session-changed",
                f"the session {row.occasion} of the step {row.name} was changed after {campaign.slug} was approved",
                "Plan it, have it approved and apply it anew, or put the session back: "
                f"dispatcher session set {row.occasion}",
            )
        _move(connection, row, revision)
