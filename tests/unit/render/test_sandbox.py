"""Texts render as Jinja does; what is hostile ends with a TemplateProblem, quickly and without quoting a value."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest

from dispatcher.render.problem import TemplateProblem
from dispatcher.render.sandbox import Templates

SECRET = "Siti Rahmawati"
CONTACT = {"name": SECRET, "title": None, "tags": ["a", "b"], "peers": [{"name": "X"}, {"name": "Y"}]}


def render(source: str, sources: dict[str, str] | None = None, **variables: Any) -> str:
    return Templates(sources).compile(source, "text").render({"contact": CONTACT, **variables})


def problem(source: str, sources: dict[str, str] | None = None, **variables: Any) -> TemplateProblem:
    with pytest.raises(TemplateProblem) as raised:
        render(source, sources, **variables)
    assert SECRET not in raised.value.message + raised.value.hint
    return raised.value


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Yth. {{ contact.name }}", f"Yth. {SECRET}"),
        ("{{ contact['name'] }}", SECRET),
        ("{{ contact.title | default('-') }}{{ contact.nothing | d('?') }}", "-?"),
        ("{% if contact.title is defined and not contact.title %}ya{% endif %}", "ya"),
        ("{% for t in contact.tags %}{{ loop.index }}{{ t }}{% if not loop.last %},{% endif %}{% endfor %}", "1a,2b"),
        ("{% for t in contact.tags if t != 'a' %}{{ t }}{{ loop.length }}{% else %}none{% endfor %}", "b1"),
        ("{% for k, v in {'x': 1}.items() %}{{ k }}={{ v }}{% endfor %}", "x=1"),
        ("{{ contact.peers | map(attribute='name') | join(', ') }}", "X, Y"),
        ("{{ contact.peers | sort(attribute='name', reverse=true) | first | length }}", "1"),
        ("{{ contact.tags | join('') | replace('a', 'zz') | upper }}", "ZZB"),
        ("{{ ('a' ~ 1 ~ 'b') + 'c' }} {{ 2 * 3 + 4 // 3 - 1 }} {{ 7 % 4 }}", "a1bc 6 3"),
        ("{{ contact.name[0:4] }}{{ contact.name.upper()[:1] }}{{ contact.tags[-1] }}", "SitiSb"),
        (
            "{% macro hi(n, m='!') %}Hai {{ n }}{{ m }}{% endmacro %}{{ hi('Ani') }}{{ hi('B', m='?') }}",
            "Hai Ani!Hai B?",
        ),
        ("{% macro box() %}[{{ caller() }}]{% endmacro %}{% call box() %}x{% endcall %}", "[x]"),
        ("{% set x %}a{{ 1 }}{% endset %}{{ x }}{% with y = x %}{{ y }}{% endwith %}", "a1a1"),
        (
            "{{ 2.567 | round(1) }} {{ '12' | int + 1 }} {{ (0 - 3) | abs }} {{ [3, 1, 3] | unique | list | length }}",
            "2.6 13 3 2",
        ),
        ("{% raw %}{{ x }}{% endraw %}{# note #}", "{{ x }}"),
        ("a\n{% if true %}\nb\n{% endif %}\nc\n", "a\nb\nc"),
        ("{{ loop_like | default('none') }}", "none"),
        ("a{{ 'b' if contact.nothing is defined }}", "a"),
    ],
)
def test_renders(source: str, text: str) -> None:
    assert render(source) == text


def test_include_extends_and_import_reach_the_given_sources_only() -> None:
    sources = {
        "base": "<{% block body %}base{% endblock %}|{{ self.body() }}>",
        "foot": "Balas {{ word }}",
        "tools": "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}",
    }
    assert render("{% include 'foot' %}", sources, word="STOP") == "Balas STOP"
    assert render("{% extends 'base' %}{% block body %}({{ super() }}){% endblock %}", sources) == "<(base)|(base)>"
    assert render("{% import 'tools' as t %}{{ t.twice('a') }}", sources) == "aa"
    assert render("{% from 'tools' import twice %}{{ twice(contact.name) }}", sources) == SECRET * 2
    assert render("{% include 'gone' ignore missing %}x", sources) == "x"
    assert problem("a\n{% include '/etc/passwd' %}", sources).line == 2


def test_a_value_is_never_rendered_again() -> None:
    assert render("{{ n }} {{ n | nama }} {{ n ~ '' }}", n="{{ 7 * 7 }}") == "{{ 7 * 7 }} {{ 7 * 7 }} {{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        # time
        ("{% for a in range(10**9) %}x{% endfor %}", "template-forbidden"),
        ("{% for a in range(1000000000) %}x{% endfor %}", "template-budget"),
        ("{% for a in range(99999999999999999999999) %}x{% endfor %}", "template-budget"),
        ("{% for a in range(5000) %}{% for b in range(5000) %}{% endfor %}{% endfor %}", "template-budget"),
        ("{% for a in range(9999) if false %}{% endfor %}{% for a in range(2) %}{% endfor %}", "template-budget"),
        ("{% for a in range(200) %}{{ range(200) | list | length }}{% endfor %}", "template-budget"),
        ("{% for a in range(200) %}{{ range(200) | map(attribute='real') | join }}{% endfor %}", "template-budget"),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "template-forbidden"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "template-budget"),
        ("{% macro m(n) %}{% for i in [1, 2] %}{{ m(n) }}{% endfor %}{% endmacro %}{{ m(0) }}", "template-budget"),
        ("{% block a %}{{ self.a() }}{% endblock %}", "template-budget"),
        ("{% set l = [1] %}" + "{% set l = l + l %}" * 40, "template-budget"),
        # size
        ("{{ 'a' * 1000000000 }}", "template-forbidden"),
        ("{{ 1000000000 * 'a' }}", "template-forbidden"),
        ("{{ [1] * 1000000000 }}", "template-forbidden"),
        ("{{ 2**99999999 }}", "template-forbidden"),
        ("{% set n = 99999999 %}" + "{% set n = n * n %}" * 40 + "{{ n }}", "template-budget"),
        ("{% set s = 'ab' %}" + "{% set s = s ~ s %}" * 40, "template-too-long"),
        ("{% set s = 'ab' %}" + "{% set s = s + s %}" * 40, "template-too-long"),
        ("{% set s = 'ab' %}" + "{% set s = [s, s] | join(s) %}" * 40, "template-too-long"),
        ("{% set s = 'ab' %}" + "{% set s = s | replace('a', s) %}" * 40, "template-too-long"),
        ("{% set s = 'ab' %}" + "{% set s %}{{ s }}{{ s }}{% endset %}" * 40, "template-too-long"),
        ("{% macro m(s) %}{{ s }}{{ s }}{% endmacro %}{{ m(m(m(m(m('" + "x" * 999 + "'))))) }}", "template-too-long"),
        ("{% for a in range(9999) %}" + "x" * 500 + "{% endfor %}", "template-too-long"),
        ("{% set s %}{% for a in range(9999) %}" + "x" * 500 + "{% endfor %}{% endset %}", "template-too-long"),
        ("{% for a in range(101) %}" + "x" * 100 + "{% endfor %}", "template-too-long"),
        ("{{ '%1000000000d' % 1 }}", "template-forbidden"),
        ("{{ '%1000000000d' | format(1) }}", "template-forbidden"),
        ("{{ 'x' | center(1000000000) }}", "template-forbidden"),
        ("{{ 'x'.ljust(1000000000) }}", "template-forbidden"),
        ("{{ 'x' | indent(1000000000) }}", "template-forbidden"),
        ("{{ 1.5 | round(1000000000) }}{{ '1e999999999' | angka }}", "template-value"),
        ("{{ '1e999999999' | int }}", "template-value"),
        ("{% set l = [1] %}" + "{% set l = [l, l] %}" * 40 + "{{ l }}", "template-forbidden"),
        ("{% set l = {'a': 1} %}" + "{% set l = {'a': l, 'b': l} %}" * 40, "template-forbidden"),
        ("{% macro m() %}{{ m(varargs, varargs) }}{% endmacro %}", "template-forbidden"),
        ("{{ contact.tags }}", "template-value"),
        ("{{ contact.name == 'x' }}", "template-value"),
        ("x" * 20_001, "template-too-long"),
        ("{{ " + "(" * 300 + "1" + ")" * 300 + " }}", "template-budget"),
        ("{{ " + "[" * 3000 + "]" * 3000 + " }}", "template-budget"),
        ("{{ " + "not " * 4000 + "1 }}", "template-budget"),
        ("{% if 1 %}" * 200 + "{% endif %}" * 200, "template-budget"),
        # escape
        ("{{ contact.__class__ }}", "template-forbidden"),
        ("{{ contact['__class__'] }}", "template-forbidden"),
        ("{{ contact.name.__class__.__mro__ }}", "template-forbidden"),
        ("{% set k = '__cla' ~ 'ss__' %}{{ contact[k] }}", "template-undefined"),
        ("{{ contact | map(attribute='__class__') | join }}", "template-forbidden"),
        ("{{ '' | attr('__class__') }}", "template-forbidden"),
        ("{{ '{0.__class__}'.format(contact) }}", "template-forbidden"),
        ("{{ '{0}'.format_map(contact) }}", "template-forbidden"),
        ("{{ contact.update({'name': 'x'}) }}", "template-forbidden"),
        ("{{ contact.tags.append(1) }}", "template-forbidden"),
        ("{{ range.__init__ }}", "template-forbidden"),
        ("{{ self.__init__ }}", "template-forbidden"),
        ("{{ self._TemplateReference__context }}", "template-forbidden"),
        ("{{ cycler.x }}", "template-undefined"),
        ("{{ lipsum() }}", "template-undefined"),
        ("{{ namespace() }}", "template-undefined"),
        ("{% include contact.name %}", "template-forbidden"),
        ("{{ x(*contact.tags) }}", "template-forbidden"),
        ("{{ 1 | _counted }}", "template-forbidden"),
        # mistakes
        ("{% for %}", "template-syntax"),
        ("{{ contact.name", "template-syntax"),
        ("{% do x %}", "template-syntax"),
        ("{{ contact.nmae }}", "template-undefined"),
        ("{{ nobody.name }}", "template-undefined"),
        ("{{ contact.nmae.first }}", "template-undefined"),
        ("{% for a in nobody %}{% endfor %}", "template-undefined"),
        ("{{ contact.title }}", "template-undefined"),
        ("{{ contact[contact.name] }}", "template-undefined"),
        ("{{ contact.name | int }}", "template-value"),
        ("{{ contact.name | tanggal }}", "template-value"),
        ("{{ contact.name < 1 }}", "template-value"),
        ("{{ 1 / 0 }}", "template-value"),
        ("{{ contact.name + 1 }}", "template-forbidden"),
        ("{{ contact.name() }}", "template-forbidden"),
    ],
)  # fmt: skip
def test_refuses_quickly(source: str, code: str) -> None:
    started = time.process_time()
    assert problem(source).code == code
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize(
    "sources",
    [
        {"a": "{% include 'a' %}"},
        {"a": "{% include 'b' %}", "b": "{% if x %}{% extends 'a' %}{% endif %}"},
        {"a": "{% import 'b' as b %}", "b": "{% from 'a' import c %}"},
    ],
)
def test_a_template_cannot_include_itself(sources: dict[str, str]) -> None:
    assert problem("{% include 'a' %}", sources).code == "template-forbidden"


def test_includes_that_multiply_use_up_the_budget() -> None:
    sources = {f"t{n}": f"{{% include 't{n + 1}' %}}" * 9 for n in range(12)} | {"t12": ""}
    started = time.process_time()
    assert problem("{% include 't0' %}", sources).code == "template-budget"
    assert time.process_time() - started < 1.5


def test_a_problem_names_the_line_and_the_template() -> None:
    found = problem("one\ntwo\n{% if true %}\n{{ contact.nmae }}{% endif %}")
    assert (found.template, found.line) == ("text", 4)
    assert "nmae" in found.message
    assert found.hint
    inner = problem("\n\n{% include 'foot' %}", {"foot": "\n{{ gone }}"})
    assert (inner.template, inner.line) == ("foot", 2)
    assert "replace" in problem("{{ 'a' | replase('a', 'b') }}").hint


def test_functions_and_methods_of_given_objects_cannot_be_called() -> None:
    @dataclass
    class Session:
        place: str = "Balai Kota"

        def cancel(self) -> str:
            return "cancelled"

    assert render("{{ session.place }}", session=Session()) == "Balai Kota"
    assert problem("{{ session.cancel() }}", session=Session()).code == "template-forbidden"
    assert problem("{{ f() }}", f=lambda: "x").code == "template-forbidden"
    assert problem("{{ f.__globals__ }}", f=render).code == "template-forbidden"
    assert problem("{% for x in f %}{% endfor %}", f=iter(int, 1)).code == "template-budget"


def test_every_render_has_its_own_budget() -> None:
    compiled = Templates().compile("{% for a in range(6000) %}{% endfor %}ok", "text")
    failures: list[Exception] = []

    def many() -> None:
        try:
            assert all(compiled.render({}) == "ok" for _ in range(5))
        except Exception as error:  # a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_text_is_compiled_once() -> None:
    templates = Templates()
    assert templates.compile("Hai {{ x }}", "a") is templates.compile("Hai {{ x }}", "a")
    assert templates.compile("Hai {{ x }}", "b").name == "b"


def test_own_filters_can_be_added() -> None:
    templates = Templates(filters={"kurung": lambda value: f"({value})"})
    assert templates.compile("{{ 'a' | kurung }}", "text").render({}) == "(a)"
