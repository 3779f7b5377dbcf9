"""Holding a token of one session and template."""

import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import NamedTuple

from joserfc import jws

from .errors import SessionGone, Unavailable
from .fetch import Answer, Fetch, fetch

# The part of a token's life after which it is renewed.
RENEWED_AT = 0.75
# How long after a renewal that failed the next one is tried while the token is good, in seconds.
PAUSE = 5


class _Held(NamedTuple):
    token: str
    renew_at: float
    ends_at: float


class TokenHolder:
    """Holds a token, and renews it in time. Threads may share it."""

    def __init__(
        self,
        server: str,
        template: str,
        session_token: str,
        fetch: Fetch = fetch,
        # The clock on the wall may be wrong, and is set now and then. This one only goes on.
        elapsed: Callable[[], float] = time.monotonic,
    ):
        query = urllib.parse.urlencode({"tokenize_as": template})
        self._address = f"{server.removesuffix('/')}/sessions/whoami?{query}"
        self._headers = {"X-Session-Token": session_token, "Accept": "application/json"}
        self._fetch, self._elapsed = fetch, elapsed
        # Whoever needs a token that is being renewed waits for it.
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._paused_until = float("-inf")
        self._gone: str | None = None

    def token(self) -> str:
        """A token that is good now. It is SessionGone when the person has to sign in."""
        with self._lock:
            if self._gone:
                raise SessionGone(self._gone)
            held, now = self._held, self._elapsed()
            if held and now < (held.ends_at if now < self._paused_until else held.renew_at):
                return held.token
            try:
                return self._renew(now)
            except Unavailable:
                if held and now < held.ends_at:
                    return held.token
                raise

    def request(self, request: urllib.request.Request) -> Answer:
        """Sends a request with the token. An answer 401 makes a new token be fetched and the request be sent once more."""
        token = self.token()
        answer = self._send(request, token)
        if answer.status != 401:
            return answer
        try:
            with self._lock:
                newer = self._held.token if self._held and self._held.token != token else self._renew(self._elapsed())
        except Unavailable:
            return answer
        return self._send(request, newer)

    def _send(self, request: urllib.request.Request, token: str) -> Answer:
        request.add_header("Authorization", f"Bearer {token}")
        return self._fetch(request)

    def _renew(self, now: float) -> str:
        try:
            answer = self._fetch(urllib.request.Request(self._address, headers=self._headers))
            if answer.status in (401, 403):
                self._held = None
                self._gone = f"the session gives no token: the server answers {answer.status}"
                raise SessionGone(self._gone)
            if answer.status != 200:
                raise ValueError(f"the server answers {answer.status}")
            token = json.loads(answer.body)["tokenized"]
            claims = json.loads(jws.extract_compact(token.encode()).payload)
            life = claims["exp"] - claims["iat"]
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            self._paused_until = now + PAUSE
            raise Unavailable(f"no token can be had: {error}") from error
        self._held = _Held(token, now + life * RENEWED_AT, now + life)
        return token
