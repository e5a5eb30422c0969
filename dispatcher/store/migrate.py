"""Bringing a database to this version's schema, and refusing one that is older or newer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from dispatcher.core.errors import UnavailableError
from dispatcher.store.engine import Database

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0011"
"""The revision this version of the code works with; a test holds it to the newest migration."""


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(url: str) -> None:
    """Create or migrate. Safe to run again, and from several processes at once."""
    from alembic import command

    database = Database(url)
    try:
        config = _config()
        with database.begin() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(7310050301)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()


def current_revision(database: Database) -> str | None:
    """None where the database has no tables of ours."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def ensure_current(database: Database) -> None:
    """Raises UnavailableError with the command that mends it. An embedded database is made on first use."""
    revision = current_revision(database)
    if revision == HEAD:
        return
    if revision is None and database.is_sqlite:
        upgrade(database.url.render_as_string(hide_password=False))
        return
    raise schema_error(revision)


def schema_error(revision: str | None) -> UnavailableError:
    """For a database of another schema than HEAD."""
    known = {path.name.split("_")[0] for path in (Path(__file__).parent / "migrations" / "versions").glob("*.py")}
    if revision is not None and revision not in known:
        return UnavailableError(
            "schema-newer",
            f"the database has schema {revision}; this program is older and knows {HEAD}",
            "Install the newer Dispatcher that made it.",
        )
    have = "no tables yet" if revision is None else f"schema {revision}"
    return UnavailableError(
        "schema-older", f"the database has {have}; this version needs {HEAD}", "Run: dispatcher db upgrade"
    )
