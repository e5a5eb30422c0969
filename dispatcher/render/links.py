"""Links in a text, for the lint rules on shorteners and on pages of parties and candidates."""

from __future__ import annotations

from urllib.parse import urlsplit

from dispatcher.core.urls import URL


def find_urls(text: str) -> list[str]:
    """Links in reading order, as written, without the punctuation that ends a sentence."""
    return [match[0].rstrip(".,;:!?)]}\"'") for match in URL.finditer(text)]


def host_of(url: str) -> str:
    """The host in lower case, without `www.`, user and port; empty where there is none."""
    try:
        host = urlsplit(url if "://" in url else "//" + url).hostname or ""
    except ValueError:
        return ""
    return host.rstrip(".").removeprefix("www.")
