"""The API as a client meets it: Twilio's own SDK first, then what the SDK does not show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from dispatcher.testing.carrier import CarrierOptions, CarrierProcess
from dispatcher.testing.carrier.options import API_KEY, API_SECRET
from dispatcher.testing.synthetic import synthetic_e164
from tests.integration.carrier.ends import SENDER, SOON, Account, Hook

SERVICE = "MG" + "1" * 32


class Redirected(TwilioHttpClient):
    """Speaks to the carrier instead of api.twilio.com."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=30)
        self.base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        here = urlsplit(url)._replace(scheme="http", netloc=urlsplit(self.base).netloc).geturl()
        return super().request(method, here, *args, **kwargs)


@pytest.fixture
def sdk(carrier: CarrierProcess) -> Iterator[Any]:
    http = Redirected(carrier.url)
    yield Client(carrier.account_sid, carrier.auth_token, http_client=http)
    assert http.session is not None
    http.session.close()


def test_the_sdk_creates_and_fetches(sdk: Any, carrier: CarrierProcess) -> None:
    created = sdk.messages.create(to=synthetic_e164(1), from_=SENDER, body="Halo Bapak–Ibu")
    assert (created.status, created.direction, created.num_segments) == ("queued", "outbound-api", "1")
    assert (created.price, created.error_code, created.date_sent) == (None, None, None)
    assert created.date_created is not None
    fetched = sdk.messages(created.sid).fetch()
    assert (fetched.sid, fetched.body, fetched.to, fetched.from_) == (
        created.sid,
        "Halo Bapak–Ibu",
        synthetic_e164(1),
        SENDER,
    )
    assert fetched.uri == f"/2010-04-01/Accounts/{carrier.account_sid}/Messages/{created.sid}.json"


def test_the_sdk_lists_by_recipient_sender_and_day(sdk: Any) -> None:
    for i in (1, 2, 1):
        sdk.messages.create(to=synthetic_e164(i), from_=SENDER, body=f"nomor {i}")
    other = sdk.messages.create(to=synthetic_e164(1), from_="+6281100000001", body="lain")
    today = other.date_created.date()
    assert [m.body for m in sdk.messages.list(to=synthetic_e164(1))] == ["lain", "nomor 1", "nomor 1"]
    assert [m.sid for m in sdk.messages.list(to=synthetic_e164(1), from_=other.from_)] == [other.sid]
    assert len(sdk.messages.list(to=synthetic_e164(1), date_sent=today)) == 3
    assert len(sdk.messages.list(to=synthetic_e164(1), date_sent_after=today, date_sent_before=today)) == 3
    yesterday = today.replace(year=today.year - 1)
    assert sdk.messages.list(to=synthetic_e164(1), date_sent=yesterday) == []
    assert sdk.messages.list(to=synthetic_e164(1), date_sent_before=yesterday) == []
    assert sdk.messages.list(to=synthetic_e164(99)) == []


def test_the_sdk_walks_all_pages(sdk: Any) -> None:
    sids = [sdk.messages.create(to=synthetic_e164(1), from_=SENDER, body=f"{i}").sid for i in range(7)]
    assert [m.sid for m in sdk.messages.list(to=synthetic_e164(1), page_size=3)] == sids[::-1]
    page = sdk.messages.page(to=synthetic_e164(1), page_size=7)
    assert page.next_page_url is None


def test_the_sdk_sees_the_account_and_errors(sdk: Any, carrier: CarrierProcess) -> None:
    account = sdk.api.accounts(carrier.account_sid).fetch()
    assert (account.sid, account.status) == (carrier.account_sid, "active")
    with pytest.raises(TwilioRestException) as refused:
        sdk.messages.create(to="+62123", from_=SENDER, body="x")
    assert (refused.value.status, refused.value.code) == (400, 21211)
    with pytest.raises(TwilioRestException) as missing:
        sdk.messages("SM" + "0" * 32).fetch()
    assert (missing.value.status, missing.value.code) == (404, 20404)


def test_whatsapp_templates_and_services(sdk: Any) -> None:
    created = sdk.messages.create(
        to=f"whatsapp:{synthetic_e164(1)}", messaging_service_sid=SERVICE,
        content_sid="HX" + "1" * 32, content_variables=json.dumps({"1": "Siti"}),
    )  # fmt: skip
    assert (created.status, created.num_segments, created.from_) == ("accepted", "0", None)
    assert created.messaging_service_sid == SERVICE


def test_the_sdk_reads_the_balance_with_an_api_key(sdk: Any, carrier: CarrierProcess) -> None:
    client = Client(API_KEY, API_SECRET, account_sid=carrier.account_sid, http_client=sdk.http_client)
    balance = client.api.v2010.accounts(carrier.account_sid).balance.fetch()
    assert (balance.currency, balance.balance) == ("USD", "100.00")
    created = client.messages.create(to=synthetic_e164(1), from_=SENDER, body="Halo", validity_period=60)
    assert client.messages(created.sid).fetch().sid == created.sid


def test_the_api_key_opens_too_and_nothing_else_does(carrier: CarrierProcess, account: Account) -> None:
    account.session.auth = (API_KEY, API_SECRET)
    assert account.create().status_code == 201
    for auth in ((carrier.account_sid, "wrong"), ("AC" + "9" * 32, carrier.auth_token), None):
        account.session.auth = auth
        answer = account.create()
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert carrier.ledger.accepted() == 1


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"To": ""}, 400, 21604),
        ({"From": ""}, 400, 21603),
        ({"Body": ""}, 400, 21602),
        ({"Body": "a" * 1601}, 400, 21617),
        ({"To": "08123456789"}, 400, 21211),
        ({"To": "+62215551234"}, 400, 21614),
        ({"From": "bad\tsender"}, 400, 21212),
        ({"From": f"whatsapp:{SENDER}"}, 400, 21910),
        ({"StatusCallback": "http://with_underscore/x"}, 400, 21609),
        ({"StatusCallback": "ftp://x/y"}, 400, 21609),
        ({"ContentSid": "HX1", "ContentVariables": "[1"}, 400, 21656),
        ({"From": "+15005550001"}, 400, 21212),
        ({"From": "+15005550007"}, 400, 21606),
        ({"From": "+15005550008"}, 429, 21611),
        ({"To": "+15005550001"}, 400, 21211),
        ({"To": "+15005550002"}, 400, 21612),
        ({"To": "+15005550003"}, 400, 21408),
        ({"To": "+15005550004"}, 400, 21610),
        ({"To": "+15005550009"}, 400, 21614),
    ],
)
def test_refusals_have_twilios_shape(
    account: Account, carrier: CarrierProcess, fields: dict[str, str], status: int, code: int
) -> None:
    answer = account.create(**fields)
    assert answer.status_code == status
    assert answer.json() | {"message": ""} == {
        "code": code, "message": "", "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status,
    }  # fmt: skip
    summary = carrier.summary()
    assert (summary["accepted"], summary["rejected"]) == (0, {str(code): 1})


def test_the_good_magic_number_and_named_senders_are_accepted(account: Account) -> None:
    for sender in ("+15005550006", "KESBANGPOL", "12345"):
        assert account.create(From=sender).status_code == 201


def test_unknown_places_and_methods_are_not_found(account: Account) -> None:
    for answer in (account.get("/Nothing.json"), account.session.post(f"{account.base}/Messages/SM1.json", timeout=30)):
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    assert account.session.get(f"{account.carrier.url}/elsewhere", timeout=30).status_code == 404


def test_a_chunked_create_over_a_kept_connection(account: Account) -> None:
    body = f"To=%2B6286012345678&From=%2B{SENDER[1:]}&Body=Halo".encode()
    for _ in range(2):
        answer = account.session.post(f"{account.base}/Messages.json", data=iter([body[:9], body[9:]]), timeout=30)
        assert (answer.status_code, answer.json()["body"]) == (201, "Halo")


def test_bare_mode_accepts_and_does_nothing_else(hook: Hook) -> None:
    with CarrierProcess(CarrierOptions(behaviour=SOON, bare=True)) as carrier:
        account = Account(carrier)
        with account.session:
            answer = account.create(StatusCallback=f"{hook.url}/s?m=1.1")
            assert (answer.status_code, answer.json()["status"]) == (201, "queued")
        summary = carrier.summary()
    assert (summary["accepted"], summary["still_to_happen"], summary["callbacks"]["pending"]) == (1, 0, 0)
