"""What passes the door shows neither numbers nor texts when it is printed (invariant 12)."""

from __future__ import annotations

import pytest

from dispatcher.spi import HookRequest, Inbound, LookupQuery, OutboundMessage, Template

NUMBER, TEXT = "+6281234567890", "Halo Bu Sari"


@pytest.mark.parametrize(
    "record",
    [
        OutboundMessage("7.1", NUMBER, text=TEXT, callback_url=f"https://example.org/{TEXT}"),
        OutboundMessage("7.1", NUMBER, template=Template("HX1", parameters={"1": TEXT})),
        Inbound("SM1", NUMBER, TEXT, button=TEXT),
        LookupQuery("7.1", NUMBER, 0, TEXT),
        HookRequest("POST", f"https://example.org/?{TEXT}", {"x": NUMBER}, NUMBER.encode(), {"x": NUMBER}),
    ],
    ids=lambda record: type(record).__name__,
)
def test_nothing_private_is_shown(record: object) -> None:
    assert NUMBER[1:] not in repr(record)
    assert TEXT not in repr(record)
