"""A report as one HTML file: no scripts, nothing fetched, prints on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from dispatcher.outreach.labels import label, number
from dispatcher.outreach.sections import Section, Value, funnel_of, sections

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .4rem}
p{margin:.3rem 0;color:#55606e}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th{text-align:left;font-weight:600;border-bottom:2px solid #c9d1da}
th,td{padding:.25rem .6rem .25rem 0;vertical-align:top}
td{border-bottom:1px solid #e6eaee;white-space:pre-wrap}
.n{text-align:right;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;margin-top:1rem}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}
"""
_SHADES = ("#8fa3b8", "#6f8fb3", "#4b79ad", "#2f62a0", "#1d4a80")
_ROW, _BAR, _LEFT, _WIDTH = 34, 24, 210, 560


def as_html(report: Mapping[str, Any], language: str) -> str:
    head = escape(f"{label('title_report', language)}: {report['title']}")
    about = (
        f"{label('state', language)}: {label(report['state'], language)} · "
        f"{label('as_of', language)} {report['as_of'].replace('T', ' ')[:16]} · {report['campaign']}"
    )
    body = "".join(_table(section, language) for section in sections(report, language))
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{head}</title><style>{_STYLE}</style></head>\n<body><h1>{head}</h1><p>{escape(about)}</p>"
        f"{_drawing(report, language)}\n{body}\n<p>{escape(label('note_privacy', language))}</p></body></html>\n"
    )


def _drawing(report: Mapping[str, Any], language: str) -> str:
    """Bars as wide as their share of everyone selected."""
    stages = funnel_of(report).stages()
    largest = max(stages[0][1], 1)
    bars = "".join(
        _bar(index, label(word, language), people, people / largest, language)
        for index, (word, people) in enumerate(stages)
    )
    title = escape(label("funnel", language))
    height = _ROW * len(stages)
    return f'<svg viewBox="0 0 900 {height}" role="img" aria-label="{title}"><title>{title}</title>{bars}</svg>'


def _bar(index: int, text: str, people: int, share: float, language: str) -> str:
    y, width = index * _ROW, max(round(share * _WIDTH), 1 if people else 0)
    middle = y + _BAR - 7
    return (
        f'<text x="0" y="{middle}" font-size="15" fill="#1c2430">{escape(text)}</text>'
        f'<rect x="{_LEFT}" y="{y}" width="{width}" height="{_BAR}" rx="3" fill="{_SHADES[index]}"/>'
        f'<text x="{_LEFT + width + 8}" y="{middle}" font-size="15" fill="#1c2430">'
        f"{escape(number(people, language))}</text>"
    )


def _table(section: Section, language: str) -> str:
    numeric = [all(isinstance(row[i], int) for row in section.rows) for i in range(len(section.headings))]
    heads = _cells("th", section.headings, numeric, language)
    rows = "".join(f"<tr>{_cells('td', row, numeric, language)}</tr>" for row in section.rows)
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    title = escape(section.title)
    return f"<h2>{title}</h2>{note}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>\n"


def _cells(tag: str, values: Iterable[Value], numeric: Iterable[bool], language: str) -> str:
    return "".join(
        f"<{tag}{' class=n' if is_number else ''}>{escape(_shown(value, language))}</{tag}>"
        for value, is_number in zip(values, numeric, strict=True)
    )


def _shown(value: Value, language: str) -> str:
    return number(value, language) if isinstance(value, int) else value
