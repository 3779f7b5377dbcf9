"""Nodes on one PostgreSQL in front of an upstream that keeps the sessions. What one node forgets, all do."""

import http.server
import json
import tempfile
import threading
import unittest
import uuid

from surroundings import main, until
from test_nodes import Node, sql


class Upstream:
    """A Kratos as far as whoami and signing out need it. It notes how often it is asked about each token."""

    def __init__(self):
        self.sessions, self.asked = {}, {}
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body):
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self):
                token = self.headers.get("X-Session-Token")
                upstream.asked[token] = upstream.asked.get(token, 0) + 1
                session = upstream.sessions.get(token)
                self.answer(200, session) if session else self.answer(401, {"error": {"code": 401}})

            def do_DELETE(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.answer(200, {})

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def sign_in(self, token, identity):
        self.sessions[token] = {
            "id": str(uuid.uuid4()),
            "active": True,
            "expires_at": "2100-01-01T00:00:00Z",
            "identity": {"id": identity, "traits": {}},
        }
        return self.sessions[token]["id"]


class TwoNodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sql("DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        sql("CREATE DATABASE upstream OWNER app")
        cls.upstream = Upstream()
        folder = tempfile.mkdtemp(prefix="sessera-nodes-")

        def node(name, ttl):
            session = {"upstream": {"url": cls.upstream.url, "admin_url": cls.upstream.url, "ttl": ttl}}
            return Node(folder, name, "upstream", **session)

        # What is kept is kept for longer than any test runs, so only another node can have it forgotten.
        cls.nodes = [node(name, "1h") for name in ["one", "two"]]
        # This one asks again soon.
        cls.asking = node("asking", "1s")
        for started in [*cls.nodes, cls.asking]:
            started.wait()

    @classmethod
    def tearDownClass(cls):
        assert [node.stop() for node in [*cls.nodes, cls.asking]] == [0, 0, 0]

    def signed_in(self, identity=None):
        """A token of a session that both nodes keep, its session and its identity."""
        token, identity = uuid.uuid4().hex, identity or str(uuid.uuid4())
        session = self.upstream.sign_in(token, identity)
        for node in self.nodes:
            self.assertEqual(node.whoami(token).status, 200)
        return token, session, identity

    def seen_by_both(self, token, act):
        """The session ends by what one node does, and both see it."""
        one, two = self.nodes
        del self.upstream.sessions[token]
        self.assertEqual([node.whoami(token).status for node in self.nodes], [200, 200], "nobody has said so yet")
        act(one)
        self.assertEqual(one.whoami(token).status, 401)
        until(lambda: two.whoami(token).status == 401, "the other node hears of it")

    def test_a_request_that_one_node_passes_on(self):
        token, _, identity = self.signed_in()
        other, _, _ = self.signed_in(identity)
        stranger, _, _ = self.signed_in()
        del self.upstream.sessions[other]
        asked = self.upstream.asked[stranger]
        self.seen_by_both(token, lambda node: node.ask("/sessions", "DELETE", token=token))
        until(lambda: self.nodes[1].whoami(other).status == 401, "all sessions of the person are forgotten")
        self.assertEqual([node.whoami(stranger).status for node in self.nodes], [200, 200])
        self.assertEqual(self.upstream.asked[stranger], asked, "nobody else is asked about again")

    def test_a_refusal_that_one_node_hears_of(self):
        token, _, _ = self.signed_in()
        stranger, _, _ = self.signed_in()
        self.assertEqual(self.asking.whoami(token).status, 200)
        asked = self.upstream.asked[stranger]
        del self.upstream.sessions[token]
        until(lambda: self.asking.whoami(token).status == 401, "the node that asks again is told")
        for node in self.nodes:
            until(lambda node=node: node.whoami(token).status == 401, "the others hear of it")
        self.assertEqual([node.whoami(stranger).status for node in self.nodes], [200, 200])
        self.assertEqual(self.upstream.asked[stranger], asked, "nobody else is asked about again")

    def test_an_operator_s_call_that_one_node_passes_on(self):
        token, session, _ = self.signed_in()
        self.seen_by_both(token, lambda node: node.manage(f"/admin/sessions/{session}", "DELETE"))

    def test_a_back_end_that_says_so(self):
        for which in [1, 2]:
            signed_in = self.signed_in()
            name = {1: "session_id", 2: "identity_id"}[which]
            body = {name: signed_in[which]}
            self.seen_by_both(signed_in[0], lambda node, body=body: node.manage("/admin/upstream/forget", "POST", body))


if __name__ == "__main__":
    main()
