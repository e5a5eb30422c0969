"""Visits: people once each, programs apart, shared links apart; and how reports tell them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.operations.contacts import erase_contact, export_contact
from dispatcher.operations.report import campaign_report
from dispatcher.outreach.flat import as_csv
from dispatcher.outreach.sections import sections
from dispatcher.store.tables import contacts, links, memberships
from tests.integration.web.recipients import BASE, PHONE, WHATSAPP, Recipients

PROGRAMS = [
    WHATSAPP,
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "curl/8.5.0",
    "python-requests/2.32",
    "",
]
SHARING = "Undangan: {{ link }}{% if share_link %} Bagikan: {{ share_link }}{% endif %} {{ stop }}"


@pytest.fixture
def people(database_url: str, tmp_path: Path) -> Iterator[Recipients]:
    people = Recipients(database_url, tmp_path)
    yield people
    people.close()


def _visits(people: Recipients) -> tuple[int, int, int]:
    visits = campaign_report(people.context, "ajakan")["visits"]
    return visits["people"], visits["previewed"], visits["shared"]


def test_a_person_counts_once_however_often_they_come(people: Recipients) -> None:
    first, second, _ = people.invite(3)
    with people.web() as phone:
        for token in (first, first, second, first):
            phone.visit(token)
    assert _visits(people) == (2, 0, 0)


@pytest.mark.parametrize("agent", PROGRAMS)
def test_a_program_is_no_visit(people: Recipients, agent: str) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        phone.get(f"/l/{token}", agent)
        phone.get(f"/l/{token}/titik.gif", agent)
    assert _visits(people) == (0, 1, 0)
    assert people.link(token).visited_us is None


def test_a_prefetch_and_a_head_are_no_visits(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        phone.get(f"/l/{token}/titik.gif", PHONE, sec_purpose="prefetch;prerender")
        phone.get(f"/l/{token}", PHONE, "HEAD")
    assert _visits(people) == (0, 1, 0)


def test_a_scanner_that_calls_itself_a_browser_fetches_the_page_alone(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        phone.page(token)
    assert _visits(people) == (0, 0, 0)


def test_who_answers_without_pictures_has_come(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        phone.tap(token, "jawab", jawaban="yes")
        assert "titik.gif" not in phone.page(token)
    assert _visits(people) == (1, 0, 0)


def test_who_was_previewed_first_still_counts(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        phone.get(f"/l/{token}", WHATSAPP)
        phone.visit(token)
    assert _visits(people) == (1, 1, 0)


def test_a_link_to_pass_on_goes_to_those_who_pass_the_word_on(people: Recipients) -> None:
    """It knows nobody: one for the whole step."""
    people.stage.people(3)
    head, cadre, _ = people.contact_ids()
    people.change(contacts, role="ketua")
    with people.context.database.begin() as connection:
        connection.execute(
            memberships.insert(), [{"group_slug": g, "contact_id": c} for g, c in ((("rt"), head), ("pkk", cadre))]
        )
    people.invite(0, text=SHARING)
    texts = people.texts()
    assert [" Bagikan: " in text for text in texts] == [True, False, False]
    shared = texts[0].split("Bagikan: ")[1].split()[0].removeprefix(f"{BASE}/l/")
    assert people.link(shared).contact_id is None
    with people.web() as phone:
        html = phone.page(shared)
        for part in ("jawab", "berhenti", "lanjut"):
            assert f'action="{shared}/{part}' not in html
            phone.tap(shared, part, jawaban="yes")
        assert "boleh Anda bagikan" in html
        assert "Kelas Pemilu" in html
        for _ in range(3):
            phone.visit(shared)
    assert people.standing()[:3] == ([], [], [])
    assert _visits(people) == (0, 0, 3)


def test_reports_tell_visits_by_group_region_and_step_and_answers_by_link(people: Recipients) -> None:
    tokens = people.invite(3)
    with people.web() as phone:
        for token in tokens[:2]:
            phone.visit(token)
        phone.tap(tokens[0], "jawab", jawaban="yes")
    report = campaign_report(people.context, "ajakan", level="kelurahan")
    assert report["visits"]["steps"] == [{"step": "satu", "occasion": "pagi", "people": 2, "shared": 0}]
    assert [(area["level"], area["visited"]) for area in report["regions"]] == [
        ("city", 2), ("kecamatan", 2), ("kelurahan", 2)
    ]  # fmt: skip
    assert [(group["group"], group["visited"]) for group in report["groups"]] == [("", 2)]
    assert report["answers_by_way"] == {"link": {"hadir": 1}}
    assert report["answers_by_step"] == [{"step": "satu", "occasion": "pagi", "answers": {"hadir": 1}}]
    assert [area["answers"] for area in report["regions"]] == [{"hadir": 1}] * 3
    assert [group["answers"] for group in report["groups"]] == [{"hadir": 1}]
    assert report["attendance"][0]["rsvp_by_way"] == {"link": {"yes": 1}}
    titles = {section.title: section for section in sections(report, "id")}
    assert titles["Jawaban"].rows == (("hadir", 1, 1),)
    assert "mungkin diberikan oleh orang lain" in titles["Jawaban"].note
    assert ("Membuka halaman", 2) in titles["Kunjungan halaman"].rows
    assert "answers,hadir,by link,1" in as_csv(report)


def test_what_was_seen_is_exported_and_erased(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        phone.visit(token)
        phone.tap(token, "berhenti")
    identifier = str(people.contact_ids()[0])
    (held,) = export_contact(people.context, identifier)["links"]
    assert held["visited"]
    assert held["stopped"]
    assert token not in json.dumps(export_contact(people.context, identifier)["links"])
    erase_contact(people.context, identifier, by="Ani")
    (left,) = people.rows(links)
    assert (left.stopped_us, left.previewed_us) == (None, None)
    assert people.refusals == ["link"]


def test_a_guess_changes_nothing_that_is_counted(people: Recipients) -> None:
    people.invite()
    with people.web() as phone:
        assert phone.get("/l/AAAAAAAAAAA/titik.gif")[0] == 404
    assert _visits(people) == (0, 0, 0)
