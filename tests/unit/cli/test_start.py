"""What a command that only looks does not load. Each of these costs it from a thirtieth to a half of its time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.start import COMMANDS

NOT_TO_LOAD = (
    # libraries, and the parts of them that only some need
    "alembic", "celery", "cryptography", "ctypes", "jinja2", "kombu", "lokal", "multiprocessing", "phonenumbers",
    "prometheus_client", "psycopg", "pydantic", "pyreqwest", "redis", "rich", "ruamel.yaml", "segno", "smpp34",
    "sqlalchemy.dialects.postgresql", "sqlalchemy.ext", "sqlalchemy.orm", "starlette", "structlog", "twilio",
    "uvicorn", "xlsxwriter",
    # ours, that make models of pydantic
    "dispatcher.campaign.model", "dispatcher.delivery.limits", "dispatcher.settings.model", "dispatcher.spi",
)  # fmt: skip

CHILD = """
import gc, sys
from dispatcher.cli.start import main
try:
    main()
finally:
    sys.stdout.write("\\0" + " ".join([str(gc.get_freeze_count()), *sys.modules]))
"""


@pytest.mark.parametrize("arguments", [*COMMANDS, ("contacts", "verify"), ("campaign", "report", "tidak-ada")])
@pytest.mark.parametrize("how", [["--json"], []], ids=["json", "piped"])
def test_who_only_looks_does_not_load_what_only_others_need(
    arguments: tuple[str, ...], how: list[str], sqlite_url: str, tmp_path: Path
) -> None:
    environ = {**os.environ, "DATABASE_URL": sqlite_url, "DISPATCHER_STATE_DIR": str(tmp_path / "state")}
    command = [sys.executable, "-c", CHILD, *arguments, *how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, cwd=tmp_path)
    shown, _, modules = done.stdout.partition("\0")
    if how:
        json.loads(shown)
    assert done.returncode in (0, 2), done.stderr
    frozen, *loaded = modules.split()
    assert int(frozen) > 0, "as it ends, Python looks for garbage among all that was imported"
    assert not [*tmp_path.rglob("*-wal")], "what was committed is not in the file that people copy"
    assert "dispatcher.wiring" in loaded, "it did not look at all"
    assert set(loaded).isdisjoint(NOT_TO_LOAD)


def test_what_is_not_to_be_loaded_is_there() -> None:
    """A name that was misspelt, or is gone, would never be found."""
    code = f"import importlib; [importlib.import_module(name) for name in {NOT_TO_LOAD!r}]"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
