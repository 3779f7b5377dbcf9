"""A move from an Ory Kratos played whole: everybody stays signed in, and every way to sign in goes on working.

The people are those of a real Kratos, recorded with their cookies, tokens, passwords and the keys of their devices.
"""

import contextlib
import copy
import datetime
import json
import os
import sqlite3
import subprocess
import tempfile
import unittest
import uuid

from journeys import COOKIE, Refused, SITE, Visitor
from moved import RECORDED, configuration, put, statements
from stand_ins import Device, Outside
from surroundings import PATIENCE, main, own_port
from test_nodes import PORT, PROGRAM, Node, claims, sql

FORMS = ("securecookie", "v1")


class Moved(Node):
    """The server to which people moved."""

    def __init__(self, folder, outside, dsn):
        self.public, self.admin = own_port(), own_port()
        config = configuration(outside, dsn, self.public, self.admin)
        template = {"jwks_url": "set://moved", "ttl": "5m"}
        config["session"]["whoami"]["tokenizer"] = {"templates": {"moved": template}}
        # All of them come from one address.
        config["selfservice"]["limits"] = {"requests_per_minute": 0, "free_failures": 0}
        self.file = os.path.join(folder, "moved.json")
        with open(self.file, "w") as file:
            json.dump(config, file)
        self.log = open(os.path.join(folder, "moved.log"), "ab")
        self.start()

    def again(self):
        self.log = open(self.log.name, "ab")
        self.start()
        self.wait()


class Whole:
    """The move. Where the databases are, others say."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.outside = folder.name, Outside()
        self.addCleanup(self.outside.close)
        self.people = copy.deepcopy(RECORDED["people"])
        self.source, self.target = self.places()
        self.at_source(statements(self.TYPES))

    def migrate(self):
        command = [PROGRAM, "migrate", "-c", self.file, "--from-kratos", self.source, "--to", self.target]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return (run.stdout + run.stderr).splitlines()

    @property
    def file(self):
        name = os.path.join(self.folder, "migrate.json")
        with open(name, "w") as file:
            json.dump({"secrets": configuration(self.outside, "", 0, 0)["secrets"]}, file)
        return name

    @contextlib.contextmanager
    def refused(self):
        with self.assertRaises(Refused) as caught:
            yield
        self.assertIn(caught.exception.status, (400, 401))

    def browser(self, **kept):
        return Visitor(self.node.public, self.outside, True, **kept)

    def native(self, **kept):
        return Visitor(self.node.public, self.outside, False, **kept)

    def device(self, name):
        return Device(SITE, self.people[name]["device"])

    def is_as_it_was(self, said, known, name):
        self.assertEqual(said["identity"]["id"], self.people[name]["id"])
        self.assertEqual(said["id"], known["id"])
        self.assertEqual(said["authenticator_assurance_level"], known["authenticator_assurance_level"])
        proofs = zip(said["authentication_methods"], known["authentication_methods"], strict=True)
        for proof, recorded in proofs:
            # Times are kept to the microsecond.
            self.assertEqual(moment(proof.pop("completed_at")), moment(recorded["completed_at"]))
            self.assertEqual(proof, {name: value for name, value in recorded.items() if name != "completed_at"})

    def tokenized(self, visitor, name):
        token = visitor.whoami("?tokenize_as=moved")["tokenized"]
        self.assertEqual(claims(token)["sub"], self.people[name]["id"])

    def is_signed_in(self, visitor, name, *methods):
        said = visitor.whoami()
        self.assertEqual(said["identity"]["id"], self.people[name]["id"])
        self.assertEqual([proof["method"] for proof in said["authentication_methods"]], list(methods))
        second = {"totp", "lookup_secret", "webauthn"} & set(methods)
        self.assertEqual(said["authenticator_assurance_level"], "aal2" if second else "aal1")

    def test_everybody_stays_signed_in_and_every_method_goes_on(self):
        printed = self.migrate()
        for line in COUNTS:
            self.assertIn(line, printed)
        self.node = Moved(self.folder, self.outside, self.target)
        self.addCleanup(self.node.process.kill)
        self.node.wait()
        made = self.node.manage("/admin/keys/moved", "POST", {"alg": "ES256", "use": "sig", "kid": "k"})
        self.assertEqual(made.status, 201)
        self.tokens_and_cookies()
        self.first_factors()
        self.second_factors()
        self.recovery()
        people = self.node.manage("/admin/identities?page_size=100").body
        self.assertEqual({person["id"] for person in people}, {person["id"] for person in self.people.values()})
        self.changes()
        self.assertEqual(self.node.stop(), 0)

    def tokens_and_cookies(self):
        for name, person in self.people.items():
            with self.subTest(name):
                native = self.native(token=person["native"]["token"])
                self.is_as_it_was(native.whoami(), person["native"], name)
                self.tokenized(native, name)
                for form in FORMS:
                    sealed = person["browser"]["cookies"][form]
                    browser = self.browser(cookies={COOKIE: sealed})
                    self.is_as_it_was(browser.whoami(), person["browser"], name)
                    # From now on the browser has one that was made here.
                    self.assertNotIn(browser.cookies[COOKIE], person["browser"]["cookies"].values())
                    self.is_as_it_was(browser.whoami(), person["browser"], name)
                    self.tokenized(browser, name)
        for form in FORMS:
            counted = self.node.metric(f'sessera_cookies_of_kratos_total{{form="{form}"}}')
            self.assertEqual(counted, len(self.people), form)
        for cookie in (self.people["ada"]["browser"]["cookies"]["v1"][:-4] + "AAAA", "ory_st_unknown"):
            with self.refused():
                self.browser(cookies={COOKIE: cookie}).whoami()

    def first_factors(self):
        for kind in (self.native, self.browser):
            ada, bob, cy = kind(), kind(), kind()
            ada.password("ada@example.test", self.people["ada"]["password"])
            self.is_signed_in(ada, "ada", "password")
            bob.code("bob@example.test")
            self.is_signed_in(bob, "bob", "code")
            cy.provider(self.people["cy"]["subject"])
            self.is_signed_in(cy, "cy", "oidc")
            gil, ida = kind(), kind()
            gil.passkey(self.device("gil"))
            self.is_signed_in(gil, "gil", "passkey")
            # The other server takes a security key alone for a method of its own.
            ida.passkey(self.device("ida"))
            self.is_signed_in(ida, "ida", "passkey")
            with self.refused():
                kind().password("ada@example.test", self.people["dora"]["password"])
        # Another key under the same name.
        forged = Device(SITE, self.people["gil"]["device"] | {"key": self.people["finn"]["device"]["key"]})
        with self.refused():
            self.browser().passkey(forged)

    def second_factors(self):
        for number, kind in enumerate((self.native, self.browser)):
            dora, eve = self.with_password(kind, "dora"), self.with_password(kind, "eve")
            dora.app(self.people["dora"]["totp"], number)
            self.is_signed_in(dora, "dora", "password", "totp")
            code = self.people["eve"]["lookup"]["unused"][number]
            eve.lookup(code)
            self.is_signed_in(eve, "eve", "password", "lookup_secret")
            # Used up, here and at the other server.
            for used in (code, self.people["eve"]["lookup"]["used"][0]):
                with self.refused():
                    self.with_password(kind, "eve").lookup(used)
        finn = self.with_password(self.browser, "finn")
        finn.key(self.device("finn"))
        self.is_signed_in(finn, "finn", "password", "webauthn")

    def with_password(self, kind, name):
        visitor = kind()
        visitor.password(f"{name}@example.test", self.people[name]["password"])
        return visitor

    def recovery(self):
        ada = self.browser()
        ada.recover("ada@example.test")
        self.is_signed_in(ada, "ada", "code_recovery")

    def changes(self):
        """What happens at the other server meanwhile comes over, and nothing else."""
        now = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)).isoformat()[:26]
        later = f"updated_at = '{now}'"
        dora, finn, gil = self.people["dora"], self.people["finn"], self.people["gil"]
        codes = self.people["eve"]["lookup"]["unused"]
        printed = next(row for row in RECORDED["rows"]["identity_credentials"] if "recovery_codes" in row["config"])
        unused = f'"{codes[2]}", "used_at": '
        config = json.dumps(printed["config"]).replace(f"{unused}null", f'{unused}"{now}Z"')
        raised = json.dumps(finn["native"]["authentication_methods"] + finn["browser"]["authentication_methods"][1:])
        meanwhile = [
            f"UPDATE sessions SET active = FALSE, {later} WHERE id = '{dora['browser']['id']}';",
            f"UPDATE sessions SET aal = 'aal2', authenticated_at = '{now}', authentication_methods = '{raised}',"
            f" {later} WHERE id = '{finn['native']['id']}';",
            f"DELETE FROM sessions WHERE identity_id = '{gil['id']}';",
            f"DELETE FROM identities WHERE id = '{gil['id']}';",
            f"UPDATE identity_credentials SET config = '{config}', {later} WHERE id = '{printed['id']}';",
            *(put(table, row) for table, row in self.copied("ada", now)),
        ]
        self.at_source("\n".join(meanwhile))
        printed = self.second_run()
        for line in CHANGES:
            self.assertIn(line, printed)
        hal = self.native()
        hal.password("hal@example.test", self.people["ada"]["password"])
        self.assertEqual(hal.whoami()["identity"]["traits"]["email"], "hal@example.test")
        self.assertEqual(self.native(token="ory_st_of_hal").whoami()["identity"], hal.whoami()["identity"])
        self.is_signed_in(self.native(token=finn["native"]["token"]), "finn", "password", "webauthn")
        for cookies in dora["browser"]["cookies"], gil["browser"]["cookies"]:
            with self.refused():
                self.browser(cookies={COOKIE: cookies["securecookie"]}).whoami()
        self.is_as_it_was(self.native(token=dora["native"]["token"]).whoami(), dora["native"], "dora")
        with self.refused():
            self.browser().passkey(self.device("gil"))
        # A code works once, on whichever side that was.
        for used in codes[:3]:
            with self.refused():
                self.with_password(self.native, "eve").lookup(used)
        eve = self.with_password(self.native, "eve")
        eve.lookup(codes[3])
        self.is_signed_in(eve, "eve", "password", "lookup_secret")

    def copied(self, name, now):
        """Rows of somebody new, who is like somebody else."""
        old = self.people[name]["id"]
        rows = RECORDED["rows"]
        credentials = [row["id"] for row in rows["identity_credentials"] if row["identity_id"] == old]
        ids = {key: str(uuid.uuid4()) for key in [old, *credentials, self.people[name]["native"]["id"]]}
        for table in ("identities", "identity_credentials", "identity_credential_identifiers", "sessions"):
            for row in rows[table]:
                owner = row.get("identity_credential_id") or row.get("identity_id") or row["id"]
                if owner in ids and (table != "sessions" or row["id"] in ids):
                    text = json.dumps(row).replace(f"{name}@", "hal@")
                    for key, value in ids.items():
                        text = text.replace(key, value)
                    row = json.loads(text) | {"created_at": now, "updated_at": now}
                    if row["id"] not in ids.values():
                        row["id"] = str(uuid.uuid4())
                    if table == "sessions":
                        row |= {"token": "ory_st_of_hal", "issued_at": now, "authenticated_at": now}
                    yield table, row


class OnFiles(Whole, unittest.TestCase):
    TYPES = ("char(36)", "TEXT", "DATETIME")

    def places(self):
        return (f"sqlite://{self.folder}/{name}.sqlite" for name in ("kratos", "target"))

    def at_source(self, text):
        file = sqlite3.connect(f"{self.folder}/kratos.sqlite")
        file.executescript(text)
        file.close()

    def second_run(self):
        # The file belongs to one process.
        self.assertEqual(self.node.stop(), 0)
        printed = self.migrate()
        self.node.again()
        return printed


class OnServers(Whole, unittest.TestCase):
    TYPES = ("UUID", "jsonb", "timestamp")

    def places(self):
        for name in ("recorded", "reached"):
            sql(f"CREATE DATABASE {name} OWNER app")
            yield f"postgres://app@127.0.0.1:{PORT}/{name}?sslmode=disable"

    def at_source(self, text):
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"postgres://app@127.0.0.1:{PORT}/recorded"]
        subprocess.run(command, input=text, text=True, check=True, timeout=PATIENCE)

    def second_run(self):
        return self.migrate()


COUNTS = (
    "identities: 8",
    "credentials of kind lookup_secret: 1",
    "credentials of kind oidc: 1",
    "credentials of kind passkey: 2",
    "credentials of kind totp: 1",
    "addresses: 16",
    "sessions: 19",
    'identities of schema "person": 8',
    "not carried: messages in the courier's list: 3",
    "not carried: tokens of a provider in links: 1",
)
CHANGES = (
    "identities: 1",
    "identities changed since the last time: 1",
    "identities deleted since the last time: 1",
    "sessions: 1",
    "sessions changed or ended since the last time: 2",
)


def moment(text):
    """A time to the microsecond."""
    return text.rstrip("Z").ljust(26, "0")[:26]


def setUpModule():
    # The other tests on this cluster may have made it.
    sql("DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")


if __name__ == "__main__":
    main()
