"""What may happen to an installation. Each fault strikes once, and says what it met in flight."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import psutil
import redis

from tests.chaos.stage import InFlight, Stage
from tests.chaos.wire import Kind, Then, Trap

PATIENCE_S = 6.0
"""How long a trap may wait for its victim."""

FROZEN_S = (16.0, 17.5)
"""Longer than the lease (15 s), shorter than the settle time (20 s from the begin)."""


@dataclass
class Struck:
    """What a fault met. `at` and `over_at` by CLOCK_REALTIME, in seconds."""

    kind: str
    at: float
    met: InFlight
    note: str = ""
    left: int = 0
    """Of the rows that were claimed: how many nobody had begun 15 s later."""

    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    """(seconds from now, what to do then): how the fault goes on without holding up the next."""


Fault = Callable[[Stage, Random], Struck]
FAULTS: dict[str, Fault] = {}


def fault(kind: str) -> Callable[[Fault], Fault]:
    def register(strike: Fault) -> Fault:
        FAULTS[kind] = strike
        return strike

    return register


def _catch(stage: Stage) -> InFlight:
    """Waits for a moment with something in flight: a fault that meets nothing shows nothing."""
    deadline = time.monotonic() + PATIENCE_S
    while not (met := stage.in_flight()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return met


def _at_once(kind: str, stage: Stage, act: Callable[[], object], *later: tuple[float, Callable[[], object]]) -> Struck:
    met, at = _catch(stage), time.time()
    act()
    return Struck(kind, at, met, later=list(later))


# Processes that die


@fault("kill-worker")
def kill_worker(stage: Stage, random: Random) -> Struck:
    """SIGKILL for a worker's main process; its supervisor starts it again."""
    number = random.choice(sorted(stage.workers))
    victim = stage.workers[number]
    return _at_once(
        "kill-worker",
        stage,
        lambda: victim.signal(signal.SIGKILL),
        (random.uniform(0.5, 2), lambda: stage.start_worker(number)),
    )


@fault("kill-child")
def kill_child(stage: Stage, random: Random) -> Struck:
    """SIGKILL for a process that sends, in the middle of its work; its main process forks another."""
    return _trapped("kill-child", stage, random.choice(("claim", "begin", "record")), lambda victim: victim.kill())


@fault("kill-sent")
def kill_sent(stage: Stage, random: Random) -> Struck:
    """SIGKILL while the bytes are out and the answer is not in."""
    victim = _channel_froze("sent", stage)
    if victim is None:
        return Struck("kill-sent", time.time(), InFlight(), note="nobody sent anything")
    struck = Struck("kill-sent", time.time(), stage.in_flight())
    victim.kill()
    return struck


@fault("kill-web")
def kill_web(stage: Stage, random: Random) -> Struck:
    return _at_once(
        "kill-web", stage, lambda: stage.web.signal(signal.SIGKILL), (random.uniform(0.2, 1), stage.start_web)
    )


@fault("kill-carrier")
def kill_carrier(stage: Stage, random: Random) -> Struck:
    """The provider's front dies with all its connections; its books survive."""
    return _at_once("kill-carrier", stage, stage.carrier.kill, (random.uniform(0.2, 1), stage.carrier.start))


# Processes that freeze


@fault("freeze-claimed")
def freeze_claimed(stage: Stage, random: Random) -> Struck:
    """A claim is committed, its rows are not begun."""
    return _frozen_by_wire("freeze-claimed", stage, random, "claim")


@fault("freeze-begun")
def freeze_begun(stage: Stage, random: Random) -> Struck:
    """A slice is begun and committed; its worker does not know yet."""
    return _frozen_by_wire("freeze-begun", stage, random, "begin")


@fault("freeze-connecting")
def freeze_connecting(stage: Stage, random: Random) -> Struck:
    """The last check is done, the request is not handed to the client."""
    return _frozen_by_channel("connecting", stage, random)


@fault("freeze-sent")
def freeze_sent(stage: Stage, random: Random) -> Struck:
    """The bytes are out, the answer is not in."""
    return _frozen_by_channel("sent", stage, random)


@fault("freeze-lost")
def freeze_lost(stage: Stage, random: Random) -> Struck:
    """A begin is lost on its way to Postgres, and its worker freezes: others take the rows meanwhile."""
    return _frozen_by_wire("freeze-lost", stage, random, "begin", after_commit=False)


def _frozen_by_wire(
    kind: str,
    stage: Stage,
    random: Random,
    point: Kind,
    *,
    after_commit: bool = True,
) -> Struck:
    frozen: list[psutil.Process] = []

    def freeze(victim: psutil.Process) -> None:
        victim.suspend()
        frozen.append(victim)

    then = Then.GO_ON if after_commit else Then.CUT
    struck = _trapped(kind, stage, point, freeze, after_commit=after_commit, then=then)
    struck.later = [(random.uniform(*FROZEN_S), partial(_resume, victim)) for victim in frozen]
    return struck


def _frozen_by_channel(point: str, stage: Stage, random: Random) -> Struck:
    victim = _channel_froze(point, stage)
    if victim is None:
        return Struck(f"freeze-{point}", time.time(), InFlight(), note="nobody sent anything")
    later = (random.uniform(*FROZEN_S), lambda: _resume(victim))
    return Struck(f"freeze-{point}", time.time(), stage.in_flight(), later=[later])


def _channel_froze(point: str, stage: Stage) -> psutil.Process | None:
    """Tell one sending process to stop itself; it, or None where none sends."""
    told, frozen = stage.folder / f"freeze-{point}", stage.folder / "frozen"
    told.touch()
    deadline = time.monotonic() + PATIENCE_S
    while not frozen.exists():
        if time.monotonic() > deadline:
            told.unlink(missing_ok=True)
            return None
        time.sleep(0.002)
    victim = psutil.Process(int(frozen.read_text()))
    frozen.unlink()
    _await_stop(victim)
    return victim


def _await_stop(victim: psutil.Process) -> None:
    deadline = time.monotonic() + 1
    while victim.status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
        time.sleep(0.002)


def _resume(victim: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        victim.resume()


# The broker


@fault("redis-kill")
def redis_kill(stage: Stage, random: Random) -> Struck:
    """Killed, and started again with nothing of what it held."""
    server = stage.servers.redis
    return _at_once("redis-kill", stage, server.kill, (random.uniform(0.1, 1), server.start))


@fault("redis-flush")
def redis_flush(stage: Stage, random: Random) -> Struck:
    with redis.Redis.from_url(stage.servers.redis.url()) as client:
        return _at_once("redis-flush", stage, client.flushall)


# The database


@fault("postgres-restart")
def postgres_restart(stage: Stage, random: Random) -> Struck:
    server = stage.servers.postgres
    return _at_once("postgres-restart", stage, server.stop, (random.uniform(0.1, 1), server.start))


@fault("postgres-kill")
def postgres_kill(stage: Stage, random: Random) -> Struck:
    server = stage.servers.postgres
    return _at_once("postgres-kill", stage, server.kill, (random.uniform(0.1, 1), server.start))


@fault("postgres-cut")
def postgres_cut(stage: Stage, random: Random) -> Struck:
    """The connection ends between a COMMIT and its answer."""
    point = random.choice(("claim", "begin", "record"))
    return _trapped("postgres-cut", stage, point, lambda victim: None, then=Then.CUT)


@fault("postgres-slow")
def postgres_slow(stage: Stage, random: Random) -> Struck:
    """A begin that takes longer than the claim holds, as behind a lock."""
    return _trapped(
        "postgres-slow", stage, "begin", lambda victim: None, after_commit=False, hold_s=random.uniform(2.2, 3.0)
    )


def _trapped(
    kind: str,
    stage: Stage,
    point: Kind,
    act: Callable[[psutil.Process], object],
    *,
    after_commit: bool = True,
    then: Then = Then.GO_ON,
    hold_s: float = 0.0,
) -> Struck:
    """Let the wire catch a sending process at an exact point, and count while it holds its breath."""
    caught: list[Struck] = []

    def spring(port: int) -> Then | None:
        victim = stage.owner_of(port)
        if victim is None:
            return None
        at = time.time()
        act(victim)
        caught.append(Struck(kind, at, stage.in_flight(), note=point))
        return then

    trap = Trap(point, after_commit, spring, hold_s)
    stage.wire.arm(trap)
    trap.sprung.wait(PATIENCE_S + hold_s)
    stage.wire.disarm()
    return caught[0] if caught else Struck(kind, time.time(), InFlight(), note=f"no {point} came by")


# The provider


def _misbehave(kind: str, seconds: tuple[float, float], **behaviour: Any) -> None:
    @fault(kind)
    def strike(stage: Stage, random: Random) -> Struck:
        usual = dict.fromkeys(behaviour, 0)
        return _at_once(
            kind,
            stage,
            lambda: stage.carrier.control(**behaviour),
            (random.uniform(*seconds), lambda: _control(stage, usual)),
        )


def _control(stage: Stage, changes: dict[str, Any]) -> None:
    """A carrier that was killed comes back with the behaviour it was started with anyway."""
    with suppress(OSError):
        stage.carrier.control(**changes)


_misbehave("carrier-slow", (0.3, 0.8), slow_after_accept=0.5)
_misbehave("carrier-reset-before", (0.3, 0.8), reset_before_accept=0.5)
_misbehave("carrier-reset-after", (0.3, 0.8), reset_after_accept=0.5)
_misbehave("carrier-429", (0.5, 1.5), http_429=0.7)
_misbehave("carrier-500", (0.3, 0.8), http_500_before_accept=0.3, http_500_after_accept=0.3)
