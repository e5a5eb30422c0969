"""The officer's page in a real browser: a camera that sees a code, a network that fails, and scripts off."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.sync_api import Page, Playwright, Route, expect, sync_playwright

from dispatcher.store.tables import guests, session_people
from dispatcher.web.server import WebThread
from tests.integration.doors.stage import Stage, connect

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _HEIGHT = 640, 480
_FRAMES = 10
#: How large everything is that can be operated.
_SIDES = """() => [...document.querySelectorAll('button, summary, header a, input:not([type=hidden]), select')]
  .filter(one => one.checkVisibility() && one.type !== 'checkbox')
  .map(one => one.getBoundingClientRect()).map(box => [box.height, box.right])"""


@pytest.fixture
def stage(sqlite_url: str) -> Iterator[Stage]:
    stage = Stage(sqlite_url)
    yield stage
    stage.context.database.close()


@pytest.fixture
def web(stage: Stage, sqlite_url: str) -> Iterator[str]:
    with WebThread(lambda: connect(sqlite_url)) as thread:
        yield thread.url


@pytest.fixture(scope="module")  # two at a time are refused, and other modules have their own
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


def _film(path: Path, text: str) -> Path:
    """YUV4MPEG2: some frames that show the code, turned and off the middle, on grey."""
    matrix = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
    side = 9
    luma = bytearray([120]) * (_WIDTH * _HEIGHT)
    for y, row in enumerate(matrix):
        for x, is_dark in enumerate(row):
            for line in range(side):
                start = (60 + y * side + line) * _WIDTH + 150 + x * side
                luma[start : start + side] = bytes([25 if is_dark else 230]) * side
    frame = b"FRAME\n" + bytes(luma) + bytes([128]) * (_WIDTH * _HEIGHT // 2)
    path.write_bytes(f"YUV4MPEG2 W{_WIDTH} H{_HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * _FRAMES)
    return path


@pytest.fixture
def open_phone(playwright: Playwright, tmp_path: Path) -> Iterator[Any]:
    """A function that gives a page 320 wide, whose camera shows `film`; nothing is refused by its own policy."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    assert path is not None, "there is no Chromium: run make e2e, or install one"
    opened: list[Any] = []
    said: list[str] = []

    def make(film: Path | None = None, *, scripts: bool = True) -> Page:
        camera = [f"--use-file-for-fake-video-capture={film}"] if film else []
        fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *fake, *camera])
        opened.append(browser)
        context = browser.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=scripts)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield make
    for browser in opened:
        browser.close()
    assert [text for text in said if "net::ERR" not in text] == []


def _heading(page: Page) -> Any:
    return page.locator("#result h2")


def test_a_camera_scans_a_code(stage: Stage, web: str, open_phone: Any, tmp_path: Path) -> None:
    person = stage.invite("Siti Aminah", rw=4)
    page = open_phone(_film(tmp_path / "code.y4m", f"D:{stage.code(person).replace('-', '')}"))
    page.goto(f"{web}/door/{stage.token('Utara')}")
    page.get_by_role("button", name="Pindai kode QR").click()
    expect(_heading(page)).to_have_text("Selamat datang, Siti (RW 04)", timeout=60_000)
    expect(page.locator("#counts")).to_contain_text("Hadir 1")
    expect(page.locator("video")).to_be_visible()
    assert stage.came(person) is not None
    page.get_by_role("button", name="Tutup kamera").click()
    expect(page.locator("video")).to_be_hidden()
    page.get_by_role("button", name="Batalkan").click()
    expect(_heading(page)).to_have_text("Dibatalkan")
    assert stage.rows(session_people) == []


def test_a_qr_code_of_something_else_is_not_sent(stage: Stage, web: str, open_phone: Any, tmp_path: Path) -> None:
    page = open_phone(_film(tmp_path / "other.y4m", "https://example.org/menu"))
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.goto(f"{web}/door/{stage.token()}")
    page.get_by_role("button", name="Pindai kode QR").click()
    expect(_heading(page)).to_have_text("Ini bukan kode QR undangan.", timeout=60_000)
    assert posted == []


def test_a_browser_that_reads_codes_itself_loads_nothing_for_it(stage: Stage, web: str, open_phone: Any) -> None:
    person = stage.invite("Siti")
    page = open_phone()
    page.add_init_script(
        f"""window.BarcodeDetector = class {{
          static async getSupportedFormats() {{ return ['qr_code']; }}
          async detect() {{ return [{{rawValue: 'D:{stage.code(person).replace("-", "")}'}}]; }}
        }}"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{web}/door/{stage.token()}")
    page.get_by_role("button", name="Pindai kode QR").click()
    expect(_heading(page)).to_have_text("Selamat datang, Siti")
    page.get_by_role("button", name="Tutup kamera").click()
    assert not [url for url in asked if "/qr/" in url]
    assert len([url for url in asked if url.endswith(page.url.rpartition("/")[2])]) == 2  # the page, and one check-in


def test_a_network_that_fails_loses_and_doubles_nothing(stage: Stage, web: str, open_phone: Any) -> None:
    """First nothing arrives; then it arrives and the answer is lost; then it is answered."""
    person = stage.invite("Siti")
    page = open_phone()
    tries: list[str] = []

    def fail(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        tries.append(route.request.post_data or "")
        if len(tries) == 2:
            route.fetch()
        if len(tries) < 3:
            route.abort()
        else:
            route.continue_()

    page.route("**/door/*", fail)
    page.goto(f"{web}/door/{stage.token()}")
    page.get_by_label("Kode tamu").fill(stage.code(person).lower())
    page.get_by_role("button", name="Catat kehadiran").click()
    expect(page.locator("#waiting")).to_contain_text("Jaringan lemah")
    expect(_heading(page)).to_have_text("Selamat datang, Siti")
    expect(page.locator("#waiting")).to_be_hidden()
    assert len(tries) == 3
    assert len(set(tries)) == 1
    assert page.get_by_label("Kode tamu").input_value() == ""
    page.get_by_label("Kode tamu").fill(stage.code(person))
    page.get_by_role("button", name="Catat kehadiran").click()
    expect(_heading(page)).to_have_text("Siti sudah tercatat")


def test_everything_works_without_scripts_on_a_small_phone(stage: Stage, web: str, open_phone: Any) -> None:
    person = stage.invite("Siti")
    page = open_phone(scripts=False)
    page.goto(f"{web}/door/{stage.token('Pintu Utara')}")
    expect(page.get_by_role("button", name="Pindai kode QR")).to_be_hidden()
    page.get_by_label("Kode tamu").fill(stage.code(person))
    page.get_by_role("button", name="Catat kehadiran").click()
    expect(_heading(page)).to_have_text("Selamat datang, Siti")
    page.get_by_text("Tamu tanpa kode").click()
    page.get_by_label("Kelompok").select_option("pkk")
    page.get_by_role("button", name="Daftarkan tamu").click()
    expect(_heading(page)).to_have_text("Tamu tercatat")
    expect(page.locator("#counts")).to_contain_text("Hadir 2")
    assert [row.group_slug for row in stage.rows(guests)] == ["pkk"]
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_text("Guest without a code").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert all(height >= 44 and right <= 320 for height, right in page.evaluate(_SIDES))
