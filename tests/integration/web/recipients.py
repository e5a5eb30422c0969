"""A campaign whose messages have links, people who follow them, and the programs that do so before them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select, update

from dispatcher.core.clock import from_us
from dispatcher.render.content import decode
from dispatcher.store.tables import answers, contacts, links, session_people, sessions, suppressions
from dispatcher.web.server import WebThread
from tests.integration.engine.stage import Stage
from tests.integration.web.stage import Provider

BASE = "https://kspl.example"
PHONE = (
    "Mozilla/5.0 (Linux; Android 9; Redmi 6A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0 Mobile Safari/537.36"
)
WHATSAPP = "WhatsApp/2.23.20.0 A"
TEXT = "Yth. {{ contact.first_name }}, undangan {{ session.title }}: {{ link }} {{ stop }}"
ANSWERS = """
answers:
  - {keywords: [HADIR, "YA"], meaning: hadir}
  - {keywords: [TIDAK], meaning: tidak-hadir}
  - {keywords: [BUTUH KURSI RODA], meaning: kursi-roda}
"""
_TOKEN = re.compile(r"/l/([0-9A-Za-z]{11})\b")


class Recipients:
    """`stage`: of the engine, on a database of its own."""

    def __init__(self, url: str, folder: Path, **links_settings: Any) -> None:
        settings = {"base_url": BASE, "contact": "data@kspl.example", **links_settings}
        self.stage = Stage(url, folder, links=settings)
        self.context = self.stage.context

    def close(self) -> None:
        self.stage.close()

    def invite(self, people: int = 1, *, capacity: int | None = None, days: float = 3, **changes: str) -> list[str]:
        """So many people get a message with a link to a session in some days; their tokens."""
        self.stage.people(people)
        starts = from_us(self.context.now_us(), "Asia/Jakarta") + timedelta(days=days)
        ends = starts + timedelta(hours=2)
        room = f", capacity: {capacity}" if capacity else ""
        extra = (
            "sessions: {pagi: {title: Kelas Pemilu, place: Balai Kota, address: Jl. Merdeka Selatan 8, "
            f'starts: "{starts:%Y-%m-%d %H:%M}", ends: "{ends:%Y-%m-%d %H:%M}"{room}}}}}\n{ANSWERS}'
        )
        self.stage.start(**{"extra": extra, "step": "sessions: [pagi]", "text": TEXT, **changes})
        return self.tokens()

    def ask(self, people: int = 1, **changes: str) -> list[str]:
        """Without a session."""
        self.stage.people(people)
        self.stage.start(
            **{"extra": ANSWERS, "text": "Yth. {{ contact.name }}, ikrar: {{ link }} {{ stop }}", **changes}
        )
        return self.tokens()

    def texts(self) -> list[str]:
        opened = self.context.keys.sealer.open
        return [str(decode(opened("messages.body", row.id, row.body_sealed)).text) for row in self.stage.rows()]

    def tokens(self) -> list[str]:
        return [match[1] for text in self.texts() for match in [_TOKEN.search(text)] if match]

    @contextmanager
    def web(self, **links_settings: Any) -> Iterator[Phone]:
        settings = {"links": {"base_url": BASE, "contact": "data@kspl.example", **links_settings}}
        with WebThread(lambda: self.stage.connect(**settings)) as thread:
            yield Phone(thread.url)

    # What is stored

    def rows(self, table: Any) -> Sequence[Any]:
        with self.context.database.read() as connection:
            return connection.execute(select(table).order_by(*table.primary_key.columns)).all()

    def link(self, token: str) -> Any:
        wanted = self.context.keys.hash_link(token)
        return next(row for row in self.rows(links) if bytes(row.token_hash) == wanted)

    @property
    def rsvps(self) -> list[str]:
        return [row.rsvp for row in self.rows(session_people)]

    @property
    def meanings(self) -> list[tuple[str, str]]:
        return [(row.meaning, row.via) for row in self.rows(answers)]

    @property
    def refusals(self) -> list[str]:
        return [row.via for row in self.rows(suppressions)]

    def standing(self) -> tuple[Any, ...]:
        """All that only a person may change."""
        return self.rsvps, self.meanings, self.refusals, self.stage.statuses()

    def change(self, table: Any, **values: Any) -> None:
        with self.context.database.begin() as connection:
            connection.execute(update(table).values(**values))

    def move_session(self, days: float) -> None:
        starts_us = self.context.now_us() + int(days * 86_400_000_000)
        self.change(sessions, starts_us=starts_us, ends_us=starts_us + 7_200_000_000, updated_us=self.context.now_us())

    def contact_ids(self) -> list[int]:
        return [row.id for row in self.rows(contacts)]


class Phone(Provider):
    """A browser of the web server: what it says of itself, and forms."""

    def get(
        self, path: str, agent: str = PHONE, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, got, body = self.ask(method, path, headers={"user-agent": agent, **named})
        return status, got, body.decode("latin-1" if "gif" in got.get("content-type", "") else "utf-8")

    def page(self, token: str, **more: Any) -> str:
        return self.get(f"/l/{token}", **more)[2]

    def tap(self, token: str, part: str, **form: str) -> tuple[int, str]:
        """A button of the page; status, and where it leads."""
        said = {"content-type": "application/x-www-form-urlencoded", "user-agent": PHONE}
        status, got, _ = self.ask("POST", f"/l/{token}/{part}", urlencode(form).encode(), said)
        return status, got.get("location", "")

    def visit(self, token: str) -> None:
        """As a browser: the page, and then the picture in it."""
        for picture in re.findall(r'<img src="([^"]+)"', self.page(token)):
            assert self.get(f"/l/{picture}")[0] == 200
