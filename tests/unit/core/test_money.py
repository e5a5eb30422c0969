from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.core.errors import UsageError
from dispatcher.core.money import NOTHING, ExchangeRate, Money, total

amounts = st.decimals(-(10**9), 10**9, places=4)
money = st.dictionaries(st.sampled_from(["IDR", "USD", "EUR"]), amounts).map(Money)


def test_sums_stay_apart_by_currency() -> None:
    cost = Money.of("IDR", "350") * 3 + Money.of("USD", "0.0525") * 2
    assert cost.as_json() == {"IDR": "1050.00", "USD": "0.105"}
    assert cost.formatted() == "IDR 1,050 + USD 0.11"
    assert cost.formatted("id") == "Rp1.050 + USD 0,11"


def test_large_amounts_are_plain_decimals() -> None:
    assert Money.of("IDR", Decimal("1E+9")).as_json() == {"IDR": "1000000000.00"}
    assert Money.of("IDR", 0).as_json() == {"IDR": "0.00"}
    assert str(NOTHING) == "0" and not NOTHING and NOTHING.as_json() == {}


def test_no_sum_over_currencies_without_a_dated_rate() -> None:
    cost = Money.of("IDR", 1000) + Money.of("USD", 2)
    rate = ExchangeRate("USD", "IDR", Decimal(16000), date(2027, 1, 4))
    assert cost.converted("IDR", [rate]) == Money.of("IDR", 33000)
    with pytest.raises(UsageError, match="from IDR to USD") as caught:
        cost.converted("USD", [rate])
    assert caught.value.code == "no-exchange-rate"


def test_exceeds_any_currency() -> None:
    ceiling = Money.of("IDR", 1000)
    assert not Money.of("IDR", 1000).exceeds(ceiling)
    assert Money.of("IDR", 1001).exceeds(ceiling)
    assert Money.of("USD", "0.01").exceeds(ceiling)


@pytest.mark.parametrize(("currency", "amount"), [("Rp", "1"), ("idr", "1"), ("IDR", "1.250,00"), ("IDR", "NaN")])
def test_not_money(currency: str, amount: str) -> None:
    with pytest.raises(ValueError):
        Money.of(currency, amount)


@given(money, money, st.integers(-1000, 1000))
def test_arithmetic(a: Money, b: Money, times: int) -> None:
    assert a + b == b + a
    assert (a + b) * times == a * times + b * times
    assert a - a == NOTHING and not (a - a)
    assert Money.from_json(a.as_json()) == a and hash(Money.from_json(a.as_json())) == hash(a)
    assert total([a, b, a]) == a * 2 + b
