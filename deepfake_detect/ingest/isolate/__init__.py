"""Reading suspect bytes in a process of its own: no network, no writing, hard limits. What comes back is checked."""

from .client import Isolation

__all__ = ["Isolation"]
