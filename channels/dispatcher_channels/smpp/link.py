"""The one session of a process: opened by the first send, opened again with back-off when it is lost."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final, NamedTuple

from dispatcher.spi import Misconfigured
from dispatcher_channels.smpp.config import SmppConfig
from dispatcher_channels.smpp.session import GoneError, Heard, LostError, Session
from dispatcher_channels.smpp.words import ERRORS, code_of

OPEN_S: Final = 5.0
"""For connection, TLS and bind together; below the time a send may take, so that nothing is left open."""

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0


class Refusal(NamedTuple):
    """Why there is no session. `status`: the SMS centre's own, None where it could not be asked."""

    status: int | None
    retry_after_s: float

    @property
    def is_final(self) -> bool:
        """Trying again by ourselves could lock the account."""
        return self.status is not None and isinstance(ERRORS.outcome(code_of(self.status)), Misconfigured)


class Link:
    def __init__(self, config: SmppConfig, heard: Heard) -> None:
        self._config = config
        self._heard = heard
        self._session: Session | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[Session | Refusal] | None = None
        self._refusal = Refusal(None, FIRST_WAIT_S)
        self._closed = False

    async def session(self) -> Session | Refusal:
        """Waits for an attempt that is under way, never for a back-off."""
        if self._session is not None and self._session.is_open:
            return self._session
        if self._closed:
            return self._refusal
        if self._keeper is None or self._keeper.done():
            self._attempt = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep())
        return self._refusal if self._attempt is None else await asyncio.shield(self._attempt)

    async def close(self) -> None:
        self._closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self._tell(self._refusal)
        if self._session is not None:
            await self._session.unbind()

    async def _keep(self) -> None:
        """Until closed, or until the SMS centre does not know us: then the next send tries again."""
        loop, wait_s = asyncio.get_running_loop(), FIRST_WAIT_S
        while True:
            found = await self._open(wait_s)
            self._tell(found)
            if isinstance(found, Session):
                self._session, self._attempt = found, loop.create_future()
                await asyncio.shield(found.ended)
                if found.was_of_use:
                    wait_s = FIRST_WAIT_S
                    continue
                self._tell(Refusal(None, wait_s))
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            if isinstance(found, Refusal) and found.is_final:
                return
            self._attempt = loop.create_future()

    def _tell(self, found: Session | Refusal) -> None:
        """All who wait for this attempt."""
        if isinstance(found, Refusal):
            self._refusal = found
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.set_result(found)

    async def _open(self, wait_s: float) -> Session | Refusal:
        session = None
        try:
            async with asyncio.timeout(OPEN_S):
                session = await self.connect()
                return await self._bind(session, wait_s)
        except (
            OSError,
            ValueError,
            GoneError,
            LostError,
        ):  # time-outs and ssl.SSLError are OSError, a bad host ValueError
            if session is not None:
                session.hang_up()
            return Refusal(None, wait_s)
        except asyncio.CancelledError:
            if session is not None:
                session.hang_up()
            raise

    async def connect(self) -> Session:
        """Not bound. OSError where there is no way."""
        config = self._config
        _, session = await asyncio.get_running_loop().create_connection(
            lambda: Session(config.window, config.enquire_link_s, self._heard),
            config.host,
            config.port,
            ssl=_trust(config) if config.tls else None,
        )
        return session

    async def _bind(self, session: Session, wait_s: float) -> Session | Refusal:
        config = self._config
        answer = await session.bind(config.system_id, config.password.get_secret_value(), config.system_type)
        if answer.status == 0:
            return session
        session.hang_up()
        return Refusal(answer.status, wait_s)


def _trust(config: SmppConfig) -> ssl.SSLContext:
    """TLS 1.2 or newer, the name checked, against the system's certificates or those of `tls_ca`."""
    return ssl.create_default_context(cafile=str(config.tls_ca) if config.tls_ca else None)
