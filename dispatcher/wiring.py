"""The one place that joins settings, database, keys and channels into a working whole."""

from __future__ import annotations

from dispatcher.operations.context import Context
from dispatcher.settings import Environment
from dispatcher.store.engine import Database
from dispatcher.store.installation import claim_installation
from dispatcher.store.keys import load_keys
from dispatcher.store.migrate import ensure_current


def connect(environment: Environment | None = None) -> Context:
    """A context on a database of the right schema whose keys are ours.

    Raises UnavailableError (6) where the database is away or has another schema, UsageError (2) where settings, keys
    or the state folder do not serve.
    """
    environment = environment or Environment()
    keys = load_keys(
        environment.get("DISPATCHER_SECRET_KEY"),
        environment.get("DISPATCHER_SUPPRESSION_KEY"),
        environment.state_dir,
    )
    database = Database(environment.database_url)
    try:
        ensure_current(database)
        claim_installation(database, keys)
    except BaseException:
        database.close()
        raise
    return Context(environment, database, keys)
