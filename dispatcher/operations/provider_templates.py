"""Templates that providers hold, as they hold them now: what enters the fingerprint, and what does not fit."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dispatcher.campaign.loader import Loaded
from dispatcher.campaign.model import Campaign, ProviderTemplate
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import routes_as_written
from dispatcher.core.diagnostics import Diagnostic, Severity
from dispatcher.core.errors import ProviderError
from dispatcher.operations.channels import Channels
from dispatcher.settings import Environment
from dispatcher.spi import Absent, Channel, HeldTemplate, TemplateResult, Undecided
from dispatcher.spi.http import PooledClient

CODES: Final = {
    "template-absent": "The provider does not hold this template.",
    "template-unapproved": "The provider holds this template, and has not approved it.",
    "template-tongue": "The provider holds this template in another language.",
    "template-parameters": "The template takes other parameters than it is given.",
    "template-differs": "The text that the provider holds is not that of `body:`.",
}
_SPACE: Final = re.compile(r"\s+")

Asked = tuple[str, str]
"""A sender and the id of a template."""


@dataclass(frozen=True, slots=True)
class Use:
    """One template as the campaign routes it. `path`: where it is written."""

    path: Path
    sender: str
    template: ProviderTemplate


@dataclass(slots=True)
class Answers:
    """What providers said. `problems`: senders that could not be asked, with the reason."""

    results: dict[Asked, TemplateResult] = field(default_factory=dict)
    problems: dict[str, ProviderError] = field(default_factory=dict)


def uses_of(campaign: Campaign) -> list[Use]:
    found = []
    for path, route in routes_as_written(campaign):
        for index, hop in enumerate(route):
            for language, template in hop.template.items():
                place = (*path, index, "template", *((language,) if language else ()))
                found += [Use(place, sender, template) for sender in hop.senders]
    return found


def ask_for_templates(environment: Environment, channels: Channels, campaign: Campaign) -> Answers:
    """Each template once of each sender that routes it, all at once; senders that cannot be asked are left out."""
    wanted: dict[str, list[str]] = {}
    for use in uses_of(campaign):
        wanted.setdefault(use.sender, []).append(use.template.id)
    return asyncio.run(_ask_all(environment, channels, wanted)) if wanted else Answers()


async def _ask_all(environment: Environment, channels: Channels, wanted: Mapping[str, Iterable[str]]) -> Answers:
    answers, http = Answers(), PooledClient()
    try:
        await asyncio.gather(*(_ask(answers, environment, channels, http, *one) for one in wanted.items()))
    finally:
        await http.close()
    return answers


async def _ask(
    answers: Answers, environment: Environment, channels: Channels, http: PooledClient, name: str, ids: Iterable[str]
) -> None:
    settings = environment.settings.senders.get(name)
    if settings is None or not channels.get(settings.channel).capabilities.template_query:
        return
    try:
        channel = channels.open(name, settings, environment, http)
    except ProviderError as error:
        answers.problems[name] = error
        return
    try:
        for template_id in dict.fromkeys(ids):
            answers.results[name, template_id] = result = await _one(channel, template_id)
            if isinstance(result, Undecided):
                answers.problems[name] = _unanswered(name, template_id, result)
                return
    finally:
        await channel.close()


async def _one(channel: Channel[Any], template_id: str) -> TemplateResult:
    try:
        return await channel.template(template_id)
    except Exception as error:  # anyone's adapter: one that breaks has not told us anything
        return Undecided(f"the adapter failed ({type(error).__name__})")


def _unanswered(name: str, template_id: str, result: Undecided) -> ProviderError:
    message = f"sender {name}: its provider could not be asked for the template {template_id}: {result.detail}"
    return ProviderError("template-unknown", message, f"See: dispatcher channel check {name}. Then try again.")


def hashes(answers: Answers) -> dict[str, str]:
    """Template id → what its providers hold; several accounts with several texts are one hash too (invariant 10)."""
    digests: dict[str, set[str]] = {}
    for (_, template_id), result in answers.results.items():
        if isinstance(result, HeldTemplate):
            digests.setdefault(template_id, set()).add(result.digest)
    return {template_id: _joined(sorted(found)) for template_id, found in digests.items()}


def _joined(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def template_diagnostics(loaded: Loaded, answers: Answers) -> list[Diagnostic]:
    """What does not fit, at the place in the file where the template stands."""
    if loaded.campaign is None:
        return []
    found = []
    for use in uses_of(loaded.campaign):
        result = answers.results.get((use.sender, use.template.id))
        if result is not None and not isinstance(result, Undecided):
            found += _Fit(loaded, use).diagnostics(result)
    return list(dict.fromkeys(found))


class _Fit:
    """One template against what one sender's provider holds."""

    def __init__(self, loaded: Loaded, use: Use) -> None:
        self._loaded = loaded
        self._use = use

    def diagnostics(self, result: HeldTemplate | Absent) -> list[Diagnostic]:
        template, sender = self._use.template, self._use.sender
        if isinstance(result, Absent):
            hint = "copy its id from the provider's console, or make it there and have it approved"
            return [self._at("id", "template-absent", f"{sender}'s provider holds no template {template.id}", hint)]
        found = []
        if not result.approved:
            why = f" ({result.reason})" if result.reason else ""
            message = f"the template is not approved: its provider says {result.state}{why}"
            found.append(self._at("id", "template-unapproved", message, "wait for its approval, or use another"))
        if result.language and _tongue(result.language) != _tongue(template.language):
            message = f"the provider holds this template in {result.language}, not in {template.language}"
            found.append(self._at("language", "template-tongue", message, f"write language: {result.language}"))
        return [*found, *self._parameters(result), *self._text(result)]

    def _parameters(self, result: HeldTemplate) -> list[Diagnostic]:
        given = set(self._use.template.parameters)
        if result.parameters is None or result.parameters - result.optional <= given <= result.parameters:
            return []
        told = [
            *(f"{{{{{name}}}}} is not filled" for name in sorted(result.parameters - given - result.optional)),
            *(f"it has no {{{{{name}}}}}" for name in sorted(given - result.parameters)),
        ]
        message = f"the template takes {len(result.parameters)} parameter(s), and is given {len(given)}: "
        return [self._at("parameters", "template-parameters", message + ", ".join(told), "fill exactly those it has")]

    def _text(self, result: HeldTemplate) -> list[Diagnostic]:
        body = self._use.template.body
        if not body or not result.text or _plain(body) == _plain(result.text):
            return []
        message = "the provider holds another text than `body:`, so that previews and lint see the wrong one"
        return [self._at("body", "template-differs", message, "copy the approved text into `body:`", "warning")]

    def _at(self, key: str, code: str, message: str, hint: str, severity: Severity = "error") -> Diagnostic:
        positions, path = self._loaded.positions, (*self._use.path, key)
        line, column = positions.position_of_key(path) if key == "parameters" else positions.position_of(path)
        return Diagnostic(code, severity, message, self._loaded.file, line, column, hint)


def _tongue(code: str) -> str:
    return code.replace("-", "_").lower()


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def require_templates(environment: Environment, channels: Channels, campaign: Campaign) -> Answers:
    """As `ask_for_templates`; ProviderError (exit 7) where a provider that has to be asked could not be.

    UsageError where a channel does not load.
    """
    answers = ask_for_templates(environment, channels, campaign)
    for _, error in sorted(answers.problems.items()):
        raise error
    return answers
