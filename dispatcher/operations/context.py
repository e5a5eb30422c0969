"""What every operation works with. `wiring.py` makes it; tests make it with other parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dispatcher.core.errors import UsageError
from dispatcher.delivery.pacing import Lead
from dispatcher.operations.generation import Generation
from dispatcher.operations.outages import Outages
from dispatcher.settings import Environment
from dispatcher.store.engine import Database
from dispatcher.store.keys import Keys

if TYPE_CHECKING:
    from dispatcher.operations.channels import Channels
    from dispatcher.settings.model import Settings
    from dispatcher.spi import Channel, HttpClient


@dataclass
class Context:
    environment: Environment
    database: Database
    keys: Keys
    lead: Lead = field(default_factory=Lead)
    """Of this process's claims, over all senders."""

    outages: Outages = field(default_factory=Outages)

    def __post_init__(self) -> None:
        self.database.on_away = self.outages.saw

    @cached_property
    def settings(self) -> Settings:
        return self.environment.settings

    @cached_property
    def channels(self) -> Channels:
        """Imported by those who send or look at senders: most commands do neither."""
        from dispatcher.operations.channels import Channels

        return Channels()

    @cached_property
    def generation(self) -> Generation:
        return Generation(self.database, self.environment.state_dir)

    def open_sender(self, name: str, http: HttpClient, *, resolve: bool = True) -> Channel[Any]:
        """A configured sender, ready to send. UsageError where there is none; ProviderError without credentials.

        `resolve`: it will send, so that names of hosts are looked up; without it, no network is needed.
        """
        settings = self.settings.senders.get(name)
        if settings is None:
            raise UsageError("unknown-sender", f"there is no sender {name}", "See the senders in dispatcher.yaml.")
        return self.channels.open(name, settings, self.environment, http, resolve=resolve)

    def now_us(self) -> int:
        return self.database.now_us()
