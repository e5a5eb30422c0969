"""What a person wants to know before a campaign starts. Through the SDK, which blocks: run it in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dispatcher.spi import Check, json_object
from dispatcher_channels.twilio.config import TwilioConfig

if TYPE_CHECKING:
    from twilio.base.exceptions import TwilioException
    from twilio.http.response import Response
    from twilio.rest import Client

TIMEOUT_S = 10.0
Detail = tuple[bool, str, str]
Question = Callable[["Client", TwilioConfig], Detail]


def connect(config: TwilioConfig) -> Client:
    """The SDK, pointed at the configured hosts, deaf to the environment's proxies, and silent: it logs numbers."""
    import logging

    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    silent = logging.Logger("twilio.silenced", logging.CRITICAL + 1)
    http = TwilioHttpClient(timeout=TIMEOUT_S, logger=silent)
    if http.session is not None:
        http.session.trust_env = False
    client = Client(*config.credentials, account_sid=config.account_sid, http_client=http)  # type: ignore[no-untyped-call]
    client.api.base_url = config.base_url
    client.content.base_url = config.content_base_url
    client.messaging.base_url = config.messaging_base_url
    return client


def ask(config: TwilioConfig, questions: dict[str, Question]) -> list[Check]:
    """Each question is one line; the first is the account: where that fails, the others would only repeat it."""
    client = connect(config)
    lines: list[Check] = []
    for name, question in questions.items():
        ok, detail, fix = _answer(question, client, config)
        lines.append(Check(name, ok, detail, fix))
        if name == "account" and not ok:
            break
    return lines


def _answer(question: Question, client: Client, config: TwilioConfig) -> Detail:
    from requests.exceptions import RequestException
    from twilio.base.exceptions import TwilioException, TwilioRestException

    try:
        return question(client, config)
    except TwilioRestException as error:
        return _refusal(error.status, "" if error.code in (None, error.status) else str(error.code))
    except TwilioException as error:  # of a list: the SDK puts the whole answer into it, and says nothing of its status
        return _unlisted(error)
    except RequestException as error:
        return False, f"no connection ({type(error).__name__})", "look at base_url, the network and the firewall"
    except (KeyError, TypeError, ValueError, AttributeError):
        return False, "the answer is not Twilio's", "look at base_url"


def _unlisted(error: TwilioException) -> Detail:
    if len(error.args) < 2:
        return False, "the answer is not Twilio's", "look at base_url"
    response: Response = error.args[1]
    try:
        code = str(json_object(response.text.encode()).get("code") or "")
    except ValueError:
        code = ""
    return _refusal(response.status_code, code)


def _refusal(status: int, code: str) -> Detail:
    told = f"refused with HTTP {status}" + (f", code {code}" if code else "")
    if status in (401, 403):
        return False, told, "look at account_sid and auth_token (or api_key and api_secret) in the Twilio console"
    return False, told, f"see https://www.twilio.com/docs/api/errors/{code}" if code else "look at base_url"


def account(client: Client, config: TwilioConfig) -> Detail:
    status = str(client.api.v2010.accounts(config.account_sid).fetch().status)
    return status == "active", f"the account is {status}", "" if status == "active" else "reactivate the account"


def balance(client: Client, config: TwilioConfig) -> Detail:
    record = client.api.v2010.accounts(config.account_sid).balance.fetch()
    enough = float(record.balance or 0) > 0
    return enough, f"{record.currency} {record.balance}", "" if enough else "top up the account"


def origin(client: Client, config: TwilioConfig) -> Detail:
    """Registered names and WhatsApp numbers are in no list that the API gives."""
    if config.messaging_service_sid:
        service = client.messaging.v1.services(config.messaging_service_sid).fetch()
        return True, f"messaging service {service.sid}", ""
    if not config.address.startswith("+"):
        return True, "a name or short code: only Twilio's console can tell whether it is registered", ""
    account = client.api.v2010.accounts(config.account_sid)
    owned = bool(account.incoming_phone_numbers.list(phone_number=config.address, limit=1))
    detail = "the number belongs to the account" if owned else "the number does not belong to the account"
    return owned, detail, "" if owned else "buy or verify the number, or set another `from`"


def templates(client: Client, _: TwilioConfig) -> Detail:
    records = client.content.v1.content_and_approvals.list(limit=200)
    approved = sum((record.approval_requests or {}).get("status") == "approved" for record in records)
    fix = "" if approved else "submit a template for approval: WhatsApp takes no other first message"
    return bool(approved), f"{approved} of {len(records)} templates are approved", fix
