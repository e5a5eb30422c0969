"""What must be right before anything is sent. Each refusal names what to mend."""

from __future__ import annotations

import os
from pathlib import Path

from dispatcher.core.clock import SECOND_US
from dispatcher.core.errors import UsageError
from dispatcher.operations.channels import Channels
from dispatcher.operations.context import Context
from dispatcher.operations.drain import LEASE_US
from dispatcher.operations.outgoing import SEND_TIMEOUT_S
from dispatcher.settings.model import Settings

LONGEST_TIMEOUT_S = min(SEND_TIMEOUT_S, LEASE_US / SECOND_US - 1)
"""A call that lasts longer would outlive the lease of its attempt, or the patience of the engine."""


def require_ready(context: Context) -> None:
    """For every process that sends, at its start.

    UsageError (2) where the state folder or a channel's time-out does not serve; UnavailableError (6) where the
    database was restored and not marked so.
    """
    require_writable(context.environment.state_dir)
    require_timeouts(context.settings, context.channels)
    # before anything is sent: so a backup of a moment ago is older by then
    context.generation.keep(context.database.run(context.generation.advance))


def require_writable(state_dir: Path) -> None:
    """Ends that cannot be recorded in time go there, and the database's generation."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = state_dir / f".write.{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            "state-dir",
            f"the state folder {state_dir} cannot be written ({error.strerror})",
            "Set DISPATCHER_STATE_DIR to a folder that this user can write.",
        ) from None


def require_timeouts(settings: Settings, channels: Channels) -> None:
    """A channel that does not load is no matter here: its senders pause by themselves and hold up nobody else."""
    for name, sender in settings.senders.items():
        try:
            require_timeout(channels, name, sender.channel)
        except UsageError as error:
            if error.code == "timeout":
                raise


def require_timeout(channels: Channels, sender: str, channel: str) -> None:
    """An attempt must end, one way or the other, before its lease does."""
    timeout_s = channels.get(channel).capabilities.timeout_s
    if timeout_s > LONGEST_TIMEOUT_S:
        raise UsageError(
            "timeout",
            f"sender {sender}: a call of its channel {channel} may take {timeout_s:g} s, which the lease of an attempt "
            f"({LEASE_US / SECOND_US:g} s) does not cover",
            f"Use a version of the channel that gives up within {LONGEST_TIMEOUT_S:g} s, or take the sender out.",
        )
