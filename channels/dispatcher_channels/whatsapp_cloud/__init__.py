"""WhatsApp by Meta's own Cloud API."""

from dispatcher_channels.whatsapp_cloud.channel import WhatsappCloudChannel
from dispatcher_channels.whatsapp_cloud.config import WhatsappCloudConfig

__all__ = ["WhatsappCloudChannel", "WhatsappCloudConfig"]
