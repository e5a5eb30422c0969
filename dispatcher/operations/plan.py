"""Plan a campaign: the very stages of an expansion, walked without storing or sending anything.

Memory is bounded by the page (invariant 13); which numbers were already met is kept in a temporary table.
"""

from __future__ import annotations

import getpass
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import Connection, func, select

from dispatcher.audience.minors import is_minor
from dispatcher.audience.recipient import Recipient
from dispatcher.audience.selection import AttributeType
from dispatcher.campaign.model import Outcome, Rule, Step
from dispatcher.campaign.moments import Due
from dispatcher.core.diagnostics import Diagnostic, has_errors
from dispatcher.core.errors import CampaignError
from dispatcher.core.money import Money, total
from dispatcher.core.phone import mask
from dispatcher.core.status import Reason
from dispatcher.operations.caps import PlannedRoom, caps_note
from dispatcher.operations.context import Context
from dispatcher.operations.linking import link_base, link_terms
from dispatcher.operations.prices import price_lines
from dispatcher.operations.provider_templates import hashes, require_templates, template_diagnostics
from dispatcher.operations.revision import Revision
from dispatcher.operations.senders import sender_facts
from dispatcher.operations.validate import known_from, validate_file
from dispatcher.plan.decide import Decider, Draft, HeldOut, Skip
from dispatcher.plan.estimate import Prices, span
from dispatcher.plan.model import Plan, Sample, StepPlan
from dispatcher.store.attributes import declared
from dispatcher.store.plans import store_plan
from dispatcher.store.rates import sender_rates
from dispatcher.store.recipients import load_page, open_address
from dispatcher.store.seen import SeenNumbers
from dispatcher.store.sessions import table_of
from dispatcher.store.tables import contacts
from dispatcher.store.targeting import compile_audience, select_contacts

PAGE = 1000
SAMPLES = 5

Progress = Callable[[int, int | None], None]


def load_revision(context: Context, path: Path) -> tuple[Revision, list[Diagnostic]]:
    """The file, with its sessions and its providers' templates as they stand.

    CampaignError where it has errors; ProviderError where a provider could not be asked for a template.
    """
    with context.database.read() as connection:
        attributes = declared(connection, context.settings.attributes)
        sessions = table_of(connection)
    settings = context.settings.model_copy(update={"attributes": attributes})
    facts = sender_facts(context)
    known = known_from(settings, facts, sessions=sessions, link_base=link_base(context.environment))
    loaded, found = validate_file(path, now_us=context.now_us(), known=known)
    if loaded.campaign is None or has_errors(found):
        raise CampaignError(found)
    answers = require_templates(context.environment, context.channels, loaded.campaign)
    found += template_diagnostics(loaded, answers)
    if has_errors(found):
        raise CampaignError(found)
    links = link_terms(context, loaded.campaign, loaded.sources)
    return Revision(loaded.campaign, loaded.sources, facts, hashes(answers), links), found


def plan_campaign(context: Context, path: Path, by: str, progress: Progress | None = None) -> Plan:
    """The plan, stored under its fingerprint. Nobody is messaged."""
    revision, found = load_revision(context, path)
    walk = _Walk(context, revision, progress or (lambda done, total: None))
    plan = walk.plan(by, tuple(found))
    _store(context, plan, revision)
    return plan


def _store(context: Context, plan: Plan, revision: Revision) -> None:
    summary = {key: value for key, value in plan.as_dict().items() if key not in ("samples", "diagnostics")}
    values = {
        "fingerprint": plan.fingerprint,
        "slug": plan.campaign,
        "document": revision.as_document(),
        "summary": summary,
        "author": plan.author,
        "author_os": getpass.getuser(),
        "waived": context.settings.approval == "waived",
    }
    samples = json.dumps([sample.as_dict() for sample in plan.samples], ensure_ascii=False)
    with context.database.begin() as connection:
        store_plan(connection, context.keys, context.now_us(), values, samples)


class _Walk:
    """One walk over everyone whom any step means."""

    def __init__(self, context: Context, revision: Revision, progress: Progress) -> None:
        self._context = context
        self._revision = revision
        self._progress = progress
        self._prices = Prices(price_lines(context))
        self._samples: list[Sample] = []
        self._unpriced: set[str] = set()
        self._done = 0
        self._minors = 0

    def plan(self, by: str, found: tuple[Diagnostic, ...]) -> Plan:
        campaign = self._revision.campaign
        # a read: on SQLite a temporary table needs no lock, and others go on writing
        with self._context.database.read() as connection:
            attributes = declared(connection, self._context.settings.attributes)
            rates = sender_rates(connection, configured_rates(self._context))
            counts = [self._count(connection, step, due, attributes) for step, due in self._revision.dues()]
            self._total = sum(counts)
            self._room = PlannedRoom(self._context, connection, self._revision)
            steps = tuple(self._step(connection, step, due, attributes, rates) for step, due in self._revision.dues())
            self._room.close()
        return Plan(
            campaign.campaign,
            campaign.title,
            campaign.zone,
            self._revision.fingerprint,
            by,
            self._context.now_us(),
            steps,
            tuple(self._samples[:SAMPLES]),
            found,
            tuple(sorted(self._unpriced)),
            minors=self._minors,
            notes=self._notes(),
        )

    def _awaits(self, outcome: Outcome) -> bool:
        """Whether it can only come true while this campaign runs."""
        return outcome.campaign == self._revision.campaign.campaign and bool(outcome.answered or outcome.delivered)

    def _at_most(self, step: Step) -> Rule:
        """Who may be meant by the time it is due: everyone may still answer, and the ceilings have to allow that."""
        outcomes = tuple(outcome for outcome in step.audience.outcomes if not self._awaits(outcome))
        return step.audience.model_copy(update={"outcomes": outcomes, "rsvp": ()})

    def _notes(self) -> tuple[str, ...]:
        steps = [
            step.name
            for step in self._revision.campaign.steps
            if step.audience.rsvp or any(map(self._awaits, step.audience.outcomes))
        ]
        depends = f"Depends on what this campaign brings, so counted as if everyone answered: {', '.join(steps)}."
        notes = (depends if steps else "", self._about_minors(), caps_note(self._context, self._revision))
        return tuple(note for note in notes if note)

    def _about_minors(self) -> str:
        minors = self._revision.campaign.minors
        if minors is None:
            return ""
        reached = f"{self._minors:,} of the messages go to people under 18, from {minors.from_age} years on"
        return f"{reached}. Basis: {minors.basis}"

    def _count(self, connection: Connection, step: Step, due: Due, attributes: Mapping[str, AttributeType]) -> int:
        scope = self._revision.scope(due.due_us, attributes, is_sqlite=self._context.database.is_sqlite)
        meant = compile_audience(self._revision.campaign.audience, self._at_most(step), scope)
        statement = select(func.count()).select_from(contacts).where(meant, contacts.c.erased_us.is_(None))
        return connection.execute(statement).scalar_one()

    def _step(
        self,
        connection: Connection,
        step: Step,
        due: Due,
        attributes: Mapping[str, AttributeType],
        rates: Mapping[str, tuple[float | None, str]],
    ) -> StepPlan:
        tally = _StepTally(self._revision, step, due, rates)
        scope = self._revision.scope(due.due_us, attributes, is_sqlite=self._context.database.is_sqlite)
        decider = self._revision.decider(step, due.session)
        self._room.next_step()
        seen = SeenNumbers(connection)
        after = 0
        while True:
            selection = select_contacts(
                self._revision.campaign.audience, self._at_most(step), scope, after_id=after, limit=PAGE
            )
            page = load_page(connection, selection, self._context.keys)
            if not page:
                seen.close()
                return tally.finish(self._prices, self._unpriced, self._context.now_us())
            after = page[-1].id
            self._decide(page, decider, seen, tally, due)
            self._done += len(page)
            self._progress(self._done, self._total)

    def _decide(self, page: list[Recipient], decider: Decider, seen: SeenNumbers, tally: _StepTally, due: Due) -> None:
        room = self._room.room_for(due.due_us, page)
        drafts: list[tuple[Recipient, Draft]] = []
        for recipient in page:
            decision = decider.decide(recipient, room=room)
            if isinstance(decision, Draft):
                drafts.append((recipient, decision))
            else:
                tally.leave_out(decision)
        fresh = seen.first_of(draft.point.address_hash for _, draft in drafts)
        self._room.take(due.due_us, [draft for draft, is_first in zip(drafts, fresh, strict=True) if is_first])
        for (recipient, draft), is_first in zip(drafts, fresh, strict=True):
            if not is_first:
                tally.leave_out(Skip(Reason.SHARED_ADDRESS))
                continue
            tally.take(draft)
            self._minors += is_minor(recipient.adult_on, self._revision.day(due.due_us))
            following = decider.decide(recipient, draft.hop + 1) if tally.has_hop_after(draft) else None
            if isinstance(following, Draft):
                tally.may_follow(following)
            self._keep_sample(tally, recipient, draft)

    def _keep_sample(self, tally: _StepTally, recipient: Recipient, draft: Draft) -> None:
        """Five in all, of different steps, senders and languages as far as there are."""
        if len(self._samples) >= 4 * SAMPLES:
            return
        written, language = draft.written, recipient.language or self._revision.campaign.language
        to = mask(open_address(self._context.keys, draft.point))
        sample = Sample(tally.name, draft.sender.name, to, language, written.segments, written.preview)
        kinds = [(s.step, s.sender, s.language) for s in self._samples]
        if (sample.step, sample.sender, sample.language) not in kinds:
            self._samples.insert(len(set(kinds)), sample)
        elif len(self._samples) < SAMPLES:
            self._samples.append(sample)


class _StepTally:
    """What a step adds up to."""

    def __init__(self, revision: Revision, step: Step, due: Due, rates: Mapping[str, tuple[float | None, str]]) -> None:
        self._revision = revision
        self._step = step
        self._due = due
        self._rates = rates
        self.name = step.name
        self._held_out = 0
        self._skipped: Counter[str] = Counter()
        self._messages: Counter[tuple[str, str, str]] = Counter()
        self._segments: Counter[tuple[str, str, str]] = Counter()
        self._following: Counter[tuple[str, str, str]] = Counter()
        self._following_segments: Counter[tuple[str, str, str]] = Counter()

    def leave_out(self, decision: HeldOut | Skip | Draft) -> None:
        if isinstance(decision, Skip):
            self._skipped[decision.reason.value] += 1
        else:
            self._held_out += 1

    def has_hop_after(self, draft: Draft) -> bool:
        return draft.hop + 1 < len(self._step.route)

    def take(self, draft: Draft) -> None:
        key = _price_key(draft)
        self._messages[key] += 1
        self._segments[key] += draft.written.segments

    def may_follow(self, draft: Draft) -> None:
        key = _price_key(draft)
        self._following[key] += 1
        self._following_segments[key] += draft.written.segments

    def finish(self, prices: Prices, unpriced: set[str], now_us: int) -> StepPlan:
        messages, senders = self._messages.total(), self._by_sender(self._messages)
        units = {
            name: self._by_sender(self._segments)[name] if self._rates.get(name, (None, ""))[1] == "segment" else count
            for name, count in senders.items()
        }
        loads = [(count, self._rates.get(name, (None, ""))[0]) for name, count in units.items()]
        begins_us = max(self._due.due_us, now_us)
        when = span(self._revision.window(), begins_us, self._due.expires_us, loads)
        return StepPlan(
            name=self._step.name,
            occasion=self._due.session,
            due_us=self._due.due_us,
            expires_us=self._due.expires_us,
            selected=messages + self._skipped.total() + self._held_out,
            held_out=self._held_out,
            skipped=dict(sorted(self._skipped.items())),
            messages=messages,
            following=self._following.total(),
            segments=self._segments.total(),
            following_segments=self._following_segments.total(),
            cost=self._cost(prices, self._messages, self._segments, unpriced),
            following_cost=self._cost(prices, self._following, self._following_segments, unpriced),
            starts_us=when.starts_us,
            ends_us=when.ends_us,
            late=when.late_units,
            senders=senders,
            units=units,
        )

    @staticmethod
    def _by_sender(counts: Counter[tuple[str, str, str]]) -> dict[str, int]:
        summed: Counter[str] = Counter()
        for (sender, _, _), count in counts.items():
            summed[sender] += count
        return dict(sorted(summed.items()))

    def _cost(
        self,
        prices: Prices,
        messages: Counter[tuple[str, str, str]],
        segments: Counter[tuple[str, str, str]],
        unpriced: set[str],
    ) -> Money:
        day = self._revision.day(self._due.due_us)
        found: list[Money] = []
        for key, count in messages.items():
            price = prices.of(*key, day, count, segments[key])
            if price is None:
                unpriced.add(key[0])
            else:
                found.append(price)
        return total(found)


def _price_key(draft: Draft) -> tuple[str, str, str]:
    return (draft.sender.name, draft.sender.channel, draft.point.country)


def configured_rates(context: Context) -> dict[str, tuple[float | None, str]]:
    senders = context.settings.senders.items()
    return {name: (s.rate.per_s, s.rate.unit) if s.rate else (None, "message") for name, s in senders}
