"""What every operation works with. `wiring.py` makes it; tests make it with other parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from dispatcher.operations.channels import Channels
from dispatcher.settings import Environment, Settings
from dispatcher.store.engine import Database
from dispatcher.store.keys import Keys


@dataclass
class Context:
    environment: Environment
    database: Database
    keys: Keys
    channels: Channels = field(default_factory=Channels)

    @cached_property
    def settings(self) -> Settings:
        return self.environment.settings

    def now_us(self) -> int:
        return self.database.now_us()
