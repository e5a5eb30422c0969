"""Reads a large contact file in a process of its own, so that reading and storing use two cores.

`python -m dispatcher.operations.import_reader` takes a pickled Request on stdin and writes to stdout, each with its
length before it: batches, as lists of rows made of plain values, then None; or the error that ended it. Keys travel
through the pipe only.
"""

from __future__ import annotations

import gc
import marshal
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from dispatcher.audience.columns import Wishes
from dispatcher.audience.rows import Context, RejectedRow
from dispatcher.core.errors import DispatcherError, UsageError
from dispatcher.operations.import_rows import open_reading, read_people
from dispatcher.store.drafts import Number, Person
from dispatcher.store.keys import Keys

#: Below this a second process costs more than it gives.
WORTH_IT_BYTES: Final = 1 << 20

_LENGTH: Final = struct.Struct("!Q")


class Batch(NamedTuple):
    people: list[Person]
    rejected: list[RejectedRow]


class _Failure(NamedTuple):
    code: str
    message: str
    hint: str


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
        # a short one first, so that storing begins early
        sizes = chain((max(self.batch_rows // 8, 1),), repeat(self.batch_rows))
        while some := list(islice(people, next(sizes))):
            yield Batch(
                [row for row in some if isinstance(row, Person)], [row for row in some if isinstance(row, RejectedRow)]
            )


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
    """The same batches, whether a child reads them or this process."""
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
            batch = _receive(child.stdout)
        except EOFError:
            message = f"reading {request.path.name} ended early (exit {child.wait()})"
            raise UsageError("reader-died", message, "Is there enough memory? What was read is stored.") from None
        if batch is None:
            return
        if len(batch) == len(_Failure._fields):
            raise UsageError(*batch)
        yield _unpacked(*batch)


def _send(out: IO[bytes], value: Any) -> None:
    packed = marshal.dumps(value)
    out.write(_LENGTH.pack(len(packed)))
    out.write(packed)
    out.flush()


def _receive(source: IO[bytes]) -> Any:
    """Raises EOFError where the sender ended early."""
    length = source.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        raise EOFError
    (size,) = _LENGTH.unpack(length)
    packed = source.read(size)
    if len(packed) < size:
        raise EOFError
    return marshal.loads(packed)  # noqa: S302  from our own child


def _packed(batch: Batch) -> tuple[list[Any], list[Any]]:
    """Plain tuples, which is what marshal takes."""
    people = [(tuple(map(tuple, person.numbers)), *person[1:]) for person in batch.people]
    return people, list(map(tuple, batch.rejected))


def _unpacked(people: list[Any], rejected: list[Any]) -> Batch:
    number = Number._make
    return Batch(
        [Person(tuple(map(number, numbers)), *rest) for numbers, *rest in people],
        list(map(RejectedRow._make, rejected)),
    )


def main() -> None:
    request: Request = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own parent
    out = sys.stdout.buffer
    try:
        for batch in request.read():
            _send(out, _packed(batch))
        _send(out, None)
    except DispatcherError as error:
        _send(out, tuple(_Failure(error.code, error.message, error.hint)))


if __name__ == "__main__":
    with suppress(BrokenPipeError), rare_collection():  # the parent may have gone
        main()
