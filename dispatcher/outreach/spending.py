"""What a campaign cost by dated prices: a sum per currency, and in one currency only at dated exchange rates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dispatcher.core.errors import UsageError
from dispatcher.core.money import NOTHING, ExchangeRate, Money
from dispatcher.plan.estimate import Prices


@dataclass(frozen=True, slots=True)
class Load:
    """Messages that a provider took on a day."""

    sender: str
    channel: str
    country: str
    on: date
    messages: int
    segments: int


@dataclass(slots=True)
class SenderCost:
    messages: int = 0
    segments: int = 0
    cost: Money = NOTHING
    unpriced: int = 0
    """Messages for which no price is known: unknown is not free."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "messages": self.messages,
            "segments": self.segments,
            "cost": self.cost.as_json(),
            "unpriced_messages": self.unpriced,
        }


@dataclass(frozen=True, slots=True)
class Spending:
    by_sender: dict[str, SenderCost]
    rates: tuple[ExchangeRate, ...] = field(default=())
    currency: str = "IDR"

    @property
    def total(self) -> Money:
        return sum((part.cost for part in self.by_sender.values()), NOTHING)

    @property
    def converted(self) -> Money | None:
        """In one currency; None where there is nothing to convert, or a rate is missing."""
        if set(self.total.amounts) <= {self.currency}:
            return None
        try:
            return self.total.converted(self.currency, self.rates)
        except UsageError:
            return None

    @property
    def unpriced(self) -> list[str]:
        return [name for name, part in self.by_sender.items() if part.unpriced]

    def as_dict(self) -> dict[str, Any]:
        """`cost` is money; the rest stands beside it."""
        converted = self.converted
        used = [rate for rate in self.rates if rate.base in self.total.amounts]
        return {
            "cost": self.total.as_json(),
            "cost_by_sender": {name: part.as_dict() for name, part in self.by_sender.items()},
            "cost_converted": None if converted is None else converted.as_json(),
            "exchange": [_rate(rate) for rate in used] if converted is not None else [],
            "unpriced": self.unpriced,
        }


def spend(loads: Iterable[Load], prices: Prices, rates: Iterable[ExchangeRate], currency: str) -> Spending:
    found: dict[str, SenderCost] = {}
    for load in sorted(loads, key=lambda one: one.sender):
        part = found.setdefault(load.sender, SenderCost())
        part.messages += load.messages
        part.segments += load.segments
        price = prices.of(load.sender, load.channel, load.country, load.on, load.messages, load.segments)
        if price is None:
            part.unpriced += load.messages
        else:
            part.cost += price
    return Spending(found, tuple(rates), currency)


def rates_on(rates: Iterable[ExchangeRate], day: date) -> list[ExchangeRate]:
    """Of each pair the youngest that holds on that day."""
    newest: dict[tuple[str, str], ExchangeRate] = {}
    for rate in sorted(rates, key=lambda one: one.on):
        if rate.on <= day:
            newest[rate.base, rate.quote] = rate
    return list(newest.values())


def _rate(rate: ExchangeRate) -> dict[str, str]:
    return {"base": rate.base, "quote": rate.quote, "rate": str(rate.rate), "on": rate.on.isoformat()}
