"""Both ends of a carrier: who creates messages, and the webhook that is called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from dispatcher.testing.carrier import Behaviour, CarrierProcess
from dispatcher.testing.synthetic import synthetic_e164

SENDER = "+6281100000000"
SOON = Behaviour(sent_after_ms=(1, 5), delivered_after_ms=(1, 5), read_after_ms=(1, 5), redelivery_after_s=0.05)
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Call:
    path: str
    form: dict[str, str]
    signature: str
    token: str

    @property
    def status(self) -> str:
        return self.form.get("MessageStatus", "")


@dataclass
class Hook:
    """Keeps every call; `answers` are the statuses to answer with, in turn, then 204."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, call: Call) -> int:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
            return self.answers.pop(0) if self.answers else 204

    def wait(self, ready: Callable[[list[Call]], bool]) -> list[Call]:
        with self.changed:
            assert self.changed.wait_for(lambda: ready(self.calls), PATIENCE_S), "the calls did not come"
            return list(self.calls)

    def wait_for(self, n: int) -> list[Call]:
        return self.wait(lambda calls: len(calls) >= n)

    def statuses(self, n: int) -> list[str]:
        return [call.status for call in self.wait_for(n)]


class Account:
    """Creates as a client would, over one connection."""

    def __init__(self, carrier: CarrierProcess) -> None:
        self.carrier = carrier
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (carrier.account_sid, carrier.auth_token)
        self.base = f"{carrier.url}/2010-04-01/Accounts/{carrier.account_sid}"

    def create(self, to: str | int = 0, **form: str) -> requests.Response:
        """`to`: an address, or the position of a made-up contact. An empty value leaves the parameter out."""
        address = synthetic_e164(to) if isinstance(to, int) else to
        fields = {"To": address, "From": SENDER, "Body": "Halo"} | form
        fields = {name: value for name, value in fields.items() if value}
        return self.session.post(f"{self.base}/Messages.json", data=fields, timeout=PATIENCE_S)

    def get(self, path: str, **query: str) -> requests.Response:
        return self.session.get(self.base + path, params=query, timeout=PATIENCE_S)


class Quiet(BaseHTTPRequestHandler):
    """A webhook's end: reads one body, answers one status."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: type[Quiet]) -> Iterator[str]:
    """Its address, while it answers on a thread."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
