"""Asking over HTTP, within limits."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import NamedTuple

PATIENCE_SECONDS = 10
MAX_ANSWER = 1_048_576


class Answer(NamedTuple):
    """What a server answered; `headers` have names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Fetch = Callable[[urllib.request.Request], Answer]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def open_answer(request: urllib.request.Request, patience: float) -> http.client.HTTPResponse:
    """Asks, and follows no redirection. A server that cannot be reached is an OSError."""
    try:
        return _opener.open(request, timeout=patience)
    except urllib.error.HTTPError as answer:
        return answer


def fetch(request: urllib.request.Request) -> Answer:
    """Asks, and reads the answer."""
    with open_answer(request, PATIENCE_SECONDS) as response:
        body = response.read(MAX_ANSWER + 1)
        if len(body) > MAX_ANSWER:
            raise OSError("the answer is too long")
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, body)
