"""Where the command begins. Ctrl-C while it is still being imported, or is over, ends it without Python's own words."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

_OFTEN_ENOUGH = 50_000


def main() -> None:
    """Runs the command and turns every ending into an exit code of the contract."""
    # what is imported stays: to look for garbage among it again and again is an eighth of a short command's time
    gc.set_threshold(_OFTEN_ENOUGH, 10, 10)
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not so under nohup
    if interruptible:
        signal.signal(signal.SIGINT, _leave)

    def begin() -> None:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    from dispatcher.cli.main import run

    try:
        code = run(sys.argv[1:], begin)
    except KeyboardInterrupt:  # a second one, while the first was answered
        code = 130
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.freeze()  # else Python ends by looking for garbage among all of it, for a quarter of a short command's time
    sys.exit(code)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Nothing was begun. Not an exception: modules that are half imported answer one with others."""
    os.write(2, b"Interrupted before it began.\n")
    os._exit(130)
