"""Reads a large contact file in a process of its own, so that reading and storing use two cores.

`python -m dispatcher.operations.import_reader` takes a pickled Request on stdin and writes pickled batches to stdout:
lists of Person and RejectedRow, then None; or the error that ended it. Keys travel through the pipe only.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from dispatcher.audience.columns import Wishes
from dispatcher.audience.rows import ContactRow, Context, RejectedRow
from dispatcher.core.errors import DispatcherError, UsageError
from dispatcher.operations.import_rows import open_reading, read_people
from dispatcher.store.drafts import Number, Person
from dispatcher.store.keys import Keys

#: Below this a second process costs more than it gives.
WORTH_IT_BYTES: Final = 1 << 20

_POINTS: Final = ContactRow._fields.index("points")

Batch = list[Person | RejectedRow]


@dataclass(frozen=True, slots=True)
class Request:
    """`salt`: what else a row's hash depends on."""

    path: Path
    sheet: str
    wishes: Wishes
    context: Context
    keys: Keys
    salt: str
    batch_rows: int

    def read(self) -> Iterator[Batch]:
        """Raises UsageError for a file that turns out not to serve."""
        people = read_people(open_reading(self.path, self.sheet, self.wishes, self.context), self.keys, self.salt)
        while batch := list(islice(people, self.batch_rows)):
            yield batch


@contextmanager
def rare_collection() -> Iterator[None]:
    """Batches hold many small objects and no cycles: the search for cycles took a quarter of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def read_batches(request: Request) -> Generator[Batch, None, None]:
    """The same batches, whether a child reads them or this process; from a child, rows come without their points."""
    if (os.cpu_count() or 1) < 2 or request.path.stat().st_size < WORTH_IT_BYTES:
        yield from request.read()
        return
    command = (sys.executable, "-m", "dispatcher.operations.import_reader")
    # a session of its own: Ctrl-C is ours to handle
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S603
    try:
        yield from _received(child, request)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()


def _received(child: subprocess.Popen[bytes], request: Request) -> Iterator[Batch]:
    assert child.stdin
    assert child.stdout
    with suppress(BrokenPipeError):
        pickle.dump(request, child.stdin, pickle.HIGHEST_PROTOCOL)
        child.stdin.flush()
    while True:
        try:
            batch = pickle.load(child.stdout)  # noqa: S301  from our own child
        except (EOFError, pickle.UnpicklingError):
            message = f"reading {request.path.name} ended early (exit {child.wait()})"
            raise UsageError("reader-died", message, "Is there enough memory? What was read is stored.") from None
        if batch is None:
            return
        if isinstance(batch, tuple):
            raise UsageError(*batch)
        yield [_unpacked(row) for row in batch]


def _packed(row: Person | RejectedRow) -> tuple[Any, ...]:
    """Plain tuples: named ones take three times as long to pickle. Points are numbers by now and stay behind."""
    if isinstance(row, RejectedRow):
        return tuple(row)
    fields = tuple(row.row)
    return (
        (*fields[:_POINTS], (), *fields[_POINTS + 1 :]),
        row.identity,
        row.row_hash,
        tuple(map(tuple, row.numbers)),
        row.minor,
        row.cells,
    )


def _unpacked(packed: tuple[Any, ...]) -> Person | RejectedRow:
    if not isinstance(packed[0], tuple):
        return RejectedRow(*packed)
    row, identity, row_hash, numbers, minor, cells = packed
    return Person(ContactRow(*row), identity, row_hash, tuple(map(Number._make, numbers)), minor, cells)


def main() -> None:
    request: Request = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own parent
    out = sys.stdout.buffer
    try:
        for batch in request.read():
            pickle.dump([_packed(row) for row in batch], out, pickle.HIGHEST_PROTOCOL)
            out.flush()
        pickle.dump(None, out)
    except DispatcherError as error:
        pickle.dump((error.code, error.message, error.hint), out)
    out.flush()


if __name__ == "__main__":
    with suppress(BrokenPipeError), rare_collection():  # the parent may have gone
        main()
