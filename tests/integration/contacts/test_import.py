"""Importing contacts: what is stored, what again changes nothing, what is refused."""

from __future__ import annotations

import csv
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatcher.core.errors import UsageError
from dispatcher.operations.contacts import export_contact, show_contact, stop_contact
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions, ImportResult
from dispatcher.settings.model import Settings
from dispatcher.store import tables as t
from dispatcher.testing.synthetic import synthetic_e164, write_csv
from tests.integration.contacts.conftest import count, everything

Run = Callable[..., ImportResult]

HEADER = "Nama,No HP,Kelompok,Kelurahan,Kecamatan,Jabatan,Anak\n"
SITI = "Siti Aminah,0812-3456-7890,Ibu PKK,Menteng,Menteng,Ketua,3\n"
BUDI = "Budi,0813 1111 2222,RT,Gambir,Gambir,Sekretaris,1\n"


def counts(result: ImportResult) -> tuple[int, int, int, int, int]:
    return result.rows, result.created, result.updated, result.unchanged, result.rejected


def test_stores_what_the_file_says(run: Run, context: Context) -> None:
    assert counts(run(HEADER + SITI + BUDI)) == (2, 2, 0, 0, 0)
    (siti,) = show_contact(context, "0812 3456 7890")
    assert siti["name"] == "Siti Aminah"
    assert (siti["groups"], siti["role"], siti["attributes"]) == (["pkk"], "ketua", {"anak": 3})
    assert siti["region"] == "31.71.06.1001"
    assert [(n["media"], n["number"]) for n in siti["numbers"]] == [
        ("sms", "+62812****890"),
        ("whatsapp", "+62812****890"),
    ]
    assert siti["consents"][0] | {"at": ""} == {
        "purpose": "*", "media": "*", "granted": True, "basis": "public-task", "at": "",
    }  # fmt: skip
    assert siti["source"]["file"] == "warga.csv"


def test_numbers_and_names_are_not_in_the_database_as_they_are(run: Run, context: Context) -> None:
    run(HEADER + SITI, evidence="SK 12/2026")
    stored = repr(everything(context.database))
    assert "SK 12/2026" in stored
    assert "Siti" not in stored
    assert "81234567890" not in stored


def test_the_same_file_again_writes_nothing(run: Run, context: Context) -> None:
    first = run(HEADER + SITI + BUDI)
    before = everything(context.database)
    second = run(HEADER + SITI + BUDI)
    assert counts(second) == (2, 0, 0, 2, 0)
    assert second.import_id == first.import_id
    assert everything(context.database) == before


def test_a_dry_run_counts_the_same_and_writes_nothing(run: Run, context: Context) -> None:
    run(HEADER + SITI)
    text = HEADER + SITI + BUDI + BUDI + SITI.replace("Ketua", "Kader") + "Tono,081311112222,RW,,,,\n"
    before = everything(context.database)
    dry = run(text, "more.csv", dry_run=True)
    assert everything(context.database) == before
    real = run(text, "more.csv")
    assert counts(dry) == counts(real) == (5, 2, 1, 2, 0)
    assert dry.shared_numbers == real.shared_numbers == 1


def test_a_dry_run_remembers_earlier_batches(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.operations.import_contacts.BATCH_ROWS", 7)
    path = tmp_path / "c.csv"
    write_csv(path, 100)
    path.write_text(path.read_text() + "".join(path.read_text().splitlines(keepends=True)[1:]))
    dry = import_contacts(context, path, ImportOptions(dry_run=True))
    real = import_contacts(context, path, ImportOptions())
    assert counts(dry) == counts(real) == (200, 100, 0, 100, 0)
    assert dry.shared_numbers == real.shared_numbers > 0


def test_a_changed_row_updates_and_tells_which_contacts(run: Run, context: Context) -> None:
    run(HEADER + SITI + BUDI)
    (before,) = show_contact(context, "081234567890")
    changed: list[int] = []
    result = run(
        "Nama,No HP,Kelompok,Jabatan,Kendaraan\nSITI AMINAH,081234567890,RW,,motor\n",
        "rw.csv",
        on_contacts_changed=lambda _connection, ids: changed.extend(ids),
    )
    assert counts(result) == (1, 0, 1, 0, 0)
    (after,) = show_contact(context, "081234567890")
    assert changed == [after["id"]] == [before["id"]]
    assert after["name"] == "SITI AMINAH"
    assert after["groups"] == ["pkk", "rw"]
    assert after["role"] == "ketua", "an empty cell leaves what is known"
    assert after["attributes"] == {"anak": 3, "kendaraan": "motor"}


def test_an_older_file_again_brings_its_state_back(run: Run, context: Context) -> None:
    run(HEADER + SITI)
    run(HEADER + SITI.replace("Ketua", "Kader"), "new.csv")
    assert counts(run(HEADER + SITI)) == (1, 0, 1, 0, 0)
    assert show_contact(context, "081234567890")[0]["role"] == "ketua"


def test_numbers_of_a_new_file_replace_the_old_ones(run: Run, context: Context) -> None:
    run("ID Anggota,Nama,No HP,HP 2\n7,Siti,081234567890,081211112222\n")
    run("ID Anggota,Nama,No HP,HP 2\n7,Siti,081211112222,081333334444\n", "new.csv")
    (siti,) = show_contact(context, "081333334444")
    assert [n["number"][-3:] for n in siti["numbers"] if n["media"] == "sms"] == ["222", "444"]
    with pytest.raises(UsageError):
        show_contact(context, "081234567890")


@pytest.mark.parametrize("batch_rows", [1, 2000])
def test_a_known_row_and_a_new_one_of_a_person_give_the_numbers_of_both(
    run: Run, context: Context, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    """Whatever their order in the new file, and again it changes nothing."""
    monkeypatch.setattr("dispatcher.operations.import_contacts.BATCH_ROWS", batch_rows)
    header, known, added = "ID Anggota,Nama,No HP\n", "7,Siti,081234567890\n", "7,Siti,081311112222\n"
    run(header + known, "old.csv")
    assert counts(run(header + known + added, "new.csv")) == (2, 0, 1, 1, 0)
    (siti,) = show_contact(context, "081311112222")
    assert [n["number"][-3:] for n in siti["numbers"] if n["media"] == "sms"] == ["890", "222"]
    before = everything(context.database)
    assert counts(run(header + known + added, "new.csv")) == (2, 0, 0, 2, 0)
    assert everything(context.database) == before


@pytest.mark.parametrize("batch_rows", [1, 2000])
def test_a_refusal_in_a_known_row_wins_over_a_yes_in_the_same_file(
    run: Run, context: Context, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr("dispatcher.operations.import_contacts.BATCH_ROWS", batch_rows)
    header, no, yes = "ID Anggota,Nama,No HP,Persetujuan\n", "7,Siti,081234567890,tidak\n", "7,Siti,081234567890,ya\n"
    run(header + no, "old.csv")
    run(header + no + yes, "new.csv")
    (siti,) = show_contact(context, "081234567890")
    assert [consent["granted"] for consent in siti["consents"]] == [False]


@pytest.mark.parametrize("batch_rows", [1, 2000])
def test_one_person_twice_in_a_file_is_merged_the_same_way_each_time(
    run: Run, context: Context, monkeypatch: pytest.MonkeyPatch, batch_rows: int
) -> None:
    monkeypatch.setattr("dispatcher.operations.import_contacts.BATCH_ROWS", batch_rows)
    text = HEADER + SITI + "siti  aminah,081234567890,RW,,,,5\n" + SITI
    assert counts(run(text)) == (3, 1, 1, 1, 0)
    (siti,) = show_contact(context, "081234567890")
    assert siti["groups"] == ["pkk", "rw"]
    assert siti["attributes"] == {"anak": 5}
    before = everything(context.database)
    assert counts(run(text)) == (3, 0, 0, 3, 0)
    assert everything(context.database) == before


def test_two_imports_at_once_store_each_person_once(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatcher.operations.import_contacts.BATCH_ROWS", 80)
    path = tmp_path / "c.csv"
    write_csv(path, 800)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: import_contacts(context, path, ImportOptions()), range(2)))
    assert sum(result.created for result in results) == 800
    assert sum(result.unchanged for result in results) == 800
    tables = (t.contacts, t.contact_points, t.consents)
    assert [count(context.database, table) for table in tables] == [800, 800, 800]


def test_an_id_that_belongs_to_somebody_else_is_rejected(run: Run, context: Context, tmp_path: Path) -> None:
    run("ID Anggota,Nama,No HP\n7,Siti,081234567890\n")
    result = run("ID Anggota,Nama,No HP\n7,Joko,081399998888\n8,Ani,081377776666\n", "other.csv")
    assert counts(result) == (2, 1, 0, 0, 1)
    assert result.reasons == {"id_taken": 1}
    assert show_contact(context, "081234567890")[0]["name"] == "Siti"


def test_shared_numbers_are_told_with_lines_and_masked(run: Run) -> None:
    result = run(HEADER + SITI + BUDI + "Tono,0812 3456 7890,RW,,,,\n")
    assert result.shared_numbers == 1
    assert [(s.number, s.lines) for s in result.shared] == [("+62812****890", (2, 4))]


def test_media_follow_columns_and_line_type(run: Run, context: Context) -> None:
    run("Nama,No HP,No WA\nA,081234567890,081311112222\nB,0213456789,081377776666\n")
    (a,) = show_contact(context, "081234567890")
    assert [(n["media"], n["number"][-3:]) for n in a["numbers"]] == [("sms", "890"), ("whatsapp", "222")]
    (b,) = show_contact(context, "081377776666")
    assert [n["media"] for n in b["numbers"]] == ["whatsapp"]


def test_a_number_for_one_medium_serves_both_once_a_row_says_so(run: Run, context: Context) -> None:
    def media() -> list[str]:
        return [n["media"] for n in show_contact(context, "081234567890")[0]["numbers"]]

    run("ID Anggota,Nama,No WA,No HP\n7,Siti,081234567890,\n", "wa.csv")
    assert media() == ["whatsapp"]
    run("ID Anggota,Nama,No WA,No HP\n7,Siti A,081234567890,\n7,Siti A,,081234567890\n", "both.csv")
    assert media() == ["sms", "whatsapp"]
    run("ID Anggota,Nama,No WA,No HP\n7,Siti,,081234567890\n", "sms.csv")
    assert media() == ["sms"]
    assert count(context.database, t.contact_points) == 1


def test_rejected_rows_go_to_a_private_file_without_live_formulas(run: Run, tmp_path: Path) -> None:
    text = 'Nama,No HP,Catatan\nBudi,0213456789,\nAni,081234567890,"=HYPERLINK(""http://x"")"\nCici,12,\nDedi,081311112222,\n'
    result = run(text)
    assert counts(result) == (4, 1, 0, 0, 3)
    assert result.rejects_file == tmp_path / "warga.rejected.csv"
    assert stat.S_IMODE(result.rejects_file.stat().st_mode) == 0o600
    with result.rejects_file.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["Nama"], row["baris"], row["kode"]) for row in rows] == [
        ("Budi", "2", "landline"),
        ("Ani", "3", "formula"),
        ("Cici", "4", "too_short"),
    ]
    assert rows[1]["Catatan"].startswith("'=")
    assert "telepon rumah" in rows[0]["alasan"]
    assert "landline" in rows[0]["reason"]


def test_a_file_of_rejected_rows_is_never_written_over(run: Run, tmp_path: Path) -> None:
    """A clerk may be mending it, or have mended it already."""
    bad = "Nama,No HP\nBudi,12\n"
    dry, first = run(bad, dry_run=True), run(bad)
    assert dry.rejects_file == first.rejects_file == tmp_path / "warga.rejected.csv"
    mended = "Nama,No HP\nBudi,081234567890\n"
    first.rejects_file.write_text(mended)
    second, third = run(bad), run(bad + "Cici,13\n")
    assert [result.rejects_file for result in (second, third)] == [
        tmp_path / "warga.rejected-2.csv",
        tmp_path / "warga.rejected-3.csv",
    ]
    assert run(bad).rejects_file == second.rejects_file
    assert first.rejects_file.read_text() == mended
    assert len(list(tmp_path.glob("warga.rejected*.csv"))) == 3


def test_a_file_of_rejected_rows_that_is_somebody_elses_to_read_is_left_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object, **__: object) -> bool:
        raise PermissionError(13, "Permission denied")

    bad = "Nama,No HP\nBudi,12\n"
    assert run(bad).rejects_file == tmp_path / "warga.rejected.csv"
    monkeypatch.setattr("dispatcher.operations.import_rejects.filecmp.cmp", unreadable)
    assert run(bad).rejects_file == tmp_path / "warga.rejected-2.csv"


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_rejected_rows_go_to_a_plain_file_only(run: Run, tmp_path: Path, kind: str) -> None:
    target, elsewhere = tmp_path / "buruk.csv", tmp_path / "rahasia.txt"
    elsewhere.write_text("rahasia")
    target.mkdir() if kind == "folder" else target.symlink_to(elsewhere)
    with pytest.raises(UsageError, match=r"buruk\.csv, cannot be written"):
        run("Nama,No HP\nBudi,12\n", rejects=target)
    assert elsewhere.read_text() == "rahasia"


def test_consent_follows_the_column_and_a_refusal_is_not_turned_by_silence(run: Run, context: Context) -> None:
    run("Nama,No HP,Persetujuan\nA,081234567890,tidak\nB,081311112222,ya\n", basis="form")
    with context.database.read() as connection:
        granted = connection.execute(select(t.consents.c.granted, t.consents.c.basis).order_by(t.consents.c.contact_id))
        assert [tuple(row) for row in granted] == [(False, "form"), (True, "form")]
    run("Nama,No HP\nA,081234567890\n", "silent.csv")
    assert show_contact(context, "081234567890")[0]["consents"][0]["granted"] is False
    run("Nama,No HP,Setuju\nA,081234567890,ya\n", "said.csv")
    assert show_contact(context, "081234567890")[0]["consents"][0]["granted"] is True
    said = export_contact(context, "081234567890")["consent_events"]
    assert [(word["granted"], word["source"]) for word in said] == [(False, "warga.csv"), (True, "said.csv")]
    assert count(context.database, t.consent_events) == 3


def test_a_refusing_number_stays_refused_whatever_a_file_says(run: Run, context: Context) -> None:
    """Invariant 14."""
    run(HEADER + SITI)
    stop_contact(context, "081234567890", by="Rina")
    result = run("Nama,No HP,Persetujuan\nSiti Aminah,081234567890,ya\n", "again.csv")
    assert result.suppressed == 1
    (siti,) = show_contact(context, "081234567890")
    assert all(number["refused"] for number in siti["numbers"])


def test_groups_of_the_command_are_added_and_must_exist(run: Run, context: Context) -> None:
    run(HEADER + SITI, groups=("Dasa Wisma",))
    assert show_contact(context, "081234567890")[0]["groups"] == ["dasawisma", "pkk"]
    with pytest.raises(UsageError, match="there is no group"):
        run(HEADER + SITI, groups=("klub motor",))


def test_minors_and_made_up_numbers_are_marked(run: Run, context: Context) -> None:
    number = synthetic_e164(5)
    result = run(f"Nama,No HP,Tanggal lahir\nAdik,{number},2015-01-31\nKakak,081234567890,1990-01-31\n")
    assert result.minors == 1
    (adik,), (kakak,) = show_contact(context, number), show_contact(context, "081234567890")
    assert (adik["minor"], adik["synthetic"], adik["birth_date"], adik["birth_year"]) == (
        True,
        True,
        "2015-01-31",
        2015,
    )
    assert (kakak["minor"], kakak["synthetic"]) == (False, False)


def test_only_declared_purposes_are_taken_where_there_are_any(run: Run, context: Context) -> None:
    run("Nama,No HP\nA,081234567890\n", purpose="apa-saja")
    context.__dict__["settings"] = Settings.model_validate(
        {"purposes": {"pendidikan-pemilih": {"label": "Pendidikan pemilih", "label_en": "Voter education"}}}
    )
    with pytest.raises(UsageError, match='there is no purpose "pendidikan-pemlih"') as refused:
        run("Nama,No HP\nB,081311112222\n", purpose="pendidikan-pemlih")
    assert refused.value.hint == "did you mean `pendidikan-pemilih`?"
    with pytest.raises(UsageError, match="there is no purpose"):
        stop_contact(context, "081234567890", by="Rina", purpose="pendidikan-pemlih")
    run("Nama,No HP\nB,081311112222\n", purpose="pendidikan-pemilih")
    (shown,) = show_contact(context, "081311112222")
    assert [one["label"] for one in shown["consents"]] == ["Voter education"]
    assert stop_contact(context, "081311112222", by="Rina", purpose="*")["newly_refused"] == 1


def test_the_import_is_on_record(run: Run, context: Context) -> None:
    result = run(HEADER + SITI, basis="consent", evidence="Formulir 3", source="Kelurahan Menteng", purpose="voting")
    with context.database.read() as connection:
        row = connection.execute(select(t.imports)).one()
    assert (row.id, row.basis, row.evidence, row.purpose) == (result.import_id, "consent", "Formulir 3", "voting")
    assert (row.source, len(row.file_sha256), row.counts["created"]) == ("Kelurahan Menteng", 64, 1)
    assert row.finished_us is not None
    (said,) = export_contact(context, "081234567890")["consent_events"]
    assert (said["evidence"], said["source"], said["via"]) == ("Formulir 3", "Kelurahan Menteng", "import")
    assert said["import_id"] == row.id


def test_another_purpose_adds_consent_for_it(run: Run, context: Context) -> None:
    run(HEADER + SITI, purpose="voting")
    assert counts(run(HEADER + SITI, purpose="events")) == (1, 0, 1, 0, 0)
    held = {(c["purpose"], c["granted"]) for c in show_contact(context, "081234567890")[0]["consents"]}
    assert held == {("voting", True), ("events", True)}


def test_rejected_rows_never_replace_the_contact_file(run: Run, tmp_path: Path) -> None:
    text = HEADER + "Budi,12,,,,,\n"
    with pytest.raises(UsageError, match="itself"):
        run(text, rejects=tmp_path / "warga.csv")
    assert (tmp_path / "warga.csv").read_text() == text
