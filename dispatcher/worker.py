"""`celery -A dispatcher.worker worker -Q send,tick,default`: the queue's app on the installation's settings."""

from __future__ import annotations

import sys

from dispatcher.core.errors import DispatcherError, UsageError
from dispatcher.operations.readiness import require_ready
from dispatcher.queue import runtime
from dispatcher.queue.app import install_signals, make_app
from dispatcher.settings import Environment
from dispatcher.store.engine import parse_url
from dispatcher.wiring import connect


def _broker_url(environment: Environment) -> str:
    if parse_url(environment.database_url).get_backend_name() == "sqlite":
        raise UsageError(
            "sqlite-worker",
            "Celery workers need Postgres: an SQLite database belongs to one process",
            "Set DATABASE_URL=postgresql://…, or run everything in one process: dispatcher up",
        )
    url = environment.broker_url
    if url is None:
        raise UsageError("no-broker", "CELERY_BROKER_URL is not set", "e.g. CELERY_BROKER_URL=redis://127.0.0.1:6379/0")
    return url


try:
    app = make_app(_broker_url(Environment()))
    context = connect()  # refuses a missing schema, other keys and missing settings at the start
    require_ready(context)
    context.database.close()
except DispatcherError as error:
    sys.stderr.write(f"Error: {error.message}\n  {error.hint}\n")
    raise SystemExit(error.exit_code) from None

runtime.connect = connect
install_signals(app)
