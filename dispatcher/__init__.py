"""Dispatcher: SMS and WhatsApp campaigns for public agencies and civic groups."""

__version__ = "0.1.0"
