"""What people read: texts that are there, in their language, of a sensible length, in the cheaper encoding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from dispatcher.campaign.context import LintContext, Rendered
from dispatcher.campaign.positions import Path
from dispatcher.campaign.rules.audience import LANGUAGES
from dispatcher.campaign.rules.walk import hops_by_text, hops_of, media_of, sender_facts
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.suggest import did_you_mean

CODES: Final = {
    "text-empty": "A text has no content.",
    "text-language": "A text is given for a language that is not known.",
    "text-fallback": "A text is missing in the campaign's own language, which others fall back to.",
    "text-segments": "An SMS takes more parts than is usual; each part is paid.",
    "text-too-long": "A text is longer than the medium or the settings allow.",
    "text-unicode": "Characters outside the GSM alphabet make an SMS dearer; they can be replaced.",
    "text-unicode-needed": "Characters outside the GSM alphabet make an SMS dearer.",
}
USUAL_SEGMENTS: Final = 2


def check(context: LintContext) -> Iterator[Diagnostic]:
    yield from _languages(context)
    hops = hops_by_text(context)
    for path, facts in context.texts.items():
        if not facts.text.source.strip():
            yield context.at(path, "text-empty", "error", "this text is empty")
        elif facts.rendered is not None and not facts.rendered.body.strip():
            yield context.at(path, "text-empty", "error", "this text is empty once it is rendered")
        elif facts.rendered is not None and facts.text.kind == "text":
            taking = hops.get(path, [])
            if not taking or any(media_of(context, h.hop) != {"whatsapp"} for h in taking):
                yield from _sms(context, path, facts.rendered)
            limits = [sender.max_characters for h in taking for sender in sender_facts(context, h.hop)]
            yield from _characters(context, path, facts.rendered, min(limits, default=0))


def _languages(context: LintContext) -> Iterator[Diagnostic]:
    for path, by_language in _by_language(context):
        for language in by_language:
            if language and language not in LANGUAGES:
                message = f'"{language}" is not a language that texts are written in'
                hint = did_you_mean(language, LANGUAGES, f"one of: {', '.join(LANGUAGES)}")
                yield context.at((*path, language), "text-language", "error", message, hint=hint, key=True)
        own = context.campaign.language
        if by_language and "" not in by_language and own not in by_language:
            message = f"there is no text in `{own}`, the language of the campaign"
            hint = f"add `{own}:`, or change `language:` of the campaign"
            yield context.at(path, "text-fallback", "error", message, hint=hint, key=True)


def _by_language(context: LintContext) -> Iterator[tuple[Path, Mapping[str, object]]]:
    campaign, seen = context.campaign, set[Path]()
    yield from ((("stop", medium), texts) for medium, texts in campaign.stop.items())
    for index, answer in enumerate(campaign.answers):
        yield ("answers", index, "reply"), answer.reply
        yield ("answers", index, "reply_waiting"), answer.reply_waiting
    yield from ((("steps", index, "text"), step.text) for index, step in enumerate(campaign.steps))
    for step_hop in hops_of(campaign):
        if step_hop.path not in seen:
            seen.add(step_hop.path)
            yield (*step_hop.path, "text"), step_hop.hop.text
            yield (*step_hop.path, "template"), step_hop.hop.template


def _sms(context: LintContext, path: Path, rendered: Rendered) -> Iterator[Diagnostic]:
    parts, limit = rendered.segments, context.known.max_segments
    if parts > limit:
        message = f"as SMS, this text takes {parts} parts; at most {limit} are allowed"
        yield context.at(path, "text-too-long", "error", message, hint=_shorten(rendered))
    elif parts > USUAL_SEGMENTS:
        message = f"as SMS, this text takes {parts} parts, and each is paid"
        yield context.at(path, "text-segments", "warning", message, hint=_shorten(rendered))
    if rendered.unicode:
        yield _unicode(context, path, rendered)


def _shorten(rendered: Rendered) -> str:
    alone, part = (160, 153) if rendered.encoding == "gsm7" else (70, 67)
    return f"shorten it: one part holds {alone} characters, several hold {part} each"


def _unicode(context: LintContext, path: Path, rendered: Rendered) -> Diagnostic:
    shown = ", ".join(_replacement(character, other) for character, other in rendered.unicode[:5])
    if all(other is not None for _, other in rendered.unicode):
        message = "typographic characters make this SMS Unicode: 70 characters a part, not 160"
        return context.at(path, "text-unicode", "warning", message, hint=f"replace {shown}")
    message = "this SMS is Unicode: 70 characters a part, not 160"
    return context.at(path, "text-unicode-needed", "info", message, hint=f"because of {shown}")


def _replacement(character: str, other: str | None) -> str:
    shown = f"{character} (U+{ord(character):04X})" if character.strip() else f"U+{ord(character):04X}"
    if other is None:
        return shown
    return f"{shown} by {other!r}" if other else f"{shown} by nothing"


def _characters(context: LintContext, path: Path, rendered: Rendered, limit: int) -> Iterator[Diagnostic]:
    if limit and len(rendered.body) > limit:
        message = f"this text has {len(rendered.body):,} characters; its sender takes {limit:,}"
        yield context.at(path, "text-too-long", "error", message, hint="shorten it")
