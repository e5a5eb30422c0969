"""Run the demo: made-up contacts, a campaign, the carrier simulator, a web server for its callbacks, a report.

Everything lives in a folder of its own; no account, no server and no network beyond loopback is used.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dispatcher.core.clock import from_us
from dispatcher.core.errors import UsageError
from dispatcher.operations.apply import apply_campaign
from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions, ImportResult
from dispatcher.operations.plan import plan_campaign
from dispatcher.operations.progress import Standing, standing_of
from dispatcher.plan.model import Plan
from dispatcher.queue.embedded import EmbeddedWorkers
from dispatcher.settings import Environment
from dispatcher.testing.carrier import CarrierProcess
from dispatcher.testing.carrier.behaviour import Behaviour
from dispatcher.testing.carrier.options import CarrierOptions
from dispatcher.testing.synthetic import write_csv

CAMPAIGN = "gunakan-hak-pilih"
LEDGER = "ledger.tsv"
"""What the carrier took, by its own account."""

_MARK = ".demo"
"""Tells a folder of ours, whose content may go, from anyone else's."""

_SOURCE = Path(__file__).parent / f"{CAMPAIGN}.yaml"
_SETTLED_AFTER_S = 8.0
"""When no receipt has come for so long, the rest is not coming (lost ones exist, as in life)."""

_SETTINGS = """
approval: waived
senders:
  simulator-wa: {{channel: simulator, media: whatsapp, base_url: "{url}"}}
  simulator-sms-a: {{channel: simulator, from: "+15005550006", base_url: "{url}"}}
  simulator-sms-b: {{channel: simulator, from: "+15005550006", base_url: "{url}"}}
prices:
  - {{from: 2026-01-01, sender: simulator-wa, country: ID, per: message, currency: USD, amount: "0.0250"}}
  - {{from: 2026-01-01, channel: simulator, country: ID, per: segment, currency: IDR, amount: "450"}}
"""

_CARRIER = Behaviour(
    seed=7,
    latency_ms=(1, 8),
    sent_after_ms=(10, 100),
    delivered_after_ms=(30, 600),
    read=0.6,
    read_after_ms=(50, 800),
    failure=0.08,
    no_receipt=0.01,
    repeated=0.02,
    disordered=0.03,
    early=0.01,
    lost=0.003,
    reply=0.04,
)

Step = Callable[[str], None]
Progress = Callable[[int, int | None], None]
Bar = Callable[[str, int | None], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Demo:
    """What a run leaves behind to look at."""

    context: Context
    imported: ImportResult
    plan: Plan
    standing: Standing


@contextmanager
def demo(folder: Path, contacts: int, say: Step, bar: Bar) -> Iterator[Demo]:
    """The whole campaign; the servers live as long as the block. `folder` is made anew.

    UsageError where it holds what no demo made.
    """
    from dispatcher.web.server import WebThread
    from dispatcher.wiring import connect

    _make_anew(folder)
    with CarrierProcess(CarrierOptions(behaviour=_CARRIER, ledger=folder / LEDGER)) as carrier:
        (folder / "dispatcher.yaml").write_text(_SETTINGS.format(url=carrier.url))
        environ = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder / 'dispatcher.db'}",
            "DISPATCHER_CONFIG": str(folder / "dispatcher.yaml"),
            "DISPATCHER_STATE_DIR": str(folder / "state"),
        }
        environ.pop("CELERY_BROKER_URL", None)
        with WebThread(lambda: connect(Environment(environ))) as web:
            environ["DISPATCHER_PUBLIC_URL"] = web.url
            carrier.control(inbound_url=f"{web.url}/hooks/simulator-wa")
            context = connect(Environment(environ))
            context.outages.tell = lambda error: say(f"Waiting: {error.message}. {error.hint}")
            yield _run(context, folder, contacts, say, bar)
            context.database.close()


def _make_anew(folder: Path) -> None:
    mark = folder / _MARK
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = list(folder.iterdir())
    except OSError as error:
        raise _unusable(folder, error.strerror or "") from None
    if there and mark not in there:
        raise _unusable(folder, "it is not empty")
    mark.touch(0o600)
    for path in there:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != mark:  # to the last: whoever is interrupted here may come again
            path.unlink()


def _unusable(folder: Path, why: str) -> UsageError:
    return UsageError(
        "demo-folder", f"the demo cannot use the folder {folder} ({why})", "Name an empty or a new one with --folder."
    )


def _run(context: Context, folder: Path, contacts: int, say: Step, bar: Bar) -> Demo:
    say(f"Making {contacts:,} contacts who do not exist, and importing them")
    write_csv(folder / "contacts.csv", contacts, seed=1)
    with bar("contacts imported", contacts) as report:
        imported = import_contacts(context, folder / "contacts.csv", ImportOptions(source="demo"), progress=report)
    path = folder / f"{CAMPAIGN}.yaml"
    at = from_us(context.now_us(), "Asia/Jakarta") - timedelta(minutes=1)
    path.write_text(_SOURCE.read_text().replace("DEMO_AT", at.isoformat(timespec="seconds")))
    say("Planning: who would get what, and at what cost")
    with bar("people planned", contacts) as report:
        plan = plan_campaign(context, path, "demo", report)
    apply_campaign(context, path, "demo")
    context.database.close()  # what importing and planning took is not needed while sending
    say("Sending, and listening to what the carrier says")
    with bar("messages settled", plan.messages) as report:
        standing = _watch(context, report)
    return Demo(context, imported, plan, standing)


def _watch(context: Context, report: Progress) -> Standing:
    """Until all is sent and receipts have stopped coming."""
    with EmbeddedWorkers(context) as workers:
        last, changed_at = None, time.monotonic()
        while True:
            workers.check()
            standing = standing_of(context, CAMPAIGN)
            report(standing.sent - standing.open_receipts, standing.total)
            if standing != last:
                last, changed_at = standing, time.monotonic()
            quiet = time.monotonic() - changed_at > _SETTLED_AFTER_S
            if standing.state == "paused" or (not standing.waiting and (not standing.open_receipts or quiet)):
                return standing
            time.sleep(0.2)
