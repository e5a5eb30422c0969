"""What a form is filled to is what rendering brings, to the character; where it could differ, there is no form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher.render.budget import MAX_TEXT
from dispatcher.render.form import Form
from dispatcher.render.problem import TemplateProblem
from dispatcher.render.sandbox import Templates

SHARED = {"owner": "100 % Kesbangpol", "items": ["a", "b"], "open": True}
SOURCES = {
    "salam.txt": "Yth. {{ contact.name }} {{ owner }}",
    "dua.txt": "{% include 'salam.txt' %}!",
    "besar.txt": "{{ contact.name | upper }}",
}
PARTS = (
    "Yth. ", "{{ contact.name }}", "{{ contact['rt'] }}", "{{ owner }}", "%s %", "{{ owner | upper }}",
    "{% if open %}{{ contact.name }}{% else %}x{% endif %}", "{% if not open %}{{ contact.rt }}{% endif %}",
    "{% for i in items %}{{ i }}{{ contact.name }}{% endfor %}", "{% include 'dua.txt' %}",
    "{% include ['none.txt', 'salam.txt'] ignore missing %}", "{{ contact.name ~ owner }}",
    "{{ contact.name | lower }}", "{% set contact = {'name': owner} %}", "{% if contact.rt %}ada{% endif %}",
    "{{ contact.other }}", "{{ contact }}", "{% include 'besar.txt' %}",
    "{% set x %}{{ contact.name }}{% endset %}{{ x | upper }}", "{{ nothing }}",
    "{% include 'salam.txt' without context %}", "{% for contact in [{'name': owner}] %}{{ contact.name }}{% endfor %}",
)  # fmt: skip


def made(source: str, contact: dict[str, Any]) -> tuple[str, str | None]:
    """By rendering, and by the form; the name of the problem where rendering ends with one."""
    templates = Templates(SOURCES)
    form = templates.form(source, "text", SHARED, "contact")
    filled = form.fill(tuple(contact.get(field) for field in form.fields)) if form else None
    try:
        return templates.compile(source, "text").render({**SHARED, "contact": contact}), filled
    except TemplateProblem as problem:
        return problem.code, filled


VALUES = st.one_of(st.text(max_size=20), st.integers(), st.none(), st.booleans(), st.floats(), st.just("{{ owner }}%d"))


@given(st.lists(st.sampled_from(PARTS), max_size=6), VALUES, VALUES)
@example(["{{ contact.name }}"], "x" * MAX_TEXT, 1)
@example(["{{ contact.name }}"], "x" * (MAX_TEXT + 1), 1)
@example(["{{ contact.name }}", "{{ contact.name }}"], "x" * MAX_TEXT, 1)
def test_a_form_brings_what_rendering_brings(parts: list[str], name: object, rt: object) -> None:
    rendered, filled = made("".join(parts), {"name": name, "rt": rt})
    assert filled is None or filled == rendered


@pytest.mark.parametrize(
    "source",
    [
        "Yth. {{ contact.name }}, RT {{ contact['rt'] }}. 100 % {{ owner | upper }}",
        "{% include 'dua.txt' %} {% for i in items %}{{ i }}{{ contact.name }}{% endfor %}",
        "{% if open %}{{ contact.name }}{% endif %}",
        "nothing of anyone",
    ],
)
def test_a_text_that_only_writes_fields_has_a_form(source: str) -> None:
    rendered, filled = made(source, {"name": "Ani", "rt": 3})
    assert filled == rendered


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact.name | upper }}", "{{ contact.name ~ '!' }}", "{% if contact.name %}x{% endif %}", "{{ contact }}",
        "{% set x %}{{ contact.name }}{% endset %}{{ x }}", "{% include 'besar.txt' %}", "{{ contact.name.upper() }}",
        "{% macro m() %}{{ contact.name }}{% endmacro %}{{ m() | upper }}", "{{ 1 // 0 }}",
        "{% for i in range(9000) %}{% for j in range(9) %}{{ contact.name }}{% endfor %}{% endfor %}",
    ],
)  # fmt: skip
def test_where_more_is_done_with_a_field_there_is_no_form(source: str) -> None:
    assert Templates(SOURCES).form(source, "text", SHARED, "contact") is None


def test_a_text_whose_own_work_leaves_no_room_for_the_fields_has_no_form() -> None:
    """Else a filled text could need more work than one rendering may do."""
    busy = "{{ (owner * 1) if false else '' }}" + "{{ items | join(wide) | length }}" * 10 + "{{ contact.name }}"
    assert Templates(SOURCES).form(busy, "text", {**SHARED, "wide": "x" * 9000}, "contact") is None
    assert Templates(SOURCES).form(busy, "text", {**SHARED, "wide": "x"}, "contact") is not None


def test_what_is_no_text_and_no_number_is_left_to_rendering() -> None:
    form = Form(["Yth. ", ""], ["name"])
    assert form.fill((None,)) is form.fill((True,)) is form.fill((1.5,)) is None
    assert form.fill(("x" * MAX_TEXT,)) is None
    assert form.fill((3,)) == "Yth. 3"
