"""What sending costs, as the settings say it."""

from __future__ import annotations

from typing import Any

from dispatcher.operations.context import Context
from dispatcher.plan.estimate import PriceLine


def price_lines(context: Context) -> list[PriceLine]:
    """The dated prices of the settings."""
    fields: list[dict[str, Any]] = [price.model_dump() for price in context.settings.prices]
    return [PriceLine(since=line.pop("from_"), **line) for line in fields]
