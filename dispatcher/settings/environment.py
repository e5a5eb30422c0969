"""What the environment says. The settings are read, and their models made, for those who ask: many commands do not."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher.core.errors import ProviderError, UsageError

if TYPE_CHECKING:
    from dispatcher.settings.model import Settings

DEFAULT_DATABASE = "sqlite:///dispatcher.db"
DEFAULT_CONFIG = "dispatcher.yaml"
DEFAULT_STATE_DIR = ".dispatcher"

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Environment:
    """The environment, read once. Every secret may also come from a file named by `NAME_FILE`."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def get(self, name: str) -> str | None:
        """The value, or the content of the file that `NAME_FILE` names; None where neither is set.

        Blanks and line breaks around it are no part of it: editors add them to files, and `.env` files keep them.
        """
        value = self._environ.get(name, "").strip()
        path = self._environ.get(f"{name}_FILE")
        if value or not path:
            return value or None
        try:
            return Path(path).read_text("utf-8-sig").strip() or None
        except OSError as error:
            problem, hint = f"cannot be read ({error.strerror})", ""
        except UnicodeDecodeError:
            problem, hint = "is not text", "Save it as plain text, in UTF-8."
        raise UsageError("secret-file", f"{name}_FILE names {path}, which {problem}", hint)

    @property
    def database_url(self) -> str:
        return self.get("DATABASE_URL") or DEFAULT_DATABASE

    @property
    def broker_url(self) -> str | None:
        """None: embedded."""
        return self.get("CELERY_BROKER_URL")

    @property
    def config_path(self) -> Path:
        return Path(self.get("DISPATCHER_CONFIG") or DEFAULT_CONFIG)

    @property
    def config_is_given(self) -> bool:
        return bool(self.get("DISPATCHER_CONFIG")) or self.config_path.exists()

    @property
    def public_url(self) -> str:
        return (self.get("DISPATCHER_PUBLIC_URL") or "").rstrip("/")

    @property
    def state_dir(self) -> Path:
        return Path(self.get("DISPATCHER_STATE_DIR") or DEFAULT_STATE_DIR)

    @cached_property
    def settings(self) -> Settings:
        from dispatcher.settings.file import load_settings

        return load_settings(self.config_path, required=bool(self.get("DISPATCHER_CONFIG")))

    def fill_in(self, sender: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options with every `${NAME}` replaced; ProviderError (exit 7) names the variable that is missing."""

        def replace(match: re.Match[str]) -> str:
            value = self.get(match[1])
            if value is None:
                raise ProviderError(
                    "missing-credentials",
                    f"sender {sender} needs {match[1]}, which is not set",
                    f"Set {match[1]} (or {match[1]}_FILE) in the environment.",
                )
            return value

        return {key: _replaced(value, replace) for key, value in options.items()}

    def filled_in(self, options: Mapping[str, Any]) -> frozenset[str]:
        """What the `${NAME}` in the options stand for, of those that are set and can be read."""
        found: set[str] = set()

        def note(match: re.Match[str]) -> str:
            with suppress(UsageError):
                found.add(self.get(match[1]) or "")
            return ""

        _replaced(dict(options), note)
        return frozenset(found - {""})


def _replaced(value: Any, replace: Callable[[re.Match[str]], str]) -> Any:
    """With every `${NAME}` replaced, at any depth."""
    if isinstance(value, str):
        return _REFERENCE.sub(replace, value)
    if isinstance(value, dict):
        return {key: _replaced(inner, replace) for key, inner in value.items()}
    return [_replaced(inner, replace) for inner in value] if isinstance(value, list) else value
