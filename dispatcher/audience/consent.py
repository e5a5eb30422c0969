"""Who may be messaged: consent per purpose and medium, and refusals, which always win (invariant 14)."""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.audience.recipient import ANY, Point, Recipient


def has_consent(consents: Mapping[tuple[str, str], bool], purpose: str, media: str) -> bool:
    """The most specific word counts: this purpose on this medium, this purpose, this medium, everything."""
    for key in ((purpose, media), (purpose, ANY), (ANY, media), (ANY, ANY)):
        granted = consents.get(key)
        if granted is not None:
            return granted
    return False


def may_message(consents: Mapping[tuple[str, str], bool], purpose: str, media: str, rule: str) -> bool:
    """`rule`: the campaign's `consent`. Where it is `not-required`, only an explicit no counts."""
    if has_consent(consents, purpose, media):
        return True
    return rule == "not-required" and not any(granted is False for granted in consents.values())


def has_refused(recipient: Recipient, point: Point, purpose: str) -> bool:
    """A plain STOP covers all purposes of a number."""
    purposes = recipient.refused.get(point.address_hash)
    return purposes is not None and (ANY in purposes or purpose in purposes)
