"""One finding about a file: printed as text, as JSON, or as a CI annotation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """`line` and `column` count from 1; 0 where the finding concerns the whole file."""

    code: str
    severity: Severity
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p)
        return f"{place + ': ' if place else ''}{self.message}"

    def as_dict(self) -> dict[str, str | int]:
        """Keys are a promise: code severity file line column message hint."""
        return asdict(self)

    def as_annotation(self) -> str:
        """The line that GitHub's and compatible CI systems show beside the code."""
        kind = {"error": "error", "warning": "warning", "info": "notice"}[self.severity]
        text = f"{self.message} {self.hint}".strip().replace("%", "%25").replace("\n", "%0A")
        return f"::{kind} file={self.file},line={self.line},col={self.column},title={self.code}::{text}"


def has_errors(diagnostics: list[Diagnostic]) -> bool:
    return any(d.severity == "error" for d in diagnostics)
