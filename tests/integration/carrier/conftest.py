"""A carrier in a process of its own, and a webhook that it calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from tests.integration.carrier.ends import SOON, Account, Call, Hook


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
            token = self.headers["I-Twilio-Idempotency-Token"]
            status = hook.take(Call(self.path, form, self.headers["X-Twilio-Signature"], token))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        hook.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield hook
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def carrier_process() -> Iterator[CarrierProcess]:
    with CarrierProcess(CarrierOptions(behaviour=SOON)) as process:
        yield process


@pytest.fixture
def carrier(carrier_process: CarrierProcess) -> CarrierProcess:
    carrier_process.behave(SOON)
    carrier_process.reset()
    return carrier_process


@pytest.fixture
def account(carrier: CarrierProcess) -> Iterator[Account]:
    account = Account(carrier)
    with account.session:
        yield account
