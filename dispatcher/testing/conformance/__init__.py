"""The suite that proves a channel adapter, ours and anyone's. Needs pytest and nothing else.

    class TestMyChannel(ChannelContract):
        channel = MyChannel
        accepted = Answer(200, b'{"id": "1"}')

        def settings(self, url): return {"base_url": url, "token": "s3cret"}

Which tests exist follows from the capabilities; see docs/adding-a-channel.md.
"""

import pytest

_PARTS = ("base", "contract", "every", "hooks", "http", "lookup", "recordings", "templates")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from dispatcher.testing.conformance.contract import Answer, ChannelContract  # noqa: E402 - after the rewrite

__all__ = ["Answer", "ChannelContract"]
