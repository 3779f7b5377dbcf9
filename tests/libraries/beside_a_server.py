"""Runs a command beside a server with a template "api", somebody who is signed in, and a session that the command may end; the
environment says where."""

import os
import subprocess
import sys
import tempfile

from running import Sessera

TEMPLATE = '{"jwks_url":"set://api","ttl":"10m","audience":"https://api.example.org","status_list":true}'

with tempfile.TemporaryDirectory() as folder:
    server = Sessera(folder)
    try:
        server.command("create", "jwk", "api", "--alg", "ES256", "--rotate", "30d")
        server.command("patch", "identity-config", "--add", f"/session/whoami/tokenizer/templates/api={TEMPLATE}")
        told = {
            "SESSERA_ISSUER": server.url,
            "SESSERA_SUBJECT": server.person("ada@example.org"),
            "SESSERA_SESSION": server.token("ada@example.org"),
            "SESSERA_SESSION_TO_END": server.token("ada@example.org"),
            "SESSERA_ADMIN": f"http://127.0.0.1:{server.admin}/",
            "SESSERA_ADMIN_TOKEN": server.command("--quiet", "create", "admin-token", "follower", "--role", "viewer").strip(),
        }
        ended = subprocess.run(sys.argv[1:], env=os.environ | told).returncode
    finally:
        server.stop()
sys.exit(ended)
