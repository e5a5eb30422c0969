"""A channel whose process freezes on command, at an exact point of handing a message over.

The command is a file in the run's folder, `freeze-connecting` or `freeze-sent`. Whoever renames it first is the one;
it leaves its process id in `frozen`, and stops itself until somebody continues it.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from dispatcher.spi import HttpClient, HttpResponse, OutboundMessage, Outcome
from dispatcher_channels.simulator import SimulatorChannel, SimulatorConfig

POINTS = ("connecting", "sent")
LEAVES_WITHIN_S = 0.02
"""Shorter than the carrier takes to answer, long enough for a request to leave a loaded machine."""


class FreezingChannel(SimulatorChannel):
    """The simulator's channel, which its capabilities allow to send to made-up people."""

    name: ClassVar[str] = "freezing"

    def __init__(self, config: SimulatorConfig, http: HttpClient) -> None:
        super().__init__(config, FreezingHttp(http))

    async def send(self, message: OutboundMessage) -> Outcome:
        if _is_told("connecting"):
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super().send(message)


class FreezingHttp(HttpClient):
    """Freezes once the request is out and its answer is not here."""

    def __init__(self, inner: HttpClient) -> None:
        self._inner = inner

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> HttpResponse:
        request = self._inner.request(method, url, headers=headers, form=form, json=json, body=body)
        if method != "POST" or not _is_told("sent"):
            return await request
        under_way = asyncio.create_task(request)
        await asyncio.wait([under_way], timeout=LEAVES_WITHIN_S)
        os.kill(os.getpid(), signal.SIGSTOP)
        return await under_way


def _is_told(point: str) -> bool:
    folder = Path(os.environ["CHAOS_FOLDER"])
    taken = folder / f"taken-{os.getpid()}"
    try:
        (folder / f"freeze-{point}").rename(taken)
    except FileNotFoundError:
        return False
    taken.write_text(str(os.getpid()))
    taken.rename(folder / "frozen")
    return True
