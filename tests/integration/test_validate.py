"""`validate_file` on whole files, with the real renderer in its child process, hostile ones included."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dispatcher.campaign.context import Known
from dispatcher.core.diagnostics import Diagnostic
from dispatcher.core.errors import UsageError
from dispatcher.operations.validate import known_from, validate_file
from dispatcher.settings.model import Settings
from tests.unit.campaign.linting import GOOD, KNOWN, NOW_US, place_of, spoiled, written

SAMPLES = sorted((Path(__file__).parents[2] / "campaigns").glob("*.yaml"))
NAME = "{{ contact.name | nama }},"


def validated(folder: Path, text: str, known: Known = KNOWN) -> list[Diagnostic]:
    _, found = validate_file(written(folder, text), now_us=NOW_US, known=known)
    return found


def test_a_good_campaign(tmp_path: Path) -> None:
    loaded, found = validate_file(written(tmp_path, GOOD), now_us=NOW_US, known=KNOWN)
    assert found == []
    assert loaded.campaign is not None


def test_it_is_quick(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    took = []
    for _ in range(3):
        started = time.perf_counter()
        validate_file(path, now_us=NOW_US, known=KNOWN)
        took.append(time.perf_counter() - started)
    assert min(took) < 1


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_have_no_errors(path: Path) -> None:
    _, found = validate_file(path, now_us=NOW_US, known=known_from(None))
    assert [d for d in found if d.severity == "error"] == []


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{% for a in range(999999999) %}x{% endfor %}", "template-budget"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "template-budget"),
        ("{{ 9 ** 9 ** 9 }}", "template-forbidden"),
        ("{{ ''.__class__.__mro__ }}", "template-forbidden"),
        ("{{ 'x' | center(999999999) }}", None),
        ("{% if %}", "template-syntax"),
        ("{{ contact.name | namaa }}", "template-forbidden"),
        ("{{ contact.name | tanggal }}", "template-value"),
        ("{{ contact.name | " + "upper | " * 20000 + "upper }}", "template-too-long"),
        ("(" * 20000, "template-too-long"),
        ("{{ " + "(" * 2500 + "1" + ")" * 2500 + " }}", None),
    ],
    ids=["loop", "nested", "power", "class", "center", "if", "filter", "value", "long", "text", "deep"],
)
def test_hostile_and_broken_templates(tmp_path: Path, template: str, code: str | None) -> None:
    started = time.perf_counter()
    text = spoiled((f"Yth. {NAME}", template))
    found = validated(tmp_path, text)
    errors = [d for d in found if d.severity == "error"]
    assert errors
    assert all(d.code.startswith(("template-", "text-")) for d in errors)
    if code:
        assert code in {d.code for d in errors}
        assert errors[0].line == place_of(text, template[:40])[0]
    assert time.perf_counter() - started < 15


def test_a_hostile_way_to_stop_is_never_rendered_in_this_process(tmp_path: Path) -> None:
    text = spoiled(("kesbangpol.jakarta.go.id/stop", "{% for a in range(99999999) %}x{% endfor %}"))
    assert {d.code for d in validated(tmp_path, text) if d.severity == "error"} == {"template-budget"}


def test_a_template_that_includes_itself(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.txt").write_text("{% include 'a.txt' %}")
    found = validated(tmp_path, spoiled((NAME, "{% include 'a.txt' %}")))
    assert any(d.severity == "error" and d.code.startswith("template-") for d in found)


def test_a_way_out_of_the_templates_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("SECRET")
    text = spoiled((NAME, '{% include "../secret.txt" %}'))
    found = validated(tmp_path, text)
    assert ("template-outside", *place_of(text, '"../secret.txt"')) in [(d.code, d.line, d.column) for d in found]
    assert all("SECRET" not in f"{d.message}{d.hint}" for d in found)


def test_an_undefined_variable_is_told_once(tmp_path: Path) -> None:
    text = spoiled((NAME, "{{ cotact.name }},"))
    assert [(d.code, d.line, d.column) for d in validated(tmp_path, text)] == [
        ("undefined-variable", *place_of(text, "cotact"))
    ]


def test_a_fault_in_an_included_file_points_there(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.txt").write_text("Halo\n{% endif %}\n")
    found = validated(tmp_path, spoiled((NAME, "{% include 'a.txt' %}")))
    assert [(d.code, d.file, d.line) for d in found if d.severity == "error"][-1] == (
        "template-syntax",
        str(tmp_path / "templates" / "a.txt"),
        2,
    )


def test_a_text_is_rendered_for_each_session_it_goes_with(tmp_path: Path) -> None:
    old, new = "{{ session.starts | waktu }}", "{{ session.ends | waktu }}"
    assert validated(tmp_path, spoiled((old, new))) == []
    sore = ("answers:", "  sore: {title: T, place: P, starts: 2027-01-21 15:00}\nanswers:")
    text = spoiled((old, new), sore, ("sessions: [pagi]", "sessions: [pagi, sore]"))
    (found,) = validated(tmp_path, text)
    assert (found.code, found.line) == ("template-undefined", place_of(text, "{{ session.title")[0])


def test_a_file_that_cannot_be_loaded(tmp_path: Path) -> None:
    loaded, found = validate_file(written(tmp_path, "campaign: [\n"), now_us=NOW_US)
    assert (loaded.campaign, [d.code for d in found]) == (None, ["yaml-syntax"])
    with pytest.raises(UsageError):
        validate_file(tmp_path, now_us=NOW_US)


def test_without_settings_expressions_are_checked_for_their_form_only(tmp_path: Path) -> None:
    text = spoiled(("where: umur >= 17", "where: sekolah == 'A'"), ("mahasiswa]", "rt]"))
    assert validated(tmp_path, text, known_from(None)) == []
    text = spoiled(("where: umur >= 17", "where: umur >="))
    (found,) = validated(tmp_path, text, known_from(None))
    assert (found.code, found.line) == ("where", place_of(text, "umur")[0])


def test_what_settings_declare_is_known(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "groups": {"karang-taruna": {"label": "Karang Taruna"}},
            "attributes": {"kelas": "text"},
            "sms_max_segments": 1,
        }
    )
    known = known_from(settings, campaigns=["lain"])
    text = spoiled(
        ("where: umur >= 17", "where: kelas == 'A'"), ("mahasiswa]", "karang-taruna]"), (NAME, "{{ contact.kelas }},")
    )
    assert {d.code for d in validated(tmp_path, text, known)} <= {"text-too-long"}
    assert "text-too-long" in {d.code for d in validated(tmp_path, spoiled((NAME, "kata " * 40)), known)}
    assert "where" in {d.code for d in validated(tmp_path, spoiled(("where: umur", "where: kelsa")), known)}


def test_diagnostics_carry_no_sample_values(tmp_path: Path) -> None:
    found = validated(tmp_path, spoiled((NAME, "{{ contact.name | tanggal }}")))
    assert found
    assert all("Hidayatullah" not in f"{d.message} {d.hint}" for d in found)
