"""Sessions as scripts use them: imported, moved under a live campaign, moved under one that is not (invariant 10)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatcher.core.clock import from_us
from dispatcher.render.content import decode
from dispatcher.store.tables import messages
from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.acceptance.place import Place

PEOPLE = 20
CAMPAIGN = """
campaign: ajakan
title: Kelas pemilih
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {everyone: true}
window: {open: "00:00", close: "24:00"}
stop: {sms: "Berhenti: kesbangpol.example/stop"}
route: [{senders: sms}]
steps:
  - name: pengingat
    at: {before: 1 day}
    sessions: [kelas-barat]
    LIVE
    text: "{{ session.title }} di {{ session.place }}. {{ stop }}"
"""


@pytest.fixture
def place(sqlite_url: str, tmp_path: Path) -> Iterator[Place]:
    with CarrierProcess(CarrierOptions()) as carrier:
        place = Place(tmp_path, carrier, sqlite_url)
        place.run("contacts", "import", place.contacts(PEOPLE))
        yield place
        place.close()


def _instant(ahead: timedelta) -> str:
    return f"{from_us(time.time_ns() // 1000, 'Asia/Jakarta') + ahead:%Y-%m-%d %H:%M}"


def _import(place: Place, venue: str = "Balai Kota") -> None:
    rows = f"Kelas Barat;Kelas;{venue};{_instant(timedelta(days=3))};x\nkelas-timur;Kelas;;besok;80\n"
    (place.folder / "sesi.csv").write_text(f"Kode;Judul;Tempat;Mulai;Catatan\n{rows}")
    ran = place.run("session", "import", "sesi.csv", "--by", "Ani", "--json")
    assert (ran.code, ran.json["created"], ran.json["rejected"], ran.json["reasons"]) == (5, 1, 1, {"date": 1})
    assert "kelas-timur" in (place.folder / "sesi.rejected.csv").read_text(encoding="utf-8-sig")


def _write(place: Place, live: str = "") -> None:
    (place.folder / "ajakan.yaml").write_text(CAMPAIGN.replace("LIVE", live))


def _plan_and_apply(place: Place, *more: str) -> str:
    assert place.run("campaign", "plan", "ajakan.yaml", "--by", "Ani").code == 0
    applied = place.run("campaign", "apply", "ajakan.yaml", "--json", *more)
    assert applied.code == 0, applied.out
    return str(applied.json["state"])


def _texts(place: Place) -> list[str]:
    opened = place.context.keys.sealer.open
    with place.context.database.read() as connection:
        rows = connection.execute(select(messages.c.id, messages.c.body_sealed)).all()
    return [decode(opened("messages.body", row.id, row.body_sealed)).text or "" for row in rows]


def test_a_live_campaign_goes_where_its_session_goes(place: Place) -> None:
    _import(place)
    _write(place, "live: [session]")
    checked = place.run("campaign", "validate", "ajakan.yaml", "--json")
    assert (checked.code, [one["code"] for one in checked.json]) == (0, ["window-overnight", "session-code"])
    assert _plan_and_apply(place) == "scheduled"

    soon = _instant(timedelta(days=1, minutes=-1))
    moved = place.run(
        "session", "set", "kelas-barat", "--by", "Budi", "--start", soon, "--place", "GOR Cengkareng", "--json"
    )
    assert (moved.code, moved.json["changed"], moved.json["paused"]) == (0, ["place", "starts"], [])
    assert [step["step"] for step in moved.json["moved"]] == ["pengingat"]
    (listed,) = place.run("session", "list", "--json").json
    assert (listed["code"], listed["place"], listed["campaigns"]) == ("kelas-barat", "GOR Cengkareng", ["ajakan"])

    applied = place.run("campaign", "apply", "ajakan.yaml", "--wait", "--json")
    assert (applied.code, applied.json["state"]) == (0, "done")
    place.assert_everyone_once()
    texts = _texts(place)
    assert texts
    assert all("Kelas di GOR Cengkareng." in text for text in texts)


def test_any_other_campaign_waits_for_a_new_approval(place: Place) -> None:
    _import(place)
    _write(place)
    _plan_and_apply(place)
    soon = _instant(timedelta(days=1, minutes=-1))
    moved = place.run("session", "set", "kelas-barat", "--by", "Budi", "--start", soon)
    assert moved.code == 0
    assert "ajakan is paused" in moved.err
    status = place.run("campaign", "status", "ajakan", "--json").json
    assert status["state"] == "paused"
    assert "kelas-barat was changed after the approval" in status["reason"]
    for refused, code in (
        (place.run("campaign", "resume", "ajakan", "--json"), "session-changed"),
        (place.run("campaign", "apply", "ajakan.yaml", "--json"), "not-planned"),
    ):
        assert (refused.code, refused.json["error"]["code"]) == (4, code)
    assert not place.statuses()

    assert _plan_and_apply(place) == "paused"
    assert place.run("campaign", "resume", "ajakan").code == 0
    assert place.run("campaign", "apply", "ajakan.yaml", "--wait", "--json").json["state"] == "done"
    place.assert_everyone_once()


def test_mistakes_are_said_plainly(place: Place) -> None:
    _import(place)
    for arguments, code in (
        (("session", "set", "kelas-bara", "--by", "Ani", "--place", "x"), "unknown-session"),
        (("session", "set", "kelas-barat", "--by", "Ani"), "option"),
        (("session", "set", "kelas-barat", "--by", "Ani", "--end", "kemarin"), "session-date"),
        (("session", "set", "kelas-barat", "--by", "Ani", "--capacity", "banyak"), "session-capacity"),
        (("session", "import", "tidak-ada.csv"), "no-such-file"),
        (("session", "import", "dispatcher.yaml"), "session-headings"),
        (("session", "import", "sesi.csv", "--rejects", "sesi.csv"), "rejects-file"),
    ):
        ran = place.run(*arguments, "--json")
        assert (ran.code, ran.json["error"]["code"]) == (2, code)
    tried = place.run("session", "import", "sesi.csv", "--dry-run", "--json").json
    assert (tried["unchanged"], tried["dry_run"]) == (1, True)
