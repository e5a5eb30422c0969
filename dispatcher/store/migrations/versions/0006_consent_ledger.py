"""Consent ledger: append-only, with a digest for each import or day"""

import sqlalchemy as sa
from alembic import op

from dispatcher.audience.ledger import EMPTY, Word, commitment, extend, salts, sheet_of

Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0006"
down_revision = "0005"

_PAGE = 5000
_WORDS = ", ".join(Word._fields)
_FIXED = (
    "id", "contact_id", "purpose", "media", "granted", "basis", "via", "import_id", "at_us", "sheet", "seq",
    "commitment",
)  # fmt: skip
_IS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}


def upgrade() -> None:
    op.add_column("consent_events", sa.Column("sheet", Big, server_default="0", nullable=False))
    op.add_column("consent_events", sa.Column("seq", Big, server_default="0", nullable=False))
    op.add_column("consent_events", sa.Column("salt", sa.LargeBinary(), nullable=True))
    op.add_column("consent_events", sa.Column("commitment", sa.LargeBinary(), nullable=True))
    op.create_table(
        "consent_sheets",
        sa.Column("id", Big, autoincrement=False, nullable=False),
        sa.Column("events", Big, server_default="0", nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_sheets")),
    )
    connection = op.get_bind()
    _write_imported_words(connection)
    _commit_to_all(connection)
    dialect = connection.dialect.name
    for table, allowed in (("consent_events", _blanks(dialect)), ("consent_sheets", _grows(dialect))):
        (_hold_in_sqlite if dialect == "sqlite" else _hold_in_postgres)(connection, table, allowed)


def _write_imported_words(connection: sa.Connection) -> None:
    """Until now the word of an import stood in `consents` alone while it held."""
    found = connection.execute(sa.text("SELECT count(*) FROM consents WHERE import_id IS NOT NULL")).scalar_one()
    if not found:
        return
    taken = sa.text("UPDATE id_source SET next_id = next_id + :n WHERE name = 'main' RETURNING next_id")
    first = connection.execute(taken, {"n": found}).scalar_one() - found
    connection.execute(
        sa.text(
            f"INSERT INTO consent_events ({_WORDS}) "  # noqa: S608  names are ours
            "SELECT :first - 1 + row_number() OVER (ORDER BY c.contact_id, c.purpose, c.media), c.contact_id, "
            "c.purpose, c.media, c.granted, c.basis, i.evidence, i.source, 'import', c.import_id, c.at_us "
            "FROM consents c JOIN imports i ON i.id = c.import_id"
        ),
        {"first": first},
    )


def _commit_to_all(connection: sa.Connection) -> None:
    sheets: dict[int, tuple[int, bytes]] = {}
    last = -1
    page = sa.text(f"SELECT {_WORDS} FROM consent_events WHERE id > :last ORDER BY id LIMIT {_PAGE}")  # noqa: S608
    committed = sa.text(
        "UPDATE consent_events SET sheet = :sheet, seq = :seq, salt = :salt, commitment = :made WHERE id = :id"
    )
    erased = sa.text("SELECT id FROM contacts WHERE erased_us IS NOT NULL")
    gone = set(connection.execute(erased).scalars())
    while rows := [Word(*row) for row in connection.execute(page, {"last": last})]:
        values = []
        for word, salt in zip(rows, salts(len(rows)), strict=True):
            sheet = sheet_of(word.import_id, word.at_us)
            seq, digest = sheets.get(sheet, (0, EMPTY))
            made = commitment(word, salt)
            sheets[sheet] = seq + 1, extend(digest, (made,))
            kept = None if word.contact_id in gone else salt
            values.append({"id": word.id, "sheet": sheet, "seq": seq, "salt": kept, "made": made})
        connection.execute(committed, values)
        last = rows[-1].id
    if sheets:
        connection.execute(
            sa.text("INSERT INTO consent_sheets (id, events, digest) VALUES (:id, :events, :digest)"),
            [{"id": sheet, "events": events, "digest": digest} for sheet, (events, digest) in sheets.items()],
        )


def _blanks(dialect: str) -> str:
    """An update that may not be: of anything but evidence, source and salt, or to anything but nothing."""
    changed = [f"NEW.{name} {_IS[dialect]} OLD.{name}" for name in _FIXED]
    return " OR ".join([*changed, "NEW.evidence <> ''", "NEW.source <> ''", "NEW.salt IS NOT NULL"])


def _grows(dialect: str) -> str:
    return f"NEW.id {_IS[dialect]} OLD.id OR NEW.events <= OLD.events"


def _hold_in_sqlite(connection: sa.Connection, table: str, refused: str) -> None:
    raised = f"SELECT RAISE(ABORT, '{table} is append-only')"
    for name, when in (("delete", ""), ("update", f"WHEN {refused}")):
        connection.execute(
            sa.text(f"CREATE TRIGGER {table}_{name} BEFORE {name.upper()} ON {table} {when} BEGIN {raised}; END")
        )


def _hold_in_postgres(connection: sa.Connection, table: str, refused: str) -> None:
    raised = f"RAISE EXCEPTION '{table} is append-only'"
    body = f"BEGIN {raised}; END"
    connection.execute(
        sa.text(f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    )
    called = f"EXECUTE FUNCTION {table}_append_only()"
    for statement in (
        f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} FOR EACH ROW {called}",
        f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({refused}) {called}",
        f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {called}",
    ):
        connection.execute(sa.text(statement))
