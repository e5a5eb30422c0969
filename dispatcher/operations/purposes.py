"""Purposes as commands get them: "*" is every purpose, any other has to be declared where the settings declare any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.audience.recipient import ANY
from dispatcher.core.errors import UsageError
from dispatcher.core.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from dispatcher.settings.model import Settings


def require_purpose(settings: Settings, purpose: str) -> None:
    """UsageError for one that nobody can have agreed to."""
    known = settings.purposes
    if known and purpose != ANY and purpose not in known:
        hint = did_you_mean(purpose, known, f"Known: {listed(known)}; more are declared in the settings.")
        raise UsageError("unknown-purpose", f'there is no purpose "{purpose}"', hint)


def purpose_label(settings: Settings, purpose: str, language: str) -> str:
    """As people read it; the purpose itself where the settings say nothing of it."""
    declared = settings.purposes.get(purpose)
    return declared.in_language(language) if declared else purpose
