"""How commands speak: data on stdout, talk on stderr, progress where a person watches."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from dispatcher.core.diagnostics import Diagnostic

JsonFlag = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout.")]
_WIDTH = 160
"""Of what is no terminal."""

_GAP = "  "

WhoOption = Annotated[str, typer.Option("--by", help="Who does this; kept on record.")]


def print_json(data: object) -> None:
    import json

    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")


def say(text: str) -> None:
    """Talk: to stderr, so that data on stdout stays clean."""
    typer.echo(text, err=True)


def write_whole(path: Path, content: bytes, *, private: bool = False) -> None:
    """All of it or nothing: what stood there stays until the new file is complete, whatever happens meanwhile.

    `private`: nobody else may read it, and a link is replaced, not followed. A device gets the content as it comes.
    """
    import os

    if path.is_dir() or not path.parent.is_dir():
        from dispatcher.core.errors import UsageError

        raise UsageError("out", f"{path} cannot be written", "Name a file in a folder that is there.")
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path if private else path.resolve()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
        with os.fdopen(opened, "wb") as file:
            file.write(content)
        partial.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        partial.unlink(missing_ok=True)


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """To stderr, errors first within a file as they stand; as annotations where a CI system reads along."""
    import os

    for diagnostic in diagnostics:
        if os.environ.get("GITHUB_ACTIONS"):
            say(diagnostic.as_annotation())
        hint = f"\n    {diagnostic.hint}" if diagnostic.hint else ""
        say(f"{diagnostic} [{diagnostic.severity}: {diagnostic.code}]{hint}")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table on stdout; numbers to the right."""
    given = [list(row) for row in rows]
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in given]
    numeric = [
        bool(given) and all(isinstance(row[index], int | float) for row in given) for index in range(len(headings))
    ]
    plain = None if title or sys.stdout.isatty() else _plain_table([list(headings), *cells], numeric)
    if plain is None:
        _print_rich_table(headings, cells, numeric, title)
    else:
        sys.stdout.write(plain)


def _plain_table(lines: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str | None:
    """The same without Rich, which takes a seventh of a short command's time; None where lines must be folded.

    Only of signs that surely are one column wide.
    """
    if not all(cell.isascii() and cell.isprintable() for line in lines for cell in line):
        return None
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if not all(widths) or sum(widths) + len(_GAP) * (len(widths) - 1) > _WIDTH:
        return None
    columns = list(zip(widths, numeric, strict=True))
    return "".join(
        _GAP.join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, (width, right) in zip(line, columns, strict=True)
        )
        + "\n"
        for line in lines
    )


def _print_rich_table(
    headings: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool], title: str
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading, right in zip(headings, numeric, strict=True):
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))  # as it was written: a title may hold [brackets] or :colons:
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


class Progress(Protocol):
    def __call__(self, done: int, total: int | None = None) -> None: ...


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Progress]:
    """A bar on stderr: live for a person, a line now and then for a log."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=False) as bar:
        task = bar.add_task(label, total=total)

        def advance(done: int, total: int | None = None) -> None:
            bar.update(task, completed=done, total=total if total is not None else None)

        yield advance


def connect_context() -> Any:
    """The wired context of this environment, imported late.

    Its connections are closed at the very end, whatever ends the command: the last one of SQLite then puts all that was
    committed into the one file, which people copy.
    """
    from dispatcher.wiring import connect

    context = connect()
    atexit.register(context.database.engine.dispose)
    return context
