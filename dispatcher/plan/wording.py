"""Writing the texts of one step for one person: which version, which variables, how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dispatcher.audience.recipient import Recipient
from dispatcher.campaign.model import Campaign, Hop, Session, Step
from dispatcher.campaign.names import campaign_values, session_values
from dispatcher.campaign.texts import hop_texts, pick
from dispatcher.core import region
from dispatcher.core.media import Media
from dispatcher.core.segments import measure
from dispatcher.render.content import Content
from dispatcher.render.form import Form
from dispatcher.render.names import given, proper
from dispatcher.render.personal import LinkTerms
from dispatcher.render.sandbox import Compiled, Templates
from dispatcher.render.variables import used_variables
from dispatcher.spi.messages import Template

Reader = Callable[[Recipient], object]


class Written(NamedTuple):
    """`preview`: what the person reads, also where the provider holds the template."""

    content: Content
    segments: int
    preview: str


class Wording:
    """The texts of one step on one occasion, compiled once. `write` raises TemplateProblem.

    `links`: of a campaign that has them in its texts; what is written holds their stand-ins.
    """

    def __init__(
        self,
        campaign: Campaign,
        step: Step,
        session: Session | None,
        templates: Templates,
        links: LinkTerms | None = None,
    ) -> None:
        self._campaign = campaign
        self._step = step
        self._templates = templates
        self._session = session_values(campaign, session) if session else None
        self._groups = step.audience.groups or campaign.audience.groups
        self._sources = {name: templates.source(name) or "" for name in templates.names}
        self._links = links
        self._common_values: dict[tuple[str, Media, bool], _Common] = {}

    def write(self, recipient: Recipient, hop: Hop, media: Media) -> Written:
        if hop.template:
            return self._write_template(recipient, hop, media)
        return self.say(hop_texts(self._step, hop), recipient, media)

    def say(self, versions: Mapping[str, str], recipient: Recipient, media: Media) -> Written:
        """A text of the campaign, in the person's language."""
        language, source = self._pick(versions, recipient)
        text = self._render(source, recipient, self._common(language, media, recipient)).strip()
        return Written(Content(text=text), measure(text).segments if media == "sms" else 1, text)

    def _write_template(self, recipient: Recipient, hop: Hop, media: Media) -> Written:
        language, template = self._pick(hop.template, recipient)
        common = self._common(language, media, recipient)
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

    def _render(self, source: str, recipient: Recipient, common: _Common) -> str:
        if "{" not in source:
            return source
        text = common.texts.get(source)
        if text is None:
            text = common.texts[source] = self._text(source, common)
        return text.write(recipient)

    def _text(self, source: str, common: _Common) -> _Text:
        """The text, and the fields of the contact that it uses: the others need not be worked out."""
        compiled = self._templates.compile(source, self._step.name)
        form = self._templates.form(source, self._step.name, common.values, "contact")
        names = {use.name for use in used_variables(source, self._sources)}
        fields = ALL_FIELDS if "contact" in names else {n.split(".")[1] for n in names if n.startswith("contact.")}
        return _Text(compiled, form, {field: self._reader(field, common.language) for field in fields}, common.values)

    def _reader(self, field: str, language: str) -> Reader:
        if field in _NAMES:
            write, resident = _NAMES[field], _RESIDENT.get(language, "Warga")
            return lambda recipient: write(recipient.name) or resident
        if field == "group":
            return self._group
        if field == "language":
            return lambda recipient: recipient.language or self._campaign.language
        return _FIELDS.get(field, lambda recipient: recipient.attributes.get(field))

    def _common(self, language: str, media: Media, recipient: Recipient) -> _Common:
        """What is the same for everyone of a language and medium, who passes the word on or does not."""
        passes_on = self._links is not None and self._links.passes_on(recipient.groups, recipient.role)
        key = (language, media, passes_on)
        if key not in self._common_values:
            values = campaign_values(self._campaign, language)
            if self._session:
                values["session"] = self._session
            if self._links:
                values |= self._links.values(passes_on=passes_on)
            stop = pick(self._campaign.stop.get(media, {}), language, self._campaign.language)
            line = self._render(stop[1], Recipient(0), _Common(language, values)).strip() if stop else ""
            self._common_values[key] = _Common(language, {**values, "stop": line})
        return self._common_values[key]

    def _group(self, recipient: Recipient) -> str:
        """The group through which the person was selected."""
        for group in self._groups:
            if group in recipient.groups:
                return group
        return recipient.groups[0] if recipient.groups else ""


@dataclass(slots=True)
class _Common:
    """The variables that everyone of a language and medium shares, and the texts written with them."""

    language: str
    values: Mapping[str, Any]
    texts: dict[str, _Text] = field(default_factory=dict)


class _Text:
    """One text for everyone of a language and medium. `readers`: the contact's fields that it uses."""

    def __init__(
        self, compiled: Compiled, form: Form | None, readers: Mapping[str, Reader], common: Mapping[str, Any]
    ) -> None:
        self._compiled = compiled
        self._form = form
        self._written = [readers[field] for field in form.fields] if form else []
        self._known = {name: reader for name, reader in readers.items() if name in ALL_FIELDS}
        self._common = common

    def write(self, recipient: Recipient) -> str:
        if self._form is not None:
            filled = self._form.fill(tuple([read(recipient) for read in self._written]))
            if filled is not None:
                return filled
        contact = {name: read(recipient) for name, read in self._known.items()}
        return self._compiled.render({**self._common, "contact": {**recipient.attributes, **contact}})


@lru_cache(maxsize=4096)
def _name(code: str, level: int) -> str:
    """The name of the region at this level (2 city, 3 kecamatan, 4 kelurahan), empty where it is not known."""
    parts = code.split(".")
    try:
        return region.name(".".join(parts[:level])) if len(parts) >= level else ""
    except KeyError:
        return ""


_NAMES: Final[dict[str, Callable[[str], str]]] = {"name": proper, "first_name": given}
#: For a row without a name, in the text's language: a greeting of nobody ("Yth. ,") reads like a mistake.
_RESIDENT: Final = {"id": "Warga", "en": "Resident"}
_FIELDS: Final[dict[str, Reader]] = {
    "salutation": lambda recipient: recipient.salutation or "Bapak/Ibu",
    "role": lambda recipient: recipient.role.replace("-", " ").title(),
    "region": lambda recipient: _name(recipient.region, 4),
    "kecamatan": lambda recipient: _name(recipient.region, 3),
    "city": lambda recipient: _name(recipient.region, 2),
    "rt": lambda recipient: recipient.rt if recipient.rt is not None else "",
    "rw": lambda recipient: recipient.rw if recipient.rw is not None else "",
}
ALL_FIELDS: Final = frozenset(_FIELDS) | frozenset(_NAMES) | {"group", "language"}
