"""Tokens in FastAPI."""

from typing import Annotated, Any

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from .errors import Refused, Unavailable
from .verify import Verifier

_bearer = HTTPBearer(auto_error=False)


def claims_of(verifier: Verifier):
    """A dependency that gives the claims of a good token, and answers 401 or 503 to any other request."""

    # Not "async", so FastAPI runs it in a thread, where it may wait for keys.
    def claims(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> dict[str, Any]:
        try:
            return verifier.verify(given.credentials if given else "")
        except Refused as error:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from error
        except Unavailable as error:
            raise HTTPException(503, headers={"Retry-After": "5"}) from error

    return claims
