"""What stands in for the things of people: a device with keys, an app with codes, a provider and a mailbox."""

import base64
import hashlib
import hmac
import http.server
import json
import re
import secrets
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

from surroundings import PATIENCE, until


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*arguments, given=b""):
    run = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True, timeout=PATIENCE)
    return run.stdout


def signed(key, data):
    """A signature over the data's SHA-256."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(key.encode())
        file.flush()
        return openssl("dgst", "-sha256", "-sign", file.name, given=data)


def code_of_app(secret, steps=0):
    """The code that an app shows (RFC 6238), or showed, or will show."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + steps), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


class Device:
    """An authenticator with one key on P-256, which verifies its owner (WebAuthn, level 2)."""

    def __init__(self, origin, kept=None):
        self.origin = origin
        self.kept = kept or {
            "key": openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout").decode(),
            "id": encoded(secrets.token_bytes(32)),
            "owner": None,
            "counter": 0,
        }

    def data(self, host, flags, more=b""):
        """The authenticator's part of an answer. It counts how often the key was used."""
        self.kept["counter"] += 1
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.kept["counter"]) + more

    def client(self, kind, challenge):
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def make(self, options):
        """The answer to options that make a key."""
        options = options.get("publicKey", options)
        self.kept["owner"] = options["user"]["id"]
        point = openssl("ec", "-pubout", "-outform", "DER", given=self.kept["key"].encode())[-64:]
        # The key as COSE has it: a curve, an algorithm and both coordinates.
        key = bytes.fromhex("a5010203262001215820") + point[:32] + bytes.fromhex("225820") + point[32:]
        name = decoded(self.kept["id"])
        data = self.data(options["rp"]["id"], 0x45, bytes(16) + struct.pack(">H", len(name)) + name + key)
        attested = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58" + bytes([len(data)]) + data
        client = self.client("webauthn.create", options["challenge"])
        return self.answer(attestationObject=attested, clientDataJSON=client)

    def prove(self, options):
        """The answer to options that ask for a proof."""
        options = options.get("publicKey", options)
        data = self.data(options["rpId"], 0x05)
        client = self.client("webauthn.get", options["challenge"])
        signature = signed(self.kept["key"], data + hashlib.sha256(client).digest())
        owner = decoded(self.kept["owner"])
        return self.answer(authenticatorData=data, clientDataJSON=client, signature=signature, userHandle=owner)

    def answer(self, **response):
        name = self.kept["id"]
        response = {member: encoded(value) for member, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


class Outside:
    """A server on loopback that is a provider of OpenID Connect and a service that takes mail."""

    CLIENT = {"client_id": "moved", "client_secret": "a secret that the provider gives out"}
    MAPPER = "local claims = std.extVar('claims'); { identity: { traits: { email: claims.email } } }"
    LETTER = "function(ctx) { recipient: ctx.recipient, body: ctx.body, subject: ctx.subject }"

    def __init__(self):
        self.mails, self.codes, self.who = [], {}, None
        self.key = openssl("genrsa", "2048").decode()
        modulus = openssl("rsa", "-modulus", "-noout", given=self.key.encode()).decode().strip().split("=")[1]
        self.jwk = {"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "e": "AQAB"}
        self.jwk["n"] = encoded(bytes.fromhex(modulus))
        outside = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(b"")

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"] or 0)))

            def answer(self, body):
                status, headers, said = outside.answer(self.path, body.decode(), self.headers)
                said = json.dumps(said).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": len(said), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, body, headers):
        path, _, query = path.partition("?")
        asked = {name: value for name, value in urllib.parse.parse_qsl(query or body)}
        if path == "/mail":
            self.mails.append(json.loads(body))
            return 200, {}, {}
        if path == "/.well-known/openid-configuration":
            return 200, {}, {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == "/jwks":
            return 200, {}, {"keys": [self.jwk]}
        if path == "/authorize":
            code = secrets.token_urlsafe()
            self.codes[code] = (self.who, asked.get("nonce"))
            back = urllib.parse.urlencode({"code": code, "state": asked["state"]})
            return 302, {"Location": f"{asked['redirect_uri']}?{back}"}, {}
        if path == "/token":
            who, nonce = self.codes.pop(asked["code"])
            return 200, {}, {"access_token": who, "token_type": "Bearer", "id_token": self.vouch(who, nonce)}
        return 200, {}, self.claims(headers["Authorization"].split()[1])

    def claims(self, who):
        return {"sub": who, "email": f"{who}@example.test", "email_verified": True}

    def vouch(self, who, nonce):
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.CLIENT["client_id"], "iat": now, "exp": now + 300, **self.claims(who)}
        if nonce:
            claims["nonce"] = nonce
        parts = [{"alg": "RS256", "kid": "k", "typ": "JWT"}, claims]
        text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{encoded(signed(self.key, text.encode()))}"

    def code_for(self, address):
        """The code in the next mail to somebody."""

        def arrived():
            for mail in self.mails:
                code = re.search(r"\b\d{6}\b", mail["body"])
                if mail["recipient"] == address and code:
                    self.mails.remove(mail)
                    return code[0]
            return None

        return until(arrived, f"a code for {address}")

    def configuration(self):
        """What a server is told of the provider and of the service for mail."""

        def program(text):
            return f"base64://{base64.b64encode(text.encode()).decode()}"

        provider = {
            "id": "club",
            "provider": "generic",
            "issuer_url": self.url,
            "mapper_url": program(self.MAPPER),
            "scope": ["email"],
            **self.CLIENT,
        }
        return provider, {
            "delivery_strategy": "http",
            "http": {"request_config": {"url": f"{self.url}/mail", "method": "POST", "body": program(self.LETTER)}},
        }
