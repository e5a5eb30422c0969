"""Newcomers and people folded in one by one: the same is stored of both."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from dispatcher.operations import import_contacts as importing
from dispatcher.operations.contacts import stop_contact
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions, ImportResult
from dispatcher.operations.verify_consent import verify_consent
from dispatcher.settings import Environment
from dispatcher.store import import_batch
from dispatcher.store import tables as t
from dispatcher.store.engine import Database
from dispatcher.store.import_batch import BatchStore
from dispatcher.store.installation import claim_installation
from dispatcher.store.newcomers import add_newcomers
from dispatcher.testing.synthetic import COLUMNS, synthetic_contacts, synthetic_e164, write_csv
from tests.integration.contacts.conftest import KEYS, count, everything

HEADER = "ID Anggota,Nama,No HP,HP 2,Kelompok,Kode Wilayah,RT,RW,Jabatan,Tanggal Lahir,Persetujuan,Anak,Zona"
NUMBERS = ("081234567890", "081311112222", "+12025550123", "0213456789", "12", synthetic_e164(3), synthetic_e164(4))
CELLS: Sequence[Sequence[str]] = (
    ("", "", "", "7", "8"),
    ("Siti Aminah", "siti  aminah", "Budi", "Tono", "Ani", "", "Rina {{x}}"),
    (*NUMBERS, "081277776666/081288889999"),
    ("", "", "", *NUMBERS),
    ("", "pkk", "rt", "PKK, RW"),
    ("", "31.71.06.1001", "31.74.05.1003", "di mana"),
    ("", "3"),
    ("", "004"),
    ("", "Ketua", "Kader"),
    ("", "1990-01-31", "2015-01-31", "kemarin"),
    ("", "ya", "tidak"),
    ("", "2"),
    ("", "WIB", "WITA"),
)
ROWS = st.lists(st.tuples(*map(st.sampled_from, CELLS)), min_size=1, max_size=25)


def drawn(seed: int, rows: int) -> list[tuple[str, ...]]:
    chance = random.Random(seed)
    return [tuple(map(chance.choice, CELLS)) for _ in range(rows)]


def text_of(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([HEADER, *(",".join(f'"{cell}"' for cell in row) for row in rows), ""])


@contextmanager
def opened_context(url: str) -> Iterator[Context]:
    database = Database(url)
    claim_installation(database, KEYS)
    try:
        yield Context(Environment({"DATABASE_URL": url, "DISPATCHER_CONFIG": ""}), database, KEYS)
    finally:
        database.close()


@contextmanager
def everyone_folded_in() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_batch, "newcomers_among", lambda _people, _known: set())
        yield


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 8)


def stored(context: Context) -> list[Any]:
    """What is on record of each person, opened, without ids and instants."""
    opened = context.keys.sealer.open
    with context.database.read() as connection:
        contacts = connection.execute(select(t.contacts)).mappings().all()
        points = connection.execute(select(t.contact_points).order_by(t.contact_points.c.rank)).mappings().all()
        groups = connection.execute(select(t.memberships)).mappings().all()
        consents = connection.execute(select(t.consents)).mappings().all()
        events = (
            connection.execute(select(t.consent_events).order_by(t.consent_events.c.sheet, t.consent_events.c.seq))
            .mappings()
            .all()
        )
    own = {"id", "contact_id", "created_us", "updated_us", "at_us", "import_id", "sheet", "seq", "salt", "commitment"}

    def plain(row: Any, *sealed: str) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in own and name not in sealed}

    def of(rows: Sequence[Any], contact: Any) -> list[Any]:
        return [row for row in rows if row["contact_id"] == contact["id"]]

    people = [
        {
            **plain(contact, "name_sealed", "birth_date_sealed"),
            "name": contact["name_sealed"] and opened("contacts.name", contact["id"], contact["name_sealed"]),
            "born": contact["birth_date_sealed"]
            and opened("contacts.birth_date", contact["id"], contact["birth_date_sealed"]),
            "numbers": [
                (
                    opened("contact_points.address", point["id"], point["address_sealed"]),
                    plain(point, "address_sealed"),
                )
                for point in of(points, contact)
            ],
            "groups": sorted(row["group_slug"] for row in of(groups, contact)),
            "consents": [plain(row) for row in of(consents, contact)],
            "events": [plain(row) for row in of(events, contact)],
        }
        for contact in contacts
    ]
    return sorted(people, key=repr)


def told(result: ImportResult) -> dict[str, Any]:
    return {**result.as_json(), "import_id": None, "rejects_file": None}


def imported(
    context: Context, folder: Path, rows: Sequence[Sequence[str]], name: str, **options: Any
) -> dict[str, Any]:
    path = folder / name
    path.write_text(text_of(rows), encoding="utf-8")
    return told(import_contacts(context, path, ImportOptions(rejects=folder / f"{name}.rejected", **options)))


def compare(
    context: Context, other: Context, folder: Path, first: Sequence[Any], second: Sequence[Any], basis: str
) -> None:
    """`other` folds everyone in."""
    for name, rows in (("first.csv", first), ("second.csv", second), ("again.csv", first)):
        one = imported(context, folder, rows, name, basis=basis, source="warga.csv")
        with everyone_folded_in():
            two = imported(other, folder, rows, name, basis=basis, source="warga.csv")
        assert one == two
        assert stored(context) == stored(other)
    assert not verify_consent(context.database).faults


@pytest.fixture
def other(tmp_path: Path, sqlite_template: Path) -> Iterator[Context]:
    path = tmp_path / "other.db"
    shutil.copyfile(sqlite_template, path)
    with opened_context(f"sqlite:///{path}") as context:
        yield context


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many newcomers each batch had."""
    found: list[int] = []

    def noted(rows: Any, people: Sequence[Any], *rest: Any) -> None:
        found.append(len(people))
        add_newcomers(rows, people, *rest)

    monkeypatch.setattr(import_batch, "add_newcomers", noted)
    return found


@pytest.mark.parametrize("basis", ["consent", ""])
def test_both_roads_store_the_same(
    context: Context, other: Context, tmp_path: Path, added: list[int], basis: str
) -> None:
    compare(context, other, tmp_path, drawn(1, 120), drawn(2, 120), basis)
    assert sum(added) > 30


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ROWS, second=ROWS)
def test_both_roads_store_the_same_whatever_a_file_holds(
    tmp_path: Path, sqlite_template: Path, first: list[Any], second: list[Any]
) -> None:
    paths = [tmp_path / "one.db", tmp_path / "two.db"]
    for path in paths:
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        shutil.copyfile(sqlite_template, path)
    with opened_context(f"sqlite:///{paths[0]}") as one, opened_context(f"sqlite:///{paths[1]}") as two:
        compare(one, two, tmp_path, first, second, "public-task")


def test_all_of_a_new_file_are_newcomers(context: Context, tmp_path: Path, added: list[int]) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, 100)
    assert import_contacts(context, path, ImportOptions()).created == sum(added) == 100
    before = everything(context.database)
    assert import_contacts(context, path, ImportOptions()).unchanged == sum(added) == 100
    assert everything(context.database) == before


def test_somebody_stored_after_the_look_up_is_found_by_the_next_try(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unique key of the identity decides (as in invariant 2)."""
    files = {name: tmp_path / f"{name}.csv" for name in ("one", "all")}
    people = list(synthetic_contacts(6))
    for name, some in (("one", people[3:4]), ("all", people)):
        rows = [",".join(COLUMNS), *(",".join(person.values()) for person in some), ""]
        files[name].write_text("\n".join(rows), encoding="utf-8")
    look_up = BatchStore._look_up
    looked: list[int] = []

    def and_then_another_import(store: BatchStore, *given: Any) -> Any:
        known = look_up(store, *given)
        looked.append(len(known.drafts))
        if looked == [0]:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(import_contacts, context, files["one"], ImportOptions(source="one.csv")).result()
        return known

    monkeypatch.setattr(importing, "BATCH_ROWS", 80)
    monkeypatch.setattr(BatchStore, "_look_up", and_then_another_import)
    result = import_contacts(context, files["all"], ImportOptions(source="all.csv"))
    assert looked == [0, 0, 1], "all.csv, one.csv, and all.csv again"
    assert (result.created, result.unchanged) == (5, 1)
    assert count(context.database, t.contacts) == count(context.database, t.consents) == 6
    assert not verify_consent(context.database).faults


def test_a_refusing_number_of_a_newcomer_is_counted(context: Context, tmp_path: Path) -> None:
    """Invariant 14."""
    for number in (synthetic_e164(2), synthetic_e164(4)):
        stop_contact(context, number, by="Rina")
    path = tmp_path / "c.csv"
    path.write_text(
        "Nama,No HP,HP 2\n"
        + "".join(f"Warga {i},{synthetic_e164(i)},{synthetic_e164(4) if i == 2 else ''}\n" for i in range(6)),
        encoding="utf-8",
    )
    assert import_contacts(context, path, ImportOptions()).suppressed == 2
