"""Verifying tokens of one issuer for one audience."""

import base64
import json
import re
import time
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from .errors import Refused, Unavailable
from .fetch import Fetch, fetch
from .shared import Shared

MAX_TOKEN = 16_384
MAX_LIST = 131_072
USUAL_AGE = 300  # How long an answer is kept that does not say it, in seconds.
PAUSE = 10  # How long after the keys were asked for an unknown one makes them be asked for again, in seconds.
TYPES = (None, "JWT", "at+jwt")
# All that can be wrong with what somebody else wrote.
BAD = (JoseError, ValueError, TypeError, KeyError, AttributeError, zlib.error)


class _Keys(NamedTuple):
    found: list[Any]
    until: float
    asked: float

    def find(self, kid: str) -> dict[str, Any] | None:
        return next((key for key in self.found if isinstance(key, dict) and key.get("kid") == kid), None)


class Verifier:
    """Verifies tokens. Make one, and keep it: it keeps the keys. Threads may share it."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        algorithms: Sequence[str] = ("ES256",),
        leeway: int = 5,
        status_list: bool = False,
        checks: Sequence[Callable[[dict[str, Any]], None]] = (),
        fetch: Fetch = fetch,
        now: Callable[[], float] = time.time,
    ):
        if not issuer or not audience:
            raise ValueError("a verifier needs an issuer and an audience")
        if not all(re.fullmatch(r"(ES|RS|PS)\d{3}|EdDSA", name) for name in algorithms):
            raise ValueError("algorithms must be asymmetric ones, such as ES256")
        self._issuer, self._algorithms, self._leeway = issuer, list(algorithms), leeway
        self._status_list, self._checks, self._fetch, self._now = status_list, checks, fetch, now
        self._expected = {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": audience},
            "sub": {"essential": True},
        }
        self._jwks_uri, self._described_until = "", 0.0
        self._keys: Shared[_Keys] = Shared(now)
        self._lists: dict[str, Shared[tuple[bytes, float]]] = {}

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a good token. Any other one is Refused or Unavailable."""
        if not isinstance(token, str) or not token:
            raise Refused("there is no token" if token in (None, "") else "the token is no text")
        if len(token) > MAX_TOKEN:
            raise Refused("the token is too long")
        claims = self._checked(token, TYPES, self._expected)
        if not isinstance(claims["sub"], str) or not isinstance(claims["iss"], str):
            raise Refused("the token has no subject")
        if self._status_list:
            self._check_status(claims.get("status"))
        for check in self._checks:
            check(claims)
        return claims

    def _checked(self, token: str, types: tuple[str | None, ...], expected: dict[str, Any]) -> dict[str, Any]:
        """Checks form, type, key, signature, times and what is expected."""
        try:
            if token[:7].lower() == "bearer ":
                raise ValueError('a token without "Bearer " in front is expected')
            if not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]*", token, re.ASCII):
                raise ValueError("it has not three parts")
            header = json.loads(_bytes(token.split(".")[0]))
            if header.get("alg") not in self._algorithms:
                raise ValueError("its algorithm is not allowed")
            if token.endswith("."):
                raise ValueError("it has no signature")
            if not isinstance(header.get("kid"), str):
                raise ValueError("its header names no key (kid)")
            if "crit" in header or header.get("typ") not in types:
                raise ValueError("it is of another type")
            key = self._key(header["kid"])
            if key.get("use", "sig") != "sig" or key.get("alg", header["alg"]) != header["alg"]:
                raise ValueError("its key is for something else")
            claims = jwt.decode(token, JWKRegistry.import_key(key), algorithms=[header["alg"]]).claims
            times = {"now": int(self._now()), "leeway": self._leeway, "exp": {"essential": True}}
            jwt.JWTClaimsRegistry(**times, **expected).validate(claims)
            return claims
        except BAD as error:
            raise Refused(f"the token is not good: {error}") from error

    def _key(self, kid: str) -> dict[str, Any]:
        """The published key with an id. One that is unknown makes the keys be asked for once more."""
        keys, now = self._keys.value, self._now()
        if not keys or now >= keys.until or (not keys.find(kid) and now - keys.asked >= PAUSE):
            keys = self._keys.after(keys, self._ask_for_keys)
        key = keys.find(kid)
        if not key:
            raise ValueError("its key is not known")
        return key

    def _ask_for_keys(self) -> _Keys:
        now = self._now()
        if now >= self._described_until:
            address = f"{self._issuer.removesuffix('/')}/.well-known/openid-configuration"
            description, until = self._json(address)
            if description.get("issuer") != self._issuer:
                # Mostly a slash at the end is too much or missing.
                found = str(description.get("issuer"))[:200]
                why = f'describes "{found}" and not "{self._issuer}"; both must be the same to the letter'
                raise Unavailable(f"{address} {why}")
            jwks_uri = str(description.get("jwks_uri"))
            if not _is_as_safe(jwks_uri, address):
                raise Unavailable(f"{address} names no safe address of keys")
            self._jwks_uri, self._described_until = jwks_uri, until
        found, until = self._json(self._jwks_uri)
        if not isinstance(found.get("keys"), list):
            raise Unavailable(f"{self._jwks_uri} is no key set")
        return _Keys(found["keys"], until, now)

    def _json(self, address: str) -> tuple[dict[str, Any], float]:
        body, until = self._get(address)
        try:
            return dict(json.loads(body)), until
        except (ValueError, TypeError) as error:
            raise Unavailable(f"{address} answers something else than JSON") from error

    def _get(self, address: str) -> tuple[bytes, float]:
        asked = self._now()
        try:
            answer = self._fetch(urllib.request.Request(address))
        except OSError as error:
            raise Unavailable(f"{address} cannot be had: {error}") from error
        if answer.status != 200:
            raise Unavailable(f"{address} answers {answer.status}")
        return answer.body, asked + _age(answer.headers.get("cache-control", ""))

    def _check_status(self, status: Any) -> None:
        """Refuses a token whose session is over, as the list says that the token names."""
        named = status.get("status_list") if isinstance(status, dict) else None
        index, uri = (named.get("idx"), named.get("uri")) if isinstance(named, dict) else (None, None)
        if type(index) is not int or index < 0 or not isinstance(uri, str):
            raise Refused("the token has no status")
        bits = self._list(uri)
        if index // 8 >= len(bits) or bits[index // 8] >> index % 8 & 1:
            raise Refused("the session is over")

    def _list(self, uri: str) -> bytes:
        shared = self._lists.setdefault(uri, Shared(self._now))
        known = shared.value
        if not known or self._now() >= known[1]:
            known = shared.after(known, lambda: self._ask_for_list(uri))
        return known[0]

    def _ask_for_list(self, uri: str) -> tuple[bytes, float]:
        asked = self._now()
        if not _is_as_safe(uri, self._issuer):
            raise Unavailable(f"{uri} is less safe than the issuer")
        body, _ = self._get(uri)
        try:
            named = {"sub": {"essential": True, "value": uri}}
            claims = self._checked(body.decode().strip(), ("statuslist+jwt",), named)
            if claims["status_list"]["bits"] != 1:
                raise ValueError("its statuses are not bits")
            unpacker = zlib.decompressobj()
            bits = unpacker.decompress(_bytes(claims["status_list"]["lst"]), MAX_LIST)
            if not unpacker.eof:
                raise ValueError("it is longer than a list can be")
            return bits, min(claims["exp"], asked + claims.get("ttl", 0))
        except (Refused, *BAD) as error:
            raise Unavailable(f"the list at {uri} is not good: {error}") from error


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _age(cache_control: str) -> int:
    """How long an answer may be kept, in seconds."""
    if re.search(r"\bno-(store|cache)\b", cache_control, re.IGNORECASE):
        return 0
    found = re.search(r"\bmax-age=(\d+)", cache_control, re.IGNORECASE)
    return int(found[1]) if found else USUAL_AGE


def _is_as_safe(address: str, named_by: str) -> bool:
    """Whether an address is encrypted, unless the one that names it is not either."""
    return address.startswith("https://") or (address.startswith("http://") and named_by.startswith("http://"))
