"""What changed between the revision that is applied and a file, or the newest plan: for the person who approves it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from dispatcher.campaign.fingerprint import short
from dispatcher.core.errors import UsageError
from dispatcher.operations.context import Context
from dispatcher.operations.plan import load_revision
from dispatcher.operations.revision import Revision
from dispatcher.store.campaigns import newest_plan, require_campaign
from dispatcher.store.plans import plan_by_id

_CONTEXT_LINES = 2


def diff_campaign(context: Context, slug: str, path: Path | None = None) -> dict[str, Any]:
    """Unified and readable: only what was said, without defaults. CampaignError where the file has errors."""
    with context.database.read() as connection:
        campaign = require_campaign(connection, slug)
        applied = Revision.from_document(plan_by_id(connection, campaign.plan_id).document)
        planned = newest_plan(connection, slug)
    if path is not None:
        other, name = load_revision(context, path)[0], str(path)
    else:
        other, name = Revision.from_document(planned.document), "newest plan"
    if other.campaign.campaign != slug:
        raise UsageError("other-campaign", f"{name} is the campaign {other.campaign.campaign}, not {slug}")
    lines = difflib.unified_diff(
        list(_lines(applied)),
        list(_lines(other)),
        f"applied {short(applied.fingerprint)}",
        f"{name} {short(other.fingerprint)}",
        n=_CONTEXT_LINES,
    )
    return {
        "campaign": slug,
        "applied": applied.fingerprint,
        "other": other.fingerprint,
        "changed": applied.fingerprint != other.fingerprint,
        "diff": "".join(lines),
    }


def _lines(revision: Revision) -> Iterator[str]:
    """The campaign as YAML with its sessions as they stood, its templates, and the senders as people see them."""
    yield from _yaml(revision.campaign.model_dump(mode="json", exclude_defaults=True))
    for name, source in sorted(revision.sources.items()):
        yield f"template {name}\n"
        yield from (f"  {line}\n" for line in source.splitlines())
    for template_id, digest in sorted(revision.provider_templates.items()):
        yield f"provider's template {template_id}: {short(digest)}\n"
    for name, facts in sorted(revision.senders.items()):
        yield f"sender {name}: {facts.channel}, from {facts.identity or '-'}\n"


def _yaml(document: Mapping[str, Any]) -> list[str]:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 10_000
    out = StringIO()
    yaml.dump(_plain(document), out)
    return out.getvalue().splitlines(keepends=True)


def _plain(node: Any) -> Any:
    """Long texts as blocks, so that one changed line is one changed line."""
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return LiteralScalarString(node) if isinstance(node, str) and "\n" in node else node
