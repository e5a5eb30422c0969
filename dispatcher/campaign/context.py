"""What lint rules may know: the campaign, what its templates do, and what the installation offers.

Rules sit below rendering and settings, so whoever runs them (`operations/validate.py`) brings the facts along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from dispatcher.campaign.loader import TEMPLATES, Loaded
from dispatcher.campaign.model import Campaign, Caps
from dispatcher.campaign.positions import Path
from dispatcher.campaign.senders import SenderFacts
from dispatcher.campaign.standing import Table
from dispatcher.campaign.texts import Text
from dispatcher.core.diagnostics import Diagnostic, Severity


@dataclass(frozen=True, slots=True)
class Use:
    """A variable used by a text, dotted (`contact.name`); the place counts from 1 within the text.

    `template` names the included file it stands in; empty for the text itself.
    """

    name: str
    line: int
    column: int
    template: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text cannot be rendered; the place as in `Use`, line 0 for the whole text."""

    code: str
    message: str
    line: int
    hint: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with sample values, measured as the medium would bill it."""

    body: str
    encoding: str
    segments: int
    unicode: tuple[tuple[str, str | None], ...] = ()
    """Characters that force Unicode, with their GSM replacement (None where there is none)."""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What rendering found out about one text."""

    text: Text
    uses: tuple[Use, ...] = ()
    problems: tuple[Problem, ...] = ()
    rendered: Rendered | None = None


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """Line and column count from 1 within the expression."""

    message: str
    line: int
    column: int
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic that has no place yet."""

    code: str
    severity: Severity
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the installation knows. None: not known here, so that nothing is said about it."""

    groups: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    caps: Caps | None = None
    roles: frozenset[str] | None = None
    attributes: Mapping[str, str] | None = None
    campaigns: frozenset[str] | None = None
    senders: Mapping[str, SenderFacts] | None = None
    sessions: Table | None = None
    link_base: str | None = None
    """Where personal links lead; "" where no address is configured."""

    max_segments: int = 4
    check_expression: Callable[[str], list[ExpressionProblem]] | None = None


@dataclass(frozen=True, slots=True)
class LintContext:
    """`campaign`: with its sessions as they stand; `loaded.campaign`: as the file says."""

    loaded: Loaded
    campaign: Campaign
    now_us: int
    known: Known = Known()
    texts: Mapping[Path, TextFacts] = field(default_factory=dict)

    def at(
        self, path: Path, code: str, severity: Severity, message: str, *, hint: str = "", key: bool = False
    ) -> Diagnostic:
        """A finding at a value of the file, or at its key."""
        positions = self.loaded.positions
        line, column = positions.position_of_key(path) if key else positions.position_of(path)
        return Diagnostic(code, severity, message, self.loaded.file, line, column, hint)

    def inside(self, path: Path, where: Use | Problem | ExpressionProblem, finding: Finding) -> Diagnostic:
        """A finding within a text, or within a file that it includes."""
        line, column = where.line, getattr(where, "column", 1)
        template = getattr(where, "template", "")
        if template in self.loaded.sources:
            file = str(FilePath(self.loaded.file).parent / TEMPLATES / template)
            return Diagnostic(finding.code, finding.severity, finding.message, file, line, column, finding.hint)
        line, column = (
            self.loaded.positions.inside(path, line, column) if line else self.loaded.positions.position_of(path)
        )
        return Diagnostic(finding.code, finding.severity, finding.message, self.loaded.file, line, column, finding.hint)
