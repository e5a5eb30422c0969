"""A nudge is an offer: a broker that is away costs a tick, never a task that fails (invariant 1)."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress

import pytest

from dispatcher.queue.app import make_app, nudge


def test_a_broker_that_is_away_fails_no_task(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    app = make_app(f"redis://127.0.0.1:{port}/0")
    with caplog.at_level(logging.WARNING):
        nudge(app, "dispatcher.deliver", 1.5)
    assert "broker away" in caplog.text


def test_a_broker_that_hangs_up_fails_no_task(caplog: pytest.LogCaptureFixture) -> None:
    """As one does that is killed while a worker speaks with it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hang_up, args=(server,), daemon=True).start()
        app = make_app(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        with caplog.at_level(logging.WARNING):
            nudge(app, "dispatcher.expand", 1.5, 7)
    assert "broker away" in caplog.text


def _hang_up(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            server.accept()[0].close()
