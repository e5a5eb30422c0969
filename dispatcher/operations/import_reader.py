"""Reads a large contact file in a process of its own, so that reading and storing use two cores.

`python -m dispatcher.operations.import_reader` takes a pickled Request on stdin, then a Grant or None for each batch.
It writes to stdout, each with its length before it: batches, made of plain values, then None; or the error that ended
it. Keys travel through the pipe only.
"""

from __future__ import annotations

import gc
import marshal
import os
import pickle
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

from dispatcher.audience.columns import Wishes
from dispatcher.audience.rows import Context, RejectedRow
from dispatcher.core.errors import DispatcherError, UsageError
from dispatcher.operations.import_rows import open_reading, read_people
from dispatcher.store.drafts import Person, Terms, packed, unpacked
from dispatcher.store.keys import Keys
from dispatcher.store.newcomers import Grant, Newcomers, lay_out

#: Below this a second process costs more than it gives.
WORTH_IT_BYTES: Final = 1 << 20

_LENGTH: Final = struct.Struct("!Q")

Grants = Callable[[], Grant | None]
"""Asked before each batch is made up; without a Grant nobody in it is taken for new."""


class Batch(NamedTuple):
    """`rows`: how many there are without those rejected; `notes`: code → rows. Both are of newcomers too."""

    people: list[Person]
    newcomers: Newcomers | None
    rejected: list[RejectedRow]
    rows: int
    notes: dict[str, int]

    def numbers_on(self, lines: Container[int]) -> dict[bytes, str]:
        """The numbers on these lines, by their hashes."""
        people = [person for person in self.people if person.line in lines]
        if self.newcomers:
            positions = [at for at, line in enumerate(self.newcomers.lines) if line in lines]
            people += unpacked(self.newcomers.packed, positions) if positions else []
        return {number.hash: number.e164 for person in people for number in person.numbers}


class _Failure(NamedTuple):
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Request:
    path: Path
    sheet: str
    wishes: Wishes
    context: Context
    keys: Keys
    terms: Terms
    batch_rows: int

    def read(self, granted: Grants) -> Iterator[Batch]:
        """Raises UsageError for a file that turns out not to serve."""
        people = read_people(open_reading(self.path, self.sheet, self.wishes, self.context), self.keys, self._salt)
        # a short one first, so that storing begins early
        sizes = chain((max(self.batch_rows // 8, 1),), repeat(self.batch_rows))
        while some := list(islice(people, next(sizes))):
            yield self._batch(some, granted())

    @property
    def _salt(self) -> str:
        """What else a row's hash depends on."""
        return f"{self.terms.purpose}\x1f{self.terms.basis}\x1f{self.terms.said_basis}"

    def _batch(self, some: list[Person | RejectedRow], grant: Grant | None) -> Batch:
        people = [row for row in some if isinstance(row, Person)]
        rejected = [row for row in some if isinstance(row, RejectedRow)]
        notes = Counter(chain.from_iterable([person.notes for person in people if person.notes]))
        if grant is None:
            return Batch(people, None, rejected, len(people), dict(notes))
        newcomers, others = lay_out(people, grant, self.terms, self.keys.sealer)
        return Batch(others, newcomers, rejected, len(people), dict(notes))


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


def read_batches(request: Request, grants: Grants) -> Generator[Batch, None, None]:
    """The same batches, whether a child reads them or this process."""
    if (os.cpu_count() or 1) < 2 or request.path.stat().st_size < WORTH_IT_BYTES:
        yield from request.read(grants)
        return
    command = (sys.executable, "-m", "dispatcher.operations.import_reader")
    # a session of its own: Ctrl-C is ours to handle
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S603
    try:
        yield from _received(child, request, grants)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()


def _received(child: subprocess.Popen[bytes], request: Request, grants: Grants) -> Iterator[Batch]:
    assert child.stdin
    assert child.stdout
    _tell(child.stdin, request)
    _tell(child.stdin, grants())
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
        _tell(child.stdin, grants())


def _tell(child: IO[bytes], what: object) -> None:
    """What a child that died does not hear shows when it is listened to."""
    with suppress(BrokenPipeError):
        pickle.dump(what, child, pickle.HIGHEST_PROTOCOL)
        child.flush()


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


def _packed(batch: Batch) -> tuple[Any, ...]:
    """Plain values, which is what marshal takes."""
    people, newcomers, rejected, *counts = batch
    return len(people), packed(people), newcomers and tuple(newcomers), list(map(tuple, rejected)), *counts


def _unpacked(count: int, people: bytes, newcomers: Any, rejected: list[Any], *counts: Any) -> Batch:
    laid_out = newcomers and Newcomers._make(newcomers)
    return Batch(unpacked(people, range(count)), laid_out, list(map(RejectedRow._make, rejected)), *counts)


def main() -> None:
    request: Request = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own parent
    out = sys.stdout.buffer
    try:
        for batch in request.read(lambda: cast(Grant | None, pickle.load(sys.stdin.buffer))):  # noqa: S301
            _send(out, _packed(batch))
        _send(out, None)
    except DispatcherError as error:
        _send(out, tuple(_Failure(error.code, error.message, error.hint)))


if __name__ == "__main__":
    with suppress(BrokenPipeError, EOFError), rare_collection():  # the parent may have gone
        main()
