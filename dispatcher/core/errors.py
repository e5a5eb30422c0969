"""The errors people see, and the exit code each one ends a command with.

    DispatcherError                    1   unexpected
      UsageError                       2   the command, its arguments or its settings are wrong
      CampaignError                    3   the campaign file has diagnostics of severity `error`
      RefusedError                     4   policy: consent, window, not approved, ceiling
      IncompleteError                  5   the command's own work was left incomplete
      UnavailableError                 6   database or broker away
      ProviderError                    7   provider or credentials

A message says what happened and where; a hint says what to do. Neither ever holds a phone number, a name or a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from dispatcher.core.diagnostics import Diagnostic


class DispatcherError(Exception):
    """Something a person must be told, with a stable `code`, and a `hint` on what to do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UsageError(DispatcherError):
    exit_code = 2


class CampaignError(DispatcherError):
    """A campaign file that cannot be used; `diagnostics` says why, position by position."""

    exit_code = 3

    def __init__(self, diagnostics: Sequence[Diagnostic], code: str = "campaign-invalid") -> None:
        errors = [d for d in diagnostics if d.severity == "error"]
        where = str(errors[0]) if errors else "the campaign is not valid"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(code, where + more, errors[0].hint if errors else "")
        self.diagnostics = tuple(diagnostics)


class RefusedError(DispatcherError):
    exit_code = 4


class IncompleteError(DispatcherError):
    exit_code = 5


class UnavailableError(DispatcherError):
    exit_code = 6


class ProviderError(DispatcherError):
    exit_code = 7
