"""What the tests of gateways share: a running Sessera with a gateway, and an app that tells what reached it."""

import base64
import hashlib
import http.server
import json
import re
import subprocess
import threading
import urllib.parse

from running import PASSWORD, PROGRAM, Sessera, ask, listens
from surroundings import own_port

MAPPER = "local session = std.extVar('session'); {claims: {email: session.identity.traits.email}}"
# Its tokens fit no header.
LONG = "{claims: {long: std.repeat('x', 9000)}}"
# As a browser asks for a page, and as a script asks for data.
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
FETCH = {"Accept": "*/*", "Sec-Fetch-Mode": "cors"}
HEADERS = {"X-User-Id": "sub", "X-User-Email": "email"}


class App:
    """An app that answers with what reached it, echoes what comes after an upgrade, and counts."""

    def __init__(self):
        self.reached = []
        app = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self):
                app.reached.append((self.command, self.path, list(self.headers.items())))
                if "websocket" in self.headers.get("Upgrade", "").lower():
                    self.send_response(101)
                    self.send_header("Upgrade", "websocket")
                    self.send_header("Connection", "Upgrade")
                    # RFC 6455, section 1.3
                    key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                    self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
                    self.end_headers()
                    self.wfile.write(self.rfile.readline())
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                told = {"path": self.path, "headers": list(self.headers.items()), "length": len(body)}
                told = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(told)

            do_GET = do_HEAD = do_POST = do_PUT = do_OPTIONS = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """A proxy that ends a connection is nothing to tell."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Pretended:
    """A gateway that is healthy and gives the same answer to each question."""

    def __init__(self, status, headers):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                healthy = self.path.startswith("/health/")
                self.send_response(200 if healthy else status)
                for name, value in [] if healthy else headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Gateway(Sessera):
    """A running server with a gateway, whose people may be sent back to the ports of proxies."""

    def __init__(self, folder, returns, trusted=("127.0.0.1",), **more):
        self.gateway = own_port()
        made = subprocess.run([PROGRAM, "create", "jwk", "k", "--alg", "ES256", "--offline"], capture_output=True, check=True)
        template = {
            "jwks_url": "base64://" + base64.b64encode(made.stdout).decode(),
            "claims_mapper_url": "base64://" + base64.b64encode(MAPPER.encode()).decode(),
            "ttl": "10m",
        }
        long = template | {"claims_mapper_url": "base64://" + base64.b64encode(LONG.encode()).decode()}
        route = {"template": "api", "headers": HEADERS}
        configuration = {
            "serve": {"gateway": {"enabled": True, "port": self.gateway, "trusted_proxies": list(trusted)}},
            "selfservice": {"allowed_return_urls": [f"http://127.0.0.1:{port}/" for port in returns]},
            "session": {"whoami": {"tokenizer": {"templates": {"api": template, "long": long}}}},
            "gateway": {"routes": {
                "api": route,
                "open": route | {"session": "optional"},
                "strong": route | {"aal": "aal2"},
                "long": {"template": "long"},
            }},
        } | more
        super().__init__(folder, **configuration)

    def is_ready(self):
        return listens(self.gateway) and super().is_ready()

    def proxy_config(self, proxy, route, listen, app, gateway=None):
        """What sessera proxy-config prints for a proxy on these ports."""
        other = ["--gateway", f"127.0.0.1:{gateway}"] if gateway else []
        arguments = [*other, "--route", route, "--listen", f"127.0.0.1:{listen}", "--app", f"127.0.0.1:{app}", "-c", self.file]
        printed = subprocess.run([PROGRAM, "proxy-config", proxy, *arguments], capture_output=True, check=True, text=True)
        return printed.stdout

    def cookie(self, address, location="/self-service/login/browser"):
        """Signs somebody in as a browser does that was sent to `location`; returns the cookie and where it goes then."""
        path = location[location.index("/self-service/"):]
        begun = ask(self.public, path=path, headers=PAGE)
        assert begun.status == 303, begun
        mine = "; ".join(cookies_of(begun))
        flow = urllib.parse.parse_qs(urllib.parse.urlparse(begun.headers["Location"]).query)["flow"][0]
        shown = self.call("GET", f"/self-service/login/flows?id={flow}", headers={"Cookie": mine}).json()
        nodes = {node["attributes"]["name"]: node["attributes"].get("value") for node in shown["ui"]["nodes"]}
        form = {"csrf_token": nodes["csrf_token"], "identifier": address, "password": PASSWORD, "method": "password"}
        sent = PAGE | {"Content-Type": "application/x-www-form-urlencoded", "Cookie": mine}
        done = ask(self.public, "POST", f"/self-service/login?flow={flow}", sent, urllib.parse.urlencode(form).encode())
        assert done.status == 303, done
        session = next(cookie for cookie in cookies_of(done) if cookie.startswith("ory_kratos_session="))
        return session, done.headers["Location"]


def cookies_of(answer):
    return [line.split(";")[0] for line in answer.headers.get_all("Set-Cookie", [])]


def claims(authorization):
    """The claims of a bearer token."""
    payload = re.fullmatch(r"Bearer [\w-]+\.([\w-]+)\.[\w-]+", authorization)[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
