"""The recipient's page: what stands behind a token, and what its owner may do there.

Looking changes nothing. Answers and refusals are acts of their own, each in one commit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import Connection

from dispatcher.core.clock import DAY_US
from dispatcher.core.phone import mask
from dispatcher.operations.answered_words import words_of
from dispatcher.operations.context import Context
from dispatcher.operations.linking import valid_for_us
from dispatcher.operations.recipient_view import About, Event, Page, State, Stopped, about
from dispatcher.render.names import given
from dispatcher.store import links, replies
from dispatcher.store.attendance import set_rsvp
from dispatcher.store.door_codes import door_code
from dispatcher.store.installation import record_act
from dispatcher.store.links import Found
from dispatcher.store.plans import plan_by_id
from dispatcher.store.stops import stop_address
from dispatcher.store.withdrawal import LINK, take_back

UNDO_WITHIN_US: Final = 7 * DAY_US
_RSVP: Final[dict[str, Literal["yes", "no"]]] = {"yes": "yes", "no": "no"}
_WITHOUT_END_US: Final = timedelta(hours=6) // timedelta(microseconds=1)
"""For so long a session without an end goes on."""


class RecipientPages:
    """One per process: what plans say is read once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._keys = context.keys
        self._valid_for_us = valid_for_us(context)
        self._about: dict[int, About] = {}

    def look(self, tokens: Sequence[str]) -> list[Page | None]:
        """In the order of the tokens; None where there is no such link. Known and unknown ones cost the same."""
        hashes = [self._keys.hash_link(token) for token in tokens]
        now_us = self._context.now_us()
        with self._context.database.read() as connection:
            found = links.find_links(connection, hashes)
            return [self._page(connection, found[h], now_us) if h in found else None for h in hashes]

    def answer(self, token: str, answer: str) -> State | None:
        """`yes` or `no` to the session, or a meaning of the campaign; the last one counts. None: no such link.

        What is not offered is not taken, and changes nothing; nor does anything where the page is no longer open.
        """
        return self._context.database.run(lambda connection: self._answer(connection, token, answer))

    def stop(self, token: str) -> State | None:
        """In force with the commit: the number is refused for all purposes, and what waits for it is cancelled."""
        return self._context.database.run(lambda connection: self._stop(connection, token))

    def undo(self, token: str) -> State | None:
        """The refusal that came through this link is taken back, for 7 days, while no other stands on top of it."""
        return self._context.database.run(lambda connection: self._undo(connection, token))

    def see(self, people: Collection[str], programs: Collection[str]) -> None:
        """Tokens of pages that were seen; unknown ones are passed over."""
        now_us = self._context.now_us()

        def note(connection: Connection) -> None:
            links.note_visits(connection, sorted(map(self._keys.hash_link, people)), now_us)
            links.note_previews(connection, map(self._keys.hash_link, programs), now_us)

        self._context.database.run(note)

    def _answer(self, connection: Connection, token: str, answer: str) -> State | None:
        now_us = self._context.now_us()
        found = links.lock_link(connection, self._keys.hash_link(token))
        if found is None:
            return None
        page = self._page(connection, found, now_us)
        if page.state != "open" or found.contact_id is None:
            return page.state
        links.note_visits(connection, [found.token_hash], now_us)
        meaning = self._meaning(connection, found, page, answer)
        if meaning is None:
            return page.state
        if page.event and answer in _RSVP:
            set_rsvp(connection, found.occasion, found.contact_id, _RSVP[answer], LINK, now_us)
        if meaning and found.message_id is not None:
            values = {
                "campaign_id": found.campaign_id,
                "contact_id": found.contact_id,
                "meaning": meaning,
                "step_id": found.step_id,
                "message_id": found.message_id,
                "cell_id": found.cell_id,
                "via": LINK,
                **words_of(connection, self._keys, found.message_id)._asdict(),
                "at_us": now_us,
            }
            replies.put_answer(connection, values)
        return page.state

    def _meaning(self, connection: Connection, found: Found, page: Page, answer: str) -> str | None:
        """Of the campaign's answers; "" for a session's that the campaign does not name; None: nothing is meant."""
        if page.event and answer in _RSVP:
            said = self._about_plan(connection, found.plan_id)
            return said.yes if answer == "yes" else said.no
        return answer if any(choice.meaning == answer for choice in page.choices) else None

    def _stop(self, connection: Connection, token: str) -> State | None:
        now_us = self._context.now_us()
        token_hash = self._keys.hash_link(token)
        found = links.find_links(connection, [token_hash]).get(token_hash)
        if found is None:
            return None
        page = self._page(connection, found, now_us)
        if found.address_hash is None or not page.may_stop:
            return page.state
        stop_address(connection, bytes(found.address_hash), "*", "stop", LINK, now_us)
        links.note_visits(connection, [token_hash], now_us)
        stands = links.find_links(connection, [token_hash])[token_hash]
        if (stands.refused_via, stands.refused_us) == (LINK, now_us):
            links.mark_stopped(connection, token_hash, now_us)
        return page.state

    def _undo(self, connection: Connection, token: str) -> State | None:
        now_us = self._context.now_us()
        found = links.lock_link(connection, self._keys.hash_link(token))
        if found is None:
            return None
        page = self._page(connection, found, now_us)
        may = page.stopped is not None and page.stopped.may_undo
        if not may or found.address_hash is None or found.stopped_us is None:
            return page.state
        # another refusal may have come on top of it at this very instant
        if take_back(connection, bytes(found.address_hash), found.stopped_us):
            links.mark_stopped(connection, found.token_hash, None)
            record_act(connection, now_us, "", "stop undone", str(found.contact_id), {"message": found.message_id})
        return page.state

    # What the page shows

    def _page(self, connection: Connection, found: Found, now_us: int) -> Page:
        campaign, event = self._about_plan(connection, found.plan_id), _event(found)
        state = self._state(found, event, now_us)
        page = Page(state, campaign, event, found.contact_id is None, bool(found.visited_us), bool(found.previewed_us))
        if found.contact_id is None or state == "gone":
            return page
        name = self._keys.sealer.open("contacts.name", found.contact_id, found.name_sealed) if found.name_sealed else ""
        page = page._replace(
            language=found.language or "",
            first_name=given(name),
            may_stop=found.address_sealed is not None and not found.refused_us,
            stopped=self._stopped(found, now_us),
        )
        if state != "open":
            return page
        comes = event is not None and found.rsvp == "yes"
        return page._replace(
            rsvp=found.rsvp or "",
            meaning=found.meaning or "",
            choices=campaign.choices if event is None else campaign.other_choices,
            door_code=door_code(self._keys, found.occasion, found.contact_id) if comes else "",
        )

    def _about_plan(self, connection: Connection, plan_id: int) -> About:
        if plan_id not in self._about:
            self._about[plan_id] = about(plan_by_id(connection, plan_id).document["campaign"])
        return self._about[plan_id]

    def _state(self, found: Found, event: Event | None, now_us: int) -> State:
        if found.erased_us is not None:
            return "gone"
        over_us = (event.ends_us or event.starts_us + _WITHOUT_END_US) if event else 0
        if now_us > max(found.expires_us, over_us + self._valid_for_us if event else 0):
            return "over"
        if found.campaign_state == "cancelled" or (found.message_id is not None and found.address_sealed is None):
            return "over"
        return "past" if event and now_us > over_us else "open"

    def _stopped(self, found: Found, now_us: int) -> Stopped | None:
        if found.refused_us is None:
            return None
        number = ""
        if found.address_sealed is not None and found.message_id is not None and found.stopped_us is not None:
            number = mask(self._keys.sealer.open("messages.address", found.message_id, found.address_sealed))
        is_mine = found.refused_via == LINK and found.stopped_us == found.refused_us
        return Stopped(number, is_mine and now_us <= found.refused_us + UNDO_WITHIN_US)


def _event(found: Found) -> Event | None:
    """As the session stands now."""
    if found.title is None or found.starts_us is None:
        return None
    return Event(
        found.occasion,
        found.title,
        found.place or "",
        found.address or "",
        found.zone or "Asia/Jakarta",
        found.starts_us,
        found.ends_us,
        found.updated_us or 0,
    )
