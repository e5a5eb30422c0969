"""Many taps at the same instant: each person has one answer, and a session never more people than places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatcher.operations.recipient_page import RecipientPages
from dispatcher.store.door_codes import door_code
from dispatcher.store.tables import answers
from tests.acceptance.place import eventually
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
            eventually(lambda: _somebody_waits(people))
        assert tapped.result(30) == "open"
    assert people.meanings == [("hadir", "link")]
    people.close()


def _somebody_waits(people: Recipients) -> bool:
    with people.context.database.read() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


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


def test_a_door_code_is_always_the_same_and_differs_by_person_and_session(people: Recipients) -> None:
    keys = people.context.keys
    codes = [door_code(keys, session, person) for session in ("pagi", "sore") for person in range(500)]
    assert len(set(codes)) == 1000
    assert codes[0] == door_code(keys, "pagi", 0)
    assert not set("".join(codes)) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ-")
