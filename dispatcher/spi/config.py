"""The configuration of a sender, as an adapter declares it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, SecretStr

Secret = SecretStr
"""A credential. Never printed, never stored in SQL, redacted in every log."""


class ChannelConfig(BaseModel):
    """Subclass it with the fields of one channel. Unknown keys are errors; secrets are `Secret`.

    Keys common to every sender (`channel`, `rate`, `countries`, `weight`) belong to the engine and do not appear here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def secret_values(self) -> tuple[str, ...]:
        """What a log must never show."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(v.get_secret_value() for v in values if isinstance(v, SecretStr))
