"""`sessera migrate` with the real program, between the engines and from the tables of an Ory Kratos."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import unittest

from surroundings import PATIENCE, main
from test_nodes import PORT, PROGRAM, Node, sql

FIXTURE = os.path.join(os.path.dirname(__file__), "../../crates/store/tests/kratos.sql")
PEOPLE = 5


def fixture(identifier, document, time):
    with open(FIXTURE) as file:
        text = file.read()
    for name, value in (("{id}", identifier), ("{json}", document), ("{time}", time)):
        text = text.replace(name, value)
    return text


class Moving(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name):
        return f"sqlite://{self.folder}/{name}.sqlite"

    def server(self, name):
        sql(f"CREATE DATABASE {name} OWNER app")
        return f"postgres://app@127.0.0.1:{PORT}/{name}?sslmode=disable"

    @contextlib.contextmanager
    def running(self, name, dsn):
        node = Node(self.folder, name, name, more={"dsn": dsn})
        try:
            node.wait()
            yield node
        finally:
            self.assertEqual(node.stop(), 0)

    def migrate(self, *arguments, good=True):
        """What it prints, or what it says when it refuses."""
        config = os.path.join(self.folder, "secrets.json")
        with open(config, "w") as file:
            json.dump({"secrets": {"cipher": ["a cipher secret for three nodes!"]}}, file)
        command = [PROGRAM, "migrate", "-c", config, *arguments]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0 if good else 1, run.stdout + run.stderr)
        self.assertNotIn("panicked", run.stderr)
        return run.stdout + run.stderr

    def sums(self, printed):
        """Rows and checksum by table."""
        found = re.findall(r"^(\w+): (\d+) rows, checksum ([0-9a-f]{32})$", printed, re.MULTILINE)
        self.assertGreater(len(found), 8, printed)
        return {table: (int(rows), checksum) for table, rows, checksum in found}

    def ask(self, node, tokens):
        """Everything that must be the same wherever the data lies."""
        sessions = []
        for token in tokens:
            answer = node.whoami(token)
            self.assertEqual(answer.status, 200, answer.body)
            sessions.append(answer.body)
        people = node.manage("/admin/identities?page_size=100").body
        keys = node.manage("/admin/keys/moved").body
        project = node.manage("/projects").body[0]["id"]
        return sessions, people, keys, project

    def test_there_and_back_nothing_is_lost_or_changed(self):
        first, second, third = self.file("first"), self.server("moved"), self.file("third")
        with self.running("first", first) as node:
            emails = [f"p{number}@example.org" for number in range(PEOPLE)]
            for email in emails:
                node.person(email)
            tokens = [node.sign_in(email)[0] for email in emails]
            made = node.manage("/admin/keys/moved", "POST", {"alg": "ES256", "use": "sig", "kid": "k"})
            self.assertEqual(made.status, 201)
            project = node.manage("/projects").body[0]["id"]
            change = [{"op": "add", "path": "/services/identity/config/session/lifespan", "value": "48h"}]
            self.assertEqual(node.manage(f"/projects/{project}", "PATCH", change).status, 200)
            before = self.ask(node, tokens)
        sums = self.sums(self.migrate("--from", first, "--to", second))
        file = sqlite3.connect(f"{self.folder}/first.sqlite")
        for table, (rows, _) in sums.items():
            count = f"SELECT count(*) FROM {table}"
            self.assertEqual(file.execute(count).fetchone()[0], rows, table)
            self.assertEqual(int(sql(count, "moved")), rows, table)
        file.close()
        self.assertEqual(sums["identities"][0], PEOPLE)
        self.assertEqual(sums["sessions"][0], PEOPLE)
        self.assertEqual(self.sums(self.migrate("--from", second, "--to", third)), sums)
        for name, dsn in (("first", first), ("second", second), ("third", third)):
            with self.running(name, dsn) as node:
                self.assertEqual(self.ask(node, tokens), before, name)
                node.sign_in("p0@example.org")
        # A target that holds something is left alone.
        said = self.migrate("--from", first, "--to", second, good=False)
        self.assertIn("the target database is not empty", said)

    def from_kratos(self, source, target):
        printed = self.migrate("--from-kratos", source, "--to", target)
        for line in (
            "identities: 2",
            "credentials of kind lookup_secret: 1",
            "credentials of kind password: 1",
            "credentials of kind totp: 1",
            "addresses: 3",
            'identities of schema "person": 2',
            "sessions: 1",
            "not carried: sessions that have ended: 2",
        ):
            self.assertIn(line, printed.splitlines())
        with self.running("kratos", target) as node:
            ada = node.manage("/admin/identities/00000000-0000-4000-8000-0000000000a1").body
            self.assertEqual((ada["external_id"], ada["schema_id"]), ("crm-1", "person"))
            self.assertEqual(len(node.manage("/admin/identities").body), 2)
            session = node.whoami("ory_st_live")
            self.assertEqual(session.body["id"], "00000000-0000-4000-8000-000000000051")
        self.assertIn("identities: 0", self.migrate("--from-kratos", source, "--to", target).splitlines())

    def test_people_come_over_from_a_kratos_on_sqlite(self):
        file = sqlite3.connect(f"{self.folder}/kratos.sqlite")
        file.executescript(fixture("char(36)", "TEXT", "DATETIME"))
        file.close()
        self.from_kratos(self.file("kratos"), self.server("from_file"))

    def test_people_come_over_from_a_kratos_on_postgres(self):
        source = self.server("kratos")
        url = f"postgres://app@127.0.0.1:{PORT}/kratos"
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", url]
        text = fixture("UUID", "jsonb", "timestamp")
        subprocess.run(command, input=text, text=True, check=True, timeout=PATIENCE)
        self.from_kratos(source, self.file("from_server"))

    def test_a_source_that_is_not_there_is_said(self):
        said = self.migrate("--from", self.file("none"), "--to", self.file("target"), good=False)
        self.assertIn("none.sqlite", said)


def setUpModule():
    # The other tests on this cluster may have made it.
    sql("DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")


if __name__ == "__main__":
    main()
