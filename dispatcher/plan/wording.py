"""Writing the texts of one step for one person: which version, which variables, how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dispatcher.audience.recipient import Recipient
from dispatcher.campaign.model import Campaign, Hop, Session, Step
from dispatcher.campaign.names import campaign_values, session_values
from dispatcher.campaign.texts import hop_texts, pick
from dispatcher.core import region
from dispatcher.render.content import Content
from dispatcher.render.names import given, proper
from dispatcher.render.sandbox import Compiled, Templates
from dispatcher.render.segments import measure
from dispatcher.render.variables import used_variables
from dispatcher.spi.capabilities import Media
from dispatcher.spi.messages import Template


class Written(NamedTuple):
    """`preview`: what the person reads, also where the provider holds the template."""

    content: Content
    segments: int
    preview: str


class Wording:
    """The texts of one step on one occasion, compiled once. `write` raises TemplateProblem."""

    def __init__(self, campaign: Campaign, step: Step, session: Session | None, templates: Templates) -> None:
        self._campaign = campaign
        self._step = step
        self._templates = templates
        self._session = session_values(campaign, session) if session else None
        self._groups = step.audience.groups or campaign.audience.groups
        self._sources = {name: templates.source(name) or "" for name in templates.names}
        self._texts: dict[str, tuple[Compiled, frozenset[str]]] = {}
        self._common_values: dict[tuple[str, Media], dict[str, Any]] = {}

    def write(self, recipient: Recipient, hop: Hop, media: Media) -> Written:
        if hop.template:
            return self._write_template(recipient, hop, media)
        language, source = self._pick(hop_texts(self._step, hop), recipient)
        text = self._render(source, recipient, self._common(language, media)).strip()
        return Written(Content(text=text), measure(text).segments if media == "sms" else 1, text)

    def _write_template(self, recipient: Recipient, hop: Hop, media: Media) -> Written:
        language, template = self._pick(hop.template, recipient)
        common = self._common(language, media)
        values = {name: self._render(source, recipient, common) for name, source in template.parameters.items()}
        preview = template.body
        for name, value in values.items():
            preview = preview.replace("{{" + name + "}}", value)
        return Written(Content(template=Template(template.id, template.language, values)), 1, preview)

    def _pick(self, versions: Mapping[str, Any], recipient: Recipient) -> tuple[str, Any]:
        fallback = self._campaign.language
        picked = pick(versions, recipient.language or fallback, fallback)
        if picked is None:
            return fallback, ""
        language, version = picked
        return language or recipient.language or fallback, version

    def _render(self, source: str, recipient: Recipient, common: Mapping[str, Any]) -> str:
        if "{" not in source:
            return source
        compiled, fields = self._compiled(source)
        contact = {name: _FIELDS[name](recipient) for name in fields & _FIELDS.keys()}
        if "group" in fields:
            contact["group"] = self._group(recipient)
        if "language" in fields:
            contact["language"] = recipient.language or self._campaign.language
        return compiled.render({**common, "contact": {**recipient.attributes, **contact}})

    def _compiled(self, source: str) -> tuple[Compiled, frozenset[str]]:
        """The text, and the fields of the contact that it uses: the others need not be worked out."""
        if source not in self._texts:
            names = {use.name for use in used_variables(source, self._sources)}
            fields = ALL_FIELDS if "contact" in names else {n.split(".")[1] for n in names if n.startswith("contact.")}
            self._texts[source] = (self._templates.compile(source, self._step.name), frozenset(fields))
        return self._texts[source]

    def _common(self, language: str, media: Media) -> dict[str, Any]:
        """What is the same for everyone of a language and medium."""
        key = (language, media)
        if key not in self._common_values:
            values = campaign_values(self._campaign, language)
            if self._session:
                values["session"] = self._session
            stop = pick(self._campaign.stop.get(media, {}), language, self._campaign.language)
            nobody = Recipient(0)
            self._common_values[key] = {**values, "stop": self._render(stop[1], nobody, values).strip() if stop else ""}
        return self._common_values[key]

    def _group(self, recipient: Recipient) -> str:
        """The group through which the person was selected."""
        for group in self._groups:
            if group in recipient.groups:
                return group
        return recipient.groups[0] if recipient.groups else ""


@lru_cache(maxsize=4096)
def _name(code: str, level: int) -> str:
    """The name of the region at this level (2 city, 3 kecamatan, 4 kelurahan), empty where it is not known."""
    parts = code.split(".")
    try:
        return region.name(".".join(parts[:level])) if len(parts) >= level else ""
    except KeyError:
        return ""


_FIELDS: Final[dict[str, Callable[[Recipient], object]]] = {
    "name": lambda recipient: proper(recipient.name),
    "first_name": lambda recipient: given(recipient.name),
    "salutation": lambda recipient: recipient.salutation or "Bapak/Ibu",
    "role": lambda recipient: recipient.role.replace("-", " ").title(),
    "region": lambda recipient: _name(recipient.region, 4),
    "kecamatan": lambda recipient: _name(recipient.region, 3),
    "city": lambda recipient: _name(recipient.region, 2),
    "rt": lambda recipient: recipient.rt if recipient.rt is not None else "",
    "rw": lambda recipient: recipient.rw if recipient.rw is not None else "",
}
ALL_FIELDS: Final = frozenset(_FIELDS) | {"group", "language"}
