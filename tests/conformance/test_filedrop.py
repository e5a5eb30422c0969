from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dispatcher.testing.conformance import ChannelContract
from dispatcher_channels.filedrop import FiledropChannel


class TestFiledrop(ChannelContract):
    channel = FiledropChannel

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def settings(self, url: str) -> dict[str, Any]:
        return {"folder": str(self.folder)}
