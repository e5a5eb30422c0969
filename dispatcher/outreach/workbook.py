"""A report as an XLSX file, a sheet for each table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from dispatcher.outreach.labels import label
from dispatcher.outreach.sections import Section, sections

_WIDEST = 60


def as_xlsx(report: Mapping[str, Any], language: str) -> bytes:
    out = BytesIO()
    with _workbook(out) as (book, formats):
        _write_cover(book.add_worksheet(label("title_report", language)[:31]), report, formats, language)
        for section in sections(report, language):
            _write(book.add_worksheet(section.title[:31]), section, formats)
    return out.getvalue()


def table_as_xlsx(table: Section) -> bytes:
    """One sheet."""
    out = BytesIO()
    with _workbook(out) as (book, formats):
        _write(book.add_worksheet(table.title[:31]), table, formats)
    return out.getvalue()


@contextmanager
def _workbook(out: BytesIO) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Texts are written as texts: nothing in them is read as a formula or a link."""
    from xlsxwriter import Workbook

    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        yield (
            book,
            {
                "title": book.add_format({"bold": True, "font_size": 14}),
                "head": book.add_format({"bold": True, "bottom": 1}),
                "number": book.add_format({"num_format": "#,##0"}),
                "note": book.add_format({"italic": True, "font_color": "#55606e"}),
            },
        )


def _write_cover(sheet: Any, report: Mapping[str, Any], formats: Mapping[str, Any], language: str) -> None:
    sheet.set_column(0, 1, 40)
    sheet.write_string(0, 0, report["title"], formats["title"])
    lines = (
        (label("state", language), label(report["state"], language)),
        (label("as_of", language), report["as_of"].replace("T", " ")[:16]),
        ("campaign", report["campaign"]),
    )
    for index, (name, value) in enumerate(lines, start=2):
        sheet.write_string(index, 0, name)
        sheet.write_string(index, 1, value)
    sheet.write_string(len(lines) + 3, 0, label("note_privacy", language), formats["note"])


def _write(sheet: Any, section: Section, formats: Mapping[str, Any]) -> None:
    for column, heading in enumerate(section.headings):
        widths = [len(heading), *(len(str(row[column])) for row in section.rows)]
        sheet.set_column(column, column, min(max(widths) + 2, _WIDEST))
        sheet.write_string(0, column, heading, formats["head"])
    sheet.freeze_panes(1, 0)
    for line, row in enumerate(section.rows, start=1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(line, column, value, formats["number"])
            else:
                sheet.write_string(line, column, value)
    if section.note:
        sheet.write_string(len(section.rows) + 2, 0, section.note, formats["note"])
