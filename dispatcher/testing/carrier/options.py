"""What a carrier is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dispatcher.testing.carrier.behaviour import Behaviour

ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = "simulator-token"  # noqa: S105 - opens nothing but a pretend carrier on loopback
API_KEY = "SK" + "0" * 31 + "1"
API_SECRET = "simulator-secret"  # noqa: S105
SYSTEM_ID = "simulator"
SMPP_PASSWORD = "simulator"  # noqa: S105
PHONE_NUMBER_ID = "100000000000001"
BUSINESS_ACCOUNT_ID = "100000000000002"
ACCESS_TOKEN = "simulator-access-token"  # noqa: S105
APP_SECRET = "simulator-app-secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class CarrierOptions:
    """`port` 0: any free one. `ledger` None: a file in a temporary folder that goes with the process.

    `bare`: accept everything that is well-formed, keep nothing, call nobody back: for benchmarks of clients.
    `remembers`: write the requests themselves into the ledger, and on a start with an earlier run's ledger take its
    messages back into the list, as a provider's list outlives one of its servers. What was still to happen to them is
    lost, callbacks included.
    `smpp_port`: where an SMS centre answers too; None: nowhere.
    `max_messages`: how many are kept for fetch and list (about 0.7 KB each); the oldest go first.
    """

    host: str = "127.0.0.1"
    port: int = 0
    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    api_key: str = API_KEY
    api_secret: str = API_SECRET
    phone_number_id: str = PHONE_NUMBER_ID
    business_account_id: str = BUSINESS_ACCOUNT_ID
    access_token: str = ACCESS_TOKEN
    app_secret: str = APP_SECRET
    smpp_port: int | None = None
    system_id: str = SYSTEM_ID
    smpp_password: str = SMPP_PASSWORD
    behaviour: Behaviour = field(default_factory=Behaviour)
    ledger: Path | None = None
    bare: bool = False
    remembers: bool = False
    max_messages: int = 1_000_000
    callbacks_at_once: int = 64
    while_stdin_is_open: bool = False
