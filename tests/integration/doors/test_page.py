"""The officer's page: without script, and as its script asks; in two languages; shut, limited, and away."""

from __future__ import annotations

import hashlib
import re
import signal
from pathlib import Path

import pytest

from dispatcher.core.clock import HOUR_US
from dispatcher.core.errors import UnavailableError
from dispatcher.operations.doors import find_door, revoke_door
from dispatcher.operations.logs import set_up_logs
from dispatcher.store.tables import guests, session_people
from dispatcher.web import door as door_page
from dispatcher.web.door_limit import MOST, WITHIN_S, Misses
from tests.integration.doors.stage import SLUG, Browser, Stage
from tests.integration.web.process import server_process

JSON = "application/json"


@pytest.fixture
def browser(stage: Stage) -> Browser:
    return Browser(stage.context)


def _hidden(text: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with that action."""
    form = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', text, re.DOTALL)
    assert form is not None, action
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form[0]))


def test_looking_changes_nothing_and_says_what_is_on(stage: Stage, browser: Browser) -> None:
    stage.invite("Siti")
    at = f"/door/{stage.token('Pintu Utara')}"
    page = browser.get(at)
    assert page.status == 200
    assert '<html lang="id">' in page.text
    for text in ("Kelas kelas-1", "Balai Kota", "Pintu Utara", "Hadir 0", "40 tempat"):
        assert text in page.text
    assert stage.rows(session_people) == []
    assert browser.get(f"{at}?lang=en").text.count('<html lang="en">') == 1


def test_the_page_keeps_to_itself(stage: Stage, browser: Browser) -> None:
    page = browser.get(f"/door/{stage.token()}")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in policy
    expected = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
    assert expected.items() <= page.headers.items()
    assert page.headers["permissions-policy"].startswith("camera=(self)")
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page.text)
    assert not re.search(r"""(?:src|href|action)="(?!/door/)""", page.text)


def test_without_script_by_forms(stage: Stage, browser: Browser) -> None:
    person = stage.invite("Siti Aminah", rw=4)
    at = f"/door/{stage.token()}"
    fields = _hidden(browser.get(at).text, at)
    typed = stage.code(person).lower().replace("-", " ")
    page = browser.post(at, code=typed, **fields)
    assert (page.status, page.title) == (200, "Selamat datang, Siti (RW 04)")
    assert "Hadir 1" in page.text
    assert "Aminah" not in page.text
    # the browser's reload sends the same again
    assert browser.post(at, code=typed, **fields).title == page.title
    again = browser.post(at, code=typed, **_hidden(page.text, at))
    assert again.title == "Siti (RW 04) sudah tercatat"
    assert re.search(r"Sejak pukul \d\d\.\d\d\. Tidak perlu dicatat lagi", again.text)
    undone = browser.post(f"{at}/undo", **_hidden(again.text, f"{at}/undo"))
    assert undone.title == "Dibatalkan"
    assert "Hadir 0" in undone.text


def test_the_language_stays(stage: Stage, browser: Browser) -> None:
    person = stage.invite("Siti")
    at = f"/door/{stage.token()}"
    page = browser.post(at, code=stage.code(person), **_hidden(browser.get(f"{at}?lang=en").text, at))
    assert page.title == "Welcome, Siti"
    assert '<html lang="en">' in page.text


def test_a_guest_by_form(stage: Stage, browser: Browser) -> None:
    at = f"/door/{stage.token()}"
    fields = _hidden(browser.get(at).text, f"{at}/guest")
    page = browser.post(f"{at}/guest", group="pkk", **fields)
    assert page.title == "Tamu tercatat"
    assert browser.post(f"{at}/guest", group="no-such-group", **_hidden(page.text, f"{at}/guest")).status == 200
    assert [row.group_slug for row in stage.rows(guests)] == ["pkk", ""]
    undone = browser.post(f"{at}/undo", **_hidden(page.text, f"{at}/undo"))
    assert "Satu tamu dikurangi" in undone.text
    wrong = browser.post(f"{at}/guest", number="12", **_hidden(page.text, f"{at}/guest"))
    assert wrong.title == "Nomor HP belum benar"
    assert len(stage.rows(guests)) == 1


def test_the_script_gets_the_same_as_json(stage: Stage, browser: Browser) -> None:
    person = stage.invite("Siti")
    at = f"/door/{stage.token('Utara')}"
    code = f"D:{stage.code(person).replace('-', '')}"
    told = browser.post(at, JSON, code=code, ref="abcdef0123456789").json
    assert (told["outcome"], told["tone"], told["title"]) == ("welcome", "good", "Selamat datang, Siti")
    assert told["undo"] == {"code": stage.code(person), "at": str(stage.came(person))}
    assert told["counts"].startswith("Hadir 1")
    assert browser.post(at, JSON, code=code, ref="abcdef0123456789").json == told
    again = browser.post(at, JSON, code=code, ref="another-request", lang="en").json
    assert again["tone"] == "note"
    assert "at Utara" in again["detail"]
    assert browser.post(f"{at}/undo", JSON, **told["undo"]).json["outcome"] == "undone"


def test_whatever_a_phones_clock_says_the_time_is_the_databases(stage: Stage, browser: Browser) -> None:
    person = stage.invite("Siti")
    before_us = stage.context.now_us()
    wrong = {"at": "0", "at_us": "0", "time": "1970-01-01T00:00:00Z"}
    told = browser.post(f"/door/{stage.token()}", JSON, code=stage.code(person), **wrong).json
    came_us = stage.came(person)
    assert before_us <= came_us <= stage.context.now_us()
    assert told["undo"]["at"] == str(came_us)


@pytest.mark.parametrize("code", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "D:" + "Z" * 8000, "\x00", "7K3M-Q2XD"])
def test_hostile_input_is_answered_kindly(stage: Stage, browser: Browser, code: str) -> None:
    at = f"/door/{stage.token('<b>Utara</b>')}"
    page = browser.post(at, code=code, ref="<script>", lang="xx")
    assert page.status == 200
    assert page.title in ("Kode belum lengkap", "Kode tidak dikenal")
    assert "alert(1)" not in page.text
    assert "<b>Utara" not in page.text
    assert browser.post(f"{at}/undo", code=code, at="9" * 40).title == "Tidak ada yang dibatalkan"
    assert browser.post(f"{at}/undo", code=code, at="²").title == "Tidak ada yang dibatalkan"


def test_forms_that_are_no_forms(stage: Stage, browser: Browser) -> None:
    at = f"/door/{stage.token()}"
    assert browser.post(at, **{f"f{i}": "x" for i in range(100)}).status == 400
    assert browser.post(at, code="x" * (1 << 20)).status == 413


def test_shut_doors_say_so(stage: Stage, browser: Browser) -> None:
    token = stage.token()
    assert browser.get("/door/made-up-token").status == 404
    revoke_door(stage.context, SLUG, find_door(stage.context, token).id, "Ani")
    page = browser.get(f"/door/{token}")
    assert (page.status, "telah dicabut" in page.text) == (410, True)
    told = browser.post(f"/door/{token}", JSON, code="7K3M-Q2XD")
    assert (told.status, told.json["shut"]) == (410, True)
    ended = stage.token(after_us=HOUR_US)
    stage.move(starts_us=stage.build.now_us - 9 * HOUR_US, ends_us=stage.build.now_us - 5 * HOUR_US)
    assert "sudah selesai" in browser.get(f"/door/{ended}").text


def test_guessing_is_slowed_at_one_door_only(stage: Stage, browser: Browser) -> None:
    person = stage.invite("Siti")
    at, other = f"/door/{stage.token()}", f"/door/{stage.token()}"
    stage.context.database.now_us()
    for number in range(MOST):
        assert browser.post(at, JSON, code=f"0000-{number:04}").status == 200
    slow = browser.post(at, JSON, code=stage.code(person))
    assert (slow.status, slow.json["title"]) == (429, "Terlalu banyak kode yang tidak dikenal")
    assert browser.post(f"{at}/guest", JSON, number="081299990001").status == 429
    assert stage.came(person) is None
    assert browser.post(other, JSON, code=stage.code(person)).json["outcome"] == "welcome"


def test_unknown_numbers_count_as_guesses(stage: Stage, browser: Browser) -> None:
    at = f"/door/{stage.token()}"
    for number in range(MOST):
        assert browser.post(f"{at}/guest", JSON, number=f"08129999{number:04}").status == 200
    assert browser.post(f"{at}/guest", JSON, number="081288880001").status == 429


def test_misses_are_forgotten_after_their_minute() -> None:
    now = [0.0]
    misses = Misses(lambda: now[0])
    for _ in range(MOST):
        assert not misses.is_over(1)
        misses.note(1)
    assert misses.is_over(1)
    assert not misses.is_over(2)
    now[0] = WITHIN_S
    assert not misses.is_over(1)


def test_a_database_that_is_away_keeps_the_officer_informed(
    stage: Stage, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise UnavailableError("database-away", "gone")

    at = f"/door/{stage.token()}"
    monkeypatch.setattr(door_page, "find_door", away)
    page = browser.post(at, code="7K3M-Q2XD")
    assert (page.status, page.headers["retry-after"]) == (503, "2")
    assert "belum tersimpan" in page.text
    assert browser.post(at, JSON, code="7K3M-Q2XD").json["outcome"] == "away"


def test_failures_are_logged_without_link_code_or_name(
    stage: Stage, browser: Browser, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Invariant 12."""
    person, token = stage.invite("Siti"), stage.token()

    def fail(*_: object) -> None:
        raise RuntimeError(f"{token} Siti {person.number}")

    monkeypatch.setattr(door_page, "check_in", fail)
    set_up_logs()
    assert browser.post(f"/door/{token}", code=stage.code(person)).status == 500
    logged = capfd.readouterr().err
    assert "door-failed" in logged
    for secret in (token, "Siti", person.number[1:], stage.code(person)):
        assert secret not in logged


def test_a_web_process_logs_no_link_and_no_code(sqlite_url: str, tmp_path: Path) -> None:
    """Invariant 12."""
    stage = Stage(sqlite_url)
    person, token = stage.invite("Siti"), stage.token()
    keys = {"DISPATCHER_SUPPRESSION_KEY_FILE": tmp_path / "one", "DISPATCHER_SECRET_KEY_FILE": tmp_path / "two"}
    for path in keys.values():
        path.write_text("k" * 40)
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path / 'own.db'}", "DISPATCHER_STATE_DIR": str(tmp_path / "state")}
    with server_process("web", tmp_path, {**environ, **{name: str(path) for name, path in keys.items()}}) as web:
        provider = web.provider
        assert provider.ask("GET", f"/door/{token}?lang=en")[0] == 404
        assert provider.ask("POST", f"/door/{token}", f"code={stage.code(person)}".encode())[0] == 404
        web.end(signal.SIGTERM)
    stage.context.database.close()
    everything = "\n".join(web.lines)
    assert token not in everything
    assert stage.code(person) not in everything


def test_scripts_and_styles_are_ours_and_kept_for_good(stage: Stage, browser: Browser) -> None:
    page = browser.get(f"/door/{stage.token()}").text
    found = re.findall(r'(?:src|href)="(/door/assets/[^"]+)"', page)
    assert len(found) == 2
    for path in found:
        answer = browser.get(path)
        assert (answer.status, "immutable" in answer.headers["cache-control"]) == (200, True)
    assert browser.get("/door/assets/older/door.js").headers["cache-control"] == "no-store"
    assert browser.get("/door/assets/x/../../app.py").status == 404
    assert browser.get("/door/assets/x/qr/README.md").status == 404


def test_the_vendored_decoder_is_the_published_one() -> None:
    folder = Path(door_page.__file__).parent / "assets" / "qr"
    sums = dict(re.findall(r"^\| (\S+\.js) \| ([0-9a-f]{64}) \|$", (folder / "README.md").read_text(), re.MULTILINE))
    assert sums == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("index.js", "decode.js")
    }
    assert "Apache License" in (folder / "LICENSE").read_text()
