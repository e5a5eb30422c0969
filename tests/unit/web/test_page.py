"""The page's HTML: sound, small, readable on an old phone, and safe whatever a campaign is called."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import html5lib
import pytest

from dispatcher.operations.recipient_view import Choice
from dispatcher.web.page import _CSS, door_image, notice_html, page_html
from dispatcher.web.words import WORDS
from tests.contrast import contrast
from tests.unit.web.pages import ABOUT, EVENT, OPEN, PAGES, TOKEN, html_of

HOSTILE = "\"><script>alert('x')</script>&{{ 7 * 7 }}@"


def tree_of(html: str) -> Any:
    """Raises where HTML 5 calls it an error."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_it_is_sound_html_and_small(name: str, language: str) -> None:
    html = html_of(PAGES[name], language)
    tree = tree_of(html)
    assert tree.get("lang") == language
    assert len(tree.findall(".//h1")) == len(tree.findall(".//main")) == 1
    assert tree.find(".//title").text
    assert all(image.get("alt") is not None for image in tree.iter("img"))
    assert all("".join(button.itertext()).strip() for button in tree.iter("button"))
    assert all(form.get("method") == "post" for form in tree.iter("form"))
    assert not list(tree.iter("script"))
    assert not re.search(r"\son\w+=|javascript:|style=", html)
    assert "@" not in html.replace("data@kspl.id", "")
    assert len(html.encode()) < 30_000


@pytest.mark.parametrize("kind", ["unknown", "gone", "many", "away"])
def test_notices_are_sound_and_in_both_languages(kind: str) -> None:
    for language in ("id", "en", "x"):
        tree = tree_of(notice_html(kind, language).decode())
        said = "".join(tree.itertext())
        assert WORDS["id"][f"{kind}_text"] in said
        assert WORDS["en"][f"{kind}_text"] in said


def test_nothing_of_a_campaign_or_a_person_acts_in_the_page() -> None:
    about = ABOUT._replace(title=HOSTILE, owner=HOSTILE, choices=(Choice("a", HOSTILE),))
    event = EVENT._replace(title=HOSTILE, place=HOSTILE, address=HOSTILE)
    page = OPEN._replace(campaign=about, event=event, choices=about.choices, meaning="a", first_name=HOSTILE)
    html = page_html(page, TOKEN, "id", HOSTILE).decode()
    tree = tree_of(html)
    assert not list(tree.iter("script"))
    assert "49" not in html.replace("%20", "")
    assert HOSTILE in "".join(tree.find(".//h1").itertext())


def test_what_is_rendered_once_is_filled_in_for_each() -> None:
    siti = html_of(OPEN)
    budi = page_html(OPEN._replace(first_name="Budi"), "ZZZZZZZZZZZ", "", "data@kspl.id").decode()
    assert budi == siti.replace("Siti", "Budi").replace(TOKEN, "ZZZZZZZZZZZ")
    first, second = (html_of(PAGES["coming"]._replace(door_code=code)) for code in ("AAAA-1111", "BBBB-2222"))
    assert "AAAA-1111" in first
    assert second == first.replace("AAAA-1111", "BBBB-2222")
    assert "+62812****678" in html_of(PAGES["stopped"])


def test_without_a_name_nobody_is_named() -> None:
    assert "dicatat untuk" not in html_of(OPEN._replace(first_name=""))


def test_the_code_is_drawn_as_svg() -> None:
    svg = ElementTree.fromstring(door_image("ABCD-1234"))
    assert svg.get("viewBox") == "0 0 29 29"


def test_colours_differ_enough() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 for text, of each pair that the style uses."""
    for text, ground in (
        ("1a1a1a", "ffffff"),
        ("0b4f93", "ffffff"),
        ("ffffff", "0b4f93"),
        ("444444", "ffffff"),
        ("1a1a1a", "eef4fb"),
        ("0b4f93", "eef4fb"),
    ):
        assert contrast(bytes.fromhex(text), bytes.fromhex(ground)) >= 4.5
    used = {colour.lower() for colour in re.findall(r"#([0-9a-fA-F]{3,6})", _CSS)}
    assert used == {"fff", "1a1a1a", "0b4f93", "444", "eef4fb"}
