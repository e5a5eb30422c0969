"""What an account answers when the provider is odd; look-ups and templates are proved by the adapters' own tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest

from dispatcher.spi import (
    Accepted,
    Capabilities,
    Channel,
    ChannelConfig,
    Check,
    ErrorTable,
    LookupQuery,
    LookupResult,
    OutboundMessage,
    Outcome,
    Undecided,
    asking,
)
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance.base import GuardedClient
from dispatcher.testing.rawserver import Behaviour, RawServer

ERRORS = ErrorTable.of({"7": {"class": "misconfigured", "reason": "misconfigured", "en": "The key is wrong."}}, "x")


class Config(ChannelConfig):
    url: str


class Merpati(asking.Account):
    provider = "Merpati"
    hint = "Look at the key."
    error_table = ERRORS
    url = ""

    async def look_up(self, query: LookupQuery) -> LookupResult:
        return ERRORS.found((await self.get(self.url))["id"], (await self.get(self.url))["status"])

    def questions(self) -> Mapping[str, asking.Question]:
        return {"account": self.name, "balance": self.balance}

    async def name(self) -> asking.Finding:
        return str((await self.get(self.url))["name"]), ""

    async def balance(self) -> asking.Finding:
        return "nothing", "top it up"


class MerpatiChannel(Channel[Config]):
    name = "merpati"
    capabilities = Capabilities(media="sms", lookup=True)
    Config = Config
    error_table = ERRORS

    async def send(self, message: OutboundMessage) -> Outcome:
        return Accepted()


def said(status: int, **record: object) -> Behaviour:
    return raw.answer(status, json.dumps(record).encode(), {"content-type": "application/json"})


def asked(*behaviours: Behaviour) -> tuple[list[Check], LookupResult, LookupResult]:
    async def scenario() -> tuple[list[Check], LookupResult, LookupResult]:
        async with RawServer(*behaviours) as server:
            http = GuardedClient()
            channel = MerpatiChannel(Config(url=server.url), http)
            account = channel.account = Merpati(http, {})
            account.url = server.url
            lines = list(await channel.check())
            found = await channel.lookup(LookupQuery("7.1", "+6281234567890", 0))
            template = await channel.template("x")
            await http.close()
            return lines, found, template

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("behaviour", "detail", "fix"),
    [
        (said(401), "refused with HTTP 401", "Look at the key."),
        (said(400, code=7), "refused with HTTP 400, code 7", "The key is wrong. Look at the key."),
        (said(200, code=8), "refused with HTTP 200, code 8", "look up 8 in the documentation of Merpati"),
        (said(502), "refused with HTTP 502", "look at base_url"),
        (raw.answer(200, b"<h1>"), "the answer is not Merpati's", "look at base_url"),
    ],
)
def test_what_goes_wrong_is_one_line_with_a_fix_and_no_answer(behaviour: Behaviour, detail: str, fix: str) -> None:
    lines, found, template = asked(behaviour)
    assert lines == [Check("account", False, detail, fix)]
    assert found == Undecided(f"{detail}: {fix}")
    assert isinstance(template, Undecided)


def test_a_record_that_is_not_as_documented_is_no_answer() -> None:
    lines, found, _ = asked(said(200, x=1))
    assert lines == [Check("account", False, "the answer is not Merpati's", "look at base_url")]
    assert found == Undecided("a record that is not as documented")


def test_a_later_question_that_fails_is_a_line_of_its_own() -> None:
    lines, _, _ = asked(said(200, name="kota"))
    assert lines == [Check("account", True, "kota"), Check("balance", False, "nothing", "top it up")]


def test_a_server_that_is_away_is_told_as_such() -> None:
    (line,), found, _ = asked(raw.close_after_reading)
    assert line.detail.startswith("no connection to Merpati (")
    assert "firewall" in line.fix
    assert isinstance(found, Undecided)


def test_an_adapter_may_call_something_else_its_account() -> None:
    """As it may have done before there was one."""

    class Older(MerpatiChannel):
        account = "AC1"  # type: ignore[assignment]
        error_table = ErrorTable({})

    older = Older(Config(url=""), GuardedClient())
    query = LookupQuery("7.1", "+6281234567890", 0)
    assert asyncio.run(older.check()) == ()
    assert isinstance(asyncio.run(older.lookup(query)), Undecided)
    assert isinstance(asyncio.run(older.template("x")), Undecided)
    assert older.explain("7") == ""


def test_the_digest_is_of_the_content_in_any_order() -> None:
    assert asking.digest_of({"a": [1, "é"], "b": None}) == asking.digest_of({"b": None, "a": [1, "é"]})
    assert asking.digest_of({"a": [1, 2]}) != asking.digest_of({"a": [2, 1]})


def test_placeholders_are_found_however_deep() -> None:
    assert asking.placeholders({"a": ["{{1}} dan {{ nama }}", {"b": "{{2}}"}], "c": 7}) == ["1", "nama", "2"]
    assert asking.placeholders(None) == []
