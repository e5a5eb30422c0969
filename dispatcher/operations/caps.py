"""Who has had as many messages as the caps allow: asked by an expansion before it decides, and by a plan.

Both count what was sent and what waits; a plan, which sends nothing, adds what its own earlier steps would.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from dispatcher.audience.caps import REACH_US, Limits, Room, Used, in_words, limits_of
from dispatcher.audience.recipient import Recipient
from dispatcher.delivery.schedule import next_opening
from dispatcher.operations.context import Context
from dispatcher.operations.revision import Revision
from dispatcher.plan.decide import Draft
from dispatcher.store.caps import PlannedUses, used
from dispatcher.store.installation import one_at_a_time


def room_for(
    context: Context, connection: Connection, revision: Revision, step_id: int, due_us: int, people: Sequence[Recipient]
) -> Room | None:
    """None where no caps hold. Until the commit nobody else reserves: two campaigns never both take the last place."""
    limits = limits_of(context.settings.caps, revision.campaign.caps)
    if not limits or not people:
        return None
    one_at_a_time(connection, "caps")
    now_us = context.now_us()
    begins_us = max(due_us, now_us)
    uses = used(connection, *_of(people), begins_us - REACH_US, now_us, but_step=step_id)
    return _room(limits, uses, revision, begins_us)


class PlannedRoom:
    """The same for the steps of a plan, one after the other."""

    def __init__(self, context: Context, connection: Connection, revision: Revision) -> None:
        self._context = context
        self._connection = connection
        self._revision = revision
        self._limits = limits_of(context.settings.caps, revision.campaign.caps)
        self._planned = PlannedUses(connection) if self._limits else None
        self._steps = 0

    def next_step(self) -> None:
        self._steps += 1

    def room_for(self, due_us: int, people: Sequence[Recipient]) -> Room | None:
        if self._planned is None or not people:
            return None
        mine = _of(people)
        own = self._revision.campaign.campaign
        uses = used(self._connection, *mine, due_us - REACH_US, self._context.now_us(), but_campaign=own)
        before = [one for one in self._planned.of(*mine) if one.step != -self._steps]
        return _room(self._limits, [*uses, *before], self._revision, due_us)

    def take(self, due_us: int, drafts: Sequence[tuple[Recipient, Draft]]) -> None:
        """These would be sent."""
        if self._planned is not None:
            opens = {zone: _opens_us(self._revision, zone, due_us) for zone in {person.zone for person, _ in drafts}}
            self._planned.add(
                [Used(p.id, draft.point.address_hash, -self._steps, opens[p.zone]) for p, draft in drafts]
            )

    def close(self) -> None:
        if self._planned is not None:
            self._planned.close()


def caps_note(context: Context, revision: Revision) -> str:
    """What the plan says of them; "" where there are none."""
    own = revision.campaign.caps
    limits = limits_of(context.settings.caps, own)
    if limits:
        return (
            f"Caps: nobody gets more than {in_words(limits)}, over all campaigns. Counted with what was sent or waits "
            "by now; other campaigns may take the room before this one is due."
        )
    installation = limits_of(context.settings.caps, None)
    return f"Exempt from the caps of this installation ({in_words(installation)})." if installation else ""


def _of(people: Sequence[Recipient]) -> tuple[list[int], list[bytes]]:
    hashes = {point.address_hash for person in people for point in person.points}
    return [person.id for person in people], sorted(hashes)


def _room(limits: Limits, uses: Sequence[Used], revision: Revision, begins_us: int) -> Room:
    return Room(limits, uses, lambda zone: _opens_us(revision, zone, begins_us), revision.campaign.zone)


def _opens_us(revision: Revision, zone: str, begins_us: int) -> int:
    return next_opening(revision.window(zone), begins_us).opens_us
