"""What gateways call that sign nothing: by a secret in the path, or by our own mark in `m`."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from dispatcher.core.status import Status
from dispatcher.operations.outgoing import Outgoing
from dispatcher.receipts.fold import make_ref
from dispatcher.spi.http import PooledClient
from dispatcher.store.tables import inbound
from dispatcher.web.server import WebThread
from tests.integration.web.stage import SETTINGS, Provider, Stage, connect

SECRET = "a-secret-in-the-path-1"
GATEWAY = {"channel": "http-gateway", "from": "PEMDA"}
SENDERS = {
    "dart": {
        **GATEWAY, "gateway": "dartmedia", "base_url": "https://gateway.example.com", "hook_secret": SECRET,
        "credentials": {"userid": "u", "password": "p"},
    },
    "vonage": {**GATEWAY, "gateway": "vonage", "credentials": {"api_key": "k", "api_secret": "s"}},
}  # fmt: skip


def settings() -> dict[str, object]:
    return {**SETTINGS, "senders": {**SETTINGS["senders"], **SENDERS}}


def test_the_secret_in_the_path_proves_a_get(stage: Stage) -> None:
    with WebThread(lambda: connect(stage.url, settings())) as thread:
        provider = Provider(thread.url)
        query = "?id=x-1&status=10"
        assert provider.ask("GET", f"/hooks/dart/{SECRET}{query}")[0] == 204
        for path in ("/hooks/dart", "/hooks/dart/", f"/hooks/dart/{SECRET[:-1]}", f"/hooks/vonage/{SECRET}"):
            assert provider.ask("GET", path + query)[0] == 403


def test_our_mark_proves_a_post_about_one_message(stage: Stage) -> None:
    message = stage.message(Status.ACCEPTED)
    context = connect(stage.url, settings())
    channel = context.open_sender("vonage", PooledClient(), resolve=False)
    ref = make_ref(message, 1)
    told = urlsplit(Outgoing(context, "vonage", channel).callback_url(ref))
    body = json.dumps({"message_uuid": "u", "client_ref": ref, "status": "delivered"}).encode()
    with WebThread(lambda: connect(stage.url, settings())) as thread:
        provider = Provider(thread.url)
        assert provider.ask("POST", f"/hooks/vonage?m={ref}", body)[0] == 403
        assert provider.ask("POST", f"{told.path}?{told.query}", body)[0] == 204
    context.database.close()


def test_a_stop_that_nobody_signed_is_known_as_such(stage: Stage) -> None:
    ref = make_ref(stage.message(Status.ACCEPTED), 1)
    context = stage.context
    mac = urlsplit(Outgoing(context, "gateway", context.open_sender("gateway", PooledClient())).callback_url(ref)).query
    with stage.web() as provider:
        assert provider.ask("POST", f"/hooks/gateway?{mac}&said=STOP&by=%2B6281311100001&id=U1")[0] == 204
    (row,) = stage.rows(inbound)
    assert (row.meaning, row.unsigned, row.no_reply) == ("stop", True, "unsigned")
