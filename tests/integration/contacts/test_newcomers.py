"""People laid out as new while the file is read, and people folded in one by one: the same is stored of both."""

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
from dispatcher.store import tables as t
from dispatcher.store.arrivals import Arrivals
from dispatcher.store.engine import Database
from dispatcher.store.installation import claim_installation
from dispatcher.store.newcomers import Grant
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


GRANT = importing._Run.grant


def laid_out(run: Any) -> Grant | None:
    """A grant for each batch, also the first."""
    run._are_new = True
    return GRANT(run)


@contextmanager
def road(grant: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "BATCH_ROWS", 8)
        patch.setattr(importing._Run, "grant", grant)
        yield


def stored(context: Context) -> list[Any]:
    """What is on record of each person, opened, without ids and instants."""
    opened = context.keys.sealer.open
    with context.database.read() as connection:
        contacts = connection.execute(select(t.contacts)).mappings().all()
        points = connection.execute(select(t.contact_points).order_by(t.contact_points.c.rank)).mappings().all()
        groups = connection.execute(select(t.memberships)).mappings().all()
        consents = connection.execute(select(t.consents)).mappings().all()
        events = connection.execute(select(t.consent_events).order_by(t.consent_events.c.seq)).mappings().all()
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
    """`context` lays people out, `other` folds them in."""
    for name, rows in (("first.csv", first), ("second.csv", second), ("again.csv", first)):
        with road(laid_out):
            one = imported(context, folder, rows, name, basis=basis, source="warga.csv")
        with road(lambda _: None):
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
def taken_over(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many people each batch took over as they were laid out."""
    found: list[int] = []
    take_over = Arrivals.take_over

    def noted(arrivals: Arrivals, *rest: Any) -> None:
        take_over(arrivals, *rest)
        found.append(arrivals.count)

    monkeypatch.setattr(Arrivals, "take_over", noted)
    return found


@pytest.mark.parametrize("basis", ["consent", ""])
def test_both_roads_store_the_same(
    context: Context, other: Context, tmp_path: Path, taken_over: list[int], basis: str
) -> None:
    compare(context, other, tmp_path, drawn(1, 120), drawn(2, 120), basis)
    assert sum(taken_over) > 30


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


def test_most_of_a_new_file_is_laid_out_and_the_same_file_again_writes_nothing(
    context: Context, tmp_path: Path, taken_over: list[int]
) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, 100)
    with road(GRANT):
        first = import_contacts(context, path, ImportOptions())
        assert (first.created, sum(taken_over)) == (100, 99), "all but the first, short batch"
        before = everything(context.database)
        again = import_contacts(context, path, ImportOptions())
    assert (again.created, again.unchanged) == (0, 100)
    assert everything(context.database) == before


def test_a_dry_run_lays_nobody_out(context: Context, tmp_path: Path, taken_over: list[int]) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, 50)
    before = everything(context.database)
    with road(GRANT):
        dry = import_contacts(context, path, ImportOptions(dry_run=True))
    assert (dry.created, taken_over) == (50, [])
    assert everything(context.database) == before


def test_two_imports_that_lay_out_the_same_people_store_each_once(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    write_csv(path, 200)
    with road(laid_out), ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: import_contacts(context, path, ImportOptions()), range(2)))
    assert sum(result.created for result in results) == sum(result.unchanged for result in results) == 200
    tables = (t.contacts, t.contact_points, t.consents, t.consent_events)
    assert [count(context.database, table) for table in tables] == [200, 200, 200, 200]
    assert not verify_consent(context.database).faults


def test_somebody_stored_after_the_look_up_is_found_by_the_next_try(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unique key of the identity decides (as in invariant 2)."""
    files = {name: tmp_path / f"{name}.csv" for name in ("one", "all")}
    people = list(synthetic_contacts(6))
    for name, some in (("one", people[3:4]), ("all", people)):
        rows = [",".join(COLUMNS), *(",".join(person.values()) for person in some), ""]
        files[name].write_text("\n".join(rows), encoding="utf-8")
    look = Arrivals.of
    looked: list[int] = []

    def and_then_another_import(*given: Any) -> Arrivals:
        arrivals = look(*given)
        looked.append(len(arrivals.known))
        if looked == [0]:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(import_contacts, context, files["one"], ImportOptions(source="one.csv")).result()
        return arrivals

    with road(laid_out):
        monkeypatch.setattr(importing, "BATCH_ROWS", 80)
        monkeypatch.setattr(Arrivals, "of", and_then_another_import)
        result = import_contacts(context, files["all"], ImportOptions(source="all.csv"))
    assert looked == [0, 0, 1], "the other import laid its one person out as well"
    assert (result.created, result.updated + result.unchanged) == (5, 1)
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
    with road(laid_out):
        assert import_contacts(context, path, ImportOptions()).suppressed == 2


def test_cells_with_more_numbers_than_ids_were_set_aside_for(
    context: Context, tmp_path: Path, taken_over: list[int]
) -> None:
    path = tmp_path / "c.csv"
    rows = [f"Warga {i},{' / '.join(synthetic_e164(9 * i + n) for n in range(9))}\n" for i in range(24)]
    path.write_text("Nama,No HP\n" + "".join(rows), encoding="utf-8")
    with road(laid_out):
        assert import_contacts(context, path, ImportOptions()).created == 24
    assert count(context.database, t.contact_points) == 24 * 9
    assert taken_over == [1], "the first batch of one row, for which there were enough"
