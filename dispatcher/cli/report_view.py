"""Status and report as a person reads them, and reports as files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dispatcher.cli.output import print_json, print_table, say, write_whole
from dispatcher.core.errors import UsageError
from dispatcher.outreach.labels import label, number, percent
from dispatcher.outreach.sections import Section, funnel_of, sections

_BAR = 40
_LABEL = 22


def print_status(status: Mapping[str, Any]) -> None:
    """`status`: as in the contract."""
    reason = f" ({status['reason']})" if status["reason"] else ""
    print(f"{status['title']} ({status['campaign']}): {status['state']}{reason}, as of {_instant(status['as_of'])}\n")
    _draw_funnel(status, "en")
    left_out = [("held out by chance", status["held_out"])]
    left_out += [(f"skipped: {label(reason, 'en')}", n) for reason, n in status["skipped"].items()]
    left_out += [("not yet processed", status["pending"])]
    rows = [*left_out, *((label(word, "en"), n) for word, n in status["messages"].items())]
    print()
    print_table((f"of {status['selected']:,} selected", "people"), [row for row in rows if row[1]])
    if len(status["steps"]) > 1:
        print()
        print_table(("step", "state", "due", "selected", "pending", "delivered", "failed"), map(_step, status["steps"]))
    if "why" in status:
        _print_why(status["why"])


def _step(step: Mapping[str, Any]) -> tuple[object, ...]:
    counts = dict(funnel_of(step).stages())
    name = f"{step['name']} · {step['occasion']}" if step["occasion"] else step["name"]
    failed = step["messages"].get("failed", 0)
    return name, step["state"], _instant(step["due"]), step["selected"], step["pending"], counts["delivered"], failed


def _print_why(why: list[Mapping[str, Any]]) -> None:
    print()
    if not why:
        print("Nothing waits.")
        return
    rows = [(one["step"], one["people"], _instant(one["until"]) or "-", one["explanation"]) for one in why]
    print_table(("waiting", "people", "until", "why"), rows)


def _instant(text: str | None) -> str:
    return text.replace("T", " ") if text else ""


def _draw_funnel(report: Mapping[str, Any], language: str) -> None:
    """Bars as long as their share of everyone selected."""
    stages = funnel_of(report).stages()
    largest = max(stages[0][1], 1)
    full, empty = ("█", "·") if "utf" in (sys.stdout.encoding or "").lower() else ("#", ".")
    for word, people in stages:
        length = round(people / largest * _BAR)
        bar = full * length + empty * (_BAR - length)
        share = percent(people / largest, language)
        print(f"{label(word, language):<{_LABEL}} {bar} {number(people, language):>10} {share:>7}")


def print_report(report: Mapping[str, Any], language: str) -> None:
    print(f"{label('title_report', language)}: {report['title']} ({report['campaign']})")
    print(
        f"{label('state', language)}: {label(report['state'], language)} · "
        f"{label('as_of', language)} {_instant(report['as_of'])}\n"
    )
    _draw_funnel(report, language)
    for section in sections(report, language):
        print(f"\n{section.title}")
        print_table(section.headings, _written(section, language))
        if section.note:
            print(section.note)


def _written(section: Section, language: str) -> list[list[str]]:
    """Numbers as the language writes them, to the right."""
    columns = []
    for heading, values in zip(section.headings, zip(*section.rows, strict=True), strict=True):
        texts = [number(value, language) if isinstance(value, int) else value for value in values]
        width = max(len(text) for text in (heading, *texts))
        is_numeric = all(isinstance(value, int) for value in values)
        columns.append([text.rjust(width) if is_numeric else text for text in texts])
    return [list(row) for row in zip(*columns, strict=True)]


def write_report(report: Mapping[str, Any], format_: str, language: str, out: Path | None) -> None:
    """To stdout, or to a file; an XLSX never goes to a terminal."""
    if format_ == "text" and out is None:
        print_report(report, language)
    elif format_ == "json" and out is None:
        print_json(report)
    else:
        write_content(_content(report, format_, language), format_, out)


def _content(report: Mapping[str, Any], format_: str, language: str) -> bytes:
    if format_ == "xlsx":
        from dispatcher.outreach.workbook import as_xlsx

        return as_xlsx(report, language)
    if format_ == "html":
        from dispatcher.outreach.page import as_html

        return as_html(report, language).encode()
    if format_ == "csv":
        from dispatcher.outreach.flat import as_csv

        return as_csv(report).encode()
    if format_ == "json":
        import json

        return (json.dumps(report, ensure_ascii=False, indent=2) + "\n").encode()
    import contextlib
    from io import StringIO

    with contextlib.redirect_stdout(StringIO()) as text:
        print_report(report, language)
    return text.getvalue().encode()


def write_content(content: bytes, format_: str, out: Path | None, *, private: bool = False) -> None:
    """To a file, or to stdout; an XLSX never goes to a terminal."""
    if out is not None:
        write_whole(out, content, private=private)
        say(f"Written to {out}.")
        return
    if format_ == "xlsx" and sys.stdout.isatty():
        raise UsageError("out", "an XLSX file cannot be shown here", "Name a file: --out laporan.xlsx")
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
