"""Tokens of recipes before OpenBao, NATS, PostgreSQL's policies, and the libraries of LiveKit and AWS."""

import json
import os
import secrets
import subprocess
import unittest

from livekit import api as livekit
from surroundings import PATIENCE, main, own_port, until
from surroundings_of_recipes import ADA, EDITOR, HERE, PROGRAMS, Recipes, damaged, printed


def setUpModule():
    global here
    here = Recipes()
    unittest.addModuleCleanup(here.stop)


class OpenBao(unittest.TestCase):
    def bao(self, *arguments, fails=False, given=None):
        settings = {"env": self.environment, "input": given, "capture_output": True, "text": True, "timeout": PATIENCE}
        run = subprocess.run([PROGRAMS / "bao", *arguments], **settings)
        self.assertEqual(run.returncode != 0, fails, f"{arguments}: {run.stdout}{run.stderr}")
        return run.stdout

    def test_roles_bind_claims_and_a_new_key_is_taken_at_once(self):
        port = own_port()
        self.environment = os.environ | {"BAO_ADDR": f"http://127.0.0.1:{port}", "BAO_TOKEN": "root", "HOME": str(here.folder)}
        said = here.make("openbao")
        self.assertIn("openbao", said)
        with here.running(PROGRAMS / "bao", "server", "-dev", f"-dev-listen-address=127.0.0.1:{port}", "-dev-root-token-id=root", HOME=str(here.folder)) as server:
            server.listens(port)
            until(lambda: subprocess.run([PROGRAMS / "bao", "status"], env=self.environment, capture_output=True).returncode == 0, "OpenBao")
            self.bao("auth", "enable", "jwt")
            self.bao("write", "auth/jwt/config", f"oidc_discovery_url={here.url}", f"bound_issuer={here.url}", "jwt_supported_algs=ES256")
            role = {"role_type": "jwt", "user_claim": "sub", "groups_claim": "groups", "token_policies": ["default"]}
            for name, bound in {
                "everybody": {"bound_audiences": ["openbao"]},
                "editor": {"bound_audiences": ["openbao"], "bound_claims": {"groups": ["editor"]}},
                "elsewhere": {"bound_audiences": ["elsewhere"]},
            }.items():
                self.bao("write", f"auth/jwt/role/{name}", "-", given=json.dumps(role | bound))
            login = ["write", "-format=json", "auth/jwt/login"]
            given = json.loads(self.bao(*login, "role=everybody", f"jwt={here.token('openbao')}"))
            self.assertIn("default", given["auth"]["policies"])
            self.bao(*login, "role=editor", f"jwt={here.token('openbao', EDITOR)}")
            self.bao(*login, "role=editor", f"jwt={here.token('openbao')}", fails=True)
            self.bao(*login, "role=elsewhere", f"jwt={here.token('openbao')}", fails=True)
            self.bao(*login, "role=everybody", f"jwt={damaged(here.token('openbao'))}", fails=True)
            before = here.token("openbao").split(".")[0]
            here.rotate("openbao")
            self.assertNotEqual(here.token("openbao").split(".")[0], before)
            self.bao(*login, "role=everybody", f"jwt={here.token('openbao')}")


class Nats(unittest.TestCase):
    def test_permissions_are_those_of_the_token(self):
        here.make("nats")
        port, password = own_port(), secrets.token_hex(16)
        keys = """
            import { createAccount } from "@nats-io/nkeys"
            const key = createAccount()
            console.log(new TextDecoder().decode(key.getSeed()), key.getPublicKey())
        """
        made = subprocess.run(["node", "--input-type=module", "-e", keys], cwd=HERE, capture_output=True, text=True, check=True)
        seed, public = made.stdout.split()
        [settings] = printed("nats", "text")
        file = here.folder / "nats.conf"
        settings = settings.replace("$CALLOUT_PASSWORD", password).replace("$ACCOUNT_PUBLIC", public)
        file.write_text(f"listen: 127.0.0.1:{port}\n{settings}")
        [program] = printed("nats", "js")
        url = f"nats://127.0.0.1:{port}"
        callout = {"ACCOUNT_SEED": seed, "NATS_URL": url, "CALLOUT_PASSWORD": password}
        program = program.replace("https://id.example.org/", here.url)
        with here.running(PROGRAMS / "nats-server", "-c", file) as server:
            server.listens(port)
            with here.running("node", "--input-type=module", "-e", program, **callout):
                own, _ = here.people[ADA]
                subjects = [f"people.{own}.notes", "people.somebody.notes", "roles.editor.notes"]
                subjects += [f"read:_INBOX.{own}.1", "read:_INBOX.somebody.1", "read:_INBOX.>"]

                def asks(given):
                    command = ["node", "nats.mjs", url, given, *subjects]
                    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=PATIENCE)

                until(lambda: asks(here.token("nats")).returncode == 0, "a connection with a good token")
                words = [line.split()[0] for line in asks(here.token("nats")).stdout.splitlines()]
                self.assertEqual(words, ["allowed", "refused", "refused", "allowed", "refused", "refused"])
                words = [line.split()[0] for line in asks(here.token("nats", EDITOR)).stdout.splitlines()]
                self.assertEqual(words, ["refused", "refused", "allowed", "refused", "refused", "refused"])
                here.make("openbao", name="for-others")
                for bad in (damaged(here.token("nats")), here.token("for-others"), "x"):
                    self.assertNotEqual(asks(bad).returncode, 0)


@unittest.skipUnless(os.environ.get("POSTGRES"), "POSTGRES is not set")
class Postgres(unittest.TestCase):
    def psql(self, statements, **variables):
        given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *given, os.environ["POSTGRES"]]
        run = subprocess.run(command, input=statements, check=True, capture_output=True, text=True, timeout=PATIENCE)
        return run.stdout.split()

    def rows(self, address):
        """What a verified token opens, by the statements of the page."""
        request, _ = printed("postgrest", "sql")
        given = here.token("postgrest", address)
        verified = here.sessera.command("verify", given, "--jwks", here.url, "--audience", "postgrest", "--format", "json")
        claims = json.loads(verified)
        claims = claims.get("claims", claims)
        return self.psql(request, claims=json.dumps(claims))[-2:]

    def test_rows_belong_to_the_subject_of_the_token(self):
        here.make("postgrest")
        _, policies = printed("postgrest", "sql")
        self.psql(policies)
        for address, (identity, _) in here.people.items():
            self.psql(f"INSERT INTO notes VALUES ('{identity}', 'note-of-{address.split('@')[0]}')")
        self.assertEqual(self.rows(ADA)[-1], "note-of-ada")
        self.assertNotIn("note-of-editor", self.rows(ADA))
        self.assertEqual(self.rows(EDITOR), ["note-of-ada", "note-of-editor"])


class LiveKit(unittest.TestCase):
    def test_grants_are_read_by_its_own_library(self):
        secret = secrets.token_hex(32)
        file = here.folder / "livekit.txt"
        file.write_text(secret)
        here.make("livekit", "--set", "api_key=APItests", "--set", "room=tea", "--secret", str(file))
        good = here.token("livekit")
        claims = livekit.TokenVerifier("APItests", secret).verify(good)
        self.assertEqual(claims.identity, here.people[ADA][0])
        self.assertEqual((claims.video.room, claims.video.room_join, claims.video.room_admin), ("tea", True, False))
        for key, known, given in [
            ("APIothers", secret, good),
            ("APItests", secrets.token_hex(32), good),
            ("APItests", secret, damaged(good)),
        ]:
            with self.assertRaises(Exception):
                livekit.TokenVerifier(key, known).verify(given)


class Aws(unittest.TestCase):
    def test_its_own_library_takes_good_tokens_only(self):
        here.make("aws")
        here.make("openbao", name="aws-others")

        def verifies(given, audience="sts.amazonaws.com", issuer=here.url, template="aws"):
            keys = f"{here.url}.well-known/jwks/{template}.json"
            command = ["node", "aws.mjs", issuer, audience, keys, given]
            return subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=PATIENCE)

        good = here.token("aws")
        self.assertEqual(verifies(good).stdout.strip(), here.people[ADA][0], verifies(good).stderr)
        for run in (
            verifies(damaged(good)),
            verifies(good, audience="elsewhere"),
            verifies(good, issuer="https://elsewhere.example.org/"),
            verifies(good, template="aws-others"),
            verifies(here.token("aws-others")),
        ):
            self.assertNotEqual(run.returncode, 0)


if __name__ == "__main__":
    main()
