"""Whom a campaign reached, for reports: each person once over all steps, by the best that became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, SelectBase, case, func, select, union_all

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
    """By a status, `held_out` or `skipped`. Who is in one row is counted as it comes, which takes half as long as to
    look for the best row of each; within a step, who is left out has no message."""
    sent, left_out = _messaged(connection, step_ids), _left_out(step_ids)
    if overlap.steps:
        persons = [_best(union_all(sent, left_out))]
    elif overlap.hops:
        persons = [_best(sent), left_out]
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


def _best(rows: SelectBase) -> Select[Any]:
    """Each contact once. The youngest cell wins: it says where the person belongs now."""
    of = rows.subquery().c
    columns = (func.max(of.cell_id).label("cell_id"), func.max(of.word).label("word"))
    return select(of.contact_id, *columns).group_by(of.contact_id)
