"""Run the carrier as a process of its own, from tests, the demo and benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from dispatcher.core.errors import UnavailableError, UsageError
from dispatcher.testing.carrier.behaviour import Behaviour
from dispatcher.testing.carrier.ledger import Ledger
from dispatcher.testing.carrier.options import CarrierOptions

_ANSWER_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 15.0
_opener = build_opener(ProxyHandler({}))


class CarrierProcess:
    """A context manager. The ledger outlives `kill`; `start` goes on with the same port, ledger and behaviour.

    It ends with the process that started it, however that one ends.
    """

    def __init__(self, options: CarrierOptions | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="carrier-")
        options = options or CarrierOptions()
        ledger = options.ledger or Path(self._folder.name) / "ledger.tsv"
        self.options = replace(options, ledger=ledger, while_stdin_is_open=True)
        self.url = ""
        self.account_sid = options.account_sid
        self.auth_token = options.auth_token
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def port(self) -> int:
        return self.options.port

    @property
    def ledger(self) -> Ledger:
        """Everything accepted up to now, read from the file."""
        if self._process is not None and self._process.poll() is None:
            self.ask("POST", "/_ledger/sync")
        assert self.options.ledger is not None
        return Ledger(self.options.ledger)

    def start(self) -> None:
        """UnavailableError with the carrier's own words where it does not come up. Does nothing while it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        errors = Path(self._folder.name) / "stderr"
        with errors.open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "dispatcher.testing.carrier", *_arguments(self.options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._end()
            raise UnavailableError("carrier", errors.read_text(encoding="utf-8").strip() or "the carrier did not start")
        ready = json.loads(line)
        self.url = ready["url"]
        self.options = replace(self.options, port=ready["port"], smpp_port=ready.get("smpp_port"))

    def control(self, **changes: object) -> None:
        """Change the behaviour from now on (a JSON merge patch); UsageError that names the key."""
        self.ask("POST", "/_control", changes)

    def behave(self, behaviour: Behaviour) -> None:
        """Behave so from now on."""
        self.ask("PUT", "/_control", asdict(behaviour))

    def hasten(self) -> None:
        """Have happen now what is still to happen, callbacks that are hours late included."""
        self.ask("POST", "/_control/hasten", {})

    def summary(self) -> dict[str, Any]:
        return self.ask("GET", "/_ledger/summary")

    def is_silent(self) -> bool:
        """Everything has happened that was to happen, and every callback has been answered."""
        summary = self.summary()
        return not (summary["still_to_happen"] or summary["callbacks"]["pending"])

    def reset(self) -> None:
        self.ask("POST", "/_ledger/reset")

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        try:
            with _opener.open(request, timeout=_ANSWER_TIMEOUT_S) as answer:
                value: dict[str, Any] = json.load(answer)
        except HTTPError as error:
            with error:
                problem = json.load(error)["error"]
            raise UsageError("carrier", problem["message"] if isinstance(problem, dict) else problem) from None
        return value

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when the ledger process has written all it was given."""
        self._running().kill()
        self._end()

    def stop(self) -> None:
        """SIGTERM. Does nothing when it has ended."""
        if self._process is not None:
            self._process.terminate()
            self._end()

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise UnavailableError("carrier", "the carrier is not running", "call start()")
        return self._process

    def _end(self) -> None:
        """The ledger process holds this standard output open, so the pipe ends when both have."""
        process, self._process = self._running(), None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.wait(_END_TIMEOUT_S)
        finally:
            process.kill()
            process.stdin.close()
            process.stdout.read()
            process.stdout.close()
            process.wait()


def _arguments(options: CarrierOptions) -> list[str]:
    settings = [f"--set={key}={json.dumps(value)}" for key, value in asdict(options.behaviour).items()]
    return [
        f"--host={options.host}",
        f"--port={options.port}",
        f"--account-sid={options.account_sid}",
        f"--auth-token={options.auth_token}",
        f"--ledger={options.ledger}",
        f"--max-messages={options.max_messages}",
        f"--callbacks-at-once={options.callbacks_at_once}",
        *([f"--smpp-port={options.smpp_port}"] if options.smpp_port is not None else []),
        *(["--bare"] if options.bare else []),
        *(["--remembers"] if options.remembers else []),
        *(["--while-stdin-is-open"] if options.while_stdin_is_open else []),
        *settings,
    ]
