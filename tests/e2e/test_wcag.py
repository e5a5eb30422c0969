"""WCAG 2.2 AA, in a real browser: each state of the recipient's page, every notice, and the officer's page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from dispatcher.operations.recipient_view import Choice
from dispatcher.web.page import notice_html
from dispatcher.web.server import WebThread
from tests.e2e import wcag
from tests.integration.doors.stage import Stage, connect
from tests.unit.web.pages import OPEN, PAGES, html_of

_LONG = "Peningkatanpartisipasimasyarakatdalampemilihanumum"


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Scripts are on, and other styles let in, for those who look."""
    context = chromium.new_context(viewport={"width": 320, "height": 568}, bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_the_recipients_page(page: Page, name: str, language: str) -> None:
    page.set_content(html_of(PAGES[name], language))
    wcag.check(page)


def test_long_words_fit(page: Page) -> None:
    about = OPEN.campaign._replace(title=_LONG, owner=_LONG)
    state = OPEN._replace(campaign=about, first_name=_LONG, choices=(Choice("lain", _LONG),))
    page.set_content(html_of(state))
    wcag.check(page)


@pytest.mark.parametrize("kind", ["unknown", "gone", "many", "away"])
def test_notices(page: Page, kind: str) -> None:
    page.set_content(notice_html(kind, "id").decode())
    wcag.check(page)


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_officers_page(sqlite_url: str, page: Page, language: str) -> None:
    stage = Stage(sqlite_url)
    person = stage.invite("Siti")
    with WebThread(lambda: connect(sqlite_url)) as web:
        page.goto(f"{web.url}/door/{stage.token('Pintu Utara')}?lang={language}")
        wcag.check(page)
        for code, tone in ((stage.code(person), "good"), (stage.code(person), "note"), ("ABCD", "bad")):
            page.locator("#code").fill(code)
            page.locator("form[data-send] button").first.click()
            expect(page.locator(f"#result.{tone}")).to_be_visible()
            wcag.check(page)
        page.locator("summary").click()
        wcag.check(page)
        page.goto(f"{web.url}/door/{'A' * 22}")
        wcag.check(page)
    stage.context.database.close()


def test_the_check_finds_what_is_wrong(page: Page) -> None:
    """Each fault alone."""
    sound = html_of(OPEN)
    faults = {
        "grey": sound.replace("color:#444", "color:#aaa"),
        "language": sound.replace('<html lang="id">', "<html>"),
        "outline": sound.replace("outline:3px solid #1a1a1a", "outline:none"),
        "pale outline": sound.replace("outline:3px solid #1a1a1a", "outline:3px solid #ddd"),
        "pale button": sound.replace("border:2px solid #0b4f93", "border:2px solid #ddd"),
        "small": sound.replace("min-height:1.5rem;padding:.25rem 0", "line-height:1"),
        "wide": sound.replace("main{", "main{min-width:30rem;"),
        "order": sound.replace("<button ", '<button tabindex="2" '),
        "covered": sound.replace("</main>", '</main><div style="position:fixed;inset:0;background:#fff"></div>'),
        "cut": sound.replace("h1{", "h1{height:1.9rem;overflow:hidden;"),
    }
    for name, html in faults.items():
        assert html != sound, name
        page.set_content(html)
        with pytest.raises(AssertionError):
            wcag.check(page)
