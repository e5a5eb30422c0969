"""`/door/<token>`: the page by which officers check people in.

200  the page, or what became of a check-in: as a page, or as JSON for the page's script
404  no such link                       410  revoked, or its session is over
429  too many unknown codes             503  the database is away: send it again, nothing counts twice

The token is a secret: neither it nor anything that an officer writes is ever logged.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dispatcher.audience.reasons import REASONS
from dispatcher.core.errors import UnavailableError
from dispatcher.core.phone import PhoneProblem
from dispatcher.operations.check_in import Arrival, check_in, present_at, undo, undo_guest
from dispatcher.operations.context import Context
from dispatcher.operations.doors import Door, DoorShut, find_door
from dispatcher.operations.guests import Guest, register_guest
from dispatcher.operations.import_contacts import group_index
from dispatcher.operations.logs import log
from dispatcher.outreach.labels import group_label
from dispatcher.web.assets import asset, version
from dispatcher.web.body import BodyError, BodyReader
from dispatcher.web.door_limit import Misses
from dispatcher.web.door_view import Shown, counts, problem, shown, when
from dispatcher.web.door_words import LANGUAGES, say, words_in

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}
_SHUT_STATUS: Final = {"unknown": 404, "revoked": 410, "over": 410}
_REF: Final = re.compile(r"[0-9A-Za-z-]{8,40}")
_MOST_FIELDS: Final = 20
Form = Mapping[str, str]


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("dispatcher.web", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    shown: Shown


class DoorPages:
    """One per server."""

    def __init__(self, context: Context, misses: Misses | None = None) -> None:
        self._context = context
        self._misses = misses or Misses()
        self._body = BodyReader()
        self._prefix = urlsplit(context.environment.public_url).path.rstrip("/")
        self.routes = [
            Route("/door/assets/{version}/{name:path}", asset),
            Route("/door/{token}", self.page, methods=["GET"]),
            Route("/door/{token}", self.code, methods=["POST"]),
            Route("/door/{token}/guest", self.guest, methods=["POST"]),
            Route("/door/{token}/undo", self.undo, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        """Looking changes nothing."""
        return await self._respond(request, {}, None)

    async def code(self, request: Request) -> Response:
        return await self._post(request, self._check_in)

    async def guest(self, request: Request) -> Response:
        return await self._post(request, self._register)

    async def undo(self, request: Request) -> Response:
        return await self._post(request, self._undo)

    async def _post(self, request: Request, act: Any) -> Response:
        try:
            body = await self._body.read(request.scope, request.receive)
            form = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS))
        except BodyError as refused:
            return Response(status_code=refused.status or 400, headers={**HEADERS, "connection": "close"})
        except ValueError:
            return Response(status_code=400, headers=HEADERS)
        return await self._respond(request, form, act)

    async def _respond(self, request: Request, form: Form, act: Any) -> Response:
        language = _language(request, form)
        try:
            return await asyncio.to_thread(self._answer, request, form, act, language)
        except DoorShut as shut:
            told = {**problem("shut", language, say(f"shut_{shut.why}", language)), "shut": True}
            return self._alone(request, _SHUT_STATUS[shut.why], told, language)
        except UnavailableError:
            response = self._alone(request, 503, problem("away", language), language)
            response.headers["retry-after"] = "2"
            return response
        except Exception as error:
            log.error("door-failed", error=type(error).__name__, exc_info=error)
            return self._alone(request, 500, problem("away", language), language)

    def _answer(self, request: Request, form: Form, act: Any, language: str) -> Response:
        door = find_door(self._context, request.path_params["token"])
        answer = act(door, form, language) if act else Answer(200, {})
        said = counts(present_at(self._context, door), door.session, language)
        if _wants_json(request):
            return JSONResponse({**answer.shown, "counts": said}, answer.status, headers=HEADERS)
        values = self._about(request, door, language) | {"result": answer.shown, "counts": said}
        return HTMLResponse(_templates().get_template("door.html").render(values), answer.status, headers=HEADERS)

    def _check_in(self, door: Door, form: Form, language: str) -> Answer:
        if self._misses.is_over(door.id):
            return Answer(429, problem("slow", language))
        return self._told(door, check_in(self._context, door, form.get("code", ""), _ref(form)), language)

    def _register(self, door: Door, form: Form, language: str) -> Answer:
        if self._misses.is_over(door.id):
            return Answer(429, problem("slow", language))
        number, group = form.get("number", ""), form.get("group", "")
        known = group if group in group_index(self._context.settings).groups else ""
        guest = Guest(_ref(form), number, form.get("name", ""), known, bool(form.get("agrees")))
        try:
            arrival = register_guest(self._context, door, guest)
        except PhoneProblem as wrong:
            detail = say("number_needed", language) if wrong.code == "empty" else _sentence(wrong.code, language)
            return Answer(200, problem("bad_number", language, detail))
        if arrival.outcome == "guest" and number.strip():
            self._misses.note(door.id)
        return Answer(200, shown(arrival, door, language))

    def _undo(self, door: Door, form: Form, language: str) -> Answer:
        if form.get("guest"):
            return self._told(door, undo_guest(self._context, door, form["guest"]), language)
        at = form.get("at", "")
        at_us = int(at) if at.isascii() and at.isdigit() and len(at) < 18 else 0
        return self._told(door, undo(self._context, door, form.get("code", ""), at_us), language)

    def _told(self, door: Door, arrival: Arrival, language: str) -> Answer:
        if arrival.outcome in ("unknown", "elsewhere"):
            self._misses.note(door.id)
        return Answer(200, shown(arrival, door, language))

    def _about(self, request: Request, door: Door, language: str) -> dict[str, Any]:
        at = f"{self._prefix}/door/{request.path_params['token']}"
        settings = self._context.settings
        declared = {
            slug: group.label_en if language == "en" and group.label_en else group.label
            for slug, group in settings.groups.items()
        }
        return {
            **self._common(language),
            "at": at,
            "session": door.session,
            "when": when(door.session, language),
            "label": door.label,
            "ref": secrets.token_hex(8),
            "groups": [(slug, group_label(slug, language, declared)) for slug in group_index(settings).groups],
        }

    def _common(self, language: str) -> dict[str, Any]:
        other = next(one for one in LANGUAGES if one != language)
        assets = f"{self._prefix}/door/assets/{version()}"
        return {"language": language, "other": other, "words": words_in(language), "assets": assets}

    def _alone(self, request: Request, status: int, told: Shown, language: str) -> Response:
        """A page without a door."""
        if _wants_json(request):
            return JSONResponse({**told, "counts": ""}, status, headers=HEADERS)
        page = _templates().get_template("door_shut.html").render(self._common(language) | {"result": told})
        return HTMLResponse(page, status, headers=HEADERS)


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")


def _language(request: Request, form: Form) -> str:
    chosen = form.get("lang") or request.query_params.get("lang", "")
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def _ref(form: Form) -> str:
    """The request's own name; a new one where the form has none that serves."""
    given = form.get("ref", "")
    return given if _REF.fullmatch(given) else secrets.token_hex(8)


def _sentence(code: str, language: str) -> str:
    return REASONS[code].id if language == "id" else REASONS[code].en
