"""What the environment and `dispatcher.yaml` say."""

from dispatcher.settings.environment import Environment

__all__ = ["Environment"]
