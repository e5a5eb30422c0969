"""SQL means the same people as Python, on each database: expressions, rules, pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from dispatcher.audience.person import Person, Standing
from dispatcher.audience.selection import evaluate, parse
from dispatcher.audience.selection_nodes import Expression
from dispatcher.audience.targeting import is_targeted
from dispatcher.campaign.model import Audience, Rule, StepRule
from dispatcher.store.engine import Database
from dispatcher.store.selection import Scope, compile_expression
from dispatcher.store.tables import answers, campaigns, contacts, memberships, messages, plans, session_people, sessions
from dispatcher.store.targeting import select_contacts
from tests.selections import ATTRIBUTES, GROUP_NAMES, expressions, people

ON = date(2027, 2, 10)
SLUGS = {"undangan": 1, "ikrar": 2}
RSVPS = ["yes", "no", "waiting"]
quick = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@contextmanager
def holding(database: Database, everyone: Sequence[Person]) -> Iterator[tuple[Connection, Scope]]:
    """A transaction in which these people are stored, ids from 1; rolled back afterwards."""
    with database.engine.connect() as connection, connection.begin() as transaction:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        _store(connection, dict(enumerate(everyone, 1)))
        yield connection, Scope(database.is_sqlite, ON, ATTRIBUTES)
        transaction.rollback()


def _store(connection: Connection, everyone: Mapping[int, Person]) -> None:
    clear = ("language", "role", "salutation", "region", "rw", "rt", "birth_year", "attributes")
    rows = {
        contacts: [
            {"id": n, "created_us": 0, "updated_us": 0, **{name: getattr(person, name) for name in clear}}
            for n, person in everyone.items()
        ],
        memberships: [{"group_slug": g, "contact_id": n} for n, person in everyone.items() for g in person.groups],
        answers: [
            {"campaign_id": SLUGS[slug], "contact_id": n, "meaning": standing.answer, "at_us": 0}
            for n, person in everyone.items()
            for slug, standing in person.campaigns.items()
            if standing.answer is not None
        ],
        messages: [
            message
            for n, person in everyone.items()
            for slug, standing in person.campaigns.items()
            for message in _messages(n, SLUGS[slug], standing)
        ],
    }
    for table, values in rows.items():
        if values:
            connection.execute(insert(table), values)


def _messages(contact_id: int, campaign_id: int, standing: Standing) -> Iterator[dict[str, object]]:
    zeros = dict.fromkeys(("sender_id", "cell_id", "priority", "units", "segments", "not_before_us"), 0)
    for hop, status in enumerate(("failed", "read") if standing.delivered else ("sent",)):
        yield {
            **zeros,
            "id": contact_id * 100 + campaign_id * 10 + hop,
            "step_id": campaign_id,
            "campaign_id": campaign_id,
            "contact_id": contact_id,
            "hop": hop,
            "status": status,
            "address_hash": str(contact_id).encode(),
            "not_after_us": 1,
            "expires_us": 1,
        }


def _store_campaigns(connection: Connection) -> None:
    connection.execute(insert(plans).values(id=1, fingerprint="f", slug="s", document={}, summary={}, created_us=0))
    for slug, campaign_id in SLUGS.items():
        state = {"state": "running", "state_us": 0, "applied_us": 0}
        connection.execute(insert(campaigns).values(id=campaign_id, slug=slug, plan_id=1, fingerprint="f", **state))


@quick
@given(st.lists(expressions(), min_size=1, max_size=6), st.lists(people(), min_size=1, max_size=8))
def test_expressions(database: Database, written: list[Expression], everyone: list[Person]) -> None:
    with holding(database, everyone) as (connection, scope):
        conditions = [compile_expression(expression, scope).label(f"c{n}") for n, expression in enumerate(written)]
        found = connection.execute(select(*conditions).select_from(contacts).order_by(contacts.c.id)).all()
    for person, answered in zip(everyone, found, strict=True):
        assert answered == tuple(evaluate(expression, person, on=ON) for expression in written)


@pytest.mark.parametrize(
    "text",
    ["sekolah == '\\' OR 1=1 --'", "sekolah < '%s :name ${x} %(x)s ?'", "sekolah in ['\"; DROP TABLE contacts; --']"],
)
def test_texts_are_bound_never_written_into_sql(database: Database, text: str) -> None:
    expression = parse(text, ATTRIBUTES)
    with holding(database, [Person(attributes={"sekolah": "zzz"})]) as (connection, scope):
        compiled = select(contacts.c.id).where(compile_expression(expression, scope)).compile(connection.engine)
        assert "DROP" not in str(compiled)
        assert "1=1" not in str(compiled)
        assert list(connection.scalars(select(contacts.c.id).where(compile_expression(expression, scope)))) == []


def standings() -> st.SearchStrategy[Mapping[str, Standing]]:
    standing = st.builds(Standing, st.sampled_from([None, "hadir", "setuju"]), st.booleans())
    return st.dictionaries(st.sampled_from(sorted(SLUGS)), standing)


REGIONS = ("", "31", "31.74", "31.74.05.1003", "31.74.05.1004", "31.75.01.1001", "32.74.05.1003")
neighbours = st.builds(
    lambda person, region, campaigns, role: replace(person, region=region, campaigns=campaigns, role=role),
    people(),
    st.sampled_from(REGIONS),
    standings(),
    st.sampled_from(["", "ketua", "anggota"]),
)
areas = st.sampled_from([*filter(None, REGIONS), "31.74.05.1003/1", "31.74.05.1003/1/2", "31.74.05.1003/002/000"])
outcomes = st.fixed_dictionaries(
    {"campaign": st.sampled_from([*SLUGS, "tak-dikenal"]), "answered": st.sampled_from([True, False, "hadir"])},
    optional={"delivered": st.booleans()},
)
lines = {
    "groups": st.lists(st.sampled_from(GROUP_NAMES), max_size=2),
    "roles": st.lists(st.sampled_from(["ketua", "anggota"]), max_size=2),
    "regions": st.lists(areas, max_size=2),
    "languages": st.lists(st.sampled_from(["id", "en"]), max_size=2),
    "where": st.sampled_from(["", " ", "umur >= 17", "not pengurus or rw == 1", "kelompok != 'rt'", "anak > 1"]),
    "outcomes": st.lists(outcomes, max_size=2),
}
rules = st.fixed_dictionaries({}, optional=lines)
audiences = st.fixed_dictionaries({}, optional={**lines, "everyone": st.booleans(), "exclude": rules})


@quick
@given(audiences, rules, st.lists(neighbours, min_size=1, max_size=8))
def test_rules(database: Database, broad: dict[str, object], narrow: dict[str, object], everyone: list[Person]) -> None:
    audience, step = Audience.model_validate(broad), Rule.model_validate(narrow)
    with holding(database, everyone) as (connection, scope):
        _store_campaigns(connection)
        found = list(connection.execute(select_contacts(audience, step, scope)).scalars())
        meant = [n for n, p in enumerate(everyone, 1) if is_targeted(audience, step, p, ATTRIBUTES, on=ON)]
        assert found == meant


@quick
@given(
    st.lists(st.sampled_from(["yes", "no", "waiting", "none"]), unique=True),
    st.lists(
        st.builds(Person, rsvps=st.dictionaries(st.sampled_from(["pusat", "utara"]), st.sampled_from(RSVPS))),
        min_size=1,
        max_size=8,
    ),
)
def test_what_was_said_to_the_steps_session(database: Database, said: list[str], everyone: list[Person]) -> None:
    audience, step = Audience(everyone=True), StepRule.model_validate({"rsvp": said})
    with holding(database, everyone) as (connection, scope):
        for slug in ("pusat", "utara"):
            connection.execute(insert(sessions).values(slug=slug, starts_us=1, updated_us=1))
        rows = [
            {"session_slug": slug, "contact_id": n, "rsvp": rsvp}
            for n, person in enumerate(everyone, 1)
            for slug, rsvp in person.rsvps.items()
        ]
        # somebody who checked in without an answer said nothing
        connection.execute(insert(session_people), [*rows, {"session_slug": "pusat", "contact_id": 99, "rsvp": ""}])
        found = list(connection.execute(select_contacts(audience, step, replace(scope, session="pusat"))).scalars())
    meant = [
        n
        for n, person in enumerate(everyone, 1)
        if is_targeted(audience, step, person, ATTRIBUTES, on=ON, session="pusat")
    ]
    assert found == meant


def test_pages_follow_each_other(database: Database) -> None:
    everyone = [Person(role="ketua" if n % 2 else "") for n in range(25)]
    audience = Audience(roles=("ketua",))
    with holding(database, everyone) as (connection, scope):
        pages: list[list[int]] = [[0]]
        while pages[-1]:
            page = select_contacts(audience, Rule(), scope, after_id=pages[-1][-1], limit=5)
            pages.append(list(connection.execute(page).scalars()))
        assert [len(page) for page in pages[1:]] == [5, 5, 2, 0]
        assert [n for page in pages[1:] for n in page] == [n + 1 for n in range(25) if n % 2]


def test_erased_contacts_are_never_selected(database: Database) -> None:
    with holding(database, [Person(), Person()]) as (connection, scope):
        connection.execute(contacts.update().where(contacts.c.id == 1).values(erased_us=1))
        found = connection.execute(select_contacts(Audience(everyone=True), Rule(), scope)).scalars()
        assert list(found) == [2]
