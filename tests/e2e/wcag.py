"""WCAG 2.2, levels A and AA, as far as a machine can tell: axe-core, and by measuring what axe leaves to people.

https://www.w3.org/TR/WCAG22/. What is left to people after it: whether words are clear (3.3.2, 2.4.6) and whether an
alternative text says what the picture says (1.1.1).
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.contrast import contrast

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OPERABLE = "a[href], button, summary, input:not([type=hidden]), select"
_LEAST_TARGET = 24
_LEAST_CONTRAST = 3.0

#: 1.4.12: what readers who need more space set.
_SPACING = "* {line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important}"
_SPACING += "p {margin-bottom: 2em !important}"
_LARGER = "html {font-size: 200% !important}"

#: Elements whose content does not fit them, and the width of all of it.
_OVERFLOW = """() => [document.documentElement.scrollWidth, [...document.querySelectorAll('body *')].filter(one =>
  one.checkVisibility() && getComputedStyle(one).overflow === 'hidden' &&
  (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)).map(one => one.outerHTML)]"""

_SIZES = """selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility()).map(one => {
  const box = one.getBoundingClientRect(); return [one.outerHTML.slice(0, 80), box.width, box.height];
})"""

#: Of what has the focus: which it is, how it shows, and whether it can be seen (2.4.7, 2.4.11, 1.4.11).
_FOCUS = """selector => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const all = [...document.querySelectorAll(selector)].filter(one => one.checkVisibility());
  return {at: all.indexOf(one), of: all.length, outline: parseFloat(style.outlineWidth), style: style.outlineStyle,
    colour: style.outlineColor, around: behind(one.parentElement), seen: one === top || one.contains(top),
    border: style.borderTopColor, inside: behind(one), tag: one.tagName};
}"""

#: Where the next Tab starts from.
_FROM_THE_TOP = """() => {
  document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); window.scrollTo(0, 0);
}"""


def check(page: Page) -> None:
    """The page as it stands is shown to fail none of it; scripts must be on, for those who look."""
    _axe(page)
    _reads_with_more_space(page)
    _grows(page)
    _targets(page)
    _keys(page)


def _axe(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    undecided = [one["id"] for one in found.response["incomplete"]]
    assert undecided == [], undecided
    assert len(found.response["passes"]) > 10


def _reads_with_more_space(page: Page) -> None:
    _fits_with(page, _SPACING)


def _grows(page: Page) -> None:
    """1.4.4: twice the size, in a window as wide as half a usual one."""
    narrow = page.viewport_size
    assert narrow is not None
    page.set_viewport_size({"width": 640, "height": 1136})
    _fits_with(page, _LARGER)
    page.set_viewport_size(narrow)


def _fits_with(page: Page, style: str) -> None:
    added = page.add_style_tag(content=style)
    width, cut = page.evaluate(_OVERFLOW)
    assert page.viewport_size is not None
    assert width <= page.viewport_size["width"], f"one scrolls to the side with {style}"
    assert cut == []
    added.evaluate("element => element.remove()")


def _targets(page: Page) -> None:
    """2.5.8."""
    sizes: list[tuple[str, float, float]] = [tuple(one) for one in page.evaluate(_SIZES, _OPERABLE)]
    small = [one for one in sizes if min(one[1:]) < _LEAST_TARGET]
    assert small == []


def _keys(page: Page) -> None:
    """Tab leads through all that can be operated, in the order of reading, and shows where one is (2.1.1 … 2.4.11)."""
    page.evaluate(_FROM_THE_TOP)
    visited: list[int] = []
    count = len(page.evaluate(_SIZES, _OPERABLE))
    for _ in range(count):
        page.keyboard.press("Tab")
        focus: dict[str, Any] = page.evaluate(_FOCUS, _OPERABLE)
        assert focus["seen"], focus
        assert focus["style"] != "none", focus
        assert focus["outline"] >= 2, focus
        assert _contrast(focus["colour"], focus["around"]) >= _LEAST_CONTRAST, focus
        if focus["tag"] in ("BUTTON", "INPUT", "SELECT"):  # one tells where it is
            shown = max(_contrast(focus[one], focus["around"]) for one in ("border", "inside"))
            assert shown >= _LEAST_CONTRAST, focus
        visited.append(focus["at"])
    assert visited == list(range(count))


def _contrast(one: str, other: str) -> float:
    return contrast(_parts(one), _parts(other))


def _parts(colour: str) -> list[float]:
    """Of `rgb(…)`, as browsers give colours."""
    return [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
