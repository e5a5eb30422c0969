"""A session with people who were invited to it, its doors, and officers' browsers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import insert, select, update

from dispatcher.core.clock import HOUR_US, to_us
from dispatcher.core.status import Status
from dispatcher.operations.context import Context
from dispatcher.operations.doors import Door, find_door, open_door
from dispatcher.store.door_codes import door_code
from dispatcher.store.tables import contacts, session_people, sessions
from dispatcher.web.app import create_app
from tests.integration.builders import MENTENG, Builder, Person, make_context

PUBLIC_URL = "https://pesan.example"
SLUG = "kelas-1"


class Stage:
    """One campaign whose step invites to `kelas-1`, which began an hour ago."""

    def __init__(self, url: str, settings: dict[str, Any] | None = None) -> None:
        self.context = connect(url, settings)
        self.build = Builder(self.context)
        self.session(SLUG)
        self.sender_id = self.build.sender()
        self.campaign_id = self.build.campaign()
        self.step_id = self.build.step(self.campaign_id, "undangan", SLUG)

    def session(self, slug: str, **changes: Any) -> None:
        now_us = self.build.now_us
        about = {"title": f"Kelas {slug}", "place": "Balai Kota", "starts_us": now_us - HOUR_US}
        about |= {"ends_us": now_us + 2 * HOUR_US, "updated_us": now_us, "capacity": 40}
        with self.context.database.begin() as connection:
            connection.execute(insert(sessions).values(slug=slug, **{**about, **changes}))

    def move(self, **changes: Any) -> None:
        with self.context.database.begin() as connection:
            connection.execute(update(sessions).where(sessions.c.slug == SLUG).values(**changes))

    def invite(self, name: str = "", region: str = MENTENG, step_id: int = 0, **about: Any) -> Person:
        person = self.known(name, region, **about)
        self.build.message(step_id or self.step_id, person, self.sender_id, Status.DELIVERED)
        return person

    def known(self, name: str = "", region: str = MENTENG, **about: Any) -> Person:
        """On record, and not invited."""
        person = self.build.person(region, **about)
        if name:
            sealed = self.context.keys.sealer.seal("contacts.name", person.id, name)
            with self.context.database.begin() as connection:
                connection.execute(update(contacts).where(contacts.c.id == person.id).values(name_sealed=sealed))
        return person

    def answer(self, person: Person, rsvp: str, slug: str = SLUG) -> None:
        values = {"session_slug": slug, "contact_id": person.id, "rsvp": rsvp, "rsvp_us": self.build.now_us}
        with self.context.database.begin() as connection:
            connection.execute(insert(session_people).values(**values))

    def code(self, person: Person, slug: str = SLUG) -> str:
        return door_code(self.context.keys, slug, person.id)

    def token(self, label: str = "", slug: str = SLUG, **options: Any) -> str:
        return str(open_door(self.context, slug, "Ani", label=label, **options)["url"].rpartition("/")[2])

    def door(self, label: str = "", slug: str = SLUG, **options: Any) -> Door:
        return find_door(self.context, self.token(label, slug, **options))

    def rows(self, table: Any) -> Sequence[Any]:
        with self.context.database.read() as connection:
            return connection.execute(select(table).order_by(*table.primary_key.columns)).all()

    def came(self, person: Person) -> Any | None:
        mine = [row for row in self.rows(session_people) if row.contact_id == person.id]
        return mine[0].checked_in_us if mine else None


def connect(url: str, settings: dict[str, Any] | None = None) -> Context:
    return make_context(url, settings or {"approval": "waived"}, DISPATCHER_PUBLIC_URL=PUBLIC_URL)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def title(self) -> str:
        found = re.search(r"<h2>(.*?)</h2>", self.text)
        return found[1] if found else ""


class Browser:
    """Speaks ASGI with an app of its own, as a phone would through a proxy."""

    def __init__(self, context: Context) -> None:
        self._app = create_app(context)

    def get(self, path: str, accept: str = "text/html") -> Reply:
        return self._ask("GET", path, b"", accept)

    def post(self, path: str, accept: str = "text/html", **form: str) -> Reply:
        return self._ask("POST", path, urlencode(form).encode(), accept)

    def _ask(self, method: str, path: str, body: bytes, accept: str, encoding: str = "") -> Reply:
        bare, _, query = path.partition("?")
        headers = [(b"accept", accept.encode()), (b"content-type", b"application/x-www-form-urlencoded")]
        scope = {
            **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http"},
            **{"path": bare, "raw_path": bare.encode(), "query_string": query.encode(), "root_path": ""},
            **{"headers": headers, "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1)},
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        start = next(message for message in sent if message["type"] == "http.response.start")
        text = b"".join(message.get("body", b"") for message in sent).decode()
        return Reply(start["status"], {k.decode().lower(): v.decode() for k, v in start["headers"]}, text)


def at(year: int, month: int, day: int, hour: int) -> int:
    return to_us(datetime(year, month, day, hour, tzinfo=UTC))
