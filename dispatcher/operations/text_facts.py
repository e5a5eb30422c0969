"""What the texts of a campaign do when they are rendered for a made-up person: the facts that lint rules judge.

All texts go through one child process first; only what came out of it whole is looked at in this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from dispatcher.campaign.context import LintContext, Problem, Rendered, TextFacts, Use
from dispatcher.campaign.model import Session
from dispatcher.campaign.names import CONTACT, LINKS, campaign_values, sample_contact, sample_session, session_values
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.walk import hops_by_text, media_of, paths_by_step, prefixes
from dispatcher.campaign.sources import references
from dispatcher.campaign.texts import Text, pick, texts_of
from dispatcher.core.segments import measure, replacements
from dispatcher.render.checked import check_in_child
from dispatcher.render.personal import SAMPLE_BASE, LinkTerms, altered
from dispatcher.render.problem import TemplateProblem
from dispatcher.render.sandbox import Templates
from dispatcher.render.variables import used_variables

#: Problems that leave a template readable, so that its variables can still be listed.
_HARMLESS: Final = frozenset({"template-undefined", "template-value"})
_ATTRIBUTE: Final = re.compile(r"\bcontact\s*(?:\.\s*|\[\s*[\"'])(\w+)")
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


Check = Callable[[Sequence[tuple[str, str]], Mapping[str, str], Mapping[str, Any]], list[TemplateProblem]]


def text_facts(context: LintContext, check: Check = check_in_child) -> Mapping[Path, TextFacts]:
    """Facts on every text, by its place. `context` needs none of them yet."""
    texts = list(texts_of(context.campaign))
    samples = _Samples(context, texts)
    templates = [text for text in texts if text.kind != "body"]
    problems = _problems(context, templates, samples, check)
    reader = _Reader(context, samples, Templates(context.loaded.sources), frozenset(problems))
    facts = {text.path: reader.facts(text, problems.get(text.name, [])) for text in templates}
    bodies = {text.path: _body(text, facts) for text in texts if text.kind == "body"}
    return {text.path: facts.get(text.path) or bodies[text.path] for text in texts}


class _Samples:
    """Values for rendering, by language and medium."""

    def __init__(self, context: LintContext, texts: list[Text]) -> None:
        self._context = context
        sources = [*(text.source for text in texts), *context.loaded.sources.values()]
        mentioned = {name for source in sources for name in _ATTRIBUTE.findall(source)} - set(CONTACT)
        declared = context.known.attributes
        self._attributes = dict.fromkeys(mentioned, "text") if declared is None else dict(declared)

    def values(self, language: str, session: Session | None = None) -> dict[str, Any]:
        campaign = self._context.campaign
        return {
            **campaign_values(campaign, language or campaign.language),
            **LinkTerms(self._context.known.link_base or SAMPLE_BASE).values(passes_on=True),
            "contact": sample_contact(language or campaign.language, self._attributes),
            "session": session_values(campaign, session or sample_session(campaign)),
        }

    def values_of_all(self) -> dict[str, Any]:
        """One set for the child, which takes all texts at once."""
        return {**self.values(""), "stop": "stop"}


class _Reader:
    def __init__(self, context: LintContext, samples: _Samples, templates: Templates, refused: frozenset[str]) -> None:
        self._context = context
        self._samples = samples
        self._templates = templates
        self._refused = refused  # by the child process: never tried in this one
        self._hops = hops_by_text(context)
        self._slugs: dict[Path, dict[str, None]] = {}
        for path, step in paths_by_step(context):
            self._slugs.setdefault(path, {}).update(dict.fromkeys(step.sessions))

    def facts(self, text: Text, problems: list[Problem]) -> TextFacts:
        if {problem.code for problem in problems} - _HARMLESS:
            return TextFacts(text, (), tuple(problems))
        uses = tuple(self._uses(text))
        problems = [*problems, *self._altered_links(text, uses)]
        if problems:
            return TextFacts(text, uses, tuple(problems))
        try:
            bodies = [self._render(text, session) for session in self._sessions(text)]
        except TemplateProblem as problem:
            return TextFacts(text, uses, (_as_problem(problem, self._context),))
        return TextFacts(text, uses, (), max(map(rendered, bodies), key=lambda one: (one.segments, len(one.body))))

    def _uses(self, text: Text) -> Iterator[Use]:
        try:
            for use in used_variables(text.source, self._context.loaded.sources):
                yield Use(use.name, use.line, use.column, use.template)
        except TemplateProblem:
            return  # told already, at the file it stands in

    def _altered_links(self, text: Text, uses: Iterable[Use]) -> Iterator[Problem]:
        if any(use.name in LINKS for use in uses):
            for use in altered(text.source, self._context.loaded.sources):
                hint = f"write {{{{ {use.name} }}}}, or ask {{% if {use.name} %}}"
                yield Problem("template-personal-link", f"`{use.name}` is changed here", use.line, hint, use.template)

    def _render(self, text: Text, session: Session | None) -> str:
        values = {**self._samples.values(text.language, session), "stop": self._stop(text)}
        return self._templates.compile(text.source, text.name).render(values)

    def _sessions(self, text: Text) -> list[Session | None]:
        """Each that the text goes with, since one may lack what another has; None stands for a made-up one."""
        declared = self._context.campaign.sessions
        slugs = dict.fromkeys(slug for prefix in prefixes(text.path) for slug in self._slugs.get(prefix, ()))
        return [declared[slug] for slug in slugs if slug in declared] or [None]

    def _stop(self, text: Text) -> str:
        """The longest way to stop among the media that this text may travel by."""
        campaign, language = self._context.campaign, text.language or self._context.campaign.language
        media = {medium for hop in self._hops.get(text.path, ()) for medium in media_of(self._context, hop.hop)}
        ways = []
        for medium, texts in campaign.stop.items():
            way = pick(texts, language, campaign.language) if medium in media or not media else None
            if way is not None and "/".join(filter(None, ("stop", medium, way[0]))) not in self._refused:
                ways.append(self._plain(way[1], language))
        return max(ways, key=len, default="")

    def _plain(self, source: str, language: str) -> str:
        try:
            return self._templates.compile(source, "stop").render(self._samples.values(language))
        except TemplateProblem:
            return ""


def rendered(body: str) -> Rendered:
    size = measure(body)
    return Rendered(body, size.encoding, size.segments, tuple(_unicode(character for character, _ in size.forced_by)))


def _unicode(characters: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    for character in characters:
        other = replacements(character)
        yield character, (other if measure(other).encoding == "gsm7" else None)


def _problems(context: LintContext, texts: list[Text], samples: _Samples, check: Check) -> dict[str, list[Problem]]:
    """By name of the text; a problem within an included file is told once, at that file."""
    found: dict[str, list[Problem]] = {}
    names = {text.name for text in texts}
    sources = [(text.name, text.source) for text in texts]
    for problem in check(sources, context.loaded.sources, samples.values_of_all()) if texts else ():
        name = problem.template if problem.template in names else _including(texts, problem.template)
        found.setdefault(name, []).append(_as_problem(problem, context))
    return found


def _as_problem(problem: TemplateProblem, context: LintContext) -> Problem:
    template = problem.template if problem.template in context.loaded.sources else ""
    return Problem(problem.code, problem.message, problem.line, problem.hint, template)


def _including(texts: list[Text], template: str) -> str:
    """The text that names an included file; the first of all where it is named in turn by another file."""
    naming = (text.name for text in texts if any(r.name == template for r in references(text.source)))
    return next(naming, texts[0].name)


def _body(text: Text, facts: Mapping[Path, TextFacts]) -> TextFacts:
    """The provider's text with our parameters in it, for previews and for the rules on wording."""

    def value(match: re.Match[str]) -> str:
        parameter = facts.get((*text.path[:-1], "parameters", match[1]))
        return parameter.rendered.body if parameter and parameter.rendered else match[0]

    return replace(TextFacts(text), rendered=rendered(_PLACEHOLDER.sub(value, text.source)))
