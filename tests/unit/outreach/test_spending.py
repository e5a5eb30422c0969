"""Cost: per currency, by dated prices, and in one currency only where a dated rate says so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dispatcher.core.money import ExchangeRate, Money
from dispatcher.outreach.spending import Load, rates_on, spend
from dispatcher.plan.estimate import PriceLine, Prices

DAY = date(2027, 2, 10)
SMS = PriceLine(date(2027, 1, 1), "IDR", Decimal(450), "segment", sender="sms")
WA = PriceLine(date(2027, 1, 1), "USD", Decimal("0.025"), "message", sender="wa")
LOADS = [Load("sms", "x", "ID", DAY, 10, 20), Load("wa", "y", "ID", DAY, 4, 4)]
USD = ExchangeRate("USD", "IDR", Decimal(16000), DAY)


def test_currencies_are_not_added_without_a_rate() -> None:
    found = spend(LOADS, Prices([SMS, WA]), [], "IDR")
    assert found.total == Money.of("IDR", 9000) + Money.of("USD", "0.1")
    assert found.converted is None
    assert found.as_dict()["exchange"] == []


def test_a_dated_rate_makes_one_sum() -> None:
    found = spend(LOADS, Prices([SMS, WA]), [USD], "IDR")
    assert found.converted == Money.of("IDR", 10600)
    assert found.as_dict()["exchange"] == [{"base": "USD", "quote": "IDR", "rate": "16000", "on": "2027-02-10"}]


def test_one_currency_needs_no_conversion() -> None:
    assert spend(LOADS[:1], Prices([SMS]), [USD], "IDR").converted is None


def test_what_has_no_price_is_not_free() -> None:
    found = spend(LOADS, Prices([SMS]), [], "IDR")
    assert found.unpriced == ["wa"]
    assert found.by_sender["wa"].unpriced == 4
    assert found.total == Money.of("IDR", 9000)


def test_a_price_that_begins_later_does_not_count() -> None:
    late = PriceLine(date(2027, 3, 1), "IDR", Decimal(1), "segment")
    assert spend(LOADS[:1], Prices([late]), [], "IDR").unpriced == ["sms"]


def test_of_each_pair_the_youngest_rate_holds() -> None:
    older = ExchangeRate("USD", "IDR", Decimal(1), date(2026, 1, 1))
    future = ExchangeRate("USD", "IDR", Decimal(2), date(2028, 1, 1))
    assert rates_on([USD, future, older], DAY) == [USD]
