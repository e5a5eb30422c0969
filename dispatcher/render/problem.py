"""What is wrong with a text template, in words its author can act on."""

from __future__ import annotations


class TemplateProblem(Exception):  # noqa: N818  a finding, turned into a diagnostic by the caller
    """`line` counts from 1 in the template named `template`; 0 where the finding concerns all of it.

    Codes: `template-syntax`, `template-undefined`, `template-value`, `template-budget`, `template-too-long`,
    `template-forbidden`. No message ever holds a value of a person, only names of templates, variables and filters.
    """

    def __init__(self, code: str, message: str, line: int = 0, hint: str = "", template: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.hint = hint
        self.template = template

    def at(self, template: str, line: int) -> TemplateProblem:
        """The same finding with its place, unless it has one."""
        if self.line:
            return self
        return TemplateProblem(self.code, self.message, line, self.hint, template)

    def __reduce__(self) -> tuple[type[TemplateProblem], tuple[str, str, int, str, str]]:
        return TemplateProblem, (self.code, self.message, self.line, self.hint, self.template)
