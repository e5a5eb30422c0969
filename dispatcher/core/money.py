"""Amounts of money, a sum per currency. Currencies are never added together without a dated exchange rate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from dispatcher.core.errors import UsageError

_CURRENCY = re.compile(r"[A-Z]{3}")
_CENT: Final = Decimal("0.01")
#: Currencies whose small unit is no longer used, so that amounts for people have no decimals.
_WHOLE: Final = frozenset({"IDR", "JPY", "KRW", "VND"})
#: Thousands and decimal mark by language.
_MARKS: Final = {"id": (".", ","), "en": (",", ".")}


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One unit of `base` buys `rate` units of `quote`, as published on `on`."""

    base: str
    quote: str
    rate: Decimal
    on: date


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """Immutable sums by currency, built with `Money.of("IDR", "350")` or `Money.from_json`, and added with `+`."""

    amounts: Mapping[str, Decimal]

    @classmethod
    def of(cls, currency: str, amount: Decimal | int | str) -> Money:
        """Raises ValueError for a currency that is not three capitals or an amount that is no number."""
        if not _CURRENCY.fullmatch(currency):
            raise ValueError("a currency is three capital letters, such as IDR")
        try:
            value = Decimal(amount)
        except InvalidOperation:
            raise ValueError("an amount is a decimal number, such as 350.00") from None
        if not value.is_finite():
            raise ValueError("an amount is a finite number")
        return cls({currency: value})

    @classmethod
    def from_json(cls, amounts: Mapping[str, str]) -> Money:
        return total(cls.of(currency, amount) for currency, amount in amounts.items())

    def __add__(self, other: Money) -> Money:
        sums = dict(self.amounts)
        for currency, amount in other.amounts.items():
            sums[currency] = sums.get(currency, Decimal(0)) + amount
        return Money(sums)

    def __sub__(self, other: Money) -> Money:
        return self + other * -1

    def __mul__(self, times: int) -> Money:
        return Money({currency: amount * times for currency, amount in self.amounts.items()})

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and dict(self._present()) == dict(other._present())

    def __hash__(self) -> int:
        return hash(frozenset(self._present()))

    def __bool__(self) -> bool:
        return any(True for _ in self._present())

    def __str__(self) -> str:
        return self.formatted()

    def __repr__(self) -> str:
        return f"Money({self.as_json()})"

    def exceeds(self, ceiling: Money) -> bool:
        """True when any currency is above its ceiling; a currency without one has the ceiling 0."""
        return any(amount > ceiling.amounts.get(currency, 0) for currency, amount in self._present())

    def converted(self, currency: str, rates: Iterable[ExchangeRate]) -> Money:
        """The whole in one currency. Raises UsageError `no-exchange-rate` where a rate is missing."""
        known = {rate.base: rate.rate for rate in rates if rate.quote == currency} | {currency: Decimal(1)}
        missing = sorted(set(dict(self._present())) - set(known))
        if missing:
            raise UsageError(
                "no-exchange-rate",
                f"no exchange rate from {', '.join(missing)} to {currency}",
                "add a dated rate to the settings, or read the sums per currency",
            )
        return Money({currency: sum((known[c] * a for c, a in self._present()), Decimal(0))})

    def as_json(self) -> dict[str, str]:
        """{"IDR": "1250.00"}: exact, two decimals or as many more as the amount has; sorted by currency."""
        return {currency: _plain(amount) for currency, amount in sorted(self.amounts.items())}

    def formatted(self, language: str = "en") -> str:
        """For people, rounded half up: "IDR 1,250 + USD 0.05", in Indonesian "Rp1.250 + USD 0,05"."""
        parts = [_for_people(currency, amount, language) for currency, amount in sorted(self._present())]
        return " + ".join(parts) or "0"

    def _present(self) -> Iterator[tuple[str, Decimal]]:
        return ((currency, amount) for currency, amount in self.amounts.items() if amount)


NOTHING: Final = Money({})


def total(amounts: Iterable[Money]) -> Money:
    return sum(amounts, start=NOTHING)


def _plain(amount: Decimal) -> str:
    decimals = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{decimals}f}"


def _for_people(currency: str, amount: Decimal, language: str) -> str:
    unit = Decimal(1) if currency in _WHOLE else _CENT
    thousands, point = _MARKS.get(language, _MARKS["en"])
    digits = f"{amount.quantize(unit, ROUND_HALF_UP):,}".translate({ord(","): thousands, ord("."): point})
    return f"Rp{digits}" if (currency, language) == ("IDR", "id") else f"{currency} {digits}"
