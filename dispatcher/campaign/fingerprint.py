"""What was approved is what is sent: one hash over all that shapes it (invariant 10).

Covered: the campaign as read, included templates, the name, channel and From of each sender it uses, the fetched hash
of templates that a provider holds, and place and time of sessions, unless every step that uses a session says
`live: [session]`. Not covered: credentials, rates, base_url, the weights among senders, and how the YAML is laid out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dispatcher.campaign.model import Campaign, Hop, Session
from dispatcher.campaign.senders import SenderFacts

SHOWN: Final = 16
#: Raised when the meaning of the hashed form changes, so that an old approval never fits a new meaning.
FORM: Final = 1
_PLACE_AND_TIME: Final = ("place", "address", "region", "starts", "ends")


def fingerprint(
    campaign: Campaign,
    sources: Mapping[str, str],
    senders: Mapping[str, SenderFacts],
    provider_templates: Mapping[str, str] | None = None,
    sessions: Mapping[str, Session] | None = None,
) -> str:
    """64 hexadecimal digits. `provider_templates`: template id → hash of what the provider holds.

    `sessions`: as they stand now, where they were changed after the file was written; else the file's.
    """
    used = provider_template_ids(campaign)
    covered = {
        "form": FORM,
        "campaign": _campaign(campaign, {**campaign.sessions, **(sessions or {})}),
        "sources": dict(sources),
        "senders": {name: _sender(senders.get(name)) for name in sender_names(campaign)},
        "provider_templates": {key: value for key, value in (provider_templates or {}).items() if key in used},
    }
    canonical = json.dumps(covered, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def short(full: str) -> str:
    """The form shown to people; commands accept it wherever it is unambiguous."""
    return full[:SHOWN]


def sender_names(campaign: Campaign) -> list[str]:
    """Every sender that a step of the campaign may use, sorted."""
    return sorted({name for hop in _hops(campaign) for name in hop.senders})


def provider_template_ids(campaign: Campaign) -> frozenset[str]:
    return frozenset(template.id for hop in _hops(campaign) for template in hop.template.values())


def _hops(campaign: Campaign) -> Iterator[Hop]:
    yield from campaign.route
    for step in campaign.steps:
        yield from step.route


def _sender(facts: SenderFacts | None) -> list[str] | None:
    return [facts.channel, facts.identity] if facts else None


def _campaign(campaign: Campaign, sessions: Mapping[str, Session]) -> dict[str, Any]:
    form = campaign.model_dump(mode="json")
    form["variables"] = {name: [type(value).__name__, str(value)] for name, value in campaign.variables.items()}
    form["sessions"] = {slug: _session(campaign, slug, sessions[slug]) for slug in campaign.sessions}
    for hop in _dumped_hops(form):
        hop["senders"] = sorted(hop["senders"])
    return form


def _dumped_hops(form: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from form["route"]
    for step in form["steps"]:
        yield from step["route"]


def _session(campaign: Campaign, slug: str, session: Session) -> dict[str, Any]:
    using = [step for step in campaign.steps if slug in step.sessions]
    live = bool(using) and all("session" in step.live for step in using)
    return session.model_dump(mode="json", exclude=set(_PLACE_AND_TIME) if live else None)
