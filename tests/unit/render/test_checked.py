from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from dispatcher.render.checked import check_in_child

SLOW = "{% for i in range(9999) %}" + "{% if s in t %}{% endif %}" * 700 + "{% endfor %}"


def test_passes_sound_templates_and_reports_the_others_in_order() -> None:
    templates = [
        ("good", "{{ at | waktu }} {{ cost | rupiah }}"),
        ("typo", "\n{{ nmae }}"),
        ("also", "{% include 'x' %}"),
    ]
    problems = check_in_child(
        templates, {"x": "{{ n }}"}, {"at": datetime(2027, 2, 10, 2, tzinfo=UTC), "cost": Decimal("12.5"), "n": 1}
    )
    assert [(p.template, p.code, p.line) for p in problems] == [("typo", "template-undefined", 2)]


def test_what_kills_the_child_is_named_and_the_rest_is_still_checked() -> None:
    templates = [("ok", "x"), ("slow", SLOW), ("typo", "{{ nmae }}")]
    problems = check_in_child(templates, {}, {"s": "ab", "t": "a" * 10_000}, cpu_s=1)
    assert [(p.template, p.code) for p in problems] == [("slow", "template-budget"), ("typo", "template-undefined")]


def test_the_time_out_holds_for_all_together() -> None:
    started = time.monotonic()
    problems = check_in_child(
        [("slow", SLOW), ("next", "x")], {}, {"s": "ab", "t": "a" * 10_000}, cpu_s=60, timeout_s=0.7
    )
    assert time.monotonic() - started < 3
    assert [(p.template, p.code) for p in problems] == [("slow", "template-budget"), ("next", "template-budget")]


def test_too_little_memory_is_reported_not_raised() -> None:
    assert [p.code for p in check_in_child([("a", "x")], {"big": "x" * 50_000_000}, {}, memory_mib=60)] == [
        "template-budget"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "{{ 2**99999999 }}",
        "{{ " + "-" * 19_000 + "1 }}",
        "{{ " + "1," * 9_000 + " }}",
        "{{ " + "f(" * 9_000,
        "{{ 0x" + "f" * 19_000 + " }}",
    ],
)
def test_bombs_of_compile_time_end_in_a_problem(source: str) -> None:
    (problem,) = check_in_child([("bomb", source)], {}, {})
    assert problem.template == "bomb"


def test_the_child_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCHER_SECRET_KEY", "not for templates")
    from dispatcher.render import checked

    assert "DISPATCHER_SECRET_KEY" in os.environ
    assert "DISPATCHER_SECRET_KEY" not in checked._environment()


def test_a_module_in_the_working_folder_is_not_picked_up(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    with open("json.py", "w") as file:  # noqa: PTH123
        file.write("raise SystemExit(1)")
    assert check_in_child([("a", "x")], {}, {}) == []
