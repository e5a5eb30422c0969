"""Logs: a line of JSON for each thing that happened, on stderr. Never a number, a name or a text (invariant 12).

    log.warning("hook-refused", sender="sms-a", status=403)

Exceptions are logged by kind and place only: their messages, and those of database drivers, may quote data.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TextIO

_FRAMES: Final = 6
_NUMBER: Final = re.compile(
    r"(?:\+|%2B)[1-9][\d\s().-]{6,18}\d(?!\d)"  # any country's, also as part of a URL
    r"|(?<![0-9A-Za-z])(?<!\d\.)(?:62|0)8[\d\s-]{7,14}(?![0-9A-Za-z])",
    re.IGNORECASE,
)


def _common() -> list[Any]:
    import structlog

    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


class _Log:
    """Made when there is something to tell: structlog takes a tenth of a second to import, and most commands tell
    nothing."""

    @cached_property
    def _made(self) -> Any:
        """Through the standard library, so that a program which embeds us decides where records go."""
        import structlog

        processors = [*_common(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
        return structlog.wrap_logger(_logger, processors=processors, wrapper_class=structlog.stdlib.BoundLogger)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


_logger: Final = logging.getLogger("dispatcher")
_logger.addHandler(logging.NullHandler())
log: Final = _Log()


def set_up_logs(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """For a process of its own: lines of JSON from our code and everyone else's."""
    import structlog

    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_common(), processors=_final()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _final() -> list[Any]:
    import structlog

    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _name_exception,
        _mask_numbers,
        structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False),
    ]


def _name_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Kind and place of an exception instead of its traceback."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["at"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    event.pop("stack_info", None)
    return event


def _mask_numbers(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The last line of defence: other people's libraries log too."""
    return {key: _NUMBER.sub("(number)", value) if isinstance(value, str) else value for key, value in event.items()}
