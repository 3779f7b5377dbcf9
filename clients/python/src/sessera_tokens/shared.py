"""Asking once for what many need at the same time."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import Unavailable

T = TypeVar("T")

# How long after a question that failed nobody asks again, in seconds.
REST = 5


class Shared(Generic[T]):
    """Something that is asked for. All who need it meanwhile wait for the same answer, and who comes soon after a failure does not
    wait. `value` is what the last good answer was; whoever finds that it serves takes no lock."""

    def __init__(self, now: Callable[[], float]):
        self.value: T | None = None
        self._now, self._lock = now, threading.Lock()
        self._failed_at, self._failure = float("-inf"), ""

    def after(self, seen: T | None, ask: Callable[[], T]) -> T:
        """What follows a value that does not serve any more."""
        with self._lock:
            if self.value is not None and self.value is not seen:
                return self.value
            # A clock that was set back must not make it longer.
            if 0 <= self._now() - self._failed_at < REST:
                raise Unavailable(self._failure)
            try:
                self.value = ask()
            except Unavailable as error:
                self._failed_at, self._failure = self._now(), str(error)
                raise
            return self.value
