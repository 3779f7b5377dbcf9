"""A verifier made of PyJWT that keeps the published keys for exactly as long as it may. See README.md."""

import json
import re
import sys
import time
import urllib.request

import jwt

ISSUER, *ADDRESSES = sys.argv[1:]


class Published:
    """The published keys, which are fetched only when the copy at hand is older than its max-age."""

    def __init__(self):
        self.kept, self.until = None, 0

    def keys(self):
        if time.monotonic() < self.until:
            return self.kept
        unsure = None
        for address in ADDRESSES:
            asked = time.monotonic()
            try:
                with urllib.request.urlopen(address, timeout=60) as answer:
                    keys = jwt.PyJWKSet.from_dict(json.load(answer))
                    age = int(re.search(r"max-age=(\d+)", answer.headers["Cache-Control"])[1])
            except OSError:
                continue
            if age > 0:
                self.kept, self.until = keys, asked + age
                return keys
            unsure = unsure or keys
        if unsure is None:
            raise LookupError("no node publishes its keys")
        return unsure


PUBLISHED = Published()


def verify(token, sub):
    try:
        key = PUBLISHED.keys()[jwt.get_unverified_header(token)["kid"]]
        required = {"require": ["exp", "iss", "sub"]}
        jwt.decode(token, key, algorithms=["ES256"], issuer=ISSUER, subject=sub, options=required, leeway=0)
        return {"outcome": "good"}
    except jwt.ExpiredSignatureError as error:
        return {"outcome": "ended", "why": str(error)}
    except Exception as error:  # whatever it is, the token was not accepted
        return {"outcome": "failed", "why": repr(error)}


for line in sys.stdin:
    task = json.loads(line)
    print(json.dumps({"id": task["id"], **verify(task["token"], task["sub"])}), flush=True)
