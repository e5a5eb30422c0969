"""Writing the texts of one step for one person: which version, which variables, how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from dispatcher.audience.recipient import Recipient
from dispatcher.campaign.model import Campaign, Hop, Session, Step
from dispatcher.campaign.names import campaign_values, session_values
from dispatcher.campaign.texts import hop_texts, pick
from dispatcher.core import region
from dispatcher.render.content import Content
from dispatcher.render.names import given, proper
from dispatcher.render.sandbox import Templates
from dispatcher.render.segments import measure
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
        self._common: dict[tuple[str, Media], dict[str, Any]] = {}

    def write(self, recipient: Recipient, hop: Hop, media: Media) -> Written:
        if hop.template:
            return self._write_template(recipient, hop, media)
        language, source = self._pick(hop_texts(self._step, hop), recipient)
        text = self._render(source, self._variables(recipient, language, media)).strip()
        return Written(Content(text=text), measure(text).segments if media == "sms" else 1, text)

    def _write_template(self, recipient: Recipient, hop: Hop, media: Media) -> Written:
        language, template = self._pick(hop.template, recipient)
        variables = self._variables(recipient, language, media)
        values = {name: self._render(source, variables) for name, source in template.parameters.items()}
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

    def _render(self, source: str, variables: Mapping[str, Any]) -> str:
        if "{" not in source:
            return source
        return self._templates.compile(source, self._step.name).render(variables)

    def _variables(self, recipient: Recipient, language: str, media: Media) -> dict[str, Any]:
        return {**self._common_values(language, media), "contact": self._contact(recipient)}

    def _common_values(self, language: str, media: Media) -> dict[str, Any]:
        key = (language, media)
        if key not in self._common:
            values = campaign_values(self._campaign, language)
            if self._session:
                values["session"] = self._session
            stop = pick(self._campaign.stop.get(media, {}), language, self._campaign.language)
            values["stop"] = self._render(stop[1], values).strip() if stop else ""
            self._common[key] = values
        return self._common[key]

    def _contact(self, recipient: Recipient) -> dict[str, Any]:
        code = recipient.region
        return {
            **recipient.attributes,
            "name": proper(recipient.name),
            "first_name": given(recipient.name),
            "salutation": recipient.salutation or "Bapak/Ibu",
            "group": self._group(recipient),
            "role": recipient.role.replace("-", " ").title(),
            "region": _name(code) if code.count(".") == 3 else "",
            "kecamatan": _name(code[:8]) if code.count(".") >= 2 else "",
            "city": _name(code[:5]) if "." in code else "",
            "rt": recipient.rt if recipient.rt is not None else "",
            "rw": recipient.rw if recipient.rw is not None else "",
            "language": recipient.language or self._campaign.language,
        }

    def _group(self, recipient: Recipient) -> str:
        """The group through which the person was selected."""
        for group in self._groups:
            if group in recipient.groups:
                return group
        return recipient.groups[0] if recipient.groups else ""


def _name(code: str) -> str:
    try:
        return region.name(code)
    except KeyError:
        return ""
