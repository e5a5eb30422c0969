"""A real browser: Chromium as the system has it, small as a phone, with scripts off unless a test says otherwise.

`make e2e` installs one where there is none; without one these tests fail, and none is skipped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.integration.web.recipients import PHONE

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    assert path is not None, "there is no Chromium: run make e2e, or install one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    """Scripts are off. 320 wide: the smallest screens, and WCAG's width for reflow (1.4.10)."""
    context = chromium.new_context(
        user_agent=PHONE, viewport={"width": 320, "height": 568}, java_script_enabled=False, locale="id-ID"
    )
    context.set_default_timeout(60_000)
    yield context
    context.close()
