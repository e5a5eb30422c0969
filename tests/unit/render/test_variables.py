from __future__ import annotations

import pytest

from dispatcher.render.problem import TemplateProblem
from dispatcher.render.variables import VariableUse, used_variables


def names(source: str, sources: dict[str, str] | None = None) -> list[str]:
    return [use.name for use in used_variables(source, sources)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ contact.name }} {{ contact['kelurahan'].name | upper }}", ["contact.name", "contact.kelurahan.name"]),
        ("{{ contact.name.upper() }}{{ a.items() | join(b) }}", ["contact.name", "a", "b"]),
        ("{{ x[i].y }}", ["x", "i"]),
        ("{% for s in ss if s.open %}{{ s.place }}{{ loop.index }}{{ t }}{% endfor %}{{ s }}", ["ss", "t", "s"]),
        ("{% set a = b %}{{ a }}{% set c %}{{ d }}{% endset %}{{ c }}", ["b", "d"]),
        ("{% if q %}{% set a = 1 %}{% endif %}{{ a }}", ["q"]),
        ("{% with v = w %}{{ v }}{% endwith %}{{ v }}", ["w", "v"]),
        ("{% macro m(p, o=n) %}{{ p }}{{ o }}{{ g }}{% endmacro %}{{ m(z) }}", ["n", "g", "z"]),
        ("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ k }}{% endcall %}", ["k"]),
        ("{{ a if b else c }}{{ d is defined }}{{ e | default(f) }}", ["a", "b", "c", "d", "e", "f"]),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", []),
        ("{% raw %}{{ no }}{% endraw %}{# {{ no }} #}", []),
    ],
)  # fmt: skip
def test_finds_what_comes_from_outside(source: str, expected: list[str]) -> None:
    assert names(source) == expected


def test_positions_count_from_one_whatever_white_space_is_trimmed() -> None:
    source = "Hai {{ a }}\r\n  {%- if b -%}\n   {{- c.d }}  {% endif %}\n\n{% raw %} {{ x }} {% endraw %}{{ a }}"
    assert used_variables(source) == [
        VariableUse("a", 1, 8),
        VariableUse("b", 2, 10),
        VariableUse("c.d", 3, 8),
        VariableUse("a", 5, 34),
    ]


def test_looks_into_includes_and_parents_with_what_is_local_there() -> None:
    sources = {"foot": "{{ a }}\n{{ stop.word }}", "base": "{% block b %}{{ base_only }}{% endblock %}"}
    assert used_variables("{% set a = 1 %}{% include 'foot' %}", sources) == [VariableUse("stop.word", 2, 4, "foot")]
    assert names("{% extends 'base' %}{% block b %}{{ mine }}{% endblock %}", sources) == ["mine", "base_only"]
    assert names("{% for x in y %}{% include ['gone', 'foot'] ignore missing %}{% endfor %}", sources) == [
        "y",
        "a",
        "stop.word",
    ]
    assert names("{% import 'foot' as f %}{{ f }}{% from 'base' import q as r %}{{ r }}", sources) == []


def test_refuses_what_cannot_be_parsed() -> None:
    with pytest.raises(TemplateProblem, match="end of print statement"):
        used_variables("{{ a")
