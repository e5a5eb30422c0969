"""Recorded exchanges, run as tables.

A folder holds any number of JSON files, each `{"sends": [...], "hooks": [...]}`:

    sends   {name, message: {…}, request: {path, form}, answer: {status, headers?, body}, outcome: {type, …}}
    hooks   {name, request: {method?, content_type?, query?, form | json}, receipts: […], inbound: […], unmapped: […]}

`message` changes fields of `Contract.message`; `request` says what must have been sent. `outcome`, `receipts` and
`inbound` name the fields that matter; the others are not compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dispatcher.spi import HookRequest, Outcome, Template
from dispatcher.testing import rawserver as raw
from dispatcher.testing.conformance.base import Contract, GuardedClient, outcome_of, run
from dispatcher.testing.rawserver import RawRequest, RawServer

Case = Mapping[str, Any]


@lru_cache
def load(folder: Path | None, kind: str) -> Sequence[Case]:
    """All cases of one kind, in the order of the files' names. Raises ValueError where a folder holds none at all."""
    if folder is None:
        return ()
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ValueError(f"there are no recordings in {folder}")
    return [case for file in files for case in json.loads(file.read_text(encoding="utf-8")).get(kind, ())]


class RecordedSends(Contract):
    def test_recorded_send(self, recorded_send: Case) -> None:
        outcome, request = run(self._replay(recorded_send))
        seen = {"type": type(outcome).__name__, **_fields(outcome)}
        assert _selected(seen, recorded_send["outcome"]) == recorded_send["outcome"]
        expected = recorded_send.get("request", {})
        if "path" in expected:
            assert request.target == expected["path"]
        if "form" in expected:
            assert dict(parse_qsl(request.body.decode(), keep_blank_values=True)) == expected["form"]
        if "json" in expected:
            assert json.loads(request.body) == expected["json"]

    async def _replay(self, case: Case) -> tuple[Outcome, RawRequest]:
        said = case["answer"]
        body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
        behaviour = raw.answer(said["status"], body.encode(), said.get("headers"))
        changes = dict(case.get("message", {}))
        if "template" in changes:
            changes |= {"template": Template(**changes["template"]), "text": None}
        async with RawServer(behaviour) as server, self.opened(server.url) as (channel, _):
            outcome = await outcome_of(self, channel, self.message(**changes))
            return outcome, server.requests[0]


class RecordedHooks(Contract):
    def test_recorded_hook(self, recorded_hook: Case) -> None:
        request = hook_request(recorded_hook["request"])
        channel = self.build("http://127.0.0.1:9", GuardedClient())
        if self.able().signs_hooks:
            assert channel.verify(self.signed(request))
        answer = channel.parse(request)
        for kind, found in (("receipts", answer.receipts), ("inbound", answer.inbound)):
            expected = recorded_hook.get(kind, [])
            assert len(found) == len(expected)
            for one, wanted in zip(found, expected, strict=True):
                assert _selected(_fields(one), wanted) == wanted
        assert list(answer.unmapped) == recorded_hook.get("unmapped", [])


def hook_request(case: Case) -> HookRequest:
    query = case.get("query", {})
    url = "https://example.org/hooks/a" + (f"?{urlencode(query)}" if query else "")
    if "json" in case:
        kind, body = "application/json", json.dumps(case["json"])
    else:
        kind, body = "application/x-www-form-urlencoded", urlencode(case.get("form", {}))
    headers = {"content-type": case.get("content_type", kind)}
    return HookRequest(case.get("method", "POST"), url, headers, body.encode(), query)


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _selected(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that matter, as JSON would show them."""
    return {name: _plain(seen.get(name)) for name in wanted}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
