"""Webhooks: signatures, words, and bodies of any kind."""

from __future__ import annotations

import contextlib
import json
import random
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from dispatcher.spi import HookAnswer, HookRequest, Status, json_object
from dispatcher.testing.conformance.base import Contract, GuardedClient

URL: Final = "http://127.0.0.1:9"
RECEIPT_STATUSES: Final = frozenset(
    {Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED, Status.UNKNOWN}
)


class _Hooks(Contract):
    def verified(self, request: HookRequest) -> bool:
        """As the engine asks: a ValueError is a refusal too."""
        try:
            return self.build(URL, GuardedClient()).verify(request)
        except ValueError:
            return False

    def parsed(self, request: HookRequest) -> HookAnswer:
        return self.build(URL, GuardedClient()).parse(request)


class HooksOfChannel(Contract):
    """Only ValueError may come out of a body, whatever is in it."""

    def test_no_body_breaks_it(self) -> None:
        chance = random.Random(7)
        channel = self.build(URL, GuardedClient())
        for body in (
            b"",
            b"\xff" * 50,
            b"{" * 5000,
            b"[" * 60_000,
            b"a=b&" * 5000,
            b"%",
            b"&&==",
            *_noise(chance, 300),
        ):
            for kind in ("application/x-www-form-urlencoded", "application/json", "text/xml", ""):
                request = HookRequest(
                    "POST", "https://example.org/hooks/a?m=7.1", {"content-type": kind}, body, {"m": "7.1"}
                )
                for read in (channel.verify, channel.parse):
                    with contextlib.suppress(ValueError):
                        read(request)

    def test_a_huge_body_is_refused(self) -> None:
        channel = self.build(URL, GuardedClient())
        for kind in ("application/x-www-form-urlencoded", "application/json"):
            body = b"a=" + b"x" * 3_000_000
            request = HookRequest("POST", "https://example.org/hooks/a", {"content-type": kind}, body, {})
            refused = False
            try:
                refused = channel.parse(request) == HookAnswer()
            except ValueError:
                refused = True
            assert refused, kind


class PushedReceipts(_Hooks):
    def test_every_documented_word_is_known(self, word: str) -> None:
        answer = self.parsed(self.callback(word))
        assert answer.unmapped == ()
        (receipt,) = answer.receipts
        assert receipt.status in RECEIPT_STATUSES
        assert (receipt.reason is not None) == (receipt.status is Status.FAILED)

    def test_words_are_declared(self) -> None:
        assert self.words, "declare every status word that the provider documents"

    def test_our_reference_comes_back(self) -> None:
        if self.able().echoes_ref:
            (receipt,) = self.parsed(self.callback(self.words[0], ref="41.2")).receipts
            assert receipt.ref == "41.2"

    def test_an_unknown_word_is_a_diagnostic(self) -> None:
        answer = self.parsed(self.callback("teleported"))
        assert answer.receipts == ()
        assert any("teleported" in word for word in answer.unmapped)

    def test_an_unknown_code_is_a_diagnostic_beside_the_receipt(self) -> None:
        failing = next(w for w in self.words if self.parsed(self.callback(w)).receipts[0].status is Status.FAILED)
        answer = self.parsed(self.callback(failing, code="98989"))
        assert [receipt.status for receipt in answer.receipts] == [Status.FAILED]
        assert any("98989" in code for code in answer.unmapped)

    def test_reading_twice_says_the_same(self) -> None:
        request = self.callback(self.words[0])
        channel = self.build(URL, GuardedClient())
        assert channel.parse(request) == channel.parse(request)

    def test_unknown_fields_and_another_order_change_nothing(self) -> None:
        request = self.callback(self.words[0])
        assert self.parsed(replace(request, body=_evolved(request))) == self.parsed(request)


class SignedHooks(_Hooks):
    def _call(self) -> HookRequest:
        return self.signed(self.callback(self.words[0]))

    def test_a_good_signature_is_good(self) -> None:
        assert self.verified(self._call())

    def test_a_missing_signature_is_bad(self) -> None:
        assert not self.verified(self.callback(self.words[0]))

    def test_a_changed_signature_is_bad(self) -> None:
        call = self._call()
        unsigned = self.callback(self.words[0])
        for name in call.headers.keys() - unsigned.headers.keys():
            value = call.headers[name]
            for wrong in ("", "=", "é", value[:-2], value + "x", value.swapcase()):
                assert not self.verified(replace(call, headers={**call.headers, name: wrong}))

    def test_a_changed_body_is_bad(self) -> None:
        call = self._call()
        assert not self.verified(replace(call, body=call.body + b"&x=1"))
        assert not self.verified(replace(call, body=b""))

    def test_a_signature_does_not_fit_another_message(self) -> None:
        """Replayed with the reference of another message."""
        other = self.callback(self.words[0], ref="8.1")
        assert not self.verified(replace(other, headers=self._call().headers))


def _evolved(request: HookRequest) -> bytes:
    """The body with a field of tomorrow, and the others turned around, where it is a form or a JSON object."""
    if "form" in request.headers.get("content-type", ""):
        fields = parse_qsl(request.body.decode(), keep_blank_values=True)
        return urlencode([("BrandNewField", "1"), *reversed(fields)]).encode()
    try:
        record = json_object(request.body)
    except ValueError:
        return request.body
    return json.dumps({"brandNewField": 1, **dict(reversed(record.items()))}).encode()


def _noise(chance: random.Random, count: int) -> list[bytes]:
    return [chance.randbytes(chance.randrange(200)) for _ in range(count)]
