"""Reports: unique people, once each; they agree with the status of the same moment and hold no personal data."""

from __future__ import annotations

import csv
import json
import re
import threading
from collections.abc import Iterator
from datetime import date
from io import BytesIO, StringIO
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from sqlalchemy import insert

from dispatcher.core.errors import UsageError
from dispatcher.core.status import Reason, Status
from dispatcher.operations.context import Context
from dispatcher.operations.report import campaign_report
from dispatcher.operations.status import campaign_status
from dispatcher.outreach.flat import HEADINGS, as_csv
from dispatcher.outreach.page import as_html
from dispatcher.outreach.workbook import as_xlsx
from dispatcher.store.tables import answers, contact_points, contacts, session_people, sessions
from tests.integration.builders import GONDANGDIA, MENTENG, TEBET, Builder, Person, make_context

SETTINGS = {
    "senders": {"sms": {"channel": "twilio-sms"}, "wa": {"channel": "twilio-whatsapp"}},
    "prices": [
        {"from": date(2020, 1, 1), "channel": "twilio-sms", "country": "ID", "currency": "IDR", "amount": "450"},
        {"from": date(2020, 1, 1), "sender": "wa", "per": "message", "currency": "USD", "amount": "0.025"},
    ],
    "exchange": [
        {"from": date(2020, 1, 1), "base": "USD", "quote": "IDR", "rate": "10000"},
        {"from": date(2021, 1, 1), "base": "USD", "quote": "IDR", "rate": "16000"},
    ],
}


@pytest.fixture
def context(database_url: str) -> Iterator[Context]:
    context = make_context(database_url, SETTINGS)
    yield context
    context.database.close()


@pytest.fixture
def built(context: Context) -> Builder:
    return Builder(context)


def _carry_out(built: Builder) -> list[Person]:
    """Two steps; six people, of whom three are reached, one of them twice."""
    sms, wa = built.sender("sms", "twilio-sms"), built.sender("wa", "twilio-whatsapp")
    campaign = built.campaign(goal_people=10)
    first, second = built.step(campaign), built.step(campaign, "pengingat", ordinal=1)
    head = built.person(MENTENG, ("pkk", "rt"), "ketua", 7, 3)
    member = built.person(MENTENG, ("pkk",), "anggota", 7, 4)
    leader = built.person(GONDANGDIA, ("dasawisma",), "ketua", 1)
    away = built.person(TEBET, ("pkk",))
    refused = built.person(TEBET)
    nowhere = built.person("")
    built.message(first, head, sms, Status.DELIVERED)
    built.message(second, head, wa, Status.READ)
    built.message(first, member, sms, Status.FAILED, reason=Reason.INVALID_NUMBER, provider_code="21211")
    built.message(second, member, sms, Status.DELIVERED)
    built.message(first, leader, wa, Status.READ)
    built.message(first, away, sms, Status.FAILED, reason=Reason.UNREACHABLE, provider_code="30003", provider_id="SM1")
    built.message(second, away, sms, Status.ACCEPTED)
    built.leave_out(first, refused)
    built.leave_out(second, refused)
    built.hold_out(first, nowhere)
    return [head, member, leader, away, refused, nowhere]


def test_reach_counts_people_and_not_messages(context: Context, built: Builder) -> None:
    _carry_out(built)
    reach = campaign_report(context, "ajakan")["reach"]
    assert (reach["people"], reach["goal"], reach["share"]) == (3, 10, 0.3)
    assert (reach["selected_people"], reach["messaged"], reach["read"], reach["unconfirmed"]) == (6, 4, 2, 1)
    assert reach["households_estimate"] == 90 + 10


def test_the_report_agrees_with_the_status(context: Context, built: Builder) -> None:
    _carry_out(built)
    report, status = campaign_report(context, "ajakan"), campaign_status(context, "ajakan").as_dict()
    assert {key: report[key] for key in status if key != "as_of"} == {k: v for k, v in status.items() if k != "as_of"}
    assert campaign_status(context, "ajakan").total.conserves


def test_groups_count_a_person_in_each(context: Context, built: Builder) -> None:
    _carry_out(built)
    groups = {row["group"]: row for row in campaign_report(context, "ajakan", language="en")["groups"]}
    assert list(groups) == ["rt", "dasawisma", "pkk", ""]
    assert (groups["pkk"]["people"], groups["pkk"]["reached"], groups["pkk"]["unconfirmed"]) == (3, 2, 1)
    assert groups["rt"]["households_estimate"] == 90
    assert groups["pkk"]["households_estimate"] == 0
    assert groups[""]["people"] == 2
    assert groups["dasawisma"]["label"] == "Group of ten households (Dasawisma)"


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        ("city", ["31.71", "31.74", ""]),
        ("kecamatan", ["31.71", "31.71.06", "31.74", "31.74.01", ""]),
        ("rt", None),
    ],
)
def test_regions_add_up_at_every_level(context: Context, built: Builder, level: str, codes: list[str] | None) -> None:
    _carry_out(built)
    regions = campaign_report(context, "ajakan", level=level)["regions"]
    found = {row["code"]: row for row in regions}
    if codes is not None:
        assert list(found) == codes
    assert found["31.71"]["reached"] == 3
    assert found[""]["people"] == 1
    cities = [row for row in regions if row["level"] in ("city", "")]
    assert sum(row["people"] for row in cities) == 6


def test_regions_go_down_to_the_rt(context: Context, built: Builder) -> None:
    _carry_out(built)
    found = {row["code"]: row for row in campaign_report(context, "ajakan", level="rt")["regions"]}
    assert found[f"{MENTENG}.007"]["reached"] == 2
    assert found[f"{MENTENG}.007.003"]["name"] == "RT 003 / RW 007"
    assert found[f"{MENTENG}.007.003"]["people"] == 1
    assert found[f"{GONDANGDIA}.001"]["level"] == "rw"


def test_failures_come_with_the_adapters_sentence(context: Context, built: Builder) -> None:
    _carry_out(built)
    failures = {row["code"]: row for row in campaign_report(context, "ajakan", language="en")["failures"]}
    assert failures["21211"]["explanation"] == "The number is not valid."
    assert failures["21211"] | {"explanation": ""} == {
        "reason": "invalid_number",
        "code": "21211",
        "sender": "sms",
        "people": 1,
        "messages": 1,
        "explanation": "",
    }


def test_what_was_billed_stays_when_a_number_is_erased(context: Context, built: Builder) -> None:
    sms, step = built.sender("sms", "twilio-sms"), built.step(built.campaign())
    built.message(step, built.person(MENTENG), sms, Status.DELIVERED, country="ID")
    built.message(step, built.person(MENTENG), sms, Status.DELIVERED)  # of before countries were kept with messages
    assert campaign_report(context, "ajakan")["cost"] == {"IDR": "1800.00"}
    with context.database.begin() as connection:
        connection.execute(contact_points.delete())
    assert campaign_report(context, "ajakan")["cost"] == {"IDR": "900.00"}


def test_cost_is_kept_per_currency_and_summed_only_at_dated_rates(context: Context, built: Builder) -> None:
    _carry_out(built)
    report = campaign_report(context, "ajakan")
    # taken: two delivered, one accepted, one that failed after it was taken; two segments each
    assert report["cost_by_sender"]["sms"]["segments"] == 8
    assert report["cost"] == {"IDR": "3600.00", "USD": "0.05"}
    assert report["cost_converted"] == {"IDR": "4400.00"}
    assert report["exchange"] == [{"base": "USD", "quote": "IDR", "rate": "16000", "on": "2021-01-01"}]


def test_what_has_no_price_is_named(database_url: str) -> None:
    context = make_context(database_url, {"senders": {"sms": {"channel": "console"}}})
    _carry_out(Builder(context))
    report = campaign_report(context, "ajakan")
    context.database.close()
    assert report["cost"] == {}
    assert report["unpriced"] == ["sms", "wa"]


def test_answers_and_attendance(context: Context, built: Builder) -> None:
    people = _carry_out(built)
    campaign_id = campaign_status(context, "ajakan").campaign.id
    built.step(campaign_id, "undangan", "kelas-1", ordinal=2)
    with context.database.begin() as connection:
        connection.execute(
            insert(answers),
            [
                {"campaign_id": campaign_id, "contact_id": p.id, "meaning": m, "at_us": 1}
                for p, m in zip(people, ("hadir", "hadir", "tidak"), strict=False)
            ],
        )
        about = {"slug": "kelas-1", "title": "Kelas 1", "place": "Balai Kota", "starts_us": built.now_us}
        connection.execute(insert(sessions).values(**about, updated_us=built.now_us, capacity=40))
        connection.execute(
            insert(session_people),
            [
                {"session_slug": "kelas-1", "contact_id": people[0].id, "rsvp": "hadir", "checked_in_us": 1},
                {"session_slug": "kelas-1", "contact_id": people[1].id, "rsvp": "hadir", "checked_in_us": None},
                {"session_slug": "kelas-1", "contact_id": people[2].id, "rsvp": "", "checked_in_us": 1},
            ],
        )
    report = campaign_report(context, "ajakan")
    assert report["answers"] == {"hadir": 2, "tidak": 1}
    (session,) = report["attendance"]
    assert (session["session"], session["capacity"], session["rsvp"]) == ("kelas-1", 40, {"hadir": 2})
    assert session["checked_in"] == 2


def test_no_report_holds_personal_data(context: Context, built: Builder) -> None:
    people = _carry_out(built)
    with context.database.begin() as connection:
        sealed = context.keys.sealer.seal("contacts.name", people[0].id, "Siti Aminah")
        connection.execute(contacts.update().where(contacts.c.id == people[0].id).values(name_sealed=sealed))
    report = campaign_report(context, "ajakan", level="rt")
    with ZipFile(BytesIO(as_xlsx(report, "id"))) as book:
        sheets = b"".join(book.read(name) for name in book.namelist()).decode("utf-8", "replace")
    for text in (json.dumps(report), as_csv(report), as_html(report, "id"), sheets):
        assert "Siti" not in text
        assert not re.search(r"\+?628\d{6,}", text)
        assert not any(str(person.id) in text for person in people)


def test_csv_is_one_long_table(context: Context, built: Builder) -> None:
    _carry_out(built)
    rows = list(csv.reader(StringIO(as_csv(campaign_report(context, "ajakan")))))
    assert tuple(rows[0]) == HEADINGS
    assert all(len(row) == len(HEADINGS) for row in rows)
    assert ["reach", "people", "", "3"] in rows
    assert ["groups", "pkk", "reached", "2"] in rows


@pytest.mark.parametrize(("language", "word"), [("id", "Terjangkau"), ("en", "Reached")])
def test_html_stands_alone(context: Context, built: Builder, language: str, word: str) -> None:
    _carry_out(built)
    page = as_html(campaign_report(context, "ajakan", language=language), language)
    assert word in page
    assert "<script" not in page
    assert not re.search(r"""(src|href)=|url\(|@import""", page)
    drawing = re.search(r"<svg.*</svg>", page, re.DOTALL)
    assert drawing is not None
    assert len(ElementTree.fromstring(drawing[0]).findall("rect")) == 5


def test_an_unknown_level_is_refused(context: Context) -> None:
    with pytest.raises(UsageError):
        campaign_report(context, "ajakan", level="blok")


def test_a_report_is_one_snapshot_while_others_write(context: Context, built: Builder) -> None:
    """Counters and rows of one report are of one moment, however many people arrive meanwhile (invariant 11)."""
    sender, campaign = built.sender("sms", "twilio-sms"), built.campaign()
    step = built.step(campaign)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(15):
                built.message(step, built.person(), sender, Status.DELIVERED)
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    seen = 0
    while writer.is_alive():
        report = campaign_report(context, "ajakan")
        assert report["messages"].get("delivered", 0) == report["reach"]["people"] == report["selected"]
        seen += 1
    writer.join()
    assert not failures
    assert seen > 1
    assert campaign_report(context, "ajakan")["reach"]["people"] == 15
