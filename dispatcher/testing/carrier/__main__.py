"""`python -m dispatcher.testing.carrier`: prints one line of JSON when it is ready, then serves."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dispatcher.core.errors import DispatcherError, UsageError
from dispatcher.testing.carrier.behaviour import behaviour_from, merge_patch
from dispatcher.testing.carrier.options import CarrierOptions
from dispatcher.testing.carrier.server import serve


def options_from(arguments: Sequence[str]) -> CarrierOptions:
    default = CarrierOptions()
    parser = argparse.ArgumentParser(prog="python -m dispatcher.testing.carrier", description="A carrier in a box.")
    parser.add_argument("--host", default=default.host)
    parser.add_argument("--port", type=int, default=default.port, help="0: any free one")
    parser.add_argument("--smpp-port", type=int, help="an SMS centre too; 0: on any free port")
    parser.add_argument("--account-sid", default=default.account_sid)
    parser.add_argument("--auth-token", default=default.auth_token)
    parser.add_argument("--ledger", type=Path, help="where the ledger is kept; without it, it goes with the process")
    parser.add_argument("--behaviour", type=Path, metavar="FILE", help="a JSON file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="as in --set failure=0.03")
    parser.add_argument("--bare", action="store_true", help="accept everything, call nobody back")
    parser.add_argument("--remembers", action="store_true", help="keep the list of messages over a restart")
    parser.add_argument("--max-messages", type=int, default=default.max_messages)
    parser.add_argument("--callbacks-at-once", type=int, default=default.callbacks_at_once)
    parser.add_argument("--while-stdin-is-open", action="store_true", help="end when standard input does")
    chosen = vars(parser.parse_args(arguments))
    values = _behaviour_values(chosen.pop("behaviour"), chosen.pop("set"))
    return CarrierOptions(behaviour=behaviour_from(values), **chosen)


def _behaviour_values(file: Path | None, settings: list[str]) -> object:
    values: object = {}
    try:
        if file is not None:
            values = json.loads(file.read_text(encoding="utf-8"))
        for setting in settings:
            key, _, value = setting.partition("=")
            values = merge_patch(values, {key: json.loads(value)})
    except OSError as error:
        raise UsageError("carrier-behaviour", f"{file}: {error.strerror}") from None
    except ValueError:
        raise UsageError("carrier-behaviour", "a behaviour is a JSON file, and --set takes KEY=JSON") from None
    return values


def main() -> int:
    try:
        options = options_from(sys.argv[1:])
        run(options)
    except DispatcherError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def run(options: CarrierOptions) -> None:
    """Serve until it is told to stop; prints the line of JSON when requests are taken."""

    def started(port: int, smpp_port: int | None) -> None:
        host = f"[{options.host}]" if ":" in options.host else options.host
        ready = {"port": port, "url": f"http://{host}:{port}", "account_sid": options.account_sid}
        ready["phone_number_id"] = options.phone_number_id
        if smpp_port is not None:
            ready |= {"smpp_port": smpp_port, "system_id": options.system_id}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()

    try:
        from uvloop import run as run_loop
    except ImportError:
        from asyncio import run as run_loop  # type: ignore[assignment]
    gc.set_threshold(100_000, 50, 50)  # messages are kept by the million and hold no cycles
    run_loop(serve(options, started))


if __name__ == "__main__":
    sys.exit(main())
