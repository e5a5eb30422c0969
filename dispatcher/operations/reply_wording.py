"""The words of automatic answers: the campaign's own as it was approved, else those of the settings, else built-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from dispatcher.audience.recipient import Recipient
from dispatcher.core.media import Media
from dispatcher.operations.context import Context
from dispatcher.operations.logs import log
from dispatcher.operations.revision import Revision
from dispatcher.plan.wording import Wording
from dispatcher.receipts.autoreply import Kind
from dispatcher.receipts.reply_texts import CODES, Saying, text_of
from dispatcher.render.problem import TemplateProblem
from dispatcher.store.plans import plan_by_id
from dispatcher.store.recipients import load_people
from dispatcher.store.sessions import find_session


class Asked(NamedTuple):
    """For whom, and for which answer of which plan. `has_words`: of its own; `saying`: what is said without them.

    `step`, `occasion`: of the message that was answered. `codes`: of the sessions to choose from.
    """

    contact_id: int | None = None
    plan_id: int | None = None
    meaning: str = ""
    has_words: bool = False
    step: str = ""
    occasion: str = ""
    saying: Saying | None = None
    codes: Sequence[str] = ()
    is_waiting: bool = False


class ReplyWording:
    """One per process: plans are read once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._revisions: dict[int, Revision] = {}

    def write(self, connection: Connection, kind: Kind, asked: Asked, media: Media) -> str:
        """ "" where there is nothing to say."""
        person = Recipient(0)
        if asked.contact_id is not None:
            person = load_people(connection, [asked.contact_id], self._context.keys).get(asked.contact_id, person)
        if kind == "answer" and asked.has_words and asked.plan_id is not None:
            return self._own(connection, asked.plan_id, asked, person, media)
        words = text_of(asked.saying or kind, person.language or "id", self._context.settings.inbound.texts)
        return words.replace(CODES, ", ".join(asked.codes))

    def _own(self, connection: Connection, plan_id: int, asked: Asked, person: Recipient, media: Media) -> str:
        """A text that fails for this person's data is none: the answer counts all the same."""
        try:
            if plan_id not in self._revisions:
                self._revisions[plan_id] = Revision.from_document(plan_by_id(connection, plan_id).document)
            revision = self._revisions[plan_id]
            campaign = revision.campaign
            answer = next(one for one in campaign.answers if one.meaning == asked.meaning)
            versions = answer.reply_waiting if asked.is_waiting else answer.reply
            standing = find_session(connection, asked.occasion) if asked.occasion else None
            session = standing.as_session(campaign.zone) if standing else campaign.sessions.get(asked.occasion)
            wording = Wording(campaign, campaign.step(asked.step), session, revision.templates)
            return wording.say(versions, person, media).preview
        except (TemplateProblem, KeyError, ValueError, StopIteration) as problem:
            log.warning("reply-not-rendered", plan=plan_id, meaning=asked.meaning, problem=type(problem).__name__)
            return ""
