"""The Celery app: nudges that carry ids only, ack early and expire within a tick (invariant 1).

Losing any of them loses nothing: the next tick sees the same rows in SQL and nudges again.
"""

from __future__ import annotations

import logging
import multiprocessing
import random
import threading
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutting_down
from kombu.transport.redis import Channel

from dispatcher.operations.logs import set_up_logs
from dispatcher.queue.runtime import Runtime, places, stop_flag

TICK_EVERY_S = 1.0
TICK_EXPIRES_S = 2.0
NUDGE_EXPIRES_S = 1.5
DELIVER_S = 15.0
"""Each change of hands may cost a tenth of a second of a rate."""

DELIVER_ALONE_S = 2.0
"""Where no other process of the worker is free for ticks meanwhile."""

EXPAND_S = 2.0
NUDGES = 4
"""Deliver tasks a tick offers; those that find no free process expire."""

_TRANSPORT = {
    "socket_timeout": None,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    # a nudge that was taken and not begun is not worth keeping, nor to be delivered again
    "ack_emulation": False,
    # a nudge is tried once more and then left to the next tick; by default it would wait for six seconds
    "max_retries": 1,
    "interval_start": 0,
}
# nor is it put back when the connection is lost: kombu tries that on the lost connection, and the worker dies of it
Channel.do_restore = False

_log = logging.getLogger(__name__)


def make_app(broker_url: str) -> Celery:
    app = Celery("dispatcher", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # a child that holds connections and a loop is worth keeping
        worker_max_tasks_per_child=None,
        task_default_queue="default",
        task_routes={
            "dispatcher.tick": {"queue": "tick"},
            "dispatcher.deliver": {"queue": "send"},
            "dispatcher.expand": {"queue": "default"},
        },
        broker_transport_options=_TRANSPORT,
        timezone="UTC",
    )
    _add_tasks(app)
    return app


def _add_tasks(app: Celery) -> None:
    runtime = Runtime()

    @app.task(name="dispatcher.tick")
    def tick() -> None:
        work = runtime.tick()
        if work is None:
            return
        for step_id in work.steps:
            nudge(app, "dispatcher.expand", TICK_EXPIRES_S, step_id)
        if work.senders:
            for _ in range(NUDGES):
                nudge(app, "dispatcher.deliver", NUDGE_EXPIRES_S)

    @app.task(name="dispatcher.deliver")
    def deliver() -> None:
        # not all at the same moment: while one ends and is nudged anew, the others use the rate
        about = random.uniform(0.8, 1.2)
        if runtime.deliver(about * (DELIVER_S if places.leave_one_free else DELIVER_ALONE_S)):
            # whoever is free goes on at once; a tick would come up to a second later
            nudge(app, "dispatcher.deliver", NUDGE_EXPIRES_S)

    @app.task(name="dispatcher.expand")
    def expand(step_id: int) -> None:
        runtime.expand(step_id, EXPAND_S)


def install_signals(app: Celery) -> None:
    """The clock of each worker's main process, and the stop that prefork's children cannot hear by themselves."""
    stopped = threading.Event()

    @setup_logging.connect(weak=False)
    def _log_as_json(loglevel: int = logging.INFO, **_: Any) -> None:
        set_up_logs(level=loglevel)

    @worker_init.connect(weak=False)
    def _before_fork(sender: Any, **_: Any) -> None:
        stop_flag.make(multiprocessing.get_context("fork"))
        places.make(sender.concurrency or 1)

    @worker_ready.connect(weak=False)
    def _start_clock(**_: Any) -> None:
        threading.Thread(target=_nudge_ticks, args=(app, stopped), name="clock", daemon=True).start()

    @worker_shutting_down.connect(weak=False)
    def _stop(**_: Any) -> None:
        stopped.set()
        stop_flag.set()


def _nudge_ticks(app: Celery, stopped: threading.Event) -> None:
    while not stopped.wait(TICK_EVERY_S):
        nudge(app, "dispatcher.tick", TICK_EXPIRES_S)


def nudge(app: Celery, task: str, expires_s: float, *ids: int) -> None:
    """Offer a task once. A broker that is away loses nothing: the rows are in SQL, and the next tick nudges again."""
    try:
        app.send_task(task, args=ids, expires=expires_s, retry=False)
    except Exception as error:
        # whatever the broker's client raises: none of it is the task's
        _log.warning("broker away (%s); trying again", type(error).__name__)
