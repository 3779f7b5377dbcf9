"""Tokens in Django."""

from functools import wraps

from django.http import HttpResponse

from .errors import Refused, Unavailable
from .verify import Verifier


def token_required(verifier: Verifier):
    """A decorator of views: `request.claims` has the claims of a good token; any other request is answered 401 or 503."""

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            try:
                request.claims = verifier.verify(token if kind.lower() == "bearer" else "")
            except Refused:
                return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
            except Unavailable:
                return HttpResponse(status=503, headers={"Retry-After": "5"})
            return view(request, *args, **kwargs)

        return guarded

    return decorate
