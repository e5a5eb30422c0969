"""`/door/assets/<version>/<name>`: scripts and styles, from memory, and kept by browsers for good."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES: Final = {
    "door.css": "text/css; charset=utf-8",
    "door.js": "text/javascript; charset=utf-8",
    "qr/index.js": "text/javascript; charset=utf-8",
    "qr/decode.js": "text/javascript; charset=utf-8",
}
_KEPT: Final = "public, max-age=31536000, immutable"


@cache
def _content(name: str) -> bytes:
    return files("dispatcher.web").joinpath("assets", *name.split("/")).read_bytes()


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(_content(name), mtime=0)


@cache
def version() -> str:
    """Another one as soon as any of them changes."""
    return hashlib.sha256(b"\0".join(_content(name) for name in sorted(_TYPES))).hexdigest()[:12]


async def asset(request: Request) -> Response:
    """An older page may still ask for an older version: it gets the present one, unkept."""
    name = request.path_params["name"]
    if name not in _TYPES:
        raise HTTPException(404)
    headers = {
        "content-type": _TYPES[name],
        "cache-control": _KEPT if request.path_params["version"] == version() else "no-store",
        "x-content-type-options": "nosniff",
        "vary": "accept-encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_packed(name), headers={**headers, "content-encoding": "gzip"})
    return Response(_content(name), headers=headers)
