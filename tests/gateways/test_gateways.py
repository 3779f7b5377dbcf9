"""Apps behind real proxies: nginx, Caddy, HAProxy, and Envoy over gRPC and HTTP, each asking a real Sessera."""

import http.client
import os
import signal
import socket
import tempfile
import threading
import unittest

import proxies
from surroundings import PATIENCE, main, until
from surroundings_of_gateways import (
    FETCH, HEADERS, PAGE, App, Gateway, Pretended, ask, claims, listens, own_port,
)

# What the app must never see of a client's own.
EVIL = "evil"
# What a client of WebSockets sends (RFC 6455, section 1.2).
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
# How often each connection asks while Sessera starts anew, and how many there are.
ROUNDS, CONNECTIONS = 150, 4


def setUpModule():
    global ports, folder, sessera, app, ada
    folder = tempfile.TemporaryDirectory()
    ports = {(kind, route): own_port() for kind in KINDS for route in ("api", "open", "strong")}
    app = App()
    sessera = Gateway(folder.name, ports.values())
    ada = sessera.person("ada@example.org")


def tearDownModule():
    sessera.stop()
    app.stop()
    folder.cleanup()


def plain(name):
    """A name as apps read it that take underscores for hyphens."""
    return name.lower().replace("_", "-")


def seen(headers, name):
    """All values of a header that an app may take for it."""
    return [value for known, value in headers if plain(known) == name.lower()]


class Cases:
    """What must be so behind every proxy."""

    @classmethod
    def setUpClass(cls):
        cls.running = {}
        for route in ("api", "open", "strong"):
            place = os.path.join(folder.name, f"{cls.kind.name}-{route}")
            cls.running[route] = cls.kind(sessera, place, route, app.port, ports[cls.kind, route])
        for route, proxy in cls.running.items():
            until(lambda proxy=proxy: ask(proxy.port, headers=FETCH).status < 500, f"{cls.kind.name} with {route}")

    @classmethod
    def tearDownClass(cls):
        for proxy in cls.running.values():
            proxy.stop()

    def setUp(self):
        if not listens(sessera.gateway):
            sessera.start()
        app.reached.clear()
        self.port = self.running["api"].port

    def assertPassed(self, answer, sub=None):
        """The request reached the app with the headers of its owner, and nothing else that looks like them."""
        self.assertEqual(answer.status, 200, answer)
        headers = answer.json()["headers"]
        self.assertEqual(len(seen(headers, "Authorization")), 1, headers)
        token = claims(seen(headers, "Authorization")[0])
        self.assertEqual(token["sub"], sub or ada)
        self.assertEqual(seen(headers, "X-User-Id"), [token["sub"]], headers)
        self.assertEqual(seen(headers, "X-User-Email"), [token["email"]], headers)
        self.assertNotIn("ory_kratos_session", str(headers))
        self.assertFalse("".join(seen(headers, "X-Session-Token")), headers)
        return headers

    def assertAnonymous(self, answer):
        """The request reached the app, and says nothing of anybody."""
        self.assertEqual(answer.status, 200, answer)
        headers = answer.json()["headers"]
        for name in ["Authorization", "X-Session-Token", *HEADERS]:
            self.assertFalse("".join(seen(headers, name)), headers)

    def test_who_is_signed_in_reaches_the_app_with_a_token(self):
        cookie, _ = sessera.cookie("ada@example.org")
        headers = self.assertPassed(ask(self.port, headers=PAGE | {"Cookie": f"theme=dark; {cookie}; b=2"}))
        self.assertEqual(seen(headers, "Cookie"), ["theme=dark; b=2"])
        token = sessera.token("ada@example.org")
        self.assertPassed(ask(self.port, headers=FETCH | {"X-Session-Token": token}))
        self.assertPassed(ask(self.port, headers=FETCH | {"Authorization": f"Bearer {token}"}))
        self.assertPassed(ask(self.port, path="/a%20b?c=d&e=/f", headers=FETCH | {"X-Session-Token": token}))
        self.assertEqual(app.reached[-1][1], "/a%20b?c=d&e=/f")

    def test_a_browser_signs_in_and_comes_back(self):
        answer = ask(self.port, path="/inbox?x=1&y=2", headers=PAGE)
        self.assertIn(answer.status, (302, 303), answer)
        self.assertFalse(app.reached)
        cookie, back = sessera.cookie("ada@example.org", answer.headers["Location"])
        self.assertEqual(back, f"http://127.0.0.1:{self.port}/inbox?x=1&y=2")
        self.assertPassed(ask(self.port, path="/inbox?x=1&y=2", headers=PAGE | {"Cookie": cookie}))

    def test_a_script_is_refused(self):
        for headers in (FETCH, PAGE | {"X-Requested-With": "XMLHttpRequest"}, PAGE | {"Sec-Fetch-Mode": "cors"}):
            answer = ask(self.port, headers=headers)
            self.assertEqual(answer.status, 401, answer)
            self.assertEqual(answer.json()["error"]["code"], 401)
        self.assertFalse(app.reached)

    def test_a_second_factor_is_asked_for(self):
        port, (cookie, _) = self.running["strong"].port, sessera.cookie("ada@example.org")
        answer = ask(port, path="/vault", headers=PAGE | {"Cookie": cookie})
        self.assertIn(answer.status, (302, 303), answer)
        self.assertIn("aal=aal2", answer.headers["Location"])
        self.assertIn("return_to=", answer.headers["Location"])
        answer = ask(port, headers=FETCH | {"Cookie": cookie})
        self.assertEqual(answer.status, 403, answer)
        self.assertFalse(app.reached)

    def test_a_revoked_session_opens_nothing(self):
        bob = sessera.person(f"bob-{self.kind.name}@example.org")
        token = sessera.token(f"bob-{self.kind.name}@example.org")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        for _ in range(3):
            self.assertPassed(ask(self.port, headers=FETCH | {"X-Session-Token": token}, connection=connection), bob)
        sessera.revoke(bob)
        app.reached.clear()
        self.assertEqual(ask(self.port, headers=FETCH | {"X-Session-Token": token}, connection=connection).status, 401)
        self.assertFalse(app.reached)
        connection.close()

    def test_nobody_smuggles_headers(self):
        token = sessera.token("ada@example.org")
        own = ("X-Session-Token", token)
        names = ["Authorization", "X-User-Id", "X-User_Id", "x_user_id", "X-User-Email", "X_User-Email"]
        for name in names:
            for lines in ([(name, EVIL)], [(name, EVIL), (name, EVIL)], [(name, "")], [(name, EVIL * 4096)]):
                with self.subTest(name=name, lines=len(lines), length=len(lines[0][1])):
                    answer = ask(self.port, headers=[*FETCH.items(), own, *lines])
                    if answer.status < 400:
                        self.assertPassed(answer)
                    answer = ask(self.running["open"].port, headers=[*FETCH.items(), *lines])
                    # Where nobody is signed in, an app may have headers of its own.
                    if answer.status < 400:
                        self.assertAnonymous(answer)
                    self.assertNotIn(EVIL * 2, str(app.reached))

    def test_a_client_cannot_choose_how_it_is_judged(self):
        asked = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "PUT")]
        for name in ("X-Forwarded-Method", "X-Original-Method", "X-Forwarded_Method", "X-HTTP-Method-Override"):
            answer = ask(self.port, headers=[*FETCH.items(), *asked, (name, "OPTIONS")])
            self.assertEqual(answer.status, 401, (name, answer))
        lies = [("X-Original-URL", "https://evil.example/"), ("X-Forwarded-Uri", "/evil"), ("X-Forwarded-Host", "evil.example")]
        answer = ask(self.port, path="/here", headers=[*PAGE.items(), *lies])
        self.assertNotIn("evil", answer.headers["Location"], answer)
        self.assertFalse(app.reached)

    def test_a_preflight_reaches_the_app_as_nobody(self):
        asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
        self.assertAnonymous(ask(self.port, "OPTIONS", headers=FETCH | asked | {"X-User-Id": EVIL}))
        self.assertEqual(ask(self.port, "OPTIONS", headers=FETCH).status, 401)
        # On the connection of another protocol nobody would be asked about again.
        other = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
        self.assertEqual(ask(self.port, "OPTIONS", headers=FETCH | asked | other).status, 401)
        self.assertEqual(len(app.reached), 1)

    def upgraded(self, headers):
        """Asks for a WebSocket. Returns the first line of the answer; a wire that is upgraded must echo."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as wire:
            head = {"Host": f"127.0.0.1:{self.port}", "Upgrade": "websocket", "Connection": "Upgrade",
                    "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY} | headers
            lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            wire.sendall(f"GET /chat HTTP/1.1\r\n{lines}\r\n".encode())
            file = wire.makefile("rb")
            status = file.readline()
            if b"101" in status:
                while file.readline().strip():
                    pass
                wire.sendall(b"over the wire\n")
                self.assertEqual(file.readline(), b"over the wire\n")
            return status

    def test_an_upgrade_is_judged_like_all_else(self):
        token = sessera.token("ada@example.org")
        # Whatever a client of WebSockets takes, it opens no page.
        for headers, status in (({}, b"401"), (PAGE, b"401"), ({"X-Session-Token": token}, b"101")):
            self.assertIn(status, self.upgraded(headers))
        self.assertEqual(len(app.reached), 1)
        self.assertEqual(seen(app.reached[0][2], "X-User-Id"), [ada])

    def test_no_other_protocol_gets_to_the_app(self):
        token = sessera.token("ada@example.org")
        for protocol in ("h2c", "websocket, h2c", "h2c, websocket"):
            told = self.upgraded({"X-Session-Token": token, "Upgrade": protocol, "HTTP2-Settings": "AAMAAABkAAQAAP__"})
            self.assertNotIn(b"101", told, protocol)
        self.assertFalse([headers for _, _, headers in app.reached if seen(headers, "Upgrade")])

    def test_a_client_cannot_take_headers_from_the_app(self):
        token = sessera.token("ada@example.org")
        # What Connection names goes no further than one proxy, as HTTP has it; what Sessera says has to all the same.
        for named in (["x-user-id"], ["close, X-User-Id, X-User-Email, Authorization"], ["keep-alive", "x-user-email"]):
            with self.subTest(named=named):
                lines = [("Connection", value) for value in named]
                self.assertPassed(ask(self.port, headers=[*FETCH.items(), ("X-Session-Token", token), *lines]))
                # An app that is a proxy itself would take it away.
                self.assertNotIn("user", str(seen(app.reached[-1][2], "Connection")).lower())
        app.reached.clear()
        self.assertIn(b"101", self.upgraded({"X-Session-Token": token, "Connection": "Upgrade, x-user-id"}))
        self.assertEqual(seen(app.reached[0][2], "X-User-Id"), [ada])

    def test_a_large_body_goes_through(self):
        token = sessera.token("ada@example.org")
        body = b"x" * (5 << 20)
        answer = ask(self.port, "POST", "/upload", FETCH | {"X-Session-Token": token}, body)
        self.assertPassed(answer)
        self.assertEqual(answer.json()["length"], len(body))

    def test_without_sessera_nobody_reaches_the_app(self):
        token = sessera.token("ada@example.org")
        self.assertPassed(ask(self.port, headers=FETCH | {"X-Session-Token": token}))
        sessera.stop()
        app.reached.clear()
        for headers in (FETCH, PAGE, FETCH | {"X-Session-Token": token}):
            for route in ("api", "open"):
                answer = ask(self.running[route].port, headers=headers)
                self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "1"), answer)
        self.assertFalse(app.reached)
        sessera.start()
        until(
            lambda: ask(self.port, headers=FETCH | {"X-Session-Token": token}).status == 200,
            "an answer after Sessera came back",
        )

    def test_while_sessera_hangs_nobody_reaches_the_app(self):
        token = sessera.token("ada@example.org")
        self.assertPassed(ask(self.port, headers=FETCH | {"X-Session-Token": token}))
        app.reached.clear()
        # It takes connections still, and says nothing more. The proxy has to give up by itself.
        sessera.process.send_signal(signal.SIGSTOP)
        try:
            # The signal has come to all threads.
            os.waitid(os.P_PID, sessera.process.pid, os.WSTOPPED)
            for route in ("api", "open"):
                answer = ask(self.running[route].port, headers=FETCH | {"X-Session-Token": token})
                self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "1"), answer)
        finally:
            sessera.process.send_signal(signal.SIGCONT)
        self.assertFalse(app.reached)
        until(
            lambda: ask(self.port, headers=FETCH | {"X-Session-Token": token}).status == 200,
            "an answer after Sessera went on",
        )

    def test_a_gateway_that_is_busy_says_when_to_ask_again(self):
        if self.kind is proxies.Envoy:
            self.skipTest("over gRPC it stands in the message, which test_dialects.py reads")
        busy = Pretended(503, [("Retry-After", "7")])
        place = os.path.join(folder.name, f"{self.kind.name}-busy")
        proxy = self.kind(sessera, place, "api", app.port, gateway=busy.port)
        when = "7" if self.kind.tells_when else "1"
        try:
            until(lambda: ask(proxy.port, headers=FETCH).headers["Retry-After"] == when, "the answer of the gateway")
            answer = ask(proxy.port, headers=FETCH)
            self.assertEqual(answer.status, 503, answer)
        finally:
            proxy.stop()
            busy.stop()
        self.assertFalse(app.reached)

    def test_what_is_broken_is_told_with_its_reason(self):
        token = sessera.token("ada@example.org")
        proxy = self.kind(sessera, os.path.join(folder.name, f"{self.kind.name}-long"), "long", app.port)
        try:
            until(lambda: ask(proxy.port, headers=FETCH).status == 401, "an answer of the gateway")
            answer = ask(proxy.port, headers=FETCH | {"X-Session-Token": token})
        finally:
            proxy.stop()
        self.assertFalse(app.reached)
        if self.kind.tells_faults:
            # It does not pass by itself, so nobody is told when to try again.
            self.assertEqual((answer.status, answer.headers["Retry-After"]), (500, None), answer)
            self.assertIn('template "long"', answer.json()["error"]["reason"])
        else:
            self.assertEqual(answer.status, 503, answer)

    def test_cookies_of_an_upstream_reach_the_client(self):
        if self.kind is proxies.Envoy:
            self.skipTest("over gRPC they stand in the message")
        promised = ["Authorization", "Cookie", "X-Session-Token", "X-Session-Cookie", *HEADERS]
        cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")]
        gateway = Pretended(200, [*[(name, "") for name in promised], *cookies])
        place = os.path.join(folder.name, f"{self.kind.name}-cookies")
        proxy = self.kind(sessera, place, "api", app.port, gateway=gateway.port)
        try:
            until(lambda: ask(proxy.port, headers=FETCH).status == 200, "the answer of the app")
            answer = ask(proxy.port, headers=FETCH)
        finally:
            proxy.stop()
            gateway.stop()
        self.assertEqual(answer.headers.get_all("Set-Cookie", []), [value for _, value in cookies][: self.kind.cookies])

    def test_connections_live_on_while_sessera_starts_anew(self):
        token = sessera.token("ada@example.org")
        outcomes, wrong = [], []

        def load():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            for _ in range(ROUNDS):
                try:
                    answer = ask(self.port, headers=FETCH | {"X-Session-Token": token}, connection=connection)
                except (http.client.HTTPException, OSError):
                    # A proxy may end a connection on which it had no answer.
                    connection.close()
                    outcomes.append(0)
                    continue
                outcomes.append(answer.status)
                if answer.status not in (200, 503):
                    wrong.append(answer)
            connection.close()

        threads = [threading.Thread(target=load) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        until(lambda: len(outcomes) >= CONNECTIONS, "the first answers")
        sessera.stop()
        sessera.start()
        for thread in threads:
            thread.join(PATIENCE * 5)
        self.assertFalse(wrong, wrong[:3])
        self.assertGreater(outcomes.count(200), 0)
        self.assertLessEqual(outcomes.count(0), CONNECTIONS * 2, outcomes)
        for _, _, headers in app.reached:
            self.assertEqual(seen(headers, "X-User-Id"), [ada])
        until(
            lambda: ask(self.port, headers=FETCH | {"X-Session-Token": token}).status == 200,
            "an answer after Sessera came back",
        )


class BehindNginx(Cases, unittest.TestCase):
    kind = proxies.Nginx


class BehindCaddy(Cases, unittest.TestCase):
    kind = proxies.Caddy


class BehindHaproxy(Cases, unittest.TestCase):
    kind = proxies.Haproxy

    def test_routes_stand_beside_each_other(self):
        token = sessera.token("ada@example.org")
        for routes in (["api", "strong"], ["strong", "api"]):
            with self.subTest(routes=routes):
                both = proxies.HaproxyOfSeveral(sessera, os.path.join(folder.name, "haproxy-" + "-".join(routes)), routes, app.port)
                try:
                    for port in both.ports.values():
                        until(lambda port=port: ask(port, headers=FETCH).status == 401, "an answer of the gateway")
                    self.assertPassed(ask(both.ports["api"], headers=FETCH | {"X-Session-Token": token}))
                    app.reached.clear()
                    answer = ask(both.ports["strong"], headers=FETCH | {"X-Session-Token": token})
                    self.assertEqual(answer.status, 403, answer)
                    self.assertFalse(app.reached)
                finally:
                    both.stop()


class BehindEnvoy(Cases, unittest.TestCase):
    kind = proxies.Envoy


class BehindEnvoyHttp(Cases, unittest.TestCase):
    kind = proxies.EnvoyHttp


KINDS = [case.kind for case in Cases.__subclasses__()]

if __name__ == "__main__":
    main()
