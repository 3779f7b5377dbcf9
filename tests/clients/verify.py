"""Verifies a token from standard input with PyJWT and prints its claims.

Usage: verify.py PUBLIC_JWKS_FILE ISSUER
"""

import json
import sys

import jwt

with open(sys.argv[1], encoding="utf-8") as file:
    keys = jwt.PyJWKSet.from_dict(json.load(file))
token = sys.stdin.read().strip()
key = keys[jwt.get_unverified_header(token)["kid"]]
claims = jwt.decode(token, key, algorithms=[key.algorithm_name], issuer=sys.argv[2])
print(json.dumps(claims))
