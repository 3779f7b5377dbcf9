"""Makes conformance.json anew: what every client library must say to which token, and when it asks whom.

Keys are derived from their names and signatures have no randomness in them, so the file is the same each time.
With --check nothing is written, and a file that differs is an error. README.md describes the table.
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import sys
import zlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

FILE = pathlib.Path(__file__).with_name("conformance.json")

NOW = 1_800_000_000
ISSUER = "https://id.example.org/"
AUDIENCE = "https://api.example.org"
DISCOVERY = "https://id.example.org/.well-known/openid-configuration"
KEYS = "https://id.example.org/.well-known/jwks.json"
LIST = "https://id.example.org/.well-known/status/api/0"

# --- keys ---------------------------------------------------------------------------------------------------------


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length):
    return b64(value.to_bytes(length, "big"))


def seed(name, length):
    """As many bytes as are asked for, which follow from the name."""
    blocks = (hashlib.sha256(f"{name} {block}".encode()).digest() for block in range(length // 32 + 1))
    return b"".join(blocks)[:length]


class Elliptic:
    """A key on P-256 or P-384."""

    def __init__(self, kid, curve=ec.SECP256R1, digest=hashes.SHA256, alg="ES256"):
        self.kid, self.alg, self.digest, self.size = kid, alg, digest, curve().key_size // 8
        self.private = ec.derive_private_key(int.from_bytes(seed(kid, self.size - 1), "big"), curve())

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.der(data))
        return r.to_bytes(self.size, "big") + s.to_bytes(self.size, "big")

    def der(self, data):
        return self.private.sign(data, ec.ECDSA(self.digest(), deterministic_signing=True))

    def public(self, **changes):
        numbers = self.private.public_key().public_numbers()
        point = {"x": number(numbers.x, self.size), "y": number(numbers.y, self.size)}
        key = {"kty": "EC", "crv": f"P-{self.size * 8}", "kid": self.kid, "use": "sig", "alg": self.alg, **point}
        return {name: value for name, value in {**key, **changes}.items() if value is not None}


class Rsa:
    """An RSA key of 2048 bits."""

    def __init__(self, kid):
        self.kid, self.alg = kid, "RS256"
        p, q = prime(f"{kid} p"), prime(f"{kid} q")
        d = pow(65537, -1, (p - 1) * (q - 1))
        self.n = p * q
        public = rsa.RSAPublicNumbers(65537, self.n)
        numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
        self.private = numbers.private_key()

    def sign(self, data):
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def public(self):
        whole = {"n": number(self.n, 256), "e": number(65537, 3)}
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": self.alg, **whole}


class Shared:
    """A shared secret."""

    def __init__(self, kid, secret):
        self.kid, self.alg, self.secret = kid, "HS256", secret

    def sign(self, data):
        return hmac.digest(self.secret, data, "sha256")

    def public(self):
        return {"kty": "oct", "kid": self.kid, "alg": self.alg, "k": b64(self.secret)}


def prime(name):
    """The first number after a seed that is a prime to all that a test needs to know."""
    candidate = int.from_bytes(b"\xff" + seed(name, 127), "big") | 1
    while any(pow(base, candidate - 1, candidate) != 1 for base in (2, 3, 5, 7)) or candidate % 65537 == 1:
        candidate += 2
    return candidate


ACTIVE = Elliptic("active")
NEXT = Elliptic("next")
STRANGER = Elliptic("stranger")
LONGER = Elliptic("longer", ec.SECP384R1, hashes.SHA384, "ES384")
RSA = Rsa("rsa")
# What a verifier would take for a secret that lets the token choose the algorithm.
CONFUSED = Shared("active", json.dumps(ACTIVE.public()).encode())
SECRET = Shared("secret", seed("secret", 32))

# --- tokens -------------------------------------------------------------------------------------------------------

CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "b8f6a1d2-6c3e-4f0a-8d21-97c5e4b3a201",
    "sid": "5f0c1b7e-2d4a-4c1f-9a57-3e2b8d6f7a10",
    "jti": "a token of the table",
    "iat": NOW - 60,
    "nbf": NOW - 60,
    "exp": NOW + 540,
}


def part(value):
    return b64(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


def changed(members, changes):
    """Members with changes; one that is None is left out."""
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def token(key=ACTIVE, header=None, payload=None, signature=None, **claims):
    head = changed({"alg": key.alg, "kid": key.kid, "typ": "JWT"}, header or {})
    body = changed(CLAIMS, claims) if payload is None else payload
    signed = f"{part(head)}.{part(body)}"
    return f"{signed}.{b64(key.sign(signed.encode()) if signature is None else signature)}"


def status_list(revoked=(), key=ACTIVE, kid=None, bits=None, **claims):
    listed = bytearray(16)
    for index in revoked:
        listed[index // 8] |= 1 << index % 8
    lst = b64(zlib.compress(bytes(listed), 9)) if bits is None else bits
    usual = {"sub": LIST, "iat": NOW - 60, "exp": NOW + 600, "ttl": 30, "status_list": {"bits": 1, "lst": lst}}
    return token(key, {"typ": "statuslist+jwt", "kid": kid or key.kid}, changed(usual, claims))


def at_index(index, **claims):
    return token(status={"status_list": {"idx": index, "uri": LIST}}, **claims)


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
FLIPPED = ("B" if SIGNATURE[0] == "A" else "A") + SIGNATURE[1:]
ELEVATED = part({**CLAIMS, "sub": "somebody else"})

# --- answers ------------------------------------------------------------------------------------------------------

bodies = {}


def body(name, value):
    """Names a body, so that it stands in the table once."""
    bodies[name] = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return name


def answer(named, cache_control="public, max-age=300", status=200):
    return {"status": status, "cache_control": cache_control, "body": named}


def keys(name, *published):
    return answer(body(name, {"keys": list(published)}))


def described(name, **changes):
    return answer(body(name, changed({"issuer": ISSUER, "jwks_uri": KEYS}, changes)))


NOTHING = answer(body("nothing", ""), None, 503)
# Whoever asks gives up after ten seconds.
HANGS = {"takes": 10}
HTML = answer(body("html", "<!doctype html><title>Away</title>"))

DEFAULTS = {DISCOVERY: described("discovery"), KEYS: keys("keys of now", ACTIVE.public(), RSA.public())}
BOTH = keys("keys of both", ACTIVE.public(), NEXT.public())
AFTER = keys("keys after", NEXT.public())


def listed(name, made):
    return {LIST: answer(body(name, made), "public, max-age=30")}


FIRST = [DISCOVERY, KEYS]

# --- the table ----------------------------------------------------------------------------------------------------

cases = []


def step(made, verdict, at=0, asks=(), **more):
    """A token at a time, in seconds after NOW, in the hands of one or of `at_once` so many; `answers` has what differs from the
    usual answers, and `says` a part of the reason."""
    row = {"at": NOW + at, "token": made, "verdict": verdict, "asks": list(asks)}
    return {**row, **more}


def case(name, *steps, answers=None, **settings):
    row = {"name": name}
    if settings:
        row["settings"] = settings
    if answers:
        row["answers"] = answers
    cases.append({**row, "steps": list(steps)})


def good(name, made, asks=FIRST, at=0, **more):
    case(name, step(made, "good", at, asks), **more)


def refused(name, made, asks=(), at=0, **more):
    case(name, step(made, "refused", at, asks), **more)


def unavailable(name, asks, says="", **answers):
    case(name, step(GOOD, "unavailable", 0, asks, **({"says": says} if says else {})), answers=answers)


good("a token as the server makes it", GOOD)
good("one of several audiences", token(aud=["https://files.example.org", AUDIENCE]))
good("an access token of RFC 9068", token(header={"typ": "at+jwt"}))
good("a token without a type", token(header={"typ": None}))
good("RSA where RSA is what is allowed", token(RSA), algorithms=["RS256"])
good("the end lies within the leeway", token(exp=NOW - 4))
good("the beginning lies within the leeway", token(nbf=NOW + 4))
good(
    "a key that names no algorithm",
    GOOD,
    answers={KEYS: keys("keys without an algorithm", ACTIVE.public(alg=None, use=None))},
)
good(
    "a key of an unknown kind beside ours",
    GOOD,
    answers={KEYS: keys("keys of an unknown kind", {"kty": "AKP", "kid": "later", "alg": "ML-DSA-44"}, ACTIVE.public())},
)
TENANT = "https://id.example.org/tenants/a"
good(
    "an issuer with a path",
    token(iss=TENANT),
    asks=[f"{TENANT}/.well-known/openid-configuration", KEYS],
    answers={f"{TENANT}/.well-known/openid-configuration": described("discovery of a tenant", issuer=TENANT)},
    issuer=TENANT,
)

for name, made in {
    "nothing": "",
    "a word": "x",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.x",
    "five parts, as encrypted tokens have": f"{GOOD}.x.y",
    "a header that is not JSON": f"{b64(b'x')}.{BODY}.{SIGNATURE}",
    "a header that is a list": f"{part([])}.{BODY}.{SIGNATURE}",
    "longer than anything that fits into a header": token(filling="x" * 16_384),
    "no algorithm": token(header={"alg": None}),
    "no signature": f"{HEAD}.{BODY}.",
    "an extension that must be understood": token(header={"crit": ["x"], "x": 1}),
    "no signature, and it says so": token(header={"alg": "none"}, signature=b""),
    "no signature, in other letters": token(header={"alg": "nOnE"}, signature=b""),
    "a shared secret made of the public key": token(CONFUSED),
    "an algorithm that is published but not allowed": token(RSA),
    "a longer curve than is allowed": token(LONGER),
    "no key is named": token(header={"kid": None}),
    "the key's name is a number": token(header={"kid": 1}),
    "a status list": token(header={"typ": "statuslist+jwt"}),
    "a notice of a sign-out": token(header={"typ": "logout+jwt"}),
    "a security event": token(header={"typ": "secevent+jwt"}),
    "a type that is a number": token(header={"typ": 1}),
}.items():
    refused(name, made)

case(
    "a token with the word of its header in front",
    step(f"Bearer {GOOD}", "refused", says='a token without "Bearer " in front is expected'),
    step(f"bearer {GOOD}", "refused", says='a token without "Bearer " in front is expected'),
)

for name, made in {
    "a damaged signature": f"{HEAD}.{BODY}.{FLIPPED}",
    "a signature of zeros": token(signature=bytes(64)),
    "a signature in DER": token(signature=ACTIVE.der(f"{HEAD}.{BODY}".encode())),
    "a payload that was changed": f"{HEAD}.{ELEVATED}.{SIGNATURE}",
    "a header that was changed": f"{part({'alg': 'ES256', 'kid': 'active'})}.{BODY}.{SIGNATURE}",
    "another key under the name of ours": token(STRANGER, {"kid": "active"}),
    "a key that the token brings along": token(STRANGER, {"kid": "active", "jwk": STRANGER.public()}),
    "an address of keys that the token brings along": token(
        STRANGER, {"kid": "active", "jku": "https://elsewhere.example.org/keys"}
    ),
    "a payload that is not JSON": token(payload=b"x"),
    "a payload that is a list": token(payload=[]),
    "no issuer": token(iss=None),
    "another issuer": token(iss="https://elsewhere.example.org/"),
    "an issuer without its slash": token(iss=ISSUER.rstrip("/")),
    "a list of issuers": token(iss=[ISSUER]),
    "no audience": token(aud=None),
    "another audience": token(aud="https://files.example.org"),
    "several other audiences": token(aud=["https://files.example.org", "https://mail.example.org"]),
    "an empty list of audiences": token(aud=[]),
    "a longer audience": token(aud=f"{AUDIENCE}.elsewhere.example"),
    "an audience with a slash more": token(aud=f"{AUDIENCE}/"),
    "no end": token(exp=None),
    "an end that is a text": token(exp=str(NOW + 540)),
    "ended": token(exp=NOW - 60),
    "the end lies just outside of the leeway": token(exp=NOW - 6),
    "the beginning lies just outside of the leeway": token(nbf=NOW + 6),
    "no subject": token(sub=None),
    "an empty subject": token(sub=""),
    "a subject that is a number": token(sub=7),
}.items():
    refused(name, made, FIRST)

refused(
    "a published secret",
    token(SECRET),
    answers={KEYS: keys("keys with a secret", ACTIVE.public(), SECRET.public())},
)
refused(
    "an elliptic curve where RSA is what is allowed",
    GOOD,
    algorithms=["RS256"],
)
refused(
    "a key for encryption",
    GOOD,
    FIRST,
    answers={KEYS: keys("keys for encryption", ACTIVE.public(use="enc", alg=None))},
)
refused(
    "a key that is for another algorithm",
    GOOD,
    FIRST,
    answers={KEYS: keys("keys for another algorithm", ACTIVE.public(alg="ES384"))},
)
refused("no key at all", GOOD, FIRST, answers={KEYS: keys("no keys")})

unavailable("the issuer is away", [DISCOVERY], **{DISCOVERY: None})
unavailable("the issuer answers that it cannot", [DISCOVERY], **{DISCOVERY: NOTHING})
unavailable("the issuer answers with a page", [DISCOVERY], **{DISCOVERY: HTML})
unavailable(
    "the description is that of another issuer",
    [DISCOVERY],
    f'describes "https://elsewhere.example.org/" and not "{ISSUER}"',
    **{DISCOVERY: described("discovery of another", issuer="https://elsewhere.example.org/")},
)
unavailable(
    "the description differs by a slash",
    [DISCOVERY],
    f'describes "{ISSUER.rstrip("/")}" and not "{ISSUER}"',
    **{DISCOVERY: described("discovery without the slash", issuer=ISSUER.rstrip("/"))},
)
unavailable(
    "the description names no issuer", [DISCOVERY], **{DISCOVERY: described("discovery without issuer", issuer=None)}
)
unavailable(
    "the description names no keys", [DISCOVERY], **{DISCOVERY: described("discovery without keys", jwks_uri=None)}
)
unavailable(
    "the keys are at an address that is not encrypted",
    [DISCOVERY],
    **{DISCOVERY: described("discovery without encryption", jwks_uri=KEYS.replace("https:", "http:"))},
)
unavailable("the keys are away", FIRST, **{KEYS: None})
unavailable("the keys are a page", FIRST, **{KEYS: HTML})
unavailable("the keys are no set", FIRST, **{KEYS: answer(body("no set", {"keys": "none"}))})

later = token(exp=NOW + 3_600)
by_next = token(NEXT, exp=NOW + 3_600)
case(
    "keys are kept for as long as they may be",
    step(later, "good", 0, FIRST),
    step(later, "good", 299),
    step(later, "good", 301, FIRST),
)
case(
    "keys that must not be kept are asked for each time",
    step(later, "good", 0, FIRST),
    step(later, "good", 1, [KEYS]),
    answers={KEYS: {**DEFAULTS[KEYS], "cache_control": "no-store"}},
)
case(
    "keys are kept for five minutes where nothing is said",
    step(later, "good", 0, FIRST),
    step(later, "good", 299),
    step(later, "good", 301, [KEYS]),
    answers={
        KEYS: {**DEFAULTS[KEYS], "cache_control": None},
        DISCOVERY: {**DEFAULTS[DISCOVERY], "cache_control": "max-age=900"},
    },
)
case(
    "a rotation: the next key is published, signs, and the old one ends",
    step(later, "good", 0, FIRST),
    step(by_next, "good", 60, [KEYS], answers={KEYS: BOTH}),
    step(later, "good", 61),
    step(later, "refused", 400, FIRST, answers={KEYS: AFTER}),
    step(by_next, "good", 401),
)
case(
    "an unknown key makes the keys be asked for once",
    step(later, "good", 0, FIRST),
    step(token(STRANGER), "refused", 60, [KEYS]),
    step(token(STRANGER), "refused", 61),
    step(token(STRANGER, {"kid": "one more"}), "refused", 69),
    step(token(STRANGER), "refused", 71, [KEYS]),
    step(later, "good", 72),
)
case(
    "an unknown key while the keys are away spoils nothing",
    step(later, "good", 0, FIRST),
    step(token(STRANGER), "unavailable", 60, [KEYS], answers={KEYS: None}),
    step(later, "good", 61),
    step(token(STRANGER), "unavailable", 64),
    step(token(STRANGER), "refused", 65, [KEYS]),
)
case(
    "many who need keys at the same time make one question",
    step(later, "good", 0, FIRST, at_once=8),
    step(later, "good", 301, FIRST, at_once=8),
)
case(
    "many who wait for keys that cannot be had wait once, and who comes soon after does not",
    step(later, "unavailable", 0, [DISCOVERY], at_once=8, answers={DISCOVERY: None}),
    step(later, "unavailable", 4, at_once=8),
    step(later, "good", 5, FIRST),
)
case(
    "an issuer that hangs is waited for once, and left alone for five seconds after that",
    step(later, "good", 0, FIRST),
    step(later, "unavailable", 301, [DISCOVERY], at_once=3, answers={DISCOVERY: HANGS}),
    step(later, "unavailable", 315, at_once=3, answers={DISCOVERY: HANGS}),
    step(later, "unavailable", 316, [DISCOVERY], at_once=3, answers={DISCOVERY: HANGS}),
    step(later, "unavailable", 330),
    step(later, "good", 331, FIRST),
)
case(
    "keys that are still good serve beside an unknown one whose question hangs",
    step(later, "good", 0, FIRST),
    step(token(STRANGER), "unavailable", 60, [KEYS], at_once=3, answers={KEYS: HANGS}),
    step(later, "good", 71),
    step(token(STRANGER), "unavailable", 74),
    step(by_next, "good", 75, [KEYS], answers={KEYS: BOTH}),
)
case(
    "a description of another issuer is not asked for again at once",
    step(later, "unavailable", 0, [DISCOVERY], answers={DISCOVERY: described("discovery of another", issuer="https://elsewhere.example.org/")}),
    step(later, "unavailable", 4),
    step(later, "good", 5, FIRST),
)
case(
    "a clock that is set back does not make a failure last",
    step(later, "unavailable", 0, [DISCOVERY], answers={DISCOVERY: None}),
    step(later, "good", -50, FIRST),
)
case(
    "a revoked key is not taken once its time in memory is over",
    step(later, "good", 0, FIRST),
    step(later, "refused", 301, FIRST, answers={KEYS: AFTER}),
)
case(
    "old keys do not outlive their time because the issuer is away",
    step(later, "good", 0, FIRST),
    step(later, "unavailable", 301, [DISCOVERY], answers={DISCOVERY: None}),
    step(later, "unavailable", 302),
    step(later, "good", 306, FIRST),
)

WITH_LIST = [*FIRST, LIST]
watched = at_index(11, exp=NOW + 3_600)
good("a session that was not revoked", watched, WITH_LIST, answers=listed("list", status_list([3])), status_list=True)
refused("a revoked session", at_index(3), WITH_LIST, answers=listed("list", status_list([3])), status_list=True)
refused("a session of the lowest bit", at_index(8), WITH_LIST, answers=listed("list of eight", status_list([8])), status_list=True)
refused("a session of the highest bit", at_index(15), WITH_LIST, answers=listed("list of fifteen", status_list([15])), status_list=True)
good(
    "a list that is longer than a token",
    at_index(196_600),
    WITH_LIST,
    answers=listed("long list", status_list(bits=b64(zlib.compress(seed("long list", 24_575) + b"\0", 9)))),
    status_list=True,
)
refused("no status where one is asked for", GOOD, FIRST, status_list=True)
refused("a status of another kind", token(status="gold"), FIRST, status_list=True)
refused("a place before the list", at_index(-1), FIRST, status_list=True)
refused("a place that is no number", at_index("3"), FIRST, status_list=True)
refused("a place behind the list", at_index(128), WITH_LIST, answers=listed("list", status_list([3])), status_list=True)
for name, made in {
    "of another key": status_list(key=STRANGER),
    "of another key under the name of ours": status_list(key=STRANGER, kid="active"),
    "of another address": status_list(sub=f"{LIST}0"),
    "that has ended": status_list(exp=NOW - 6),
    "that has no end": status_list(exp=None),
    "that is a token of a session": token(status_list={"bits": 1, "lst": b64(zlib.compress(bytes(16), 9))}, sub=LIST),
    "that is not compressed": status_list(bits=b64(bytes(16))),
    "that grows without end": status_list(bits=b64(zlib.compress(bytes(1 << 23), 9))),
    "that is a page": "<!doctype html>",
}.items():
    case(
        f"a list {name}",
        step(watched, "unavailable", 0, WITH_LIST),
        answers=listed(f"list {name}", made),
        status_list=True,
    )
case(
    "the list is away",
    step(watched, "unavailable", 0, WITH_LIST),
    answers={LIST: None},
    status_list=True,
)
case(
    "a revocation is seen when the list has been kept for as long as it may be",
    step(watched, "good", 0, WITH_LIST),
    step(watched, "good", 29),
    step(watched, "refused", 31, [LIST], answers=listed("list of eleven", status_list([11]))),
    step(watched, "refused", 40),
    answers=listed("list", status_list([3])),
    status_list=True,
)
case(
    "an old list does not outlive its time because the issuer is away",
    step(watched, "good", 0, WITH_LIST),
    step(watched, "unavailable", 31, [LIST], answers={LIST: None}),
    step(watched, "unavailable", 35),
    step(watched, "good", 36, [LIST]),
    answers=listed("list", status_list([3])),
    status_list=True,
)
case(
    "a list that hangs is waited for once, and left alone for five seconds after that",
    step(watched, "good", 0, WITH_LIST, at_once=8),
    step(watched, "unavailable", 31, [LIST], at_once=3, answers={LIST: HANGS}),
    step(watched, "unavailable", 45),
    step(watched, "good", 46, [LIST], at_once=8),
    answers=listed("list", status_list([3])),
    status_list=True,
)

# --- holding a token ----------------------------------------------------------------------------------------------

# These lie far in the past, as they do for a machine whose clock is wrong. Only their difference counts: ten minutes.
LONG_AGO = {"iat": 1_000_000_000, "nbf": 1_000_000_000, "exp": 1_000_000_600}
ONE, TWO, THREE = (token(jti=name, **LONG_AGO) for name in ("one", "two", "three"))


def session(made):
    return {"status": 200, "body": json.dumps({"id": CLAIMS["sid"], "active": True, "tokenized": made})}


def problem(status, **told):
    return {"status": status, "body": json.dumps({"error": {"code": status, **told}})}


def ask(at, gives, server=(), made=None, at_once=1, says=None):
    row = {"after": at, "do": "token", "at_once": at_once, "server": list(server), "gives": gives}
    return {**row, **({"token": made} if made else {}), **({"says": says} if says else {})}


def call(at, gives, resource, sent, server=()):
    """A request that carries the token; `resource` has the statuses that it is answered with, one after the other."""
    row = {"after": at, "do": "request", "server": list(server), "resource": list(resource)}
    return {**row, "gives": gives, "sent": list(sent)}


held = [
    {"name": name, "steps": steps}
    for name, steps in {
        "a token is kept, and renewed when three quarters of its life are over": [
            ask(0, "token", [session(ONE)], ONE),
            ask(449, "token", [], ONE),
            ask(451, "token", [session(TWO)], TWO),
            ask(900, "token", [], TWO),
        ],
        "many who need a token at the same time make one question": [
            ask(0, "token", [session(ONE)], ONE, 8),
            ask(500, "token", [session(TWO)], TWO, 8),
        ],
        "a token that is still good serves while it cannot be renewed": [
            ask(0, "token", [session(ONE)], ONE),
            ask(460, "token", [problem(503)], ONE),
            ask(462, "token", [], ONE),
            ask(466, "token", [problem(429)], ONE),
            ask(472, "token", [session(TWO)], TWO),
        ],
        "a token that has ended does not serve": [
            ask(0, "token", [session(ONE)], ONE),
            ask(601, "unavailable", [problem(503)]),
            ask(605, "unavailable"),
            ask(606, "token", [session(TWO)], TWO),
        ],
        "no first token": [
            ask(0, "unavailable", [problem(503)], at_once=8),
            ask(4, "unavailable", at_once=8),
            ask(5, "token", [session(ONE)], ONE),
        ],
        "the server is away": [ask(0, "unavailable", [None]), ask(5, "token", [session(ONE)], ONE)],
        "a server that hangs is waited for once, and left alone for five seconds after that": [
            ask(0, "unavailable", [HANGS], at_once=3),
            ask(14, "unavailable", at_once=3),
            ask(15, "token", [session(ONE)], ONE),
            ask(480, "token", [HANGS], ONE),
            ask(494, "token", [], ONE),
            ask(495, "token", [session(TWO)], TWO),
        ],
        "a token that ends while a server hangs does not serve": [
            ask(0, "token", [session(ONE)], ONE),
            ask(595, "unavailable", [HANGS]),
        ],
        "an answer without a token": [ask(0, "unavailable", [{"status": 200, "body": "{}"}])],
        "an answer that is a page": [ask(0, "unavailable", [{"status": 200, "body": "<!doctype html>"}])],
        "a token that says nothing of its life": [ask(0, "unavailable", [session(token(iat=None))])],
        "a template that makes no token of this session": [ask(0, "unavailable", [problem(400)], says="the server answers 400")],
        "a template that is not known, and the server says so": [
            ask(0, "unavailable", [problem(400, message="Bad request", reason="no such template")], says="400: no such template"),
            ask(1, "unavailable", says="400: no such template"),
            ask(5, "unavailable", [problem(404, message="nothing is here")], says="404: nothing is here"),
        ],
        "a server that says why in another form": [
            ask(0, "unavailable", [problem(400, reason=["x"], message=7)], says="the server answers 400"),
            ask(5, "unavailable", [{"status": 400, "body": '{"error":"no"}'}], says="the server answers 400"),
            ask(10, "unavailable", [{"status": 400, "body": "[]"}], says="the server answers 400"),
            ask(15, "unavailable", [{"status": 400, "body": "<!doctype html>"}], says="the server answers 400"),
        ],
        "the session is gone, and nobody asks again": [
            ask(0, "token", [session(ONE)], ONE),
            ask(500, "gone", [problem(401)]),
            ask(501, "gone"),
            call(502, "gone", [], []),
        ],
        "a second factor is asked for": [ask(0, "gone", [problem(403)]), ask(1, "gone")],
        "a request carries the token": [call(0, 200, [200], [ONE], [session(ONE)]), call(1, 204, [204], [ONE])],
        "a request that is refused is sent once more with a new token": [
            call(0, 200, [401, 200], [ONE, TWO], [session(ONE), session(TWO)]),
            ask(1, "token", [], TWO),
        ],
        "a request that is refused twice stays refused": [
            call(0, 401, [401, 401], [ONE, TWO], [session(ONE), session(TWO)]),
        ],
        "a refused request of a session that is gone": [
            call(0, "gone", [401], [ONE], [session(ONE), problem(401)]),
            ask(1, "gone"),
        ],
        "a refused request while no new token can be had stays refused": [
            call(0, 401, [401], [ONE], [session(ONE), problem(503)]),
        ],
        "other refusals are the caller's own": [
            call(0, 403, [403], [ONE], [session(ONE)]),
            call(1, 500, [500], [ONE]),
        ],
    }.items()
]

# --- following what happens ---------------------------------------------------------------------------------------

ADA, BOB = CLAIMS["sub"], "0f5f0c1e-3b52-4d0e-9a55-0d2c6f1f7b02"
SID, OTHER_SID = CLAIMS["sid"], "5b0e7f3a-9f7c-4c39-8a5d-6f1b7c2d9e04"
QUIET = ":\n\n"
CAUGHT_UP = ": caught up\n\n"


def event(number, action, at=NOW, outcome="done", **about):
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.250000Z")
    entry = {"number": number, "at": moment, "action": action, "outcome": outcome, "about": about}
    return f"id: {number}\nevent: {action}\ndata: {json.dumps(entry, separators=(',', ':'))}\n\n"


def connects(at, after):
    return {"at": NOW + at, "do": "connect", "after": after}


def hears(at, *texts, is_good=True):
    return {"at": NOW + at, "do": "hear", "texts": list(texts), "is_good": is_good}


def checked(at, verdict, **changes):
    claims = {"sub": ADA, "sid": SID, "iat": NOW - 60, "exp": NOW + 540, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return {"at": NOW + at, "do": "check", "claims": claims, "verdict": verdict}


BEGUN = [connects(0, 7), hears(0, ": following\n\n", CAUGHT_UP)]
followed = [
    {"name": name, "begins_after": 7, "longest": 600, "steps": steps}
    for name, steps in {
        "nobody knows anything before what happened is read": [
            checked(0, "unavailable"),
            connects(0, 7),
            hears(0, ": following\n\n"),
            checked(0, "unavailable"),
            hears(0, event(8, "session_ended", session_id=OTHER_SID, identity_id=ADA)),
            checked(0, "unavailable"),
            hears(0, CAUGHT_UP),
            checked(0, "good"),
            checked(0, "refused", sid=OTHER_SID),
        ],
        "a session that has ended": [
            *BEGUN,
            checked(1, "good"),
            hears(1, event(8, "session_ended", session_id=SID, identity_id=ADA)),
            checked(1, "refused"),
            checked(1, "refused", iat=NOW + 1),
            checked(1, "good", sid=OTHER_SID),
        ],
        "an event that comes in pieces": [
            *BEGUN,
            hears(1, *event(8, "session_ended", session_id=SID, identity_id=ADA)),
            checked(1, "refused"),
        ],
        "two events that come at once": [
            *BEGUN,
            hears(1, event(8, "session_created", session_id=OTHER_SID) + event(9, "session_ended", session_id=SID)),
            checked(1, "refused"),
            connects(2, 9),
        ],
        "half an event is none, and is forgotten with its connection": [
            *BEGUN,
            hears(1, event(8, "session_ended", session_id=SID)[:-1]),
            checked(1, "good"),
            connects(2, 7),
            hears(2, CAUGHT_UP),
            checked(2, "good"),
            hears(2, event(8, "session_ended", session_id=SID)),
            checked(2, "refused"),
        ],
        "all sessions of a person but one": [
            *BEGUN,
            hears(1, event(8, "sessions_ended", identity_id=ADA, **{"except": OTHER_SID})),
            checked(1, "refused"),
            checked(1, "good", sid=OTHER_SID),
            checked(1, "good", sub=BOB),
            checked(1, "refused", iat=NOW),
            checked(2, "good", iat=NOW + 1),
        ],
        "each of two devices ends all others": [
            *BEGUN,
            hears(1, event(8, "sessions_ended", identity_id=ADA, **{"except": SID})),
            hears(1, event(9, "sessions_ended", identity_id=ADA, **{"except": OTHER_SID})),
            checked(1, "refused"),
            checked(1, "refused", sid=OTHER_SID),
        ],
        "everybody's sessions": [
            *BEGUN,
            hears(1, event(8, "sessions_ended")),
            checked(1, "refused"),
            checked(1, "refused", sub=BOB, sid=OTHER_SID),
            checked(2, "good", iat=NOW + 1),
        ],
        "somebody who is deleted": [
            *BEGUN,
            hears(1, event(8, "identity_deleted", identity_id=ADA)),
            checked(1, "refused"),
            checked(1, "good", sub=BOB),
        ],
        "somebody who is disabled, and enabled again": [
            *BEGUN,
            hears(1, event(8, "identity_changed", identity_id=ADA, state="inactive")),
            checked(1, "refused"),
            hears(9, event(9, "identity_changed", at=NOW + 9, identity_id=ADA, state="active")),
            checked(9, "refused"),
            checked(10, "good", iat=NOW + 10),
        ],
        "other changes of a person end nothing": [
            *BEGUN,
            hears(1, event(8, "identity_changed", identity_id=ADA, fields=["traits"])),
            hears(1, event(9, "signed_in", identity_id=ADA, session_id=SID)),
            checked(1, "good"),
        ],
        "what was refused did not happen": [
            *BEGUN,
            hears(1, event(8, "session_ended", outcome="refused", session_id=SID, identity_id=ADA)),
            checked(1, "good"),
        ],
        "a token that does not say of which session it is, and since when": [
            *BEGUN,
            checked(0, "refused", sid=None),
            checked(0, "refused", iat=None),
            checked(0, "refused", iat="now"),
        ],
        "a token that lives longer than what has ended is remembered": [
            *BEGUN,
            checked(0, "good", exp=NOW + 540),
            checked(0, "refused", exp=NOW + 541),
        ],
        "silence": [
            *BEGUN,
            hears(15, QUIET),
            checked(45, "good"),
            checked(46, "unavailable"),
            hears(47, QUIET),
            checked(47, "good"),
        ],
        "a new connection begins behind what was heard, and counts when it has caught up": [
            *BEGUN,
            hears(1, event(8, "session_ended", session_id=OTHER_SID)),
            connects(20, 8),
            hears(20, ": following\n\n"),
            checked(31, "good"),
            hears(32, QUIET),
            checked(32, "unavailable"),
            hears(33, event(9, "session_ended", session_id=SID), CAUGHT_UP),
            checked(33, "refused"),
            checked(33, "good", sid="another"),
            connects(34, 9),
        ],
        "what cannot be read is no silence": [*BEGUN, hears(1, "data: <!doctype html>\n\n", is_good=False), connects(2, 7)],
        "what has ended is remembered for as long as its tokens live": [
            *BEGUN,
            hears(1, event(8, "session_ended", session_id=SID), event(9, "identity_deleted", identity_id=BOB)),
            hears(600, QUIET),
            checked(600, "refused"),
            checked(600, "refused", sub=BOB, sid=OTHER_SID),
        ],
        "what has ended is known beside what ends much later": [
            *BEGUN,
            hears(1, event(8, "session_ended", session_id=OTHER_SID)),
            hears(600, event(9, "session_ended", session_id=SID), event(10, "identity_deleted", at=NOW + 600, identity_id=BOB)),
            hears(662, event(11, "session_ended", session_id=OTHER_SID)),
            checked(670, "refused", iat=NOW + 599, exp=NOW + 1199),
            checked(670, "refused", sub=BOB, sid="another", iat=NOW + 599, exp=NOW + 1199),
            checked(670, "good", sid="another", iat=NOW + 599, exp=NOW + 1199),
        ],
    }.items()
]

table = {
    "about": "Made by make.py; see README.md",
    "settings": {"issuer": ISSUER, "audience": AUDIENCE, "algorithms": ["ES256"], "leeway": 5, "status_list": False},
    "answers": DEFAULTS,
    "bodies": bodies,
    "verify": cases,
    "hold": held,
    "follow": followed,
}
made = json.dumps(table, indent=1) + "\n"
if "--check" in sys.argv:
    if FILE.read_text() != made:
        sys.exit(f"{FILE.name} is not what make.py makes; run python make.py and look at what differs")
else:
    FILE.write_text(made)
verdicts = [row["verdict"] for made in cases for row in made["steps"]]
counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("good", "refused", "unavailable"))
print(f"{len(cases)} cases of tokens ({counts}), {len(held)} of holding one, {len(followed)} of following events")
