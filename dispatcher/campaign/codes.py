"""Every code that a campaign file can be reported with. `python -m dispatcher.campaign.codes` prints them."""

from __future__ import annotations

import sys
from typing import Final

from dispatcher.campaign.rules import RULES

#: What the loader finds, before there is a campaign to lint.
LOADER: Final = {
    "yaml-syntax": "The YAML cannot be read.",
    "yaml-tab": "A tab is used to indent.",
    "yaml-key": "A key is no word; often a text that begins with `{{` and is not in quotes.",
    "yaml-duplicate": "A key is given twice.",
    "yaml-anchor": "Anchors (`&`) and aliases (`*`) are not used here.",
    "yaml-tag": "Tags (`!`) are not used here.",
    "yaml-directive": "Directives (`%`), or another version of YAML than 1.2.",
    "yaml-documents": "The file holds more than one document (`---`).",
    "yaml-depth": "Too many levels inside each other.",
    "yaml-size": "The file or the number of its values is too large.",
    "yaml-character": "A control character.",
    "yaml-encoding": "The file is not UTF-8.",
    "yaml-empty": "The file is empty.",
    "unknown-key": "A key that does not exist here.",
    "missing-key": "A key that must be given.",
    "empty-value": "A key without a value.",
    "invalid-value": "A value that does not fit its key.",
    "invalid-name": "A name with other signs than small letters, digits and hyphens.",
    "unquoted-number": "A number where a text is meant: it needs quotes, or it loses its zero or its plus sign.",
    "yes-no": "`yes`, `no` and the like, which mean a word to some and true or false to others.",
    "template-missing": "An included template file that cannot be read.",
    "template-outside": "An included template file outside the folder `templates`.",
    "template-link": "An included template file behind a symbolic link.",
    "template-size": "An included template file that is too large.",
    "template-encoding": "An included template file that is not UTF-8.",
}


def all_codes() -> dict[str, str]:
    """Code → meaning: the loader's, then each rule's in the order in which they run."""
    codes = dict(LOADER)
    for rule in RULES:
        codes.update(rule.CODES)
    return codes


def codes_table() -> str:
    """For docs/writing-campaigns.md."""
    rows = [f"| `{code}` | {meaning} |" for code, meaning in all_codes().items()]
    return "\n".join(["| code | means |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(codes_table())
