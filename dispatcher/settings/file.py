"""Reading `dispatcher.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dispatcher.core.errors import UsageError
from dispatcher.settings.model import Settings


def load_settings(path: Path, *, required: bool = False) -> Settings:
    """Raises UsageError with file:line for anything that is not as it should be."""
    if not path.exists():
        if required:
            raise UsageError("config-missing", f"the settings file {path} does not exist", "Correct DISPATCHER_CONFIG.")
        return Settings()
    return parse_settings(path.read_bytes(), str(path))


def parse_settings(content: bytes, name: str = "dispatcher.yaml") -> Settings:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        document = YAML(typ="rt").load(content)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UsageError("config-syntax", f"{name}:{line}: {error.problem}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UsageError("config-syntax", f"{name}: not readable as YAML ({type(error).__name__})") from None
    try:
        return Settings.model_validate(_plain(document) or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        line = _line_of(document, first["loc"])
        if first["type"] == "extra_forbidden":
            raise UsageError(
                "config-unknown-key",
                f"{name}:{line}: there is no setting {place}",
                "docs/configuration.md lists the settings.",
            ) from None
        problem = first["msg"].removeprefix("Value error, ")
        raise UsageError("config-invalid", f"{name}:{line}: {place}: {problem}") from None


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    return [_plain(value) for value in node] if isinstance(node, list) else node


def _line_of(document: Any, path: tuple[int | str, ...]) -> int:
    node, line = document, 1
    for part in path:
        try:
            line = node.lc.data[part][0] + 1
            node = node[part]
        except (AttributeError, KeyError, TypeError, IndexError):
            break
    return int(line)
