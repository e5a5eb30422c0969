"""The stable, versioned surface for channel adapters. Everything an adapter needs is imported from here."""

from dispatcher.core.status import Reason, Status
from dispatcher.spi.capabilities import Capabilities
from dispatcher.spi.channel import API_VERSION, Channel
from dispatcher.spi.codes import ErrorTable
from dispatcher.spi.config import ChannelConfig, Secret
from dispatcher.spi.http import (
    AmbiguousError,
    HttpClient,
    HttpResponse,
    NotSentError,
    PooledClient,
    classify_status,
    json_object,
    retry_after_s,
)
from dispatcher.spi.messages import (
    Absent,
    Check,
    Found,
    HookAnswer,
    HookRequest,
    Inbound,
    LookupQuery,
    LookupResult,
    OutboundMessage,
    Receipt,
    Template,
    Undecided,
)
from dispatcher.spi.outcome import (
    Accepted,
    Ambiguous,
    Filtered,
    Misconfigured,
    NotSent,
    OptedOut,
    Outcome,
    Rejected,
    Throttled,
    Unsupported,
)

__all__ = [
    "API_VERSION",
    "Absent",
    "Accepted",
    "Ambiguous",
    "AmbiguousError",
    "Capabilities",
    "Channel",
    "ChannelConfig",
    "Check",
    "ErrorTable",
    "Filtered",
    "Found",
    "HookAnswer",
    "HookRequest",
    "HttpClient",
    "HttpResponse",
    "Inbound",
    "LookupQuery",
    "LookupResult",
    "Misconfigured",
    "NotSent",
    "NotSentError",
    "OptedOut",
    "OutboundMessage",
    "Outcome",
    "PooledClient",
    "Reason",
    "Receipt",
    "Rejected",
    "Secret",
    "Status",
    "Template",
    "Throttled",
    "Undecided",
    "Unsupported",
    "classify_status",
    "json_object",
    "retry_after_s",
]
