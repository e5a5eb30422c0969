"""What is missing or broken, and how to mend it. Changes nothing; a check that cannot run is a finding, not a crash."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import select, text

from dispatcher.core.clock import DAY_US, SECOND_US
from dispatcher.core.errors import DispatcherError
from dispatcher.operations.channels import Channels
from dispatcher.operations.doctor_machine import broker, disk, packages, state_folder
from dispatcher.operations.doctor_senders import public_url, rates, senders
from dispatcher.operations.finding import Finding, bad, good
from dispatcher.operations.generation import is_older, restored_error
from dispatcher.operations.verify_consent import verify_consent
from dispatcher.settings import Environment
from dispatcher.store import tally
from dispatcher.store.campaigns import all_campaigns, steps_of
from dispatcher.store.engine import Database, sqlite_path
from dispatcher.store.inbox import count_unsigned_stops
from dispatcher.store.keys import Keys, load_keys
from dispatcher.store.migrate import HEAD, current_revision, schema_error
from dispatcher.store.reports import counted_again, funnels, snapshot
from dispatcher.store.tables import installation

_CLOCK_TOLERANCE_US = 5 * SECOND_US
_FIRST_FEW = 5

Check = Callable[[Environment], Iterable[Finding]]


def examine(environment: Environment) -> list[Finding]:
    """All checks, in the order in which they are best mended."""
    checks: tuple[tuple[str, Check], ...] = (
        ("python", packages),
        ("settings", settings),
        ("state folder", state_folder),
        ("disk", disk),
        ("broker", broker),
        ("channels", plugins),
        ("senders", senders),
        ("public URL", public_url),
        ("database", database),
    )
    return [finding for name, check in checks for finding in _run(name, check, environment)]


def _run(name: str, check: Check, environment: Environment) -> list[Finding]:
    try:
        return list(check(environment))
    except DispatcherError as error:
        return [bad(name, error.message, error.hint)]
    except Exception as error:  # the very thing that is looked for may be anything
        return [bad(name, f"could not be checked ({type(error).__name__})", "Run it again with DISPATCHER_DEBUG=1.")]


def settings(environment: Environment) -> Iterator[Finding]:
    count = len(environment.settings.senders)
    if environment.config_is_given:
        yield good("settings", f"{environment.config_path}: {count} sender(s)")
    else:
        yield good("settings", f"no {environment.config_path}: a console sender, which prints")


def plugins(environment: Environment) -> Iterator[Finding]:
    found = Channels().plugins
    broken = [plugin for plugin in found if plugin.error]
    for plugin in broken:
        fix = f"Repair or remove the package {plugin.origin or 'that offers it'}."
        yield bad("channels", f"{plugin.name} does not load: {plugin.error}", fix)
    if not broken:
        yield good("channels", ", ".join(plugin.name for plugin in found))


def database(environment: Environment) -> Iterator[Finding]:
    """Reachable, of the right schema, of this installation, in time, and conserving (invariants 11 and 14)."""
    path = sqlite_path(environment.database_url)
    if path is not None and not path.exists():
        yield good("database", f"{path} is made on the first run")
        return
    opened = Database(environment.database_url)
    try:
        revision = current_revision(opened)
        if revision != HEAD:
            error = schema_error(revision)
            yield bad("database", error.message, error.hint)
            return
        yield good("database", f"answers, schema {HEAD}")
        yield _generation(environment, opened)
        yield _clock(opened)
        yield from _keys(environment, opened)
        yield from _run("rates", lambda given: rates(given, opened), environment)
        yield _unsigned_stops(opened)
        yield from _conservation(opened)
        yield from _run("consent ledger", lambda _: _ledger(opened), environment)
    finally:
        opened.close()


def _generation(environment: Environment, opened: Database) -> Finding:
    """Invariant 16."""
    with opened.read() as connection:
        if is_older(connection, environment.state_dir):
            error = restored_error(connection)
            return bad("generation", error.message, error.hint)
    return good("generation", "not older than what was sent from it")


def _clock(opened: Database) -> Finding:
    if opened.is_sqlite:
        return good("clock", "the database uses this machine's clock")
    with opened.read() as connection:
        now = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        ahead_us = connection.execute(now).scalar_one() - time.time_ns() // 1000
    detail = f"the database is {ahead_us / SECOND_US:+.1f} s ahead of this machine"
    if abs(ahead_us) <= _CLOCK_TOLERANCE_US:
        return good("clock", detail)
    return bad("clock", detail, "Let NTP set both clocks. Sending follows the database's.")


def _keys(environment: Environment, opened: Database) -> Iterator[Finding]:
    """Prints only. A database whose suppression key is lost has forgotten who refused (invariant 14)."""
    with opened.read() as connection:
        row = connection.execute(select(installation)).first()
    if row is None:
        yield good("keys", "made on the first run")
        return
    keys = _existing_keys(environment)
    for name, theirs in (("suppression", row.suppression_print), ("secret", row.secret_print)):
        mine = getattr(keys, f"{name}_print") if keys else "missing"
        if mine == theirs:
            yield good(f"{name} key", f"print {theirs}")
        else:
            fix = "Put back the key files of the installation that made this database (DISPATCHER_STATE_DIR)."
            yield bad(f"{name} key", f"its print is {mine}; the database was made with {theirs}", fix)


def _existing_keys(environment: Environment) -> Keys | None:
    """Without making any: a fresh key would hide the loss."""
    folder = environment.state_dir
    given = {name: environment.get(f"DISPATCHER_{name.upper()}_KEY") for name in ("secret", "suppression")}
    if not all(value or (folder / f"{name}.key").exists() for name, value in given.items()):
        return None
    return load_keys(given["secret"], given["suppression"], folder)


def _unsigned_stops(opened: Database) -> Finding:
    """Anyone who finds the address of such a gateway may have sent them."""
    with opened.read() as connection:
        acted, waiting = count_unsigned_stops(connection, opened.now_us() - DAY_US)
    detail = f"{acted} of gateways that sign nothing acted in the last day, {waiting} beyond the limit wait"
    if not waiting:
        return good("stops", detail)
    fix = "See: dispatcher inbox list --stops; then dispatcher contacts stop, or dispatcher inbox done"
    return bad("stops", detail, fix)


def _conservation(opened: Database) -> Iterator[Finding]:
    """Every step: all selected are accounted for, no counter is negative, and counters agree with rows."""
    with snapshot(opened) as connection:
        campaigns = {row.id: row.slug for row in all_campaigns(connection)}
        steps = steps_of(connection, list(campaigns))
        found = funnels(connection, steps)
        wrong = []
        for step in steps:
            kept = tally.read(connection, [step.id])
            if not found[step.id].conserves or dict(kept) != dict(counted_again(connection, step.id)):
                wrong.append(f"{campaigns[step.campaign_id]}/{step.name}")
    if not wrong:
        yield good("conservation", f"the counters of {len(steps)} step(s) agree with their rows")
        return
    named = ", ".join(wrong[:_FIRST_FEW]) + (" …" if len(wrong) > _FIRST_FEW else "")
    yield bad("conservation", f"counters disagree with rows: {named}", "Do not report from them; please tell us.")


def _ledger(opened: Database) -> Iterator[Finding]:
    """Nothing was put into the consent ledger, taken out of it or altered."""
    found = verify_consent(opened)
    if not found.faults:
        held = f"{found.events} event(s) fit the digests of {len(found.sheets)} import(s) and day(s)"
        yield good("consent ledger", held)
        return
    named = "; ".join(f"{name}: {fault}" for name, fault in found.faults[:_FIRST_FEW])
    more = " …" if len(found.faults) > _FIRST_FEW else ""
    yield bad("consent ledger", named + more, "Somebody changed it past its trigger: compare it with a backup.")
