"""What a campaign reached, in one snapshot: it agrees with the status of the same moment. Without personal data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from dispatcher.core.clock import from_us
from dispatcher.core.errors import UsageError
from dispatcher.core.money import ExchangeRate
from dispatcher.operations.context import Context
from dispatcher.operations.prices import price_lines
from dispatcher.operations.report_attendance import Attendance
from dispatcher.operations.report_places import Places
from dispatcher.operations.status import CampaignStatus, read_status
from dispatcher.outreach.coverage import LEVELS, Coverage, Multipliers, overall
from dispatcher.outreach.funnel import overlap
from dispatcher.outreach.labels import group_label
from dispatcher.outreach.spending import Load, Spending, rates_on, spend
from dispatcher.plan.estimate import Prices
from dispatcher.store import answered, reports, visits
from dispatcher.store.outcomes import Failures, outcomes
from dispatcher.store.reached import people_by_cell
from dispatcher.store.senders import sender_rows

_NEIGHBOURHOODS = ("rw", "rt")


@dataclass(frozen=True, slots=True)
class Options:
    level: str = "kecamatan"
    language: str = "id"


def campaign_report(context: Context, slug: str, *, level: str = "kecamatan", language: str = "id") -> dict[str, Any]:
    """The keys of the contract, ready for JSON: those of the status, and reach, visits, groups, regions, failures,
    answers, attendance and cost. `level`: how far down regions go; `language`: of labels and explanations.

    UsageError where there is no such campaign or level.
    """
    if level not in LEVELS:
        raise UsageError("option", f"there is no level {level}", f"Choose one of: {', '.join(LEVELS)}.")
    with reports.snapshot(context.database) as connection:
        status = read_status(connection, slug, context.now_us())
        return _Report(context, connection, status, Options(level, language)).as_dict()


class _Report:
    def __init__(self, context: Context, connection: Connection, status: CampaignStatus, options: Options) -> None:
        self._context = context
        self._connection = connection
        self._status = status
        self._options = options
        self._step_ids = [step.id for step in status.steps]
        self._overlap = overlap(status.funnels.values())
        self._outcomes = outcomes(connection, self._step_ids, self._overlap)
        self._senders = {row.id: row for row in sender_rows(connection)}
        self._multipliers = _multipliers(context)

    def as_dict(self) -> dict[str, Any]:
        neighbourhoods = self._options.level in _NEIGHBOURHOODS
        cells = people_by_cell(self._connection, self._step_ids, self._overlap, neighbourhoods=neighbourhoods)
        campaign_id = self._status.campaign.id
        seen = visits.visitors_by_cell(self._connection, campaign_id, neighbourhoods=neighbourhoods)
        said = answered.answers_by_cell(self._connection, campaign_id, neighbourhoods=neighbourhoods)
        places = Places(cells, seen, said, self._options.level, self._multipliers, self._label_of)
        return {
            **self._status.as_dict(),
            "language": self._options.language,
            "level": self._options.level,
            "reach": self._reach(overall(cells, self._multipliers)),
            "visits": self._visits(),
            "groups": places.groups(),
            "regions": places.regions(),
            "failures": [self._failure(row) for row in self._outcomes.failures],
            "answers": answered.answers_by_meaning(self._connection, campaign_id),
            "answers_by_way": answered.answers_by_way(self._connection, campaign_id),
            "answers_by_step": self._answers_by_step(),
            "attendance": self._attendance(),
            **self._spending().as_dict(),
        }

    def _reach(self, coverage: Coverage) -> dict[str, Any]:
        """`people`: unique people delivered to over the whole campaign; what the goal counts."""
        goal = self._status.campaign.goal_people
        return {
            "people": coverage.reached,
            "goal": goal,
            "share": round(coverage.reached / goal, 4) if goal else None,
            "selected_people": coverage.people,
            "messaged": coverage.messaged,
            "read": coverage.read,
            "unconfirmed": coverage.unconfirmed,
            "households_estimate": coverage.households,
        }

    def _visits(self) -> dict[str, Any]:
        """Of recipients' pages: people once each; programs, and links that were passed on, apart."""
        campaign_id = self._status.campaign.id
        found = visits.visits_by_step(self._connection, campaign_id)
        steps = {step.id: step for step in self._status.steps}
        return {
            "people": visits.visitors(self._connection, campaign_id),
            "previewed": sum(one.previewed for one in found),
            "shared": sum(one.shared for one in found),
            "steps": [
                {
                    "step": steps[one.step_id].name,
                    "occasion": steps[one.step_id].occasion,
                    "people": one.people,
                    "shared": one.shared,
                }
                for one in found
                if one.step_id in steps
            ],
        }

    def _answers_by_step(self) -> list[dict[str, Any]]:
        """Steps whose messages were answered."""
        found = answered.answers_by_step(self._connection, self._status.campaign.id)
        return [
            {"step": step.name, "occasion": step.occasion, "answers": found[step.id]}
            for step in self._status.steps
            if step.id in found
        ]

    def _label_of(self, group: str) -> str:
        language = self._options.language
        declared = {
            slug: settings.label_en if language == "en" and settings.label_en else settings.label
            for slug, settings in self._context.settings.groups.items()
        }
        return group_label(group, language, declared)

    def _failure(self, row: Failures) -> dict[str, Any]:
        return {
            "reason": row.reason,
            "code": row.code,
            "sender": self._sender_name(row.sender_id),
            "people": row.people,
            "messages": row.messages,
            "explanation": self._explain(row),
        }

    def _sender_name(self, sender_id: int) -> str:
        sender = self._senders.get(sender_id)
        return str(sender.name) if sender else ""

    def _explain(self, row: Failures) -> str:
        """The adapter's own sentence on its provider's code."""
        sender = self._senders.get(row.sender_id)
        if sender is None or not row.code:
            return ""
        try:
            return self._context.channels.get(sender.channel).explain(row.code, self._options.language)
        except UsageError:  # the plug-in is gone
            return ""

    def _attendance(self) -> list[dict[str, Any]]:
        level, groups = self._options.level, self._multipliers.groups
        return Attendance(self._connection, self._status, level, self._label_of, groups).as_list()

    def _spending(self) -> Spending:
        zone = self._status.campaign.zone
        days = {step.id: from_us(step.due_us, zone).date() for step in self._status.steps}
        loads = [
            Load(sender.name, sender.channel, row.country, days[row.step_id], row.messages, row.segments)
            for row in self._outcomes.billed
            if (sender := self._senders.get(row.sender_id))
        ]
        settings = self._context.settings
        today = from_us(self._status.now_us, zone).date()
        exchange = [ExchangeRate(line.base, line.quote, line.rate, line.from_) for line in settings.exchange]
        return spend(loads, Prices(price_lines(self._context)), rates_on(exchange, today), settings.report_currency)


def _multipliers(context: Context) -> Multipliers:
    declared = context.settings.groups.items()
    per_member = {slug: group.households for slug, group in declared if group.households}
    return Multipliers(context.settings.households, per_member)
