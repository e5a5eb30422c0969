"""Meta's face: messages, templates, the challenge, and webhooks signed over their raw bodies."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from dispatcher.testing.carrier import CarrierProcess
from dispatcher.testing.synthetic import synthetic_e164
from tests.integration.carrier.ends import PATIENCE_S, SOON, Quiet, served

TOKEN = "our verify token"
TEXT_MESSAGE: dict[str, Any] = {"type": "text", "text": {"body": "Halo"}}
TEMPLATE = {"type": "template", "template": {"name": "undangan", "language": {"code": "id"}}}
WITHOUT_WHATSAPP = next(i for i in range(10_000) if synthetic_e164(i).endswith("00") and i)
WITH_WHATSAPP = next(i for i in range(10_000) if not synthetic_e164(i).endswith("00"))


@dataclass
class Webhook:
    """Keeps each change's value with its signature; answers the challenge of who knows the token."""

    url: str = ""
    calls: list[tuple[bytes, str]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, n: int) -> list[dict[str, Any]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.calls) >= n, PATIENCE_S), "the calls did not come"
            return [json.loads(body)["entry"][0]["changes"][0]["value"] for body, _ in self.calls]

    def words(self, n: int) -> list[str]:
        return [value["statuses"][0]["status"] for value in self.wait_for(n)]


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(Quiet):
        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            known = query["hub.mode"] == "subscribe" and query["hub.verify_token"] == TOKEN
            self.answer(200 if known else 403, query["hub.challenge"].encode() if known else b"")

        def do_POST(self) -> None:
            with hook.changed:
                hook.calls.append((self.body(), self.headers["X-Hub-Signature-256"]))
                hook.changed.notify_all()
            self.answer(200)

    with served(Handler) as url:
        hook.url = f"{url}/hooks/wa"
        yield hook


class Graph:
    def __init__(self, carrier: CarrierProcess) -> None:
        options = carrier.options
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {options.access_token}"
        self.number, self.account = options.phone_number_id, options.business_account_id
        self.base = f"{carrier.url}/v26.0"

    def create(self, position: int = WITH_WHATSAPP, **changes: Any) -> requests.Response:
        plain = {"messaging_product": "whatsapp", "to": synthetic_e164(position)[1:], **TEMPLATE}
        wanted = {**plain, "biz_opaque_callback_data": "7.1", **changes}
        return self.session.post(f"{self.base}/{self.number}/messages", json=wanted, timeout=PATIENCE_S)

    def get(self, path: str, **query: str) -> Any:
        return self.session.get(f"{self.base}/{path}", params=query, timeout=PATIENCE_S).json()

    def subscribe(self, url: str, token: str) -> requests.Response:
        wanted = {"override_callback_uri": url, "verify_token": token}
        return self.session.post(f"{self.base}/{self.account}/subscribed_apps", json=wanted, timeout=PATIENCE_S)


@pytest.fixture
def graph(carrier: CarrierProcess) -> Iterator[Graph]:
    graph = Graph(carrier)
    with graph.session:
        yield graph


def code(response: requests.Response) -> int:
    found: int = response.json()["error"]["code"]
    return found


def test_sent_delivered_read_each_signed(graph: Graph, webhook: Webhook, carrier: CarrierProcess) -> None:
    carrier.control(webhook_url=webhook.url, read=1)
    wamid = graph.create().json()["messages"][0]["id"]
    assert wamid.startswith("wamid.")
    assert webhook.words(3) == ["sent", "delivered", "read"]
    for body, signature in webhook.calls:
        digest = hmac.new(carrier.options.app_secret.encode(), body, hashlib.sha256).hexdigest()
        assert signature == f"sha256={digest}"
    for value in webhook.wait_for(3):
        assert value["metadata"]["phone_number_id"] == graph.number
        assert value["statuses"][0]["id"] == wamid
        assert value["statuses"][0]["biz_opaque_callback_data"] == "7.1"
    assert carrier.ledger.by_ref() == {"7.1": 1}
    assert carrier.ledger.statuses() == {wamid: "read"}


def test_a_number_without_whatsapp_fails_with_131026(graph: Graph, webhook: Webhook, carrier: CarrierProcess) -> None:
    carrier.control(webhook_url=webhook.url)
    assert graph.create(WITHOUT_WHATSAPP).status_code == 200
    (value,) = webhook.wait_for(1)
    assert value["statuses"][0]["errors"][0]["code"] == 131026


def test_free_text_fails_until_the_person_has_written(graph: Graph, webhook: Webhook, carrier: CarrierProcess) -> None:
    carrier.control(
        webhook_url=webhook.url, reply=1, replies={"HADIR": 1, "SETUJU": 0, "STOP": 0}, reply_after_ms=[1, 2], read=0
    )
    graph.create(**TEXT_MESSAGE)
    assert webhook.wait_for(1)[0]["statuses"][0]["errors"][0]["code"] == 131047
    graph.create()
    (said,) = [value["messages"][0] for value in webhook.wait_for(4) if "messages" in value]
    assert (said["type"], said["text"], said["from"]) == ("text", {"body": "HADIR"}, synthetic_e164(WITH_WHATSAPP)[1:])
    graph.create(**TEXT_MESSAGE)
    statuses = [value["statuses"][0]["status"] for value in webhook.wait_for(7)[4:] if "statuses" in value]
    assert statuses == ["sent", "delivered"]


def test_what_meta_refuses_is_refused(graph: Graph, carrier: CarrierProcess) -> None:
    held = {"language": "id", "body": "Yth. {{1}}"}
    carrier.control(templates={"undangan": held, "lama": {**held, "status": "paused"}})
    filled = [{"type": "body", "parameters": [{"type": "text", "text": "Siti"}]}]

    def template(name: str, language: str = "id", **more: Any) -> int:
        wanted = {"name": name, "language": {"code": language}, **more}
        response = graph.create(template=wanted)
        return 0 if response.status_code == 200 else code(response)

    assert template("undangan") == 132000
    assert template("undangan", components=filled) == 0
    assert template("undangan", "en", components=filled) == 132001
    assert template("lama", components=filled) == 132015
    assert template("tiada") == 132001
    assert code(graph.create(to="abc")) == 131009
    assert code(graph.create(messaging_product="sms")) == 100
    graph.number = "999"
    elsewhere = graph.create().json()["error"]
    assert (elsewhere["code"], elsewhere["error_subcode"]) == (100, 33)
    graph.session.headers["Authorization"] = "Bearer another"
    assert code(graph.create()) == 190
    assert carrier.ledger.accepted() == 1


@pytest.mark.parametrize(
    ("fault", "status", "wanted", "accepted"),
    [
        ("http_429", 429, 130429, 0),
        ("http_500_before_accept", 503, 2, 0),
        ("http_500_after_accept", 500, 131000, 1),
    ],
)
def test_faults(graph: Graph, carrier: CarrierProcess, fault: str, status: int, wanted: int, accepted: int) -> None:
    carrier.control(**{fault: 1}, retry_after_s=3)
    response = graph.create()
    assert (response.status_code, code(response)) == (status, wanted)
    assert response.headers.get("Retry-After") == ("3" if status == 429 else None)
    assert carrier.ledger.accepted() == accepted


@pytest.mark.parametrize(("fault", "accepted"), [("reset_before_accept", 0), ("reset_after_accept", 1)])
def test_resets(graph: Graph, carrier: CarrierProcess, fault: str, accepted: int) -> None:
    carrier.control(**{fault: 1})
    with pytest.raises(requests.ConnectionError):
        graph.create()
    assert carrier.ledger.accepted() == accepted


def test_the_first_callback_may_come_before_the_answer(graph: Graph, webhook: Webhook, carrier: CarrierProcess) -> None:
    carrier.control(webhook_url=webhook.url, early=1)
    wamid = graph.create().json()["messages"][0]["id"]
    assert webhook.calls, "the answer came first"
    assert webhook.wait_for(1)[0]["statuses"][0]["id"] == wamid


def test_an_address_is_called_only_if_it_answers_the_challenge(
    graph: Graph, webhook: Webhook, carrier: CarrierProcess
) -> None:
    assert code(graph.subscribe(webhook.url, "a guess")) == 2200
    assert code(graph.subscribe("http://127.0.0.1:9/nobody", TOKEN)) == 2200
    assert carrier.ask("GET", "/_control")["webhook_url"] == ""
    assert graph.subscribe(webhook.url, TOKEN).json() == {"success": True}
    graph.create()
    assert webhook.words(1)[0] == "sent"


def test_templates_and_numbers_are_listed(graph: Graph, carrier: CarrierProcess) -> None:
    held = {"language": "id", "body": "Yth. {{nama}}", "status": "rejected", "rejection_reason": "SCAM"}
    carrier.control(templates={"undangan": held, "lain": {}})
    (found,) = graph.get(f"{graph.account}/message_templates", name="undang")["data"]
    assert (found["name"], found["status"], found["rejected_reason"]) == ("undangan", "REJECTED", "SCAM")
    assert found["components"] == [{"type": "BODY", "text": "Yth. {{nama}}"}]
    assert graph.get(f"{graph.account}/phone_numbers")["data"][0]["id"] == graph.number
    carrier.behave(SOON)
    (anything,) = graph.get(f"{graph.account}/message_templates", name="apa_saja")["data"]
    assert (anything["name"], anything["status"], anything["components"]) == ("apa_saja", "APPROVED", [])
