"""Durations as people write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

DURATION = re.compile(r"^\s*(\d+)\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?)\s*$")
_UNIT = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
LONGEST = timedelta(days=366)


def parse_duration(value: Any) -> Any:
    """`"30 minutes"`, `"4 hours"`, `"2 days"`, `"1 week"`, or short: `30m 4h 2d 1w`."""
    if not isinstance(value, str):
        if isinstance(value, timedelta):
            return value
        raise ValueError('write a duration as "30 minutes", "4 hours" or "2 days"')
    match = DURATION.match(value)
    if not match:
        raise ValueError(f'"{value}" is not a duration: write "30 minutes", "4 hours" or "2 days"')
    if len(match[1]) > 5 or int(match[1]) * _UNIT[match[2][0]] > LONGEST:
        raise ValueError(f"the longest duration is {LONGEST.days} days")
    return int(match[1]) * _UNIT[match[2][0]]
