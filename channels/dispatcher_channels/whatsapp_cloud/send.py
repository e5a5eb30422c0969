"""The JSON that goes out, and codes as they are listed.

Parameters of a template go where their names say:

    1, 2, …               the body's, by position           name       the body's, by name
    header.1, header.name the header's text                 header.image, header.video, header.document   an https
    button.0              the end of button 0's address                address, or the id of uploaded media
    button.0.payload      what quick-reply button 0 answers            button.0.code   what button 0 copies

https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dispatcher.spi import ErrorTable, OutboundMessage, Template

ERRORS: Final = ErrorTable.load(Path(__file__).with_name("errors.toml"))
MEDIA: Final = frozenset({"image", "video", "document"})
_BUTTON: Final = re.compile(r"button\.([0-9])(?:\.(payload|code))?")
_BUTTONS: Final = {"": ("url", "text"), "payload": ("quick_reply", "payload"), "code": ("copy_code", "coupon_code")}
Parameter = dict[str, Any]


def payload(message: OutboundMessage) -> dict[str, Any]:
    """ValueError where the parameters cannot be a template's; its words are for people."""
    common = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": message.to.lstrip("+")}
    if message.ref:
        common["biz_opaque_callback_data"] = message.ref
    if message.template is None:
        return {**common, "type": "text", "text": {"body": message.text or ""}}
    return {**common, "type": "template", "template": _template(message.template)}


def _template(template: Template) -> dict[str, Any]:
    given = template.parameters.items()
    header = {name.removeprefix("header."): text for name, text in given if name.startswith("header.")}
    body = {name: text for name, text in given if not name.startswith(("header.", "button."))}
    buttons = [_button(name, value) for name, value in given if name.startswith("button.")]
    components = [
        *([{"type": "header", "parameters": _header(header)}] if header else ()),
        *([{"type": "body", "parameters": _texts(body)}] if body else ()),
        *sorted(buttons, key=lambda button: str(button["index"])),
    ]
    return {"name": template.id, "language": {"code": template.language}, "components": components}


def _header(values: Mapping[str, str]) -> list[Parameter]:
    kind = next(iter(values))
    if kind not in MEDIA:
        return _texts(values)
    if len(values) > 1:
        raise ValueError(f"a header with {kind} takes nothing else")
    return [{"type": kind, kind: {"id" if values[kind].isdecimal() else "link": values[kind]}}]


def _texts(values: Mapping[str, str]) -> list[Parameter]:
    if not any(name.isdecimal() for name in values):
        return [{"type": "text", "parameter_name": name, "text": text} for name, text in values.items()]
    positions = [str(i + 1) for i in range(len(values))]
    if values.keys() != set(positions):
        raise ValueError("parameters by position run from 1 without a gap, and none has a name")
    return [{"type": "text", "text": values[position]} for position in positions]


def _button(name: str, value: str) -> dict[str, Any]:
    match = _BUTTON.fullmatch(name)
    if match is None:
        raise ValueError("a button's parameter is called button.0, button.0.payload or button.0.code, up to button.9")
    kind, key = _BUTTONS[match[2] or ""]
    return {"type": "button", "sub_type": kind, "index": match[1], "parameters": [{"type": key, key: value}]}


def code_of(error: Parameter) -> str:
    """As errors.toml lists it: 200 to 299 are one entry there, and so is an object that the token cannot see (33)."""
    code = str(error.get("code") or "0") if "code" in error else ""
    if code == "100" and str(error.get("error_subcode")) == "33":
        return "33"
    return "200" if code.isdecimal() and 200 <= int(code[:9]) <= 299 else code
