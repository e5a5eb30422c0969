"""A place to measure in: a fresh database on real servers, synthetic contacts, an applied campaign."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from dispatcher.core.clock import from_us
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions
from dispatcher.operations.plan import plan_campaign
from dispatcher.settings import Environment
from dispatcher.store.migrate import upgrade
from dispatcher.testing.synthetic import write_csv
from dispatcher.wiring import connect
from tests.servers import Databases, PostgresServer, RedisServer

CONTACTS_SEED = 1

CAMPAIGN = """
campaign: {slug}
title: Pengukuran
owner: Kesbangpol
purpose: pendidikan-pemilih
audience: {audience}
minors: {{from_age: 13, basis: made up}}
window: {{open: "00:00", close: "24:00"}}
stop: {{sms: "Berhenti: kesbangpol.example/stop"}}
route: [{{senders: {senders}}}]
steps:
  - name: satu
    at: "{at}"
    text: >-
      Yth. {{{{ contact.first_name }}}} di {{{{ contact.region }}}}, gunakan hak pilih Anda.
      {{{{ campaign.owner }}}}. {{{{ stop }}}}
"""

SETTINGS = """
approval: waived
inbound: {{replies: []}}
senders:
{senders}
prices:
  - {{from: 2026-01-01, channel: simulator, country: ID, per: segment, currency: IDR, amount: "450"}}
"""


@contextmanager
def installation(
    carrier_url: str = "http://127.0.0.1:9",
    *,
    postgres: bool = False,
    redis: bool = False,
    public_url: str = "",
    senders: Mapping[str, str] = MappingProxyType({"carrier": ""}),
) -> Iterator[tuple[Context, dict[str, str]]]:
    """A context on an empty database, and the environment that leads other processes to it.

    `senders`: their names, and settings beyond channel and address as a flow of YAML.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = f"sqlite:///{folder / 'bench.db'}"
        if postgres:
            server = stack.enter_context(PostgresServer(durable=True))
            url = stack.enter_context(Databases(server.url(), upgrade).fresh())
        upgrade(url)
        (folder / "dispatcher.yaml").write_text(SETTINGS.format(senders=_senders(carrier_url, senders)))
        environ = {
            "DATABASE_URL": url,
            "DISPATCHER_CONFIG": str(folder / "dispatcher.yaml"),
            "DISPATCHER_STATE_DIR": str(folder / "state"),
            "DISPATCHER_PUBLIC_URL": public_url,
        }
        if redis:
            environ["CELERY_BROKER_URL"] = stack.enter_context(RedisServer()).url()
        context = connect(Environment(environ))
        yield context, environ
        context.database.close()


def _senders(url: str, senders: Mapping[str, str]) -> str:
    return "\n".join(f'  {name}: {{channel: simulator, base_url: "{url}", {more}}}' for name, more in senders.items())


def applied_campaign(context: Context, contacts: int) -> None:
    """So many synthetic contacts, and a campaign that is due for all of them, by all senders."""
    with tempfile.TemporaryDirectory() as folder:
        write_csv(Path(folder) / "contacts.csv", contacts, CONTACTS_SEED)
        import_contacts(context, Path(folder) / "contacts.csv", ImportOptions())
    apply_another(context, "ukur", "{everyone: true}")


def apply_another(context: Context, slug: str, audience: str) -> None:
    """A campaign that is due now, by all senders, for an audience as YAML has it."""
    with tempfile.TemporaryDirectory() as folder:
        at = from_us(context.now_us(), "Asia/Jakarta") - timedelta(minutes=1)
        senders = f"[{', '.join(context.settings.senders)}]"
        path = Path(folder) / f"{slug}.yaml"
        path.write_text(
            CAMPAIGN.format(slug=slug, audience=audience, at=at.isoformat(timespec="seconds"), senders=senders)
        )
        plan_campaign(context, path, "bench")
        apply_campaign(context, path, "bench")


@contextmanager
def celery_workers(environ: dict[str, str], count: int) -> Iterator[None]:
    """Real workers, each with two children that work."""
    command = [sys.executable, "-m", "celery", "-A", "dispatcher.worker", "worker", "-Q", "send,tick,default"]
    workers = [
        subprocess.Popen(
            [*command, "-c", "2", "-l", "ERROR", "-n", f"w{i}@bench"],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
        )
        for i in range(count)
    ]
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(30)


def await_workers(environ: dict[str, str], count: int) -> None:
    """Until so many answer."""
    command = [sys.executable, "-m", "celery", "-A", "dispatcher.worker", "inspect", "ping", "--json"]
    answered = 0
    while answered < count:
        done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
        answered = len(json.loads(done.stdout)) if done.returncode == 0 else 0
