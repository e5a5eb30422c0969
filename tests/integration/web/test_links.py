"""The recipient's page: what a person sees and does there, and what no program can do by following a link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.core.clock import DAY_US
from dispatcher.operations.contacts import erase_contact, stop_contact
from dispatcher.store.tables import campaigns, contacts, links, messages, suppressions
from tests.integration.web.recipients import BASE, PHONE, WHATSAPP, Phone, Recipients


@pytest.fixture
def people(database_url: str, tmp_path: Path) -> Iterator[Recipients]:
    people = Recipients(database_url, tmp_path)
    yield people
    people.stage.check()
    people.close()


def test_each_person_gets_a_link_of_their_own_stored_by_hash(people: Recipients) -> None:
    tokens = people.invite(30)
    assert len(set(tokens)) == 30
    assert all(f"{BASE}/l/{token} " in text for token, text in zip(tokens, people.texts(), strict=True))
    stored = {bytes(row.token_hash) for row in people.rows(links)}
    assert stored == {people.context.keys.hash_link(token) for token in tokens}


def test_the_page_says_what_it_is_about(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        status, headers, html = phone.get(f"/l/{token}")
        english = phone.page(f"{token}?lang=en")
    assert status == 200
    for part in ("Kelas Pemilu", "Ajakan memilih", "Kesbangpol", "Balai Kota", "Jl. Merdeka Selatan 8", "WIB"):
        assert part in html
    for part in ("Saya akan hadir", "Saya tidak bisa hadir", "data@kspl.example", '<html lang="id">', "Berhenti"):
        assert part in html
    assert "I will come" in english
    assert '<html lang="en">' in english
    assert len(html.encode()) < 30_000
    assert "<script" not in html
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_it_shows_no_number_and_at_most_a_first_name(people: Recipients) -> None:
    """People forward links, and heads of RT are asked to."""
    (token,) = people.invite()
    contact_id = people.contact_ids()[0]
    name = people.context.keys.sealer.seal("contacts.name", contact_id, "Dr. Siti Nurhaliza Lestari, M.Si.")
    people.change(contacts, name_sealed=name)
    with people.web() as phone:
        html = phone.page(token)
    assert "Siti" in html
    assert not re.search(r"Nurhaliza|Lestari|62812|0812|345000", html)


def test_a_person_comes_and_changes_their_mind(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        assert phone.tap(token, "jawab", jawaban="yes") == (303, f"../{token}")
        assert (people.rsvps, people.meanings) == (["yes"], [("hadir", "link")])
        assert "kehadiran Anda kami catat" in phone.page(token)
        assert phone.tap(token, "jawab?lang=en", jawaban="no") == (303, f"../{token}?lang=en")
        assert (people.rsvps, people.meanings) == (["no"], [("tidak-hadir", "link")])
        assert "tidak bisa hadir" in phone.page(token)
        phone.tap(token, "jawab", jawaban="kursi-roda")
        assert (people.rsvps, people.meanings) == (["no"], [("kursi-roda", "link")])


def test_an_answer_that_is_not_offered_changes_nothing(people: Recipients) -> None:
    (token,) = people.invite()
    before = people.standing()
    with people.web() as phone:
        for form in ({"jawaban": "maybe"}, {"jawaban": ""}, {}, {"x": "yes"}, {"jawaban": "yes" * 1000}):
            assert phone.tap(token, "jawab", **form)[0] == 303
    assert people.standing() == before


def test_a_pledge_is_answered_without_a_session(people: Recipients) -> None:
    extra = "answers: [{keywords: [SETUJU], meaning: setuju}]"
    (token,) = people.ask(extra=extra)
    with people.web() as phone:
        assert ">Setuju</button>" in phone.page(token)
        assert phone.tap(token, "jawab", jawaban="yes")[0] == 303
        assert people.meanings == []
        phone.tap(token, "jawab", jawaban="setuju")
        assert "tercatat: Setuju." in phone.page(token)
    assert people.meanings == [("setuju", "link")]


def test_who_finds_no_place_waits_and_gets_the_one_that_is_given_back(people: Recipients) -> None:
    first, second = people.invite(2, capacity=1)
    with people.web() as phone:
        phone.tap(first, "jawab", jawaban="yes")
        phone.tap(second, "jawab", jawaban="yes")
        assert people.rsvps == ["yes", "waiting"]
        assert "daftar tunggu" in phone.page(second)
        assert "Kode untuk di pintu" not in phone.page(second)
        phone.tap(first, "jawab", jawaban="no")
        assert people.rsvps == ["no", "yes"]
        assert "kehadiran Anda kami catat" in phone.page(second)


def test_who_comes_is_shown_a_code_for_the_door(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        assert "kode.svg" not in phone.page(token)
        assert phone.get(f"/l/{token}/kode.svg")[0] == 404
        phone.tap(token, "jawab", jawaban="yes")
        html = phone.page(token)
        status, headers, drawn = phone.get(f"/l/{token}/kode.svg")
    assert f'<img src="{token}/kode.svg"' in html
    assert re.search(r"<strong>[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}</strong>", html)
    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert drawn.startswith("<svg")


def test_looking_never_answers_and_never_stops(people: Recipients) -> None:
    """Previews, scanners and somebody's prefetching browser fetch every link there is, and more than once."""
    (token,) = people.invite()
    before = people.standing()
    parts = ("", "/jawab?jawaban=yes", "/jawab", "/berhenti", "/lanjut", "/acara.ics", "/titik.gif", "/", "/x", "//")
    with people.web() as phone:
        for part in parts:
            for method in ("GET", "HEAD"):
                for agent in (PHONE, WHATSAPP, ""):
                    assert phone.get(f"/l/{token}{part}", agent, method)[0] in (200, 303, 404)
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            assert phone.ask(method, f"/l/{token}/berhenti")[0] == 405
        assert phone.ask("POST", f"/l/{token}")[0] == 405
    assert people.standing() == before


def test_stop_is_in_force_at_once_and_names_the_masked_number(people: Recipients) -> None:
    """Invariant 8: what waits for the number is cancelled in the commit of the tap."""
    first, _ = people.invite(2)
    with people.web() as phone:
        assert phone.tap(first, "berhenti") == (303, f"../{first}")
        assert people.stage.statuses() == {"cancelled": 1, "queued": 1}
        assert people.refusals == ["link"]
        html = phone.page(first)
    assert "+62812****000" in html
    assert "Batalkan" in html
    assert "/berhenti" not in html


def test_a_stop_is_undone_from_the_same_link_only(people: Recipients) -> None:
    (token,) = people.invite()
    other = people.ask(0, slug="lain", text="{{ link }} {{ stop }}")[-1]
    with people.web() as phone:
        phone.tap(token, "berhenti")
        assert "Batalkan" not in phone.page(other)
        assert "****" not in phone.page(other)
        assert phone.tap(other, "lanjut")[0] == 303
        assert people.refusals == ["link"]
        assert phone.tap(token, "lanjut") == (303, f"../{token}")
        assert people.refusals == []
        assert "/berhenti" in phone.page(token)
        phone.tap(token, "lanjut")
        phone.tap(other, "berhenti")
        phone.tap(token, "lanjut")
        assert people.refusals == ["link"]


def test_a_stop_is_undone_for_seven_days(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        phone.tap(token, "berhenti")
        at_us = people.context.now_us() - 7 * DAY_US - 1
        people.change(suppressions, at_us=at_us)
        people.change(links, stopped_us=at_us)
        assert "Batalkan" not in phone.page(token)
        phone.tap(token, "lanjut")
    assert people.refusals == ["link"]


def test_a_refusal_by_another_way_on_top_of_it_stands(people: Recipients) -> None:
    """Invariant 14: what a recipient refused elsewhere is not undone by a link."""
    (token,) = people.invite()
    with people.web() as phone:
        phone.tap(token, "berhenti")
        stop_contact(people.context, "+6281234500000", by="Ani")
        assert people.refusals == ["officer"]
        assert "Batalkan" not in phone.page(token)
        phone.tap(token, "lanjut")
        assert people.refusals == ["officer"]


def test_one_who_had_refused_before_cannot_undo_that_by_link(people: Recipients) -> None:
    (token,) = people.invite()
    stop_contact(people.context, "+6281234500000", by="Ani")
    with people.web() as phone:
        assert "/berhenti" not in phone.page(token)
        phone.tap(token, "berhenti")
        phone.tap(token, "lanjut")
    assert people.refusals == ["officer"]


def test_an_unknown_link_gets_a_kind_page(people: Recipients) -> None:
    people.invite()
    with people.web() as phone:
        for token in ("0" * 11, "x", "", "%00", "a" * 5000, "..%2f..%2fetc", "ContohSaja1"):
            status, _, html = phone.get(f"/l/{token}")
            assert status == 404
            assert "salin seluruhnya" in html
        assert phone.tap("0" * 11, "berhenti")[0] == 404


def test_twenty_wrong_links_a_minute_from_one_source(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web(trusted_proxies=1) as phone:
        guess = [phone.get(f"/l/{i:011}", x_forwarded_for="203.0.113.9")[0] for i in range(21)]
        assert guess == [404] * 20 + [429]
        status, headers, html = phone.get(f"/l/{token}", x_forwarded_for="203.0.113.9")
        assert (status, headers["retry-after"]) == (429, "60")
        assert "Terlalu banyak" in html
        # the last one is what our own proxy saw; whatever stands before it anyone may have written
        assert phone.get(f"/l/{token}", x_forwarded_for="198.51.100.7, 203.0.113.9")[0] == 429
        assert phone.get(f"/l/{token}", x_forwarded_for="203.0.113.9, 198.51.100.7")[0] == 200


def test_an_expired_link_says_so_and_still_takes_a_stop(people: Recipients) -> None:
    (token,) = people.ask()
    people.change(links, expires_us=people.context.now_us() - 1)
    with people.web() as phone:
        status, _, html = phone.get(f"/l/{token}")
        assert status == 410
        assert "sudah tidak berlaku" in html
        assert "/jawab" not in html
        phone.tap(token, "jawab", jawaban="hadir")
        assert people.meanings == []
        phone.tap(token, "berhenti")
    assert people.refusals == ["link"]


def test_a_session_that_is_over_takes_no_answer(people: Recipients) -> None:
    (token,) = people.invite()
    people.move_session(-1)
    with people.web() as phone:
        status, _, html = phone.get(f"/l/{token}")
        assert status == 410
        assert "Acara ini sudah selesai" in html
        phone.tap(token, "jawab", jawaban="yes")
        assert phone.get(f"/l/{token}/acara.ics")[0] == 404
    assert people.rsvps == []


def test_a_session_that_moved_keeps_its_links_and_is_told_as_it_stands(people: Recipients) -> None:
    (token,) = people.invite(days=1)
    people.change(links, expires_us=people.context.now_us() - 1)
    people.move_session(40)
    with people.web() as phone:
        assert phone.get(f"/l/{token}")[0] == 200
        before = phone.get(f"/l/{token}/acara.ics")[2]
        people.move_session(41)
        after = phone.get(f"/l/{token}/acara.ics")[2]
    uids, starts = ([re.findall(rf"{name}:(.+)", one)[0] for one in (before, after)] for name in ("UID", "DTSTART"))
    assert uids[0] == uids[1]
    assert starts[0] < starts[1]


def test_a_cancelled_campaign_takes_no_answer(people: Recipients) -> None:
    (token,) = people.invite()
    people.change(campaigns, state="cancelled")
    with people.web() as phone:
        assert phone.get(f"/l/{token}")[0] == 410
        phone.tap(token, "jawab", jawaban="yes")
    assert people.rsvps == []


def test_a_campaign_that_has_sent_all_still_takes_answers(people: Recipients) -> None:
    (token,) = people.invite()
    people.change(campaigns, state="done")
    with people.web() as phone:
        assert phone.get(f"/l/{token}")[0] == 200


def test_an_erased_person_has_a_page_that_shows_nothing(people: Recipients) -> None:
    (token,) = people.invite()
    erase_contact(people.context, str(people.contact_ids()[0]), by="Ani")
    with people.web() as phone:
        status, _, html = phone.get(f"/l/{token}")
        assert status == 410
        assert "sudah dihapus" in html
        for name in ("Kelas Pemilu", "Warga", "+62"):
            assert name not in html
        for part in ("jawab", "berhenti", "lanjut"):
            assert phone.tap(token, part, jawaban="yes")[0] == 410
    assert people.standing()[:3] == ([], [], [])


def test_texts_that_were_aged_out_end_their_links(people: Recipients) -> None:
    (token,) = people.ask()
    people.change(messages, address_sealed=None, body_sealed=None)
    with people.web() as phone:
        status, _, html = phone.get(f"/l/{token}")
        assert status == 410
        assert "/berhenti" not in html


def test_the_calendar_entry_holds_nothing_of_the_person(people: Recipients) -> None:
    first, second = people.invite(2)
    with people.web() as phone:
        status, headers, entry = phone.get(f"/l/{first}/acara.ics")
        assert entry == phone.get(f"/l/{second}/acara.ics")[2]
    assert status == 200
    assert headers["content-type"].startswith("text/calendar")
    assert "SUMMARY:Kelas Pemilu\r\n" in entry
    assert "LOCATION:Balai Kota\\, Jl. Merdeka Selatan 8\r\n" in entry
    assert re.search(r"^UID:pagi@kspl.example\r$", entry, re.M)
    assert first not in entry


def test_a_dot_at_the_end_of_the_sentence_is_no_part_of_the_link(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        for end in (".", ",", ")", "/"):
            assert phone.get(f"/l/{token}{end}")[0] in (200, 303)
        assert phone.get(f"/l/{token}/")[1]["location"] == f"../{token}"


def test_while_the_database_is_away_the_page_says_so(people: Recipients, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatcher.core.errors import UnavailableError
    from dispatcher.store import links as store

    def away(*_: object) -> None:
        raise UnavailableError("database-away", "away")

    (token,) = people.invite()
    with people.web() as phone:
        monkeypatch.setattr(store, "find_links", away)
        status, headers, html = phone.get(f"/l/{token}")
        assert (status, headers["retry-after"]) == (503, "5")
        assert "tautan Anda tetap berlaku" in html
        monkeypatch.undo()
        assert phone.get(f"/l/{token}")[0] == 200


def test_the_token_is_in_no_log_and_no_metric(people: Recipients, capfd: pytest.CaptureFixture[str]) -> None:
    """Invariant 12."""
    (token,) = people.invite()
    with people.web() as phone:
        _use_all(phone, token)
        told = phone.get("/metrics")[2]
    out, err = capfd.readouterr()
    assert token not in told + out + err
    assert 'dispatcher_pages_total{status="200"}' in told


def _use_all(phone: Phone, token: str) -> None:
    phone.visit(token)
    for part in ("jawab", "berhenti", "lanjut", "x"):
        phone.tap(token, part, jawaban="yes")


def test_a_form_that_is_none_of_ours_is_no_fault(people: Recipients) -> None:
    (token,) = people.invite()
    with people.web() as phone:
        for of in (token, "a" * 11):
            status, _ = phone.tap(of, "jawab", **{f"f{number}": "x" for number in range(12)})
            assert status == (303 if of == token else 404)
