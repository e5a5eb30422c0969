"""Provider-held templates: the parameters given fit the placeholders of the approved text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dispatcher.campaign.context import LintContext
from dispatcher.campaign.model import ProviderTemplate
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import routes_as_written
from dispatcher.core.diagnostics import Diagnostic

CODES: Final = {
    "parameter-missing": "The approved text has a placeholder that no parameter fills.",
    "parameter-unused": "A parameter fits no placeholder of the approved text.",
    "parameter-positions": "Numbered parameters do not count 1, 2, 3 …, or are mixed with named ones.",
    "parameter-form": "A parameter holds a line break, a tab or many spaces; WhatsApp refuses those.",
    "template-body": "The approved text is not given, so that previews and lint cannot see it.",
}
_REFUSED: Final = re.compile(r"[\n\t]| {5}")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check(context: LintContext) -> Iterator[Diagnostic]:
    for path, route in routes_as_written(context.campaign):
        for index, hop in enumerate(route):
            for language, template in hop.template.items():
                place = (*path, index, "template", *((language,) if language else ()))
                yield from _check_template(context, place, template)


def _check_template(context: LintContext, path: Path, template: ProviderTemplate) -> Iterator[Diagnostic]:
    yield from _positions(context, (*path, "parameters"), list(template.parameters))
    for name, value in template.parameters.items():
        if _REFUSED.search(value.strip()):
            message = "a parameter may hold no line break, no tab, and no more than four spaces in a row"
            yield context.at((*path, "parameters", name), "parameter-form", "error", message)
    if not template.body:
        hint = "copy the approved text into `body:`"
        message = "the text of this template is not given: previews cannot show it"
        yield context.at((*path, "id"), "template-body", "info", message, hint=hint)
        return
    wanted, given = set(_PLACEHOLDER.findall(template.body)), set(template.parameters)
    for name in sorted(wanted - given):
        message = f"the approved text asks for {{{{{name}}}}}, and no parameter fills it"
        yield context.at((*path, "body"), "parameter-missing", "error", message, hint=f'add "{name}" to `parameters:`')
    for name in sorted(given - wanted):
        message = f"the approved text has no {{{{{name}}}}}"
        yield context.at((*path, "parameters", name), "parameter-unused", "error", message, hint="remove it", key=True)


def _positions(context: LintContext, path: Path, names: list[str]) -> Iterator[Diagnostic]:
    numbered = {name for name in names if name.isdigit()}
    if numbered and numbered != {str(number) for number in range(1, len(names) + 1)}:
        message = "numbered parameters count 1, 2, 3 … without gaps, and are not mixed with names"
        yield context.at(path, "parameter-positions", "error", message, key=True)
