"""An adapter that only translates stays small: what grows is trade that others have too, and belongs behind the door.

`http_gateway` and `smpp` are not counted, for they do more than translate: the one is an engine for gateways that are
described by configuration, the other keeps sessions over a protocol of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import dispatcher_channels

FOLDER = Path(dispatcher_channels.__file__).parent
WITH_TABLES = {"twilio": 400, "whatsapp_cloud": 400}
LIMITS = {"console.py": 200, "filedrop.py": 200, "simulator.py": 200, **WITH_TABLES}
ENGINES = {"http_gateway", "smpp"}


def lines(path: Path) -> int:
    """Of every file, tables too."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(len(file.read_bytes().splitlines()) for file in files if "__pycache__" not in file.parts)


@pytest.mark.parametrize("name", LIMITS)
def test_an_adapter_stays_small(name: str) -> None:
    counted = lines(FOLDER / name)
    assert 0 < counted < LIMITS[name], f"{name} has {counted} lines"


def test_every_adapter_is_counted_or_is_an_engine() -> None:
    found = {path.name for path in FOLDER.iterdir() if not path.name.startswith("__") and path.suffix in ("", ".py")}
    assert found == {*LIMITS, *ENGINES}
