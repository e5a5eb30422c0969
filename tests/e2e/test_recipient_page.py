"""The recipient's page in a real browser, small as a phone and with scripts off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from dispatcher.operations.report import campaign_report
from tests.integration.web.recipients import Recipients

#: How a browser tells that a link led to a file, not to another page.
_DOWNLOAD = "net::ERR_ABORTED"
#: How large everything is that can be operated.
_TARGETS = """() => [...document.querySelectorAll('a, button')].map(one => {
  const box = one.getBoundingClientRect();
  return {height: box.height, width: box.width, right: box.right};
})"""


@pytest.fixture
def people(sqlite_url: str, tmp_path: Path) -> Iterator[Recipients]:
    people = Recipients(sqlite_url, tmp_path)
    yield people
    people.close()


@pytest.fixture
def page(phone: BrowserContext) -> Iterator[Page]:
    """Nothing is refused by the page's own policy, and nothing is missing."""
    page = phone.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url) if request.failure != _DOWNLOAD else None)
    page.on("response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    yield page
    assert said == []


def test_somebody_comes_and_shows_their_code(people: Recipients, page: Page) -> None:
    (token,) = people.invite()
    with people.web() as web:
        page.goto(f"{web.url}/l/{token}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Kelas Pemilu")
        page.get_by_role("button", name="Saya akan hadir").click()
        expect(page.get_by_role("status")).to_contain_text("kehadiran Anda kami catat")
        assert people.rsvps == ["yes"]
        code = page.get_by_role("img", name="Kode QR untuk pintu masuk")
        expect(code).to_be_visible()
        assert code.evaluate("image => image.naturalWidth") > 0
        page.get_by_role("button", name="Saya tidak bisa hadir").click()
        expect(page.get_by_role("status")).to_contain_text("tidak bisa hadir")
        assert people.rsvps == ["no"]
    assert campaign_report(people.context, "ajakan")["visits"]["people"] == 1


def test_a_visit_is_counted_without_any_script(people: Recipients, page: Page) -> None:
    first, _ = people.invite(2)
    with people.web() as web:
        for _ in range(2):
            page.goto(f"{web.url}/l/{first}", wait_until="networkidle")
    assert campaign_report(people.context, "ajakan")["visits"]["people"] == 1


def test_one_tap_stops_and_another_takes_it_back(people: Recipients, page: Page) -> None:
    (token,) = people.invite()
    with people.web() as web:
        page.goto(f"{web.url}/l/{token}")
        page.get_by_role("button", name="Berhenti", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("+62812****000")
        assert people.refusals == ["link"]
        page.get_by_role("button", name="Batalkan").click()
        expect(page.get_by_role("button", name="Berhenti", exact=True)).to_be_visible()
        assert people.refusals == []


def test_it_speaks_english_and_keeps_to_it(people: Recipients, page: Page) -> None:
    (token,) = people.invite()
    with people.web() as web:
        page.goto(f"{web.url}/l/{token}")
        page.get_by_role("link", name="English").click()
        assert page.locator("html").get_attribute("lang") == "en"
        page.get_by_role("button", name="I will come").click()
        expect(page.get_by_role("status")).to_contain_text("we expect you")


def test_it_goes_into_a_calendar(people: Recipients, page: Page, tmp_path: Path) -> None:
    (token,) = people.invite()
    with people.web() as web:
        page.goto(f"{web.url}/l/{token}")
        with page.expect_download() as loading:
            page.get_by_role("link", name="Tambahkan ke kalender").click()
        loading.value.save_as(tmp_path / "acara.ics")
    assert loading.value.suggested_filename == "acara.ics"
    assert (tmp_path / "acara.ics").read_text().startswith("BEGIN:VCALENDAR")


def test_it_fits_a_small_screen_and_a_thumb(people: Recipients, page: Page, tmp_path: Path) -> None:
    """WCAG 2.2, 1.4.10 (no scrolling to the side at 320) and 2.5.8 (targets of 24 by 24; buttons are larger)."""
    (token,) = people.invite()
    with people.web() as web:
        page.goto(f"{web.url}/l/{token}")
        page.get_by_role("button", name="Saya akan hadir").click()
        expect(page.get_by_role("status")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
        targets: list[dict[str, Any]] = page.evaluate(_TARGETS)
        assert len(targets) > 5
        assert all(one["height"] >= 24 and one["width"] >= 24 and one["right"] <= 320 for one in targets)
        buttons = page.get_by_role("button").all()
        assert all((button.bounding_box() or {"height": 0})["height"] >= 44 for button in buttons)
        page.screenshot(path=tmp_path / "page.png", full_page=True)


def test_it_is_used_with_keys_alone(people: Recipients, page: Page) -> None:
    """WCAG 2.2, 2.1.1 and 2.4.7: in reading order, and one sees where one is."""
    (token,) = people.invite()
    with people.web() as web:
        page.goto(f"{web.url}/l/{token}")
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.textContent") == "Saya akan hadir"
        assert page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth") == "3px"
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("kehadiran Anda kami catat")
