"""Verify tokens of Sessera, and hold one."""

from .errors import Refused, SessionGone, Unavailable
from .hold import TokenHolder
from .verify import Verifier

__all__ = ["Refused", "SessionGone", "TokenHolder", "Unavailable", "Verifier"]
