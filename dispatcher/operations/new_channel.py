"""Writes a channel package that installs and passes the conformance suite at once, for its maker to make true."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dispatcher.core.errors import UsageError

TEMPLATES: Final = Path(__file__).with_name("channel_template")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME: Final = 40

#: Template → where it goes.
_FILES: Final = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "channel.py": "{module}/channel.py",
    "errors.toml": "{module}/errors.toml",
    "test_channel.py": "tests/test_channel.py",
    "exchanges.json": "tests/recordings/exchanges.json",
}


def new_channel(name: str, folder: Path | None, taken: Iterable[str]) -> list[Path]:
    """Returns what it wrote. `folder`: default `dispatcher-NAME` here. UsageError before anything is written."""
    require_fit(name, taken)
    folder = folder or Path(f"dispatcher-{name}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("folder-exists", f"{folder} is there already, and not an empty folder", "Choose --folder.")
    words = {
        "name": name,
        "module": f"dispatcher_{name.replace('-', '_')}",
        "class": "".join(part.capitalize() for part in name.split("-")),
    }
    texts = {folder / place.format(**words): _text(template, words) for template, place in _FILES.items()}
    texts[folder / words["module"] / "__init__.py"] = ""
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        hint = "Choose a --folder that you can write."
        raise UsageError("folder", f"{folder} cannot be written ({error.strerror})", hint) from None
    return sorted(texts)


def require_fit(name: str, taken: Iterable[str]) -> None:
    """Of entry point, package and `channel:` in `dispatcher.yaml` alike."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name == "channels":
        hint = f"Small letters, digits and single hyphens, from a letter on, at most {_LONGEST_NAME}: kota-gateway."
        raise UsageError("channel-name", f'"{name}" does not fit as the name of a channel', hint)
    if name in taken:
        raise UsageError("channel-taken", f"there is a channel {name} already", "See: dispatcher channel list")


def _text(template: str, words: dict[str, str]) -> str:
    return (TEMPLATES / f"{template}.txt").read_text(encoding="utf-8").format(**words)
