"""What was approved is what is sent: one hash over all that shapes it (invariant 10).

Covered: the campaign as read, included templates, the name, channel and From of each sender it uses, the fetched hash
of templates that a provider holds, where personal links lead if a text has any, and the sessions as they stand: of one
that only `live: [session]` steps use, the title alone. Not covered: credentials, rates, base_url, the weights among
senders, and how the YAML is laid out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dispatcher.campaign.model import Campaign, Hop, Session
from dispatcher.campaign.senders import SenderFacts
from dispatcher.campaign.standing import LIVE, all_live

SHOWN: Final = 16
#: Raised when the meaning of the hashed form changes, so that an old approval never fits a new meaning.
FORM: Final = 2


def fingerprint(
    campaign: Campaign,
    sources: Mapping[str, str],
    senders: Mapping[str, SenderFacts],
    provider_templates: Mapping[str, str] | None = None,
    links: Mapping[str, Any] | None = None,
) -> str:
    """64 hexadecimal digits. `campaign`: with its sessions as they stand (`standing.settled`).

    `provider_templates`: template id → hash of what the provider holds; `links`: where those in texts lead.
    """
    used = provider_template_ids(campaign)
    covered: dict[str, Any] = {
        "form": FORM,
        "campaign": _campaign(campaign),
        "sources": dict(sources),
        "senders": {name: _sender(senders.get(name)) for name in sender_names(campaign)},
        "provider_templates": {key: value for key, value in (provider_templates or {}).items() if key in used},
    }
    if links:
        covered["links"] = links
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


def _campaign(campaign: Campaign) -> dict[str, Any]:
    form = campaign.model_dump(mode="json")
    form["variables"] = {name: [type(value).__name__, str(value)] for name, value in campaign.variables.items()}
    form["sessions"] = {slug: _session(campaign, slug, session) for slug, session in campaign.sessions.items()}
    for hop in _dumped_hops(form):
        hop["senders"] = sorted(hop["senders"])
    return form


def _dumped_hops(form: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from form["route"]
    for step in form["steps"]:
        yield from step["route"]


def _session(campaign: Campaign, slug: str, session: Session) -> dict[str, Any]:
    return session.model_dump(mode="json", exclude=set(LIVE) if all_live(campaign, slug) else None)
