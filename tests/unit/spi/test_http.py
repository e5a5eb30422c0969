"""The classifier and the limits of the pooled client; the conformance suite drives it through every adapter."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping

import pytest

from dispatcher import __version__
from dispatcher.spi import (
    Ambiguous,
    AmbiguousError,
    HttpResponse,
    Misconfigured,
    NotSentError,
    PooledClient,
    Throttled,
    classify_status,
    retry_after_s,
)
from dispatcher.testing import rawserver as raw
from dispatcher.testing.rawserver import Behaviour, RawRequest, RawServer

NUMBER = "6281234567890"


def ask(
    behaviour: Behaviour, *, path: str = "/", client: PooledClient | None = None, **request: object
) -> tuple[HttpResponse, RawRequest]:
    async def scenario() -> tuple[HttpResponse, RawRequest]:
        http = client or PooledClient(total_s=0.5, connect_s=0.2)
        async with RawServer(behaviour) as server:
            response = await http.request("POST", server.url + path, **request)  # type: ignore[arg-type]
            await http.close()
            return response, server.requests[0]

    return asyncio.run(scenario())


def test_what_is_sent_is_what_was_asked() -> None:
    _, request = ask(raw.answer(200), path="/a?b=c%20d", headers={"authorization": "Basic eDp5"}, body=b"\x00\xff")
    assert (request.method, request.target, request.body) == ("POST", "/a?b=c%20d", b"\x00\xff")
    assert request.headers["authorization"] == "Basic eDp5"
    assert request.headers["user-agent"] == f"dispatcher/{__version__}"
    assert "accept-encoding" not in request.headers
    assert "referer" not in request.headers


def test_a_form_and_json_set_their_content_type() -> None:
    _, form = ask(raw.answer(200), form={"To": "+62", "Body": "a & b"})
    assert form.body == b"To=%2B62&Body=a+%26+b"
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    _, json = ask(raw.answer(200), json={"to": "é"})
    assert json.body.decode() == '{"to":"é"}'
    assert json.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("path", "body"), [(f"/a?to={NUMBER}", b"x=1"), (f"/a?to={NUMBER}", None), ("/a", None)])
def test_no_address_is_kept_that_may_hold_a_number(path: str, body: bytes | None) -> None:
    """It stands in the query, beside a body as well."""

    async def scenario() -> None:
        client = PooledClient(total_s=0.5, connect_s=0.2)
        async with RawServer(raw.answer(200)) as server:
            await client.request("POST", server.url + path, body=body)
            assert not client._patterns  # the memory itself is what is asked about
            assert (server.requests[0].target, server.requests[0].body) == (path, body or b"")
        await client.close()

    asyncio.run(scenario())


def test_a_request_that_is_copied_has_its_own_headers_and_body() -> None:
    """Credentials may change under a mapping that stays, and another sender may use the same address."""

    async def scenario() -> list[tuple[str, bytes]]:
        async with RawServer(raw.answer(200)) as server:
            client, headers = PooledClient(), {"authorization": "first"}
            await client.request("POST", server.url, headers=headers, body=b"1")
            await client.request("POST", server.url, headers=headers, body=b"2")
            headers["authorization"] = "renewed"
            await client.request("POST", server.url, headers=headers, body=b"3")
            await client.request("POST", server.url, headers={"authorization": "another"}, body=b"4")
            await client.request("POST", server.url)
            await client.close()
            return [(one.headers.get("authorization", ""), one.body) for one in server.requests]

    told = [("first", b"1"), ("first", b"2"), ("renewed", b"3"), ("another", b"4"), ("", b"")]
    assert asyncio.run(scenario()) == told


def test_headers_of_the_answer_are_read_in_lower_case() -> None:
    response, _ = ask(raw.answer(200, b"ok", {"Retry-After": "3", "X-Two": "2"}))
    assert response.headers["retry-after"] == "3"
    assert response.headers.get("x-missing", "") == ""


@pytest.mark.parametrize(("size", "fits"), [(0, True), (99, True), (100, True), (101, False), (5000, False)])
def test_an_answer_is_read_up_to_the_limit(size: int, fits: bool) -> None:
    client = PooledClient(total_s=1, connect_s=0.5, max_answer_bytes=100)
    if fits:
        response, _ = ask(raw.answer(200, b"x" * size), client=client)
        assert response.body == b"x" * size
    else:
        with pytest.raises(AmbiguousError, match="limit"):
            ask(raw.answer(200, b"x" * size), client=client)


def test_a_body_in_many_pieces_is_whole() -> None:
    response, _ = ask(raw.dripping(b"0123456789", 0.01))
    assert response.body == b"0123456789"


@pytest.mark.parametrize("behaviour", [raw.close_after_reading, raw.silent, raw.huge])
def test_an_exception_carries_no_url(behaviour: Behaviour) -> None:
    with pytest.raises(AmbiguousError) as caught:
        ask(behaviour, path=f"/send?to={NUMBER}")
    assert NUMBER not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("url", ["", "nonsense", "http://[::1", "http://127.0.0.1:99999/"])
def test_what_cannot_be_built_was_not_sent(url: str) -> None:
    client = PooledClient()
    with pytest.raises(NotSentError):
        asyncio.run(client.request("POST", url))


def test_headers_that_would_split_the_request_are_not_sent() -> None:
    with pytest.raises(NotSentError):
        ask(raw.answer(200), headers={"x": "a\r\nb: c"})


def test_an_unknown_host_was_not_sent() -> None:
    with pytest.raises(NotSentError):
        asyncio.run(PooledClient().request("POST", "http://no-such-host.invalid/"))


def test_a_server_without_tls_was_not_sent() -> None:
    async def scenario() -> None:
        async with RawServer(raw.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
            await PooledClient(total_s=1, connect_s=0.3).request("POST", f"https://127.0.0.1:{server.port}/")

    with pytest.raises(NotSentError):
        asyncio.run(scenario())


def test_a_closed_client_sends_nothing() -> None:
    async def scenario() -> None:
        client = PooledClient()
        await client.close()
        await client.close()
        await client.request("POST", "http://127.0.0.1:9/")

    with pytest.raises(NotSentError):
        asyncio.run(scenario())


def test_a_configured_proxy_is_used() -> None:
    async def scenario() -> RawRequest:
        async with RawServer(raw.answer(200)) as proxy:
            client = PooledClient(proxy=proxy.url)
            await client.request("GET", "http://provider.invalid/a")
            return proxy.requests[0]

    assert asyncio.run(scenario()).target == "http://provider.invalid/a"


def test_connections_are_kept_and_idle_ones_let_go() -> None:
    async def scenario() -> tuple[int, int]:
        async with RawServer(raw.answer(200)) as server:
            client = PooledClient(pool_idle_s=0.1)
            for _ in range(3):
                await client.request("POST", server.url)
            kept = server.opened
            await server.wait_until(lambda s: s.open == 0)
            await client.request("POST", server.url)
            await client.close()
            return kept, server.opened

    assert asyncio.run(scenario()) == (1, 2)


@pytest.mark.parametrize(("total_s", "connect_s"), [(1, 1), (1, 2), (1, 0)])
def test_time_outs_that_would_blur_the_line_are_refused(total_s: float, connect_s: float) -> None:
    with pytest.raises(ValueError, match="shorter"):
        PooledClient(total_s=total_s, connect_s=connect_s)


def response(status: int, **headers: str) -> HttpResponse:
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (100, Ambiguous), (200, None), (204, None), (300, Ambiguous), (307, Ambiguous), (400, None),
        (401, Misconfigured), (403, Misconfigured), (404, None), (429, Throttled), (451, None),
        (500, Ambiguous), (503, Ambiguous), (599, Ambiguous), (999, Ambiguous),
    ],
)  # fmt: skip
def test_what_a_status_alone_says(status: int, kind: type | None) -> None:
    outcome = classify_status(response(status))
    assert (type(outcome) if outcome else None) is kind


DATE = "Tue, 17 Nov 2026 02:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 120 "}, 120.0),
        ({"retry_after": "Tue, 17 Nov 2026 02:00:30 GMT", "date": DATE}, 30.0),
        ({"retry_after": "Tue, 17 Nov 2026 01:59:00 GMT", "date": DATE}, 0.0),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "1e9"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "٣"}, None),
        ({"retry_after": "9" * 400}, 999_999_999.0),
        ({"retry_after": f"Tue, 17 Nov {'9' * 20} 02:00:30 GMT", "date": DATE}, None),
        ({"retry_after": f"Tue, 17 Nov 2026 02:00:30 +{'9' * 20}", "date": DATE}, None),
    ],
)
def test_how_long_to_wait(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry_after_s(response(429, **headers)) == seconds


def test_a_date_without_the_answers_own_date_counts_from_now() -> None:
    assert retry_after_s(response(429, retry_after="Fri, 01 Jan 2100 00:00:00 GMT")) > 1_000_000  # type: ignore[operator]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 200_000])
def test_only_value_error_comes_out_of_json(body: bytes) -> None:
    with pytest.raises(ValueError):
        HttpResponse(200, {}, body).json()


def test_a_response_does_not_show_its_body() -> None:
    assert NUMBER not in repr(HttpResponse(200, {"x": NUMBER}, NUMBER.encode()))
