"""`dispatcher web` and `dispatcher up` as processes of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.integration.web.stage import Provider

DISPATCHER = str(Path(sys.executable).with_name("dispatcher"))


class ServerProcess:
    """`command`: web or up. Reads its standard error as it comes, so that the pipe never fills."""

    def __init__(self, command: str, folder: Path, environ: Mapping[str, str], port: int) -> None:
        self.process = subprocess.Popen(
            [DISPATCHER, command, "--port", str(port)],
            env={**os.environ, **environ},
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        self.lines: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if "Listening" in line:
                self._listening.set()
        self._listening.set()

    @property
    def provider(self) -> Provider:
        self._listening.wait(30)
        address = next(re.search(r"http://\S+", line) for line in self.lines if "Listening" in line)
        assert address is not None
        return Provider(address[0])

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(20)
        self._reader.join(20)
        return code


@contextmanager
def server_process(command: str, folder: Path, environ: Mapping[str, str], port: int = 0) -> Iterator[ServerProcess]:
    process = ServerProcess(command, folder, environ, port)
    try:
        yield process
    finally:
        process.process.kill()
        process.wait()
        assert process.process.stderr is not None
        process.process.stderr.close()
