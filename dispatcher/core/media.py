"""Through what a message reaches a person."""

from __future__ import annotations

from typing import Literal

Media = Literal["sms", "whatsapp"]
