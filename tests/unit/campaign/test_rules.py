"""Every lint code: a campaign with one fault gets that code, at that place, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dispatcher.campaign.context import Known
from dispatcher.campaign.rules import RULES
from tests.unit.campaign.linting import GOOD, KNOWN, findings, place_of, spoiled

Change = tuple[str, str]

SMS_TEXT = '"{{ session.title }} di {{ session.place }}, {{ session.starts | waktu }}. {{ stop }}"'
AUDIENCE = 'groups: [pelajar, mahasiswa]\n  regions: ["31.74", "31.74.05.1003/7/3"]\n  where: umur >= 17'

# code, severity, where it points, changes to the good campaign
FAULTS: list[tuple[str, str, str, list[Change]]] = [
    ("unknown-purpose", "error", "pendidkan-pemilih", [("purpose: pendidikan", "purpose: pendidkan")]),
    ("minors-left-out", "warning", "pelajar,", [("minors:\n  basis: Persetujuan orang tua lewat sekolah\n", "")]),
    ("caps-exempt", "warning", "exempt", [("variables:", "caps: exempt\nvariables:")]),
    ("caps-loose", "warning", "3}", [("variables:", "caps: {per_day: 3}\nvariables:")]),
    ("audience-empty", "error", "audience:", [(AUDIENCE, "everyone: false")]),
    ("audience-everyone", "warning", "true", [("  where:", "  everyone: true\n  where:")]),
    ("unknown-group", "error", "pelajr", [("[pelajar,", "[pelajr,")]),
    ("unknown-role", "warning", "kutua", [("  where:", "  roles: [kutua]\n  where:")]),
    ("unknown-region", "error", '"31.99"', [('"31.74",', '"31.99",')]),
    ("unknown-region", "error", '"31.74/7"', [('"31.74",', '"31.74/7",')]),
    ("unknown-language", "error", "jw", [("  where:", "  languages: [jw]\n  where:")]),
    ("unknown-campaign", "info", "ikrar-lain", [
        ("  where:", "  outcomes: [{campaign: ikrar-lain, answered: false}]\n  where:")]),
    ("where", "error", "umurr", [("where: umur", "where: umurr")]),
    ("unknown-session", "error", "sore", [("sessions: [pagi]", "sessions: [pagi, sore]")]),
    ("unused-session", "warning", "siang:", [
        ("answers:", "  siang: {title: T, place: P, starts: 2027-01-21 09:00}\nanswers:")]),
    ("relative-step", "error", '{before: 2 days, at: "09:00"}', [
        ("    sessions: [pagi]\n", ""), (SMS_TEXT, '"{{ stop }} a"'),
        ("name: ajakan", "name: ajakan\n    sessions: [pagi]")]),
    ("live-session", "warning", "[session]", [("name: ajakan", "name: ajakan\n    live: [session]")]),
    ("session-times", "error", "2027-01-20 08:00", [("2027-01-20 12:00", "2027-01-20 08:00")]),
    ("session-region", "error", '"31.73.99"', [('"31.73.01"', '"31.73.99"')]),
    ("duplicate-step", "error", "undangan\n    at: 2027", [("name: ajakan", "name: undangan")]),
    ("step-past", "warning", "2026-02-03 09:00", [("2027-02-03", "2026-02-03")]),
    ("step-order", "warning", "2027-02-01 09:00", [
        ("  - name: ajakan", "  - name: nanti\n    at: 2027-02-09 09:00\n    text: 'A {{ stop }}'\n"
         "    route: [{senders: sms-utama}]\n  - name: ajakan"), ("2027-02-03", "2027-02-01")]),
    ("window-never-opens", "error", "window:", [('close: "20:00"', 'close: "08:00"')]),
    ("window-overnight", "warning", "window:", [('close: "20:00"', 'close: "23:30"')]),
    ("step-window", "error", "2027-02-03 21:00", [
        ("at: 2027-02-03 09:00", "at: 2027-02-03 21:00\n    expires: 1 hour")]),
    ("step-waits", "info", "2027-02-03 21:00", [("2027-02-03 09:00", "2027-02-03 21:00")]),
    ("unknown-sender", "error", "sms-utma", [("[sms-utama]", "[sms-utma]")]),
    ("unknown-sender", "error", "wa-ketiga", [("wa-kedua: 1", "wa-ketiga: 1")]),
    ("unknown-sender", "error", "sms-utma", [("senders: sms-utama", "senders: sms-utma")]),
    ("route-media", "error", "[sms-utama, wa-utama]", [("[sms-utama]", "[sms-utama, wa-utama]")]),
    ("route-repeats", "warning", "sms-kedua  # lagi", [
        ("senders: sms-utama\n", "senders: sms-kedua\n        after: 1 hour\n      - senders: sms-kedua  # lagi\n")]),
    ("route-deadline", "info", "senders: {wa-utama", [("        after: 4 hours\n", "")]),
    ("route-last", "warning", "after: 2 hours", [("[sms-utama]", "[sms-utama]\n        after: 2 hours")]),
    ("free-text", "error", "{wa-utama: 3, wa-kedua: 1}", [("""        template:
          id: HX123
          parameters:
            "1": "{{ contact.name | nama }}"
          body: Yth. {{1}}, gunakan hak pilih Anda. Balas BERHENTI untuk berhenti.
""", "")]),
    ("template-unsupported", "warning", "{id: HX9", [
        ("[sms-utama]", "[sms-utama]\n        template: {id: HX9, body: Balas STOP untuk berhenti}")]),
    ("text-missing", "error", "senders: sms-utama", [(f"    text: {SMS_TEXT}\n", "")]),
    ("parameter-missing", "error", "Yth. {{1}}", [("Yth. {{1}}", "Yth. {{1}} {{2}}")]),
    ("parameter-unused", "error", '"1": "{{', [("Yth. {{1}}, g", "G")]),
    ("parameter-positions", "error", "parameters:", [
        ('"1": "{{ contact.name | nama }}"', '"2": "{{ contact.name | nama }}"'), ("{{1}}", "{{2}}")]),
    ("parameter-form", "error", '"a\\nb"', [('"{{ contact.name | nama }}"', '"a\\nb"')]),
    ("template-body", "info", "HX123", [
        ("          body: Yth. {{1}}, gunakan hak pilih Anda. Balas BERHENTI untuk berhenti.\n", "")]),
    ("undefined-variable", "error", "contact.nmae", [("{{ contact.name | nama }},", "{{ contact.nmae | nama }},")]),
    ("undefined-variable", "error", "hri | date", [("{{ hari | date }}", "{{ hari | date }} {{ hri | date }}")]),
    ("undefined-variable", "error", "stop }} Balas", [("Balas BERHENTI untuk", '"{{ stop }} Balas BERHENTI"  # ')]),
    ("session-variable", "error", "session.title }} untuk", [
        ("Yth. {{ contact.name | nama }},", "Yth. {{ session.title }} untuk")]),
    ("unused-variable", "warning", "jam:", [("  hari:", "  jam: 9\n  hari:")]),
    ("reserved-variable", "error", "language:", [("  hari:", "  language: jw\n  hari:")]),
    ("text-empty", "error", '" "', [("reply: Terima kasih, sampai jumpa.", 'reply: " "')]),
    ("text-language", "error", "jw:", [("      en: Dear", "      jw: Dear")]),
    ("text-fallback", "error", "text:\n      en", [
        ("      id: |\n        Yth. {{ contact.name | nama }},\n        gunakan hak pilih Anda "
         "pada {{ hari | tanggal }}.\n        {{ stop }}\n", "")]),
    ("text-segments", "warning", '"panjang', [(SMS_TEXT, '"panjang ' + "kata " * 64 + '{{ stop }}"')]),
    ("text-too-long", "error", '"panjang', [(SMS_TEXT, '"panjang ' + "kata " * 130 + '{{ stop }}"')]),
    ("text-unicode", "warning", '"“Halo”', [(SMS_TEXT, '"“Halo” {{ stop }}"')]),
    ("text-unicode-needed", "info", '"Halo 🗳', [(SMS_TEXT, '"Halo 🗳 {{ stop }}"')]),
    ("stop-missing", "error", '"Sampai', [(SMS_TEXT, '"Sampai jumpa"')]),
    ("stop-missing", "warning", "Yth. {{1}}", [
        ("Anda. Balas BERHENTI untuk berhenti.\n      - s", "Anda.\n      - s")]),
    ("stop-undefined", "error", SMS_TEXT, [("  sms: \"Stop: kesbangpol.jakarta.go.id/stop\"\n", ""), (
        "      - senders: [sms-utama]\n", ""), ("        after: 4 hours\n", "")]),
    ("answer-stop", "error", "BERHENTI, YA", [("[HADIR, YA]", "[BERHENTI, YA]")]),
    ("answer-stop", "error", "BERHENT, YA", [("[HADIR, YA]", "[BERHENT, YA]")]),
    ("answer-stop", "error", "Bantuan, YA", [("[HADIR, YA]", "[Bantuan, YA]")]),
    ("answer-rsvp", "info", "answers:", [('    rsvp: "yes"\n', "")]),
    ("code-taken", "warning", "HADIR", [('"31.73.01"\n', '"31.73.01"\n    code: HADIR\n')]),
    ("rsvp-session", "error", "[none]", [("  - name: ajakan\n", "  - name: ajakan\n    audience: {rsvp: [none]}\n")]),
    ("answer-close", "warning", "HADIT]", [
        ("    meaning: hadir\n", "    meaning: hadir\n  - keywords: [HADIT]\n    meaning: lain\n")]),
    ("answer-empty", "error", '"👍"', [("[HADIR, YA]", '[HADIR, "👍"]')]),
    ("answer-twice", "error", "hadir, YA", [("[HADIR, YA]", "[HADIR, hadir, YA]")]),
    ("neutrality", "error", "Coblos nomor", [("gunakan hak pilih Anda pada", "Coblos nomor 2 pada")]),
    ("neutrality", "error", "Menangkan", [("  hari: 2027", "  seru: Menangkan pasangan kita\n  hari: 2027"), (
        "{{ contact.first_name }}", "{{ seru }}")]),
    ("link-shortened", "warning", '"bit.ly', [(SMS_TEXT, '"bit.ly/abc {{ stop }}"')]),
    ("holdout-large", "warning", "0.5", [("variables:", "holdout: 0.5\nvariables:")]),
    ("holdout-small", "warning", "0.001", [("variables:", "holdout: 0.001\nvariables:")]),
    ("no-consent", "info", "not-required", [("variables:", "consent: not-required\nvariables:")]),
]  # fmt: skip

#: What the child process finds (see test_validate), and what takes a campaign of its own below.
ELSEWHERE = {"template-syntax", "template-undefined", "template-value", "template-budget", "template-too-long",
             "template-forbidden", "template-personal-link", "link-address", "campaign-past", "session-code",
             "session-differs", "session-moved"}  # fmt: skip


def test_nothing_is_said_about_a_good_campaign(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD) == []


@pytest.mark.parametrize(("code", "severity", "at", "changes"), FAULTS, ids=[f"{c}-{a[:12]}" for c, _, a, _ in FAULTS])
def test_one_fault_one_finding(tmp_path: Path, code: str, severity: str, at: str, changes: list[Change]) -> None:
    text = spoiled(*changes)
    found = findings(tmp_path, text)
    mine = sorted((d for d in found if d.code == code), key=lambda d: d.line)
    assert {d.code for d in found} - {code} <= FOLLOWS.get(code, set())
    assert [d.severity for d in mine][:1] == [severity]
    assert (mine[0].line, mine[0].column) == place_of(text, at)


#: Faults that cannot be made without another one.
FOLLOWS = {
    "neutrality": {"unused-variable"},
    "free-text": {"text-segments"},
    "stop-undefined": {"stop-missing"},
    "route-media": {"free-text", "route-repeats"},
    "text-too-long": {"text-segments"},
}


def test_every_code_has_a_case() -> None:
    codes = {code for rule in RULES for code in rule.CODES}
    assert {code for code, *_ in FAULTS} == codes - ELSEWHERE


LINKED = "Jumpa di {{ link }}. {{ stop }}"


def test_a_link_needs_an_address_to_lead_to(tmp_path: Path) -> None:
    text = spoiled((SMS_TEXT, f'"{LINKED}"'))
    assert findings(tmp_path, text, replace(KNOWN, link_base="https://kspl.id")) == []
    assert findings(tmp_path, text, replace(KNOWN, link_base=None)) == []
    (found,) = findings(tmp_path, text, replace(KNOWN, link_base=""))
    assert (found.code, found.severity) == ("link-address", "error")
    assert (found.line, found.column) == place_of(text, "link }}")


def test_an_automatic_answer_has_no_link(tmp_path: Path) -> None:
    (found,) = findings(tmp_path, spoiled(("reply: Terima kasih, sampai jumpa.", 'reply: "{{ link }}"')))
    assert (found.code, found.severity) == ("undefined-variable", "error")


@pytest.mark.parametrize(
    "written",
    [
        "{{ link | huruf_besar }}", "{% set x = link %}{{ x }}", "{{ link ~ '/' }}", "{{ link[:9] }}",
        "{% set x %}{{ link }}{% endset %}{{ x | huruf_besar }}", "{% if link == 'a' %}a{% endif %}",
        "{{ share_link | default('-') }}",
    ],
)  # fmt: skip
def test_a_link_is_written_as_it_is(tmp_path: Path, written: str) -> None:
    """Otherwise the message's own token would not be found in the text, and the link would lead nowhere."""
    found = findings(tmp_path, spoiled((SMS_TEXT, f'"{written} {{{{ stop }}}}"')))
    assert {(one.code, one.severity) for one in found} == {("template-personal-link", "error")}


@pytest.mark.parametrize(
    "written",
    [
        "{{ link }}", "{% if share_link %}Bagikan {{ share_link }}{% endif %}", "{{ link if link and not share_link }}",
        "{% if contact.role == 'x' %}{{ link }}{% else %}{{ share_link }}{% endif %}",
        "{% for i in [1] %}{{ link }}{% endfor %}",
    ],
)  # fmt: skip
def test_a_link_may_be_asked_for(tmp_path: Path, written: str) -> None:
    assert findings(tmp_path, spoiled((SMS_TEXT, f'"{written} {{{{ stop }}}}"'))) == []


def test_the_way_to_stop_may_be_the_link(tmp_path: Path) -> None:
    assert findings(tmp_path, spoiled(('sms: "Stop: kesbangpol.jakarta.go.id/stop"', 'sms: "Stop: {{ link }}"'))) == []


def test_a_campaign_of_last_year_is_an_error(tmp_path: Path) -> None:
    found = findings(tmp_path, GOOD.replace("2027-", "2025-"))
    assert [d.code for d in found if d.severity == "error"] == ["campaign-past"]


def test_suggestions(tmp_path: Path) -> None:
    text = spoiled(
        ("[pelajar,", "[pelajr,"), ("[sms-utama]", "[sms-utma]"), ("{{ contact.name | nama }},", "{{ contact.nmae }},")
    )
    assert [d.hint for d in findings(tmp_path, text)] == [
        "did you mean `pelajar`?",
        "did you mean `sms-utama`?",
        "did you mean `name`?",
    ]


def test_unicode_names_character_and_replacement(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, spoiled((SMS_TEXT, '"“Halo” {{ stop }}"')))
    assert "“ (U+201C) by '\"'" in finding.hint


def test_without_settings_nothing_is_said_about_senders_and_attributes(tmp_path: Path) -> None:
    text = spoiled(("[sms-utama]", "[siapa-saja]"), ("{{ contact.name | nama }},", "{{ contact.sekolah }},"))
    assert findings(tmp_path, text, Known()) == []


def test_a_likely_slip_is_told_even_without_settings(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, spoiled(("{{ contact.name | nama }},", "{{ contact.frist_name }},")), Known())
    assert (finding.code, finding.severity, finding.hint) == (
        "undefined-variable",
        "warning",
        "did you mean `first_name`?",
    )


def test_a_handed_down_route_is_told_once(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("steps:")] + (
        "route:\n  - senders: sms-utma\nsteps:\n"
        "  - {name: a, at: 2027-02-01 09:00, sessions: [pagi], text: 'A {{ hari }} {{ stop }}'}\n"
        "  - {name: b, at: 2027-02-02 09:00, text: 'B {{ stop }}'}\n"
    )
    assert [(d.code, d.line, d.column) for d in findings(tmp_path, text)] == [
        ("unknown-sender", *place_of(text, "sms-utma"))
    ]


def test_a_variable_of_an_included_file_points_into_that_file(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "penutup.txt").write_text("Salam,\n{{ pejabat }}\n")
    text = spoiled(("        {{ stop }}\n", '        {% include "penutup.txt" %}\n        {{ stop }}\n'))
    (finding,) = findings(tmp_path, text)
    assert (finding.code, finding.line) == ("undefined-variable", 2)
    assert finding.file == str(tmp_path / "templates" / "penutup.txt")
