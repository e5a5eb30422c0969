"""Any provider with an HTTP API, by configuration: `channel: http-gateway`. See docs/gateways.md."""

from dispatcher_channels.http_gateway.channel import HttpGatewayChannel
from dispatcher_channels.http_gateway.config import HttpGatewayConfig

__all__ = ["HttpGatewayChannel", "HttpGatewayConfig"]
