"""Three nodes on one PostgreSQL behind nginx. What one changes, all see."""

import contextlib
import json
import os
import selectors
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from surroundings import PATIENCE, main, own_port, until

PROGRAM = os.environ["SESSERA"]
# Where the cluster is, and how it is stopped and started.
PORT = int(os.environ["POSTGRES_PORT"])
CONTROL = json.loads(os.environ["POSTGRES_CONTROL"])
# Seconds after which no node answers with what it remembers of a session that was changed elsewhere, however
# slow the machine is: it asks the database as soon as it cannot be sure to have heard of all changes.
BOUND = 1.0
# Under which all nodes are known, and who issues their tokens. Nobody asks there.
BASE = "http://id.example.org/"
PASSWORD = "Zx-long-enough-1234"


def sql(statement, database="postgres"):
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]
    url = f"postgres://sessera@127.0.0.1:{PORT}/{database}"
    return subprocess.run([*command, url], check=True, capture_output=True, text=True).stdout.strip()


def control(what):
    command = [CONTROL["program"], what, "--wait", "--timeout=60", "--mode=fast", "--silent"]
    command += ["--pgdata", CONTROL["folder"], "--log", CONTROL["folder"] + "/log"]
    owner = CONTROL["owner"]
    who = {"user": owner[0], "group": owner[1], "extra_groups": []} if owner else {}
    subprocess.run(command, check=True, cwd="/", **who)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers = status, headers
        try:
            self.body = json.loads(body)
        except ValueError:
            self.body = body


def call(url, method="GET", body=None, token=None):
    request = urllib.request.Request(url, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("X-Session-Token", token)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, answer.headers, answer.read())
    except (OSError, ConnectionError) as error:
        return Answer(0, {}, str(error))


class Proxy:
    """A proxy in front of PostgreSQL that can stand still without a word, or take its time."""

    def __init__(self, target=PORT):
        self.target = target
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        # The connections that stand still, which are none, "lines" (those that listen), or "all".
        self.frozen = None
        self.delay = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.server.accept()
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        listens = False
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self.target)) as server:
            selector = selectors.DefaultSelector()
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    from_client = key.fileobj is client
                    listens = listens or (from_client and b"LISTEN" in data)
                    came = time.monotonic()
                    while from_client and time.monotonic() < came + self.delay:
                        time.sleep(0.01)
                    while self.frozen == "all" or (self.frozen == "lines" and listens):
                        time.sleep(0.01)
                    key.data.sendall(data)


class Node:
    """A running server."""

    def __init__(self, folder, name, database, port=PORT, more=None, **session):
        self.public, self.admin = own_port(), own_port()
        dsn = f"postgres://app@127.0.0.1:{port}/{database}?sslmode=disable&max_conns=4"
        self.config = {
            "dsn": dsn,
            "secrets": {"cipher": ["a cipher secret for three nodes!"], "cookie": ["a cookie secret for three nodes!"]},
            "serve": {
                "public": {"port": self.public, "base_url": BASE},
                "admin": {"port": self.admin},
            },
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
            "session": session,
            **(more or {}),
        }
        self.file = os.path.join(folder, f"{name}.yml")
        with open(self.file, "w") as file:
            json.dump(self.config, file)
        self.log = open(os.path.join(folder, f"{name}.log"), "ab")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "-c", self.file], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )

    def wait(self):
        until(lambda: call(f"http://127.0.0.1:{self.public}/health/ready").status == 200, "readiness")

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=PATIENCE)
        self.log.close()
        return code

    def ask(self, path, method="GET", body=None, token=None):
        return call(f"http://127.0.0.1:{self.public}{path}", method, body, token)

    def manage(self, path, method="GET", body=None):
        return call(f"http://127.0.0.1:{self.admin}{path}", method, body)

    def metric(self, line):
        """A number from the metrics, or None when it is not there."""
        lines = self.manage("/metrics/prometheus").body
        # An answer that cannot be parsed as JSON stays as it came.
        found = [text for text in lines.decode().splitlines() if text.startswith(line + " ")]
        return float(found[0].rsplit(" ", 1)[1]) if found else None

    def whoami(self, token, template=None):
        query = f"?tokenize_as={template}" if template else ""
        return self.ask(f"/sessions/whoami{query}", token=token)

    def person(self, email):
        body = {"traits": {"email": email}, "credentials": {"password": {"config": {"password": PASSWORD}}}}
        answer = self.manage("/admin/identities", "POST", body)
        assert answer.status == 201, answer.body
        return answer.body["id"]

    def sign_in(self, email):
        flow = self.ask("/self-service/login/api").body["id"]
        body = {"method": "password", "identifier": email, "password": PASSWORD}
        answer = self.ask(f"/self-service/login?flow={flow}", "POST", body)
        assert answer.status == 200, answer.body
        return answer.body["session_token"], answer.body["session"]["id"]


def claims(token):
    import base64

    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def kid(token):
    import base64

    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["kid"]


def patch(path, value):
    return [{"op": "add", "path": f"/services/identity/config{path}", "value": value}]


def setUpModule():
    sql("CREATE ROLE app LOGIN")


class ThreeNodes(unittest.TestCase):
    """All tests share one cluster, one database and three nodes. The third node reaches the database through a proxy."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sessera-nodes-")
        sql("CREATE DATABASE nodes OWNER app")
        cls.proxy = Proxy()
        cls.nodes = [
            Node(cls.folder, "one", "nodes"),
            Node(cls.folder, "two", "nodes"),
            Node(cls.folder, "three", "nodes", port=cls.proxy.port),
        ]
        for node in cls.nodes:
            node.wait()
        cls.balancer = cls.start_nginx()
        cls.number = 0
        project = cls.nodes[0].manage("/projects").body
        cls.project = f"/projects/{project[0]['id']}"
        node = cls.nodes[0]
        made = node.manage("/admin/keys/nodes", "POST", {"alg": "ES256", "use": "sig", "kid": "first"})
        assert made.status == 201, made.body
        template = {"ttl": "10m", "jwks_url": "set://nodes"}
        answer = node.manage(
            cls.project, "PATCH", patch("/session/whoami/tokenizer/templates/nodes", template)
        )
        assert answer.status == 200, answer.body

    @classmethod
    def start_nginx(cls):
        cls.front = own_port()
        upstreams = "".join(f"server 127.0.0.1:{node.public};" for node in cls.nodes)
        config = f"""
            daemon off; pid {cls.folder}/nginx.pid; error_log {cls.folder}/nginx.log;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path {cls.folder}; proxy_temp_path {cls.folder};
                fastcgi_temp_path {cls.folder}; uwsgi_temp_path {cls.folder}; scgi_temp_path {cls.folder};
                upstream nodes {{ {upstreams} }}
                server {{ listen 127.0.0.1:{cls.front}; location / {{ proxy_pass http://nodes; }} }}
            }}"""
        file = os.path.join(cls.folder, "nginx.conf")
        with open(file, "w") as out:
            out.write(config)
        balancer = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", file, "-e", "stderr"])
        until(lambda: call(f"http://127.0.0.1:{cls.front}/health/alive").status == 200, "nginx")
        return balancer

    @classmethod
    def tearDownClass(cls):
        cls.proxy.frozen, cls.proxy.delay = None, 0
        cls.balancer.terminate()
        cls.balancer.wait(timeout=PATIENCE)
        codes = [node.stop() for node in cls.nodes]
        assert codes == [0, 0, 0], codes
        shutil.rmtree(cls.folder)

    def signed_in(self):
        """A new person, whose session all nodes have in memory."""
        type(self).number += 1
        email = f"person{self.number}@example.org"
        identity = self.nodes[0].person(email)
        token, session = self.nodes[1].sign_in(email)
        for node in self.nodes:
            until(lambda: node.whoami(token).status == 200, "a good session")
            self.assertEqual(node.whoami(token).status, 200)
        return identity, token, session

    def all_see(self, condition, what):
        """Every node sees it in the end."""
        for node in self.nodes:
            until(lambda: condition(node), what)

    def none_takes(self, token, is_old=lambda body: True):
        """From the bound on no node answers with a session that is old; those that cannot know say so."""
        changed = time.monotonic()
        until(lambda: time.monotonic() > changed + BOUND, "the bound")
        for node in self.nodes:
            answer = node.whoami(token)
            self.assertIn(answer.status, (200, 401, 503), answer.body)
            self.assertFalse(answer.status == 200 and is_old(answer.body), f"node {self.nodes.index(node) + 1}")

    def tokenized(self, node, token):
        """A token of the template; none when the node cannot make one for the moment."""
        answer = node.whoami(token, "nodes")
        return answer.body["tokenized"] if answer.status == 200 else None

    def ttl(self, node, token):
        """The seconds that tokens of the template live on a node."""
        jwt = self.tokenized(node, token)
        made = claims(jwt) if jwt else {"iat": 0, "exp": 0}
        return made["exp"] - made["iat"]

    def revoke(self, session, by=0):
        answer = self.nodes[by].manage(f"/admin/sessions/{session}", "DELETE")
        self.assertEqual(answer.status, 204, answer.body)

    def test_signing_in_on_one_and_asking_another_works_at_once(self):
        self.nodes[0].person("anywhere@example.org")
        for node in self.nodes:
            token, _ = node.sign_in("anywhere@example.org")
            for other in self.nodes:
                answer = other.whoami(token, "nodes")
                self.assertEqual(answer.status, 200, answer.body)
                self.assertIn("tokenized", answer.body)

    def test_the_load_balancer_may_send_every_request_elsewhere(self):
        self.nodes[0].person("balanced@example.org")
        front = f"http://127.0.0.1:{self.front}"
        for _ in range(6):
            flow = call(f"{front}/self-service/login/api").body["id"]
            body = {"method": "password", "identifier": "balanced@example.org", "password": PASSWORD}
            answer = call(f"{front}/self-service/login?flow={flow}", "POST", body)
            self.assertEqual(answer.status, 200, answer.body)
            token = answer.body["session_token"]
            self.assertEqual(call(f"{front}/sessions/whoami?tokenize_as=nodes", token=token).status, 200)

    def test_a_revoked_session_ends_everywhere(self):
        for by in range(3):
            _, token, session = self.signed_in()
            self.revoke(session, by)
            self.none_takes(token)
            self.all_see(lambda node: node.whoami(token).status == 401, "the revocation")

    def test_a_changed_identity_is_seen_everywhere(self):
        identity, token, _ = self.signed_in()
        change = [{"op": "replace", "path": "/metadata_public", "value": {"plan": "pro"}}]
        answer = self.nodes[2].manage(f"/admin/identities/{identity}", "PATCH", change)
        self.assertEqual(answer.status, 200, answer.body)
        is_old = lambda body: body["identity"]["metadata_public"] != {"plan": "pro"}
        self.none_takes(token, is_old)
        plan = lambda node: (a := node.whoami(token)).status == 200 and not is_old(a.body)
        self.all_see(plan, "the new metadata")
        disable = [{"op": "replace", "path": "/state", "value": "inactive"}]
        answer = self.nodes[1].manage(f"/admin/identities/{identity}", "PATCH", disable)
        self.assertEqual(answer.status, 200, answer.body)
        self.none_takes(token)
        self.all_see(lambda node: node.whoami(token).status == 401, "the disabled identity")

    def test_a_changed_template_is_seen_everywhere(self):
        _, token, _ = self.signed_in()
        path = "/session/whoami/tokenizer/templates/nodes/ttl"
        for by, ttl in [(0, 60), (1, 120), (2, 600)]:
            answer = self.nodes[by].manage(self.project, "PATCH", patch(path, f"{ttl}s"))
            self.assertEqual(answer.status, 200, answer.body)

            self.all_see(lambda node: self.ttl(node, token) == ttl, "the template")

    def test_a_changed_key_set_is_seen_everywhere(self):
        _, token, _ = self.signed_in()
        for by, name in [(1, "second"), (2, "third")]:
            made = self.nodes[by].manage("/admin/keys/nodes", "POST", {"alg": "ES256", "use": "sig", "kid": name})
            self.assertEqual(made.status, 201, made.body)
            old = "first" if name == "second" else "second"
            gone = self.nodes[by].manage(f"/admin/keys/nodes/{old}", "DELETE")
            self.assertEqual(gone.status, 204, gone.body)
            signed = lambda node: (jwt := self.tokenized(node, token)) and kid(jwt) == name
            self.all_see(signed, "the key")

    def test_a_killed_line_hides_nothing(self):
        for _ in range(3):
            _, token, session = self.signed_in()
            sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = 'nodes' AND query LIKE '%pg_notify%'"
            )
            self.revoke(session)
            self.none_takes(token)
            self.all_see(lambda node: node.whoami(token).status == 401, "the revocation")

    def test_a_line_that_freezes_silently_hides_nothing(self):
        _, token, session = self.signed_in()
        _, other, _ = self.signed_in()
        self.proxy.frozen = "lines"
        try:
            self.revoke(session)
            self.none_takes(token)
            self.all_see(lambda node: node.whoami(token).status == 401, "the revocation")
            until(lambda: self.nodes[2].whoami(other).status == 200, "the others go on")
            path = "/session/whoami/tokenizer/templates/nodes/ttl"
            answer = self.nodes[0].manage(self.project, "PATCH", patch(path, "30s"))
            self.assertEqual(answer.status, 200, answer.body)
            self.all_see(lambda node: self.ttl(node, other) == 30, "the template")
        finally:
            self.proxy.frozen = None

    def test_a_database_that_freezes_silently_hides_nothing(self):
        _, token, session = self.signed_in()
        _, other, _ = self.signed_in()
        self.proxy.frozen = "all"
        try:
            self.revoke(session)
            self.none_takes(token)
            # Who would wait for the database would get no answer at all.
            answer = self.nodes[2].whoami(other)
            self.assertEqual(answer.status, 503, answer.body)
            self.assertTrue(int(answer.headers["Retry-After"]) >= 1)
        finally:
            self.proxy.frozen = None
        until(lambda: self.nodes[2].whoami(other).status == 200, "recovery")
        self.assertEqual(self.nodes[2].whoami(token).status, 401)

    def test_a_slow_database_is_not_waited_for_without_end(self):
        _, token, _ = self.signed_in()
        # Whoever waited for it would not be answered before the client gives up.
        self.proxy.delay = 2 * PATIENCE
        try:
            answer = until(lambda: (a := self.nodes[2].whoami(token)).status != 200 and a, "the end of the trust")
            self.assertEqual(answer.status, 503, answer.body)
            self.assertEqual(self.nodes[2].whoami(token).status, 503)
        finally:
            self.proxy.delay = 0
        until(lambda: self.nodes[2].whoami(token).status == 200, "recovery")

    def test_metrics_tell_of_the_pool_and_the_clock(self):
        _, token, _ = self.signed_in()
        node = self.nodes[2]
        self.assertEqual(node.metric('sessera_store_connections{pool="primary",state="most"}'), 4)
        until(lambda: node.metric('sessera_store_waiting{pool="primary"}') == 0, "a place for everybody")
        until(lambda: node.metric("sessera_line_trusted") == 1, "the trust")
        # Both clocks are this machine's. The question and the answer take a moment, which is never nothing.
        self.assertLess(abs(node.metric("sessera_clock_difference_seconds")), PATIENCE)
        self.assertNotEqual(node.metric("sessera_clock_difference_seconds"), 0)
        asked_enough = threading.Event()

        def ask():
            while not asked_enough.is_set():
                node.whoami(token)

        self.proxy.delay = 2
        askers = [threading.Thread(target=ask) for _ in range(12)]
        try:
            until(lambda: node.metric("sessera_line_trusted") == 0, "the end of the trust")
            for asker in askers:
                asker.start()
            until(lambda: node.metric('sessera_store_waiting{pool="primary"}') > 0, "somebody who waits")
            until(lambda: node.metric('sessera_store_failures_total{operation="session"}'), "somebody who waited too long")
        finally:
            self.proxy.delay = 0
            asked_enough.set()
            for asker in askers:
                if asker.ident:
                    asker.join()
        until(lambda: node.metric('sessera_store_waiting{pool="primary"}') == 0, "recovery")
        self.assertGreater(node.metric('sessera_store_connections{pool="primary",state="idle"}'), 0)

    def test_a_database_out_of_connections_is_waited_for(self):
        _, token, _ = self.signed_in()
        sql("ALTER ROLE app CONNECTION LIMIT 0")
        try:
            sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
            for node in self.nodes:
                answer = until(lambda: (a := node.whoami(token)).status != 200 and a, "the shortage")
                self.assertEqual(answer.status, 503, answer.body)
                self.assertTrue(answer.headers["Retry-After"])
                self.assertEqual(node.ask("/health/ready").status, 503)
                self.assertEqual(node.ask("/health/alive").status, 200)
        finally:
            sql("ALTER ROLE app CONNECTION LIMIT -1")
        for node in self.nodes:
            until(lambda: node.whoami(token).status == 200, "recovery")

    def test_a_restarted_database_is_found_again(self):
        _, token, session = self.signed_in()
        _, other, _ = self.signed_in()
        control("stop")
        try:
            for node in self.nodes:
                answer = until(lambda: (a := node.whoami(other)).status != 200 and a, "the outage")
                self.assertEqual(answer.status, 503, answer.body)
                self.assertTrue(answer.headers["Retry-After"])
        finally:
            control("start")
        for node in self.nodes:
            until(lambda: node.whoami(other).status == 200, "recovery")
        self.revoke(session)
        self.none_takes(token)
        self.all_see(lambda node: node.whoami(token).status == 401, "the revocation")


class Alone(unittest.TestCase):
    """What one node says before it starts, and what it does without its database."""

    def test_missing_secrets_are_asked_for_with_a_ready_configuration(self):
        sql("CREATE DATABASE bare")
        dsn = f"postgres://sessera@127.0.0.1:{PORT}/bare?sslmode=disable"
        environment = {"DSN": dsn, "SERVE_PUBLIC_PORT": "0", "SERVE_ADMIN_PORT": "0"}
        run = subprocess.run(
            [PROGRAM, "serve"], env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
        self.assertNotEqual(run.returncode, 0)
        self.assertRegex(run.stderr, r'secrets:\n  cipher: \["[\w-]{32}"\]\n  cookie: \["[\w-]{32}"\]')

    def test_a_session_in_memory_outlives_the_database_as_long_as_allowed(self):
        sql("CREATE DATABASE stale OWNER app")
        proxy = Proxy()
        folder = tempfile.mkdtemp(prefix="sessera-stale-")
        node = Node(folder, "stale", "stale", port=proxy.port, cache={"max_stale": "15s"})
        try:
            node.wait()
            node.person("stale@example.org")
            token, _ = node.sign_in("stale@example.org")
            hits = "sessera_session_cache_hits_total"
            # On a busy machine a heartbeat may be late, and then nothing is kept in memory.
            until(lambda: node.whoami(token).status == 200 and node.metric(hits), "an answer from memory")
            proxy.frozen = "all"
            until(lambda: node.metric("sessera_line_trusted") == 0, "the end of the trust")
            self.assertEqual(node.whoami(token).status, 200, "it is kept for longer than that")
            answer = until(lambda: (a := node.whoami(token)).status != 200 and a, "the end")
            self.assertEqual(answer.status, 503, answer.body)
            self.assertEqual(node.ask("/self-service/login/api").status, 503)
        finally:
            proxy.frozen = None
            node.stop()
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
