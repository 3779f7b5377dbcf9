"""Holding a token of one session and template."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import NamedTuple

from joserfc import jws

from .errors import SessionGone, Unavailable
from .fetch import Answer, Fetch, fetch
from .shared import Shared

# The part of a token's life after which it is renewed.
RENEWED_AT = 0.75


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
        self._held: Shared[_Held] = Shared(elapsed)
        self._gone: str | None = None

    def token(self) -> str:
        """A token that is good now. It is SessionGone when the person has to sign in."""
        if self._gone:
            raise SessionGone(self._gone)
        held = self._held.value
        if held and self._elapsed() < held.renew_at:
            return held.token
        try:
            return self._held.after(held, self._obtain).token
        except Unavailable:
            if held and self._elapsed() < held.ends_at:
                return held.token
            raise

    def request(self, request: urllib.request.Request) -> Answer:
        """Sends a request with the token. An answer 401 makes a new token be fetched and the request be sent once more."""
        token = self.token()
        answer = self._send(request, token)
        if answer.status != 401:
            return answer
        try:
            held = self._held.value
            if held and held.token == token:
                held = self._held.after(held, self._obtain)
        except Unavailable:
            return answer
        return self._send(request, held.token)

    def _send(self, request: urllib.request.Request, token: str) -> Answer:
        request.add_header("Authorization", f"Bearer {token}")
        return self._fetch(request)

    def _obtain(self) -> _Held:
        now = self._elapsed()
        if self._gone:
            raise SessionGone(self._gone)
        try:
            answer = self._fetch(urllib.request.Request(self._address, headers=self._headers))
            if answer.status in (401, 403):
                self._gone = f"the session gives no token: the server answers {answer.status}"
                raise SessionGone(self._gone)
            if answer.status != 200:
                raise ValueError(f"the server answers {answer.status}{_reason(answer.body)}")
            token = json.loads(answer.body)["tokenized"]
            claims = json.loads(jws.extract_compact(token.encode()).payload)
            life = claims["exp"] - claims["iat"]
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unavailable(f"no token can be had: {error}") from error
        return _Held(token, now + life * RENEWED_AT, now + life)


def _reason(body: bytes) -> str:
    """What a server says about an answer that is no token, behind a colon."""
    try:
        error = json.loads(body)["error"]
        why = next(text for text in (error.get("reason"), error.get("message")) if isinstance(text, str) and text)
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration):
        return ""
    return f": {why[:500]}"
