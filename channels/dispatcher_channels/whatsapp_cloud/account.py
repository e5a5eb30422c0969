"""What Meta holds: the account's numbers, and its templates in each language. Asked off the hot path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from dispatcher.spi import Absent, Check, HeldTemplate, HttpClient, TemplateResult, Undecided, asking, webhooks
from dispatcher_channels.whatsapp_cloud.config import WhatsappCloudConfig
from dispatcher_channels.whatsapp_cloud.send import ERRORS, MEDIA, code_of

BUTTONS = {"COPY_CODE": "code", "QUICK_REPLY": "payload"}


class WhatsappCloudAccount(asking.Account):
    provider = "Meta"
    hint = "Look at access_token, its permissions and business_account_id in Meta's Business Manager."
    error_table = ERRORS

    def __init__(self, config: WhatsappCloudConfig, http: HttpClient) -> None:
        super().__init__(http, {"authorization": f"Bearer {config.access_token.get_secret_value()}"})
        self._config = config

    def code_of(self, refusal: asking.Record) -> str:
        return code_of(webhooks.object_at(refusal, "error"))

    async def template(self, template_id: str) -> TemplateResult:
        """https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates"""
        fields = "name,language,status,rejected_reason,components"
        page = await self._first_page("message_templates", name=template_id, fields=fields)
        held = sorted((one for one in page["data"] if one["name"] == template_id), key=lambda one: str(one["language"]))
        if held:
            return _read(template_id, held)
        has_more = webhooks.object_at(page, "paging").get("next")
        return Undecided("the list of templates is too long") if has_more else Absent()

    async def check(self) -> Sequence[Check]:
        fields = "id,status,quality_rating,whatsapp_business_manager_messaging_limit"
        try:
            numbers = (await self._first_page("phone_numbers", fields=fields))["data"]
        except asking.UnansweredError as error:
            return (error.as_check("token"),)
        token = Check("token", True, "Meta accepts the access token")
        for number in numbers:
            if str(number.get("id")) == self._config.phone_number_id:
                return token, *_of_number(number)
        return token, Check("number", False, "the account has no such phone number", "look at both ids")

    async def _first_page(self, what: str, **query: str) -> asking.Record:
        url = self._config.url(f"{self._config.business_account_id}/{what}?{urlencode({**query, 'limit': '100'})}")
        page = await self.get(url)
        if not isinstance(page.get("data"), list) or not all(isinstance(one, dict) for one in page["data"]):
            raise asking.UnansweredError("the answer is not Meta's", "look at base_url")
        return page


def _of_number(number: asking.Record) -> tuple[Check, Check]:
    state, quality = number.get("status") or "CONNECTED", number.get("quality_rating") or "UNKNOWN"
    limit = number.get("whatsapp_business_manager_messaging_limit") or "unknown"
    restore = "" if state == "CONNECTED" else "register or restore the number in WhatsApp Manager"
    review = "review the templates that people block or report" if quality == "RED" else ""
    return (
        Check("number", not restore, f"the number is {state}", restore),
        Check("quality", not review, f"quality {quality}, limit of people in 24 hours {limit}", review),
    )


def _read(name: str, held: list[asking.Record]) -> HeldTemplate:
    """One name covers all its languages: what they do not share cannot be told, and each must be approved."""
    worst = next((one for one in held if one["status"] != "APPROVED"), held[0])
    reason = str(worst.get("rejected_reason") or "NONE")
    shapes = [(one["language"], one["components"]) for one in held]
    names = {frozenset(_parameters(components)) for _, components in shapes}
    is_known = len(names) == 1 and all(components for _, components in shapes)
    shared = names.pop() if is_known else frozenset[str]()
    return HeldTemplate(
        id=name,
        digest=asking.digest_of(shapes),
        language=str(held[0]["language"]) if len(held) == 1 else "",
        approved=worst["status"] == "APPROVED",
        state=str(worst["status"]),
        reason="" if reason == "NONE" else reason,
        parameters=shared if is_known else None,
        text=next((str(c["text"]) for c in held[0]["components"] if c["type"] == "BODY"), "") if len(held) == 1 else "",
        optional=frozenset(name for name in shared if name.endswith(".payload")),
    )


def _parameters(components: list[asking.Record]) -> Iterator[str]:
    """By the names that send.py gives them."""
    for component in components:
        kind, placeholders = component["type"], asking.placeholders(component.get("text"))
        medium = str(component.get("format", "")).lower()
        if kind == "BODY":
            yield from placeholders
        elif kind == "HEADER":
            yield from (f"header.{n}" for n in ([medium] if medium in MEDIA else placeholders))
        for index, button in enumerate(component.get("buttons", ())):
            if asking.placeholders(button.get("url")):
                yield f"button.{index}"
            elif (key := BUTTONS.get(str(button.get("type")))) is not None:
                yield f"button.{index}.{key}"
