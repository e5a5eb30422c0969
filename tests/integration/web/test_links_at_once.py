"""Many taps at the same instant: each person has one answer, and a session never more people than places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dispatcher.operations.ingest import Arrived, Ingest
from dispatcher.operations.recipient_page import RecipientPages
from dispatcher.spi import HookAnswer, Inbound
from dispatcher.store import withdrawal
from dispatcher.store.door_codes import door_code
from dispatcher.store.tables import answers, journal
from tests.acceptance.place import eventually
from tests.integration.builders import somebody_waits
from tests.integration.web.recipients import Recipients

PEOPLE = 12
PLACES = 5


@pytest.fixture
def people(database_url: str, tmp_path: Path) -> Iterator[Recipients]:
    people = Recipients(database_url, tmp_path)
    yield people
    people.stage.check()
    people.close()


def test_people_who_race_for_places_fill_them_and_no_more(people: Recipients) -> None:
    tokens = people.invite(PEOPLE, capacity=PLACES)
    pages = RecipientPages(people.context)
    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(lambda token: pages.answer(token, "yes"), tokens)) == {"open"}
        assert Counter(people.rsvps) == {"yes": PLACES, "waiting": PEOPLE - PLACES}
        coming = [page for page in pages.look(tokens) if page and page.rsvp == "yes"]
        assert len({page.door_code for page in coming}) == PLACES
        # all change their minds at once: the places go round, and in the end nobody is left
        list(threads.map(lambda token: pages.answer(token, "no"), tokens))
    assert Counter(people.rsvps) == {"no": PEOPLE}


def test_one_link_tapped_by_many_at_once_has_one_answer(people: Recipients) -> None:
    (token,) = people.ask()
    pages = RecipientPages(people.context)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda i: pages.answer(token, ("hadir", "tidak-hadir")[i % 2]), range(24)))
    assert len(people.meanings) == 1


def test_an_answer_by_link_while_a_reply_is_stored(postgres_url: str, tmp_path: Path) -> None:
    """On SQLite whoever writes is alone."""
    people = Recipients(postgres_url, tmp_path)
    (token,) = people.ask()
    link, pages = people.link(token), RecipientPages(people.context)
    about = {"campaign_id": link.campaign_id, "contact_id": link.contact_id, "via": "reply", "at_us": 1}
    with ThreadPoolExecutor(1) as thread:
        with people.context.database.begin() as connection:
            connection.execute(answers.insert().values(**about, meaning="tidak-hadir"))
            tapped = thread.submit(pages.answer, token, "hadir")
            eventually(lambda: somebody_waits(people.context))
        assert tapped.result(30) == "open"
    assert people.meanings == [("hadir", "link")]
    people.close()


def test_one_stop_tapped_by_many_at_once_can_be_undone_once(people: Recipients) -> None:
    (token,) = people.invite()
    pages = RecipientPages(people.context)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda _: pages.stop(token), range(12)))
        assert people.refusals == ["link"]
        (page,) = pages.look([token])
        assert page is not None
        assert page.stopped is not None
        assert page.stopped.may_undo
        list(threads.map(lambda _: pages.undo(token), range(12)))
    assert people.refusals == []


def test_a_stop_by_message_is_not_lost_to_an_undo_by_link_at_the_same_instant(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 14; on SQLite whoever writes is alone. The message finds the refusal, which is taken back just then."""
    people = Recipients(postgres_url, tmp_path)
    (token,) = people.invite()
    pages = RecipientPages(people.context)
    pages.stop(token)
    insert_ignore, found = withdrawal.insert_ignore, list[int]()

    def undone_after(*args: Any) -> int:
        found.append(insert_ignore(*args))
        if len(found) == 1:
            pages.undo(token)
            assert people.refusals == [], "the undo was first to commit"
        return found[-1]

    monkeypatch.setattr(withdrawal, "insert_ignore", undone_after)
    _stop_by_message(people)
    assert people.refusals == ["reply"]
    assert found == [0, 1]
    people.close()


def test_an_undo_by_link_does_not_take_back_a_stop_by_message_at_the_same_instant(
    postgres_url: str, tmp_path: Path
) -> None:
    """Invariant 14: the message stands on top of the refusal before the undo, which waited for it, may go on."""
    people = Recipients(postgres_url, tmp_path)
    (token,) = people.invite()
    pages = RecipientPages(people.context)
    pages.stop(token)
    address_hash = people.stage.rows()[0].address_hash
    with ThreadPoolExecutor(1) as thread:
        with people.context.database.begin() as connection:
            withdrawal.suppress(connection, address_hash, "*", "stop", "reply", people.context.now_us())
            undone = thread.submit(pages.undo, token)
            eventually(lambda: somebody_waits(people.context))
        assert undone.result(30) == "open"
    assert people.refusals == ["reply"]
    assert "stop undone" not in [row.verb for row in people.rows(journal)]
    (page,) = pages.look([token])
    assert page is not None
    assert page.stopped is not None
    assert not page.stopped.may_undo
    people.close()


def _stop_by_message(people: Recipients) -> None:
    said = Inbound("SM1", "+6281234500000", "STOP")
    arrived = Arrived(people.stage.sender_id(), HookAnswer(inbound=(said,)), "raw")
    Ingest(people.context).take([arrived])


def test_a_door_code_is_always_the_same_and_differs_by_person_and_session(people: Recipients) -> None:
    keys = people.context.keys
    codes = [door_code(keys, session, person) for session in ("pagi", "sore") for person in range(500)]
    assert len(set(codes)) == 1000
    assert codes[0] == door_code(keys, "pagi", 0)
    assert not set("".join(codes)) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ-")
