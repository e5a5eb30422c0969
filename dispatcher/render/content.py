"""What one message says, as it is stored (sealed) and handed to a channel."""

from __future__ import annotations

import json
from typing import NamedTuple

from dispatcher.spi.messages import Template


class Content(NamedTuple):
    """Exactly one of both."""

    text: str | None = None
    template: Template | None = None


def encode(content: Content) -> str:
    """A text behind `T`, a template as JSON."""
    if content.template is None:
        return f"T{content.text}"
    template = content.template
    document = {"id": template.id, "language": template.language, "parameters": dict(template.parameters)}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def decode(stored: str) -> Content:
    if stored.startswith("T"):
        return Content(text=stored[1:])
    document = json.loads(stored)
    return Content(template=Template(document["id"], document["language"], document["parameters"]))
