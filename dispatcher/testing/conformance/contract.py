"""The class to subclass: it takes in the parts of the suite that apply to the channel."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import pytest

from dispatcher.testing.conformance.base import Answer, Contract
from dispatcher.testing.conformance.every import EveryChannel
from dispatcher.testing.conformance.hooks import HooksOfChannel, PushedReceipts, SignedHooks
from dispatcher.testing.conformance.http import HttpChannel
from dispatcher.testing.conformance.lookup import LookupChannel
from dispatcher.testing.conformance.recordings import RecordedHooks, RecordedSends, load
from dispatcher.testing.conformance.templates import TemplateChannel
from dispatcher.testing.conformance.wire import WireOfChannel

__all__ = ["Answer", "ChannelContract"]


def _has_hooks(contract: type[Contract]) -> bool:
    capabilities = contract.able()
    return capabilities.receipts == "push" or (capabilities.inbound and capabilities.receipts != "session")


_PARTS: Final[dict[type[Contract], Callable[[type[Contract]], bool]]] = {
    EveryChannel: lambda contract: True,
    HttpChannel: lambda contract: contract.accepted is not None,
    WireOfChannel: lambda contract: contract.accepted is not None,
    RecordedSends: lambda contract: bool(load(contract.recordings, "sends")),
    RecordedHooks: lambda contract: bool(load(contract.recordings, "hooks")),
    HooksOfChannel: _has_hooks,
    PushedReceipts: lambda contract: contract.able().receipts == "push",
    SignedHooks: lambda contract: _has_hooks(contract) and contract.able().signs_hooks,
    LookupChannel: lambda contract: contract.able().lookup,
    TemplateChannel: lambda contract: contract.able().template_query,
}


class ChannelContract(Contract):
    """Tests that do not apply do not exist, so that nothing is skipped and nothing passes for want of a subject."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for part, applies in _PARTS.items():
            if hasattr(cls, "channel") and applies(cls):
                _take_in(cls, part)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Recorded exchanges and status words become one test each."""
        assert metafunc.cls is not None
        contract: type[Contract] = metafunc.cls
        for name in ("sends", "hooks"):
            fixture = f"recorded_{name[:-1]}"
            if fixture in metafunc.fixturenames:
                cases = load(contract.recordings, name)
                metafunc.parametrize(fixture, cases, ids=[case["name"] for case in cases])
        if "word" in metafunc.fixturenames:
            metafunc.parametrize("word", contract.words)


def _take_in(contract: type[Contract], part: type[Contract]) -> None:
    for owner in part.__mro__[: part.__mro__.index(Contract)]:
        for name, member in vars(owner).items():
            if inspect.isfunction(member) and name not in vars(contract):
                setattr(contract, name, member)
