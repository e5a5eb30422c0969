"""What a campaign may rely on of a configured sender."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.core.media import Media


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """What a campaign may rely on of one configured sender. No credentials, no rate."""

    name: str
    channel: str
    media: Media
    identity: str = ""
    """The From that people see: a number or a name; a Messaging Service where it chooses."""

    free_text: bool = True
    templates: bool = False
    max_characters: int = 1600
    countries: tuple[str, ...] = ()
