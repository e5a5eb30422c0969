"""What holds for every channel."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from importlib.metadata import entry_points
from typing import Any, get_args

import pytest
from pydantic import SecretStr, ValidationError

from dispatcher.spi import API_VERSION, Accepted, Capabilities, Channel, ChannelConfig, Outcome
from dispatcher.testing.conformance.base import Contract, outcome_of, run
from dispatcher.testing.rawserver import RawServer, answer

SECRET_WORDS = ("token", "secret", "password", "passkey")


class EveryChannel(Contract):
    def test_is_found_through_its_entry_point(self) -> None:
        (found,) = entry_points(group="dispatcher.channels", name=self.channel.name)
        assert found.load() is self.channel

    def test_is_written_for_this_door(self) -> None:
        assert issubclass(self.channel, Channel)
        assert issubclass(self.channel.Config, ChannelConfig)
        assert self.channel.api_version == API_VERSION

    def test_imports_nothing_of_dispatcher_but_the_door(self) -> None:
        source = inspect.getsource(sys.modules[self.channel.__module__])
        named = [name for name in _imports(source) if name.split(".")[0] == "dispatcher"]
        assert [name for name in named if name != "dispatcher.spi"] == []

    def test_capabilities_do_not_contradict_each_other(self) -> None:
        can = self.able()
        assert can.batch_size >= 1
        assert can.concurrency >= 1
        assert can.max_characters >= 1
        assert can.settle_time_s > 0
        assert can.lookup or not can.absence_is_proof
        assert can.free_text or can.templates
        assert can.templates or not can.template_query

    def test_it_can_what_its_tests_say(self) -> None:
        """Which tests there are follows from it."""

        async def scenario() -> Capabilities:
            async with self.opened("http://127.0.0.1:9") as (channel, _):
                return channel.capabilities

        assert run(scenario()) == self.able()

    def test_an_unknown_setting_is_an_error(self) -> None:
        with pytest.raises(ValidationError, match="no_such_setting"):
            self.channel.Config.model_validate({**self.settings("http://127.0.0.1:9"), "no_such_setting": 1})

    def test_secrets_are_marked_and_never_shown(self) -> None:
        for name, model_field in self.channel.Config.model_fields.items():
            if any(word in name for word in SECRET_WORDS):
                assert _is_secret(model_field.annotation), f"{name} is no Secret"
        settings = self.settings("http://127.0.0.1:9")
        config = self.channel.Config.model_validate(settings)
        with pytest.raises(ValidationError) as caught:
            self.channel.Config.model_validate({**settings, "no_such_setting": 1})
        for secret in config.secret_values():
            assert secret not in f"{config!r} {config} {caught.value}"

    def test_is_built_without_a_connection(self) -> None:
        async def scenario() -> int:
            async with RawServer(answer(500)) as server, self.opened(server.url) as (_, http):
                return server.opened + http.calls

        assert run(scenario()) == 0

    def test_identity_is_the_same_for_the_same_settings(self) -> None:
        async def scenario() -> tuple[str, str]:
            async with self.opened("http://127.0.0.1:9") as (one, _), self.opened("http://127.0.0.1:9") as (two, _):
                return one.identity, two.identity

        one, two = run(scenario())
        assert one == two

    def test_a_message_is_accepted(self) -> None:
        assert isinstance(run(self._send(1))[0], Accepted)

    def test_many_messages_at_once_are_accepted(self) -> None:
        outcomes = run(self._send(4 * self.able().concurrency))
        assert {type(outcome) for outcome in outcomes} == {Accepted}

    def test_a_batch_has_one_outcome_each_in_order(self) -> None:
        async def scenario() -> tuple[int, list[Outcome]]:
            size = min(self.able().batch_size, 50)
            async with self.provider() as server, self.opened(server.url) as (channel, _):
                messages = [self.message(ref=f"{i}.1") for i in range(size)]
                return size, list(await channel.send_batch(messages))

        size, outcomes = run(scenario())
        assert len(outcomes) == size
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)

    async def _send(self, count: int) -> list[Outcome]:
        async with self.provider() as server, self.opened(server.url) as (channel, _):
            sends = (outcome_of(self, channel, self.message(ref=f"{i}.1")) for i in range(count))
            return list(await asyncio.gather(*sends))


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def _imports(source: str) -> list[str]:
    nodes = list(ast.walk(ast.parse(source)))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [name for node in nodes if isinstance(node, ast.ImportFrom) for name in _modules(node)]


def _modules(node: ast.ImportFrom) -> list[str]:
    """`from dispatcher import spi` imports the door, as `from dispatcher.spi import Channel` does."""
    if node.module == "dispatcher":
        return [f"dispatcher.{alias.name}" for alias in node.names]
    return [node.module or ""]
