"""Standbys that are read, and one that takes the primary's place."""

import os
import random
import threading
import time
import unittest

import cluster
from surroundings import PATIENCE, main, until
from test_nodes import BOUND, Node, Proxy


def reads(node, operation):
    """How often a node has read a session from a standby ("session_standby") or the primary ("session")."""
    return node.metric(f'sessera_store_seconds_count{{operation="{operation}"}}') or 0


class Reading(unittest.TestCase):
    """One node that keeps nothing in memory and reads from a standby, and another one that does not."""

    @classmethod
    def setUpClass(cls):
        cls.folder = cluster.place()
        cls.primary = cluster.Server(cls.folder, "primary").make()
        cls.standby = cluster.Server(cls.folder, "standby").follow(cls.primary)
        cls.primary.sql("CREATE DATABASE copies OWNER app")
        cls.proxy = Proxy(cls.primary.port)
        standby = f"postgres://app@127.0.0.1:{cls.standby.port}/copies?sslmode=disable"
        more = {"dsn_read_only": standby}
        cls.other = Node(cls.folder, "other", "copies", port=cls.primary.port)
        cls.other.wait()
        cls.node = Node(cls.folder, "node", "copies", port=cls.proxy.port, more=more, cache={"max_bytes": "0"})
        cls.node.wait()
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.proxy.frozen = None
        codes = [cls.node.stop(), cls.other.stop()]
        cls.standby.end()
        cls.primary.end()
        cluster.remove(cls.folder)
        assert codes == [0, 0], codes

    def signed_in(self):
        type(self).number += 1
        email = f"reader{self.number}@example.org"
        self.other.person(email)
        token, session = self.other.sign_in(email)
        self.assertEqual(self.node.whoami(token).status, 200, "one that the standby may lack is there at once")
        self.from_standby(token)
        return token, session

    def from_standby(self, token):
        """Waits until a session is read from the standby."""

        def once():
            before = reads(self.node, "session_standby")
            self.assertEqual(self.node.whoami(token).status, 200)
            return reads(self.node, "session_standby") > before

        until(once, "reading from the standby")

    def revoke(self, session, by):
        answer = by.manage(f"/admin/sessions/{session}", "DELETE")
        self.assertEqual(answer.status, 204, answer.body)

    def ends(self, token):
        """From the bound on the session is good no more, and it stays so."""
        changed = time.monotonic()
        until(lambda: time.monotonic() > changed + BOUND, "the bound")
        self.assertNotEqual(self.node.whoami(token).status, 200)
        until(lambda: self.node.whoami(token).status == 401, "the end of the session")
        for _ in range(100):
            self.assertEqual(self.node.whoami(token).status, 401)

    def test_what_a_standby_answers_is_what_the_primary_answers(self):
        token, _ = self.signed_in()
        self.assertEqual(self.node.whoami(token).body, self.other.whoami(token).body)

    def test_a_standby_that_stands_still_makes_no_revoked_session_valid(self):
        (first, one), (second, two), (third, _) = self.signed_in(), self.signed_in(), self.signed_in()
        self.standby.pause()
        try:
            self.revoke(one, self.other)
            self.ends(first)
            self.revoke(two, self.node)
            self.assertEqual(self.node.whoami(second).status, 401, "its own change is seen at once")
            self.ends(second)
            before = reads(self.node, "session_standby")
            for _ in range(20):
                self.assertEqual(self.node.whoami(third).status, 200)
            self.assertEqual(reads(self.node, "session_standby"), before, "the primary is asked")
        finally:
            self.standby.resume()
        self.from_standby(third)
        self.ends(first)
        self.ends(second)

    def test_many_changes_at_once_make_no_revoked_session_valid(self):
        sessions = [self.signed_in() for _ in range(8)]
        wrong, stopped = [], threading.Event()
        ended = {}

        def ask():
            while not stopped.is_set():
                token, _ = random.choice(sessions)
                # A session whose end was acknowledged long enough ago must be refused.
                due = token in ended and time.monotonic() > ended[token] + BOUND
                status = self.node.whoami(token).status
                # On a busy machine the database may answer too late, which is a 503.
                if status not in ((401, 503) if due else (200, 401, 503)):
                    wrong.append((status, due))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for number, (token, session) in enumerate(sessions[1:]):
                self.revoke(session, (self.node, self.other)[number % 2])
                ended[token] = time.monotonic()
            until(lambda: time.monotonic() > max(ended.values()) + BOUND, "the bound")
            self.from_standby(sessions[0][0])
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])

    def test_without_the_line_the_primary_is_asked(self):
        token, session = self.signed_in()
        other, _ = self.signed_in()
        self.standby.pause()
        self.proxy.frozen = "lines"
        try:
            self.revoke(session, self.other)
            self.ends(token)
            before = reads(self.node, "session_standby")
            for _ in range(20):
                self.assertEqual(self.node.whoami(other).status, 200)
            self.assertEqual(reads(self.node, "session_standby"), before)
        finally:
            self.proxy.frozen = None
            self.standby.resume()
        self.from_standby(other)

    def test_a_standby_that_is_gone_is_not_missed(self):
        token, session = self.signed_in()
        other, _ = self.signed_in()
        self.standby.stop("immediate")
        try:
            for _ in range(20):
                self.assertEqual(self.node.whoami(other).status, 200)
            self.revoke(session, self.other)
            self.ends(token)
        finally:
            self.standby.control("start")
        self.from_standby(other)
        self.ends(token)


class People:
    """People who sign in and out through any node, and note what was acknowledged."""

    def __init__(self, nodes, emails):
        self.nodes, self.emails, self.stopped = nodes, emails, False
        self.live, self.ended, self.unknown, self.wrong = set(), set(), set(), []
        self.threads = [threading.Thread(target=self.work) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def note(self, answer):
        # A sign-in that the end of the database cut short counts as a wrong one, so a pause of a second may follow.
        if answer.status not in (200, 204, 429, 503):
            self.wrong.append((answer.status, answer.body))
        if answer.status in (429, 503) and not answer.headers["Retry-After"]:
            self.wrong.append(f"{answer.status} without Retry-After")
        return answer.status in (200, 204)

    def ask(self, *arguments):
        # Without an answer its status is 0.
        answer = random.choice(self.nodes).ask(*arguments)
        return answer, self.note(answer)

    def work(self):
        while not self.stopped:
            flow, good = self.ask("/self-service/login/api")
            if not good:
                continue
            body = {"method": "password", "identifier": random.choice(self.emails), "password": "Zx-long-enough-1234"}
            answer, good = self.ask(f"/self-service/login?flow={flow.body['id']}", "POST", body)
            if not good:
                continue
            token = answer.body["session_token"]
            if random.random() < 0.5:
                self.live.add(token)
                continue
            _, good = self.ask("/self-service/logout/api", "DELETE", {"session_token": token})
            (self.ended if good else self.unknown).add(token)

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()


class Failover(unittest.TestCase):
    def setUp(self):
        self.folder = cluster.place()
        self.addCleanup(cluster.remove, self.folder)
        self.first = cluster.Server(self.folder, "first").make()
        self.addCleanup(self.first.end)
        self.second = cluster.Server(self.folder, "second").follow(self.first)
        self.addCleanup(self.second.end)
        self.first.sql("CREATE DATABASE moved OWNER app")
        self.first.sql("ALTER SYSTEM SET synchronous_standby_names = 'second'")
        self.first.sql("SELECT pg_reload_conf()")
        synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        until(lambda: self.first.sql(synchronous) == "1", "the synchronous standby")
        hosts = f"127.0.0.1:{self.first.port},127.0.0.1:{self.second.port}"
        dsn = f"postgres://app@{hosts}/moved?sslmode=disable&max_conns=8"
        self.nodes = []
        for name in ("one", "two"):
            node = Node(self.folder, name, "moved", more={"dsn": dsn})
            self.nodes.append(node)
            self.addCleanup(lambda node: self.assertEqual(node.stop(), 0), node)
            node.wait()
        self.emails = [f"p{number}@example.org" for number in range(6)]
        for email in self.emails:
            self.nodes[0].person(email)

    def test_what_was_acknowledged_is_there_when_the_standby_takes_over(self):
        people = People(self.nodes, self.emails)
        try:
            until(lambda: len(people.live) > 10 and len(people.ended) > 10, "work")
            kept = random.choice(list(people.live))
            for node in self.nodes:
                self.assertEqual(node.whoami(kept).status, 200)
            self.first.stop("immediate")
            for node in self.nodes:
                until(lambda: node.ask("/health/ready").status == 503, "the outage")
                self.assertIn(node.whoami(kept).status, (200, 503))
            done = len(people.live)
            self.second.control("promote")
            until(lambda: len(people.live) > done + 10, "recovery by itself")
        finally:
            people.stop()
        self.assertEqual(people.wrong, [])
        for node in self.nodes:
            until(lambda: node.ask("/health/ready").status == 200, "readiness")
            for token in people.live:
                self.assertEqual(node.whoami(token).status, 200, "an acknowledged sign-in")
            for token in people.ended:
                self.assertEqual(node.whoami(token).status, 401, "an acknowledged sign-out")
        print(f"taken over: {len(people.live)} sessions, {len(people.ended)} sign-outs, {len(people.unknown)} unknown")

    def test_nothing_is_acknowledged_that_the_synchronous_standby_lacks(self):
        node, other = self.nodes
        token, session = node.sign_in(self.emails[0])
        until(lambda: node.whoami(token).status == 200, "a good session")
        self.second.stop("immediate")
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        for round in range(4):
            answer = node.ask("/self-service/login/api") if round % 2 else node.manage(f"/admin/sessions/{session}", "DELETE")
            self.assertEqual(answer.status, 503, answer.body)
            self.assertTrue(answer.headers["Retry-After"])
        # A commit that was given up leaves nothing behind that uses up connections. Each node goes on trying to put the
        # record in order, one commit at a time.
        nodes = len(self.nodes)
        until(lambda: int(self.first.sql(waiting)) <= nodes, "the end of commits that nobody waits for")
        self.assertIn(other.whoami(token).status, (200, 401), "reading goes on")
        self.second.control("start")
        until(lambda: node.ask("/self-service/login/api").status == 200, "recovery")
        token, _ = node.sign_in(self.emails[1])
        self.assertEqual(other.whoami(token).status, 200)


# Whether all connections of servers are encrypted, and whether there is more than one.
ENCRYPTED = """
    SELECT bool_and(ssl), count(*) > 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app'
"""


class Encrypted(unittest.TestCase):
    """A server that takes encrypted connections only."""

    @classmethod
    def setUpClass(cls):
        cls.folder = cluster.place()
        cluster.certificates(cls.folder)
        cls.server = cluster.Server(cls.folder, "server").make(
            ssl="on", ssl_cert_file=f"{cls.folder}/db.pem", ssl_key_file=f"{cls.folder}/db.key"
        )
        cls.server.sql("CREATE DATABASE secret OWNER app")
        with open(os.path.join(cls.server.folder, "pg_hba.conf"), "w") as file:
            file.write("hostssl all app 127.0.0.1/32 trust\nhost all sessera 127.0.0.1/32 trust\n")
        cls.server.sql("SELECT pg_reload_conf()")

    @classmethod
    def tearDownClass(cls):
        cls.server.end()
        cluster.remove(cls.folder)

    def node(self, name, parameters, host="127.0.0.1"):
        dsn = f"postgres://app@{host}:{self.server.port}/secret?{parameters}"
        return Node(self.folder, name, "secret", more={"dsn": dsn})

    def refused(self, name, parameters, host="127.0.0.1"):
        node = self.node(name, parameters, host)
        self.assertEqual(node.process.wait(timeout=PATIENCE), 1)
        with open(os.path.join(self.folder, f"{name}.log")) as log:
            said = log.read()
        self.assertNotIn("panicked", said)
        return said

    def test_a_server_with_the_right_certificate_is_used(self):
        node = self.node("good", f"sslmode=verify-full&sslrootcert={self.folder}/ca.pem")
        try:
            node.wait()
            node.person("tls@example.org")
            token, _ = node.sign_in("tls@example.org")
            self.assertEqual(node.whoami(token).status, 200)
            until(lambda: self.server.sql(ENCRYPTED) == "t|t", "encrypted connections, and nothing else")
        finally:
            self.assertEqual(node.stop(), 0)

    def test_prefer_takes_what_there_is(self):
        """By default connections are encrypted where the server can, without a look at its certificate."""
        for name, parameters in {"default": "", "prefer": "sslmode=prefer"}.items():
            node = self.node(name, parameters)
            try:
                node.wait()
                until(lambda: self.server.sql(ENCRYPTED) == "t|t", "encrypted connections, and nothing else")
            finally:
                self.assertEqual(node.stop(), 0)
        until(lambda: self.server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") == "0", "the end")

    def test_another_authority_is_refused_with_clear_words(self):
        said = self.refused("other", f"sslmode=verify-full&sslrootcert={self.folder}/other.pem")
        self.assertIn("certificate", said)
        self.assertIn("sslrootcert", said)

    def test_another_name_is_refused(self):
        said = self.refused("name", f"sslmode=verify-full&sslrootcert={self.folder}/ca.pem", host="localhost")
        self.assertIn("names the host of the dsn", said)

    def test_a_file_that_is_not_there_is_said(self):
        said = self.refused("file", f"sslmode=verify-full&sslrootcert={self.folder}/none.pem")
        self.assertIn("Check sslrootcert", said)

    def test_without_tls_the_server_refuses(self):
        self.assertIn("no encryption", self.refused("clear", "sslmode=disable"))


if __name__ == "__main__":
    main()
