"""What a sender of the HTTP gateway is configured with. All that can be wrong is found before anything is sent."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from dispatcher.spi import BaseUrl, ChannelConfig, ErrorTable, Secret, Status
from dispatcher_channels.http_gateway.paths import Part, Path, Paths, Pattern, Rule, Words
from dispatcher_channels.http_gateway.ready import unofficial, with_defaults
from dispatcher_channels.http_gateway.templates import compile_tree, names_of, sample

LONGEST_S: Final = 8.0
"""As long as the engine's client waits for any answer."""
RECEIPT_STATUSES: Final = ("accepted", "sent", "delivered", "read", "failed", "unknown")


class Body(Part):
    """What goes out. `query` may stand beside one of the others; leaves are templates."""

    query: dict[str, str] = Field(default_factory=dict)
    form: dict[str, str] = Field(default_factory=dict)
    json_: Any = Field(default=None, alias="json")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.form) and self.json_ is not None:
            raise ValueError("set either `form` or `json`")
        if not (self.query or self.form or self.json_ is not None):
            raise ValueError("set `query`, `form` or `json`")
        return self


class Signature(Part):
    """An HMAC over the body. `key`: the name of one of the `credentials`."""

    header: str
    key: str
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""


class Answer(Part):
    """How the gateway says yes. `pattern`: for plain text; its named groups are then what paths lead to."""

    statuses: tuple[int, ...] = (200, 201, 202)
    pattern: Pattern = ""
    accepted: tuple[Rule, ...] = Field(min_length=1)
    refused: tuple[Rule, ...] = ()
    id: Paths = ()
    id_required: bool = True
    numbered_parts: bool = False
    parts: Path = ""
    code: Paths = ()
    code_pattern: Pattern = ""


class Callback(Part):
    """How the gateway reports back. `receipts` leads to the list where one body holds several."""

    format: Literal["json", "form", "query"] = "json"
    receipts: Path = ""
    id: Paths = ()
    status: Paths = Field(min_length=1)
    code: Paths = ()
    ref: Paths = ()
    statuses: dict[str, Status] = Field(min_length=1)
    signature: Signature | None = None
    reply: str = ""

    @field_validator("statuses")
    @classmethod
    def _can_be_heard(cls, statuses: dict[str, Status]) -> dict[str, Status]:
        wrong = [word for word, status in statuses.items() if status.value not in RECEIPT_STATUSES]
        if wrong:
            raise ValueError(f"{wrong[0]}: a receipt says one of {', '.join(RECEIPT_STATUSES)}")
        return statuses


class Inbound(Part):
    """How the gateway passes on what people write. `messages` leads to the list where one body holds several.

    A call is a reply where `sender` and `text` lead somewhere; it comes to the address of reports. `at`: seconds or
    milliseconds since 1970, or ISO 8601 with an offset. Without `id`, a repeated call counts as another reply.
    """

    format: Literal["json", "form", "query"] = "json"
    messages: Path = ""
    sender: Paths = Field(min_length=1)
    text: Paths = Field(min_length=1)
    id: Paths = ()
    at: Paths = ()
    reply: str = ""


class HttpGatewayConfig(ChannelConfig):
    """See docs/gateways.md. `timeout_s` exceeds the time a connection may take to open: that end stays proven."""

    gateway: str = ""
    allow_unofficial: bool = False
    base_url: BaseUrl
    path: str = Field(default="/", pattern=r"^/[^?#\s]*$")
    method: Literal["POST", "PUT", "GET"] = "POST"
    media: Literal["sms", "whatsapp"] = "sms"
    from_: str = Field(default="", alias="from")
    values: dict[str, str] = Field(default_factory=dict)
    credentials: dict[str, Secret] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    signature: Signature | None = None
    text: Body | None = None
    template: Body | None = None
    answer: Answer
    codes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    throttling: Words = ()
    callback: Callback | None = None
    inbound: Inbound | None = None
    hook_secret: Secret | None = None
    timeout_s: float = Field(default=LONGEST_S, gt=3, le=LONGEST_S)
    max_characters: int = Field(default=1600, ge=1)
    cost_unit: Literal["message", "segment"] | None = None
    deduplicates: bool = False
    concurrency: int = Field(default=64, ge=1, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _over_a_ready_one(cls, settings: Any) -> Any:
        return with_defaults(settings) if isinstance(settings, dict) else settings

    @field_validator("codes")
    @classmethod
    def _codes_fit(cls, codes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        ErrorTable.of(codes, "codes")
        return codes

    @field_validator("hook_secret")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        value = secret.get_secret_value() if secret else "-" * 16
        if len(value) < 16 or not value.replace("-", "").replace("_", "").isalnum():
            raise ValueError("at least 16 letters, digits, - and _: it stands in an address")
        return secret

    @model_validator(mode="after")
    def _complete(self) -> Self:
        name = unofficial(self.gateway, self.base_url)
        if name and not self.allow_unofficial:
            raise ValueError(
                f"{name} drives a WhatsApp session that WhatsApp does not allow, and numbers get banned for it: "
                "use an official gateway, or say `allow_unofficial: true`"
            )
        if self.text is None and self.template is None:
            raise ValueError("set `text`, `template` or both: what goes out")
        self._require_keys()
        self._try_templates()
        if self.callback and not self.proves_callbacks:
            raise ValueError(
                "callback: nothing proves who calls: set `hook_secret` and give the gateway the address "
                "<public URL>/hooks/<sender>/<hook_secret>, or send `callback_url`, or set `callback: null`"
            )
        if self.inbound and not self.signs_hooks:
            raise ValueError(
                "inbound: nothing proves who calls: set `hook_secret` and give the gateway the address "
                "<public URL>/hooks/<sender>/<hook_secret>"
            )
        return self

    def _require_keys(self) -> None:
        signatures = {"signature": self.signature, "callback.signature": self.callback and self.callback.signature}
        for place, signature in signatures.items():
            if signature and signature.key not in self.credentials:
                raise ValueError(f"{place}.key: there is no {signature.key} in `credentials`")
        if self.callback and self.callback.signature and self.callback.format == "query":
            raise ValueError("callback.signature: it covers the body, and not a `query`: set `hook_secret`")
        bodies = [body for body in (self.text, self.template) if body]
        if self.method == "GET" and any(body.form or body.json_ is not None for body in bodies):
            raise ValueError("method: a GET carries a `query` only")
        if self.signature and not all(body.form or body.json_ is not None for body in bodies):
            raise ValueError("signature: there is no body to sign")

    def _try_templates(self) -> None:
        for place, leaf in self._bodies():
            leaf(names_of(sample(place.startswith("template")), self.names, "https://example.org/hooks/a?m=1.1"))
        headers: dict[str, str] = compile_tree(self.headers, "headers")(self.names)
        wrong = next((name for name, value in headers.items() if not value.isprintable()), None)
        if wrong is not None:
            raise ValueError(
                f"headers.{wrong}: a line break, or another sign that cannot be seen, is in what is put there"
            )

    def _bodies(self) -> list[tuple[str, Any]]:
        return [
            (place, compile_tree(tree, f"{place}.{kind}"))
            for place, body in (("text", self.text), ("template", self.template))
            if body
            for kind, tree in (("query", body.query), ("form", body.form), ("json", body.json_))
        ]

    @property
    def names(self) -> dict[str, Any]:
        """Beside those of a message. Fixed for a sender."""
        secrets = {name: secret.get_secret_value() for name, secret in self.credentials.items()}
        return {"sender": self.from_, "values": self.values, "secret": secrets}

    @cached_property
    def error_table(self) -> ErrorTable:
        throttled = {code: {"class": "throttled", "reason": "throttled"} for code in self.throttling}
        return ErrorTable.of({**throttled, **self.codes}, "codes")

    @property
    def uses_callback_url(self) -> bool:
        """In every kind of body that it sends."""
        return all("callback_url" in repr(body) for body in (self.text, self.template) if body)

    @property
    def signs_hooks(self) -> bool:
        """By the gateway, or as good as: by a secret in the address."""
        return bool(self.hook_secret or (self.callback and self.callback.signature))

    @property
    def proves_callbacks(self) -> bool:
        """The engine's own mark is looked at in a POST only."""
        marked = self.uses_callback_url and self.callback is not None and self.callback.format != "query"
        return self.signs_hooks or marked

    def secret_values(self) -> tuple[str, ...]:
        own = tuple(secret.get_secret_value() for secret in self.credentials.values())
        return (*super().secret_values(), *(secret for secret in own if secret))
