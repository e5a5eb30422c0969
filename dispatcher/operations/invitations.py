"""What an answer says to the session that somebody was invited to: which one is meant, and whether there is a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection

from dispatcher.receipts.keywords import campaign_answer
from dispatcher.receipts.session_codes import code_of, named_session
from dispatcher.store.attendance import set_rsvp
from dispatcher.store.sessions import table_of


@dataclass(frozen=True, slots=True)
class Keywords:
    """Of one plan: meaning → keywords; which say yes or no to a session; which have words of their own; codes."""

    answers: Mapping[str, Sequence[str]]
    rsvp: Mapping[str, Literal["yes", "no"]] = field(default_factory=dict)
    worded: frozenset[str] = frozenset()
    worded_waiting: frozenset[str] = frozenset()
    codes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, campaign: Mapping[str, Any]) -> Keywords:
        written, sessions = campaign.get("answers", []), campaign.get("sessions", {})
        return cls(
            {answer["meaning"]: list(answer["keywords"]) for answer in written},
            {answer["meaning"]: answer["rsvp"] for answer in written if answer.get("rsvp")},
            frozenset(answer["meaning"] for answer in written if answer.get("reply")),
            frozenset(answer["meaning"] for answer in written if answer.get("reply_waiting")),
            {slug: code_of(slug, session.get("code", "")) for slug, session in sessions.items()},
        )


class Answered(NamedTuple):
    """`message`: that is answered; `session`: that it names. `rsvp`: what it came to, "" where it says nothing to one.

    `choices`: codes of several sessions, none of which was named.
    """

    message: Any
    meaning: str
    session: str = ""
    rsvp: str = ""
    choices: Sequence[str] = ()


def read_answer(reached: Sequence[tuple[Any, Keywords]], texts: Sequence[str]) -> Answered | None:
    """The latest campaign that has such a keyword, or such a session, is meant. `reached`: the person's messages."""
    for message, keywords in reached:
        invited = [one for one, _ in reached if one.campaign_id == message.campaign_id and one.occasion]
        codes = {one.occasion: keywords.codes.get(one.occasion, code_of(one.occasion, "")) for one in invited}
        for text in texts:
            meaning = campaign_answer(text, keywords.answers)
            if meaning:
                return Answered(message, meaning)
            named = named_session(text, keywords.answers, codes)
            meaning = (named.meaning or _yes(keywords)) if named else ""
            if named and meaning:
                about = next(one for one in invited if one.occasion == named.session)
                return Answered(about, meaning, named.session)
    return None


def _yes(keywords: Keywords) -> str:
    """What a code alone means."""
    return next((meaning for meaning, rsvp in keywords.rsvp.items() if rsvp == "yes"), "")


def keep_place(
    connection: Connection, answered: Answered, reached: Sequence[tuple[Any, Keywords]], now_us: int
) -> Answered:
    """With what it came to. A session that is over, or one of several that was not named, is left as it is."""
    message, meaning, named = answered[:3]
    keywords = next(one for about, one in reached if about.plan_id == message.plan_id)
    says = keywords.rsvp.get(meaning)
    if says is None:
        return answered
    invited = {one.occasion: one for one, _ in reached if one.campaign_id == message.campaign_id and one.occasion}
    wanted = [named] if named else list(invited)
    standing = table_of(connection, wanted)
    coming = [code for code, session in standing.items() if (session.ends_us or session.starts_us) > now_us]
    if len(coming) != 1:
        choices = [keywords.codes.get(code, code_of(code, "")) for code in coming]
        return answered._replace(choices=choices)
    rsvp = set_rsvp(connection, coming[0], message.contact_id, says, "reply", now_us)
    return Answered(invited[coming[0]], meaning, coming[0], rsvp)
