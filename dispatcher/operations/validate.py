"""Everything that can be said about a campaign file without a database and without a network.

`campaign validate` prints it; plan and apply refuse a file with errors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from dispatcher.audience.groups import GROUPS
from dispatcher.audience.selection import AttributeType, SelectionProblem, parse
from dispatcher.campaign.context import ExpressionProblem, Known, LintContext
from dispatcher.campaign.loader import Loaded, load_campaign
from dispatcher.campaign.rules import lint
from dispatcher.campaign.senders import SenderFacts
from dispatcher.campaign.standing import Table, settled
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.operations.text_facts import text_facts

if TYPE_CHECKING:
    from dispatcher.settings.model import Settings

NOTHING_KNOWN: Final = Known()
_UNKNOWN_ATTRIBUTE: Final = "selection-unknown"


def validate_file(
    path: str | FilePath, *, now_us: int, known: Known = NOTHING_KNOWN
) -> tuple[Loaded, list[Diagnostic]]:
    """The campaign and all that is to be said about it, in the order of the file. Raises UsageError for no file.

    The campaign comes back with its sessions as they stand, as far as `known` has them.
    """
    loaded = load_campaign(path)
    if loaded.campaign is None:
        return loaded, loaded.diagnostics
    campaign = settled(loaded.campaign, known.sessions or {})
    bare = LintContext(loaded, campaign, now_us, known)
    context = LintContext(loaded, campaign, now_us, known, text_facts(bare))
    found = [*loaded.diagnostics, *lint(context)]
    return replace(loaded, campaign=campaign), sorted(
        dict.fromkeys(found), key=lambda d: (d.file != loaded.file, d.file, d.line, d.column)
    )


def known_from(
    settings: Settings | None,
    senders: Mapping[str, SenderFacts] | None = None,
    campaigns: Collection[str] | None = None,
    sessions: Table | None = None,
    link_base: str | None = None,
) -> Known:
    """What an installation knows. Without settings, nothing is said about senders and attributes.

    `link_base`: see operations/linking.py.
    """
    attributes: Mapping[str, AttributeType] | None = settings.attributes if settings else None
    groups = frozenset(GROUPS) | frozenset(settings.groups if settings else ())
    return Known(
        groups=groups,
        purposes=frozenset(settings.purposes) if settings else None,
        caps=settings.caps if settings else None,
        attributes=attributes,
        campaigns=None if campaigns is None else frozenset(campaigns),
        senders=senders,
        sessions=sessions,
        link_base=link_base,
        max_segments=settings.sms_max_segments if settings else NOTHING_KNOWN.max_segments,
        check_expression=lambda text: check_expression(text, attributes, groups),
    )


def check_expression(
    text: str, attributes: Mapping[str, AttributeType] | None, groups: Collection[str] | None
) -> list[ExpressionProblem]:
    """What is wrong with a `where:`. Without declared attributes, every name in it counts as known."""
    declared = attributes if attributes is not None else {}
    try:
        parse(text, declared, groups=groups)
    except SelectionProblem as problem:
        if attributes is None and problem.code == _UNKNOWN_ATTRIBUTE:
            return []
        return [ExpressionProblem(str(problem), problem.line, problem.column, problem.hint)]
    return []
