"""Whom a campaign reached, for reports: each person once over all steps, by the best that became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, union_all

from dispatcher.core.status import PERSON_RANK
from dispatcher.outreach.funnel import Overlap
from dispatcher.store import tally
from dispatcher.store.by_step import of_steps
from dispatcher.store.placed import PeopleCell, people_placed
from dispatcher.store.tables import messages, skipped

m = messages.c
_HELD_OUT_RANK, _SKIPPED_RANK, _FIRST_RANK = 0, 1, 2
_RANKS = {status.value: rank + _FIRST_RANK for status, rank in PERSON_RANK.items()}
_WORDS: dict[int, str] = {
    _HELD_OUT_RANK: tally.HELD_OUT,
    _SKIPPED_RANK: tally.SKIPPED,
    **{rank: word for word, rank in _RANKS.items()},
}


def people_by_cell(
    connection: Connection, step_ids: Sequence[int], overlap: Overlap, *, neighbourhoods: bool
) -> list[PeopleCell]:
    """By a status, `held_out` or `skipped`. Only who can be in several rows is looked at as a person; others are
    counted as they come, which takes half as long."""
    sent, left_out = _messaged(connection, step_ids), _left_out(step_ids)
    if overlap.steps:
        persons = [_best(sent, left_out)]
    elif overlap.hops:
        persons = [sent.where(~m.has_sibling), _best(sent.where(m.has_sibling)), left_out]
    else:
        persons = [sent, left_out]
    found = [people_placed(connection, one.subquery(), neighbourhoods=neighbourhoods) for one in persons]
    return [cell._replace(word=_WORDS[int(cell.word)]) for cells in found for cell in cells]


def _messaged(connection: Connection, step_ids: Sequence[int]) -> Select[Any]:
    # what most messages are is compared first
    rank = case(dict(reversed(_RANKS.items())), value=m.status)
    return select(m.contact_id, m.cell_id, rank.label("word")).where(of_steps(connection, step_ids))


def _left_out(step_ids: Sequence[int]) -> Select[Any]:
    s = skipped.c
    rank = case((s.reason == tally.HELD_OUT, _HELD_OUT_RANK), else_=_SKIPPED_RANK)
    return select(s.contact_id, s.cell_id, rank.label("word")).where(s.step_id.in_(step_ids))


def _best(*persons: Select[Any]) -> Select[Any]:
    """Each contact once. The youngest cell wins: it says where the person belongs now."""
    everyone = union_all(*persons).subquery()
    columns = (func.max(everyone.c.cell_id).label("cell_id"), func.max(everyone.c.word).label("word"))
    return select(everyone.c.contact_id, *columns).group_by(everyone.c.contact_id)
