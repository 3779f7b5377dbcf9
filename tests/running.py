"""A Sessera that runs while a test does, and the people in it."""

import http.client
import json
import os
import signal
import socket
import subprocess

from surroundings import PATIENCE, own_port, until

PROGRAM = os.environ["SESSERA"]
PASSWORD = "Zx-long-enough-1234"


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {list(self.headers.items())} {self.body[:300]}"


def ask(port, method="GET", path="/", headers=(), body=None, connection=None):
    """Sends one request, with headers as they stand there, doubled or not."""
    mine = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    mine.putrequest(method, path, skip_accept_encoding=True)
    pairs = headers.items() if isinstance(headers, dict) else headers
    for name, value in pairs:
        mine.putheader(name, value)
    if body is not None:
        mine.putheader("Content-Length", str(len(body)))
    mine.endheaders(body)
    response = mine.getresponse()
    answer = Answer(response, response.read())
    if connection is None:
        mine.close()
    return answer


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Sessera:
    """A running server with a configuration of its own in a folder of its own, and with the URL at which others reach it."""

    def __init__(self, folder, url=None, **configuration):
        self.folder = folder
        self.public, self.admin = own_port(), own_port()
        self.url = url or f"http://127.0.0.1:{self.public}/"
        self.ready = self.admin
        serve = {
            "public": {"port": self.public, "base_url": self.url},
            "admin": {"port": self.admin},
        } | configuration.pop("serve", {})
        usual = {"serve": serve, "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}}}
        self.file = os.path.join(folder, "sessera.json")
        with open(self.file, "w") as file:
            json.dump(usual | configuration, file)
        os.chmod(self.file, 0o600)
        self.start()

    def start(self):
        with open(os.path.join(self.folder, "log"), "a") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "-c", self.file], cwd=self.folder, stdout=log, stderr=log, env=os.environ | {"NO_COLOR": "1"}
            )
        until(lambda: listens(self.ready) and self.is_ready(), "the start of Sessera")

    def is_ready(self):
        try:
            return ask(self.ready, path="/health/ready").status == 200
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE) == 0

    def environment(self):
        """What makes the command line speak with this server."""
        return os.environ | {"SESSERA_ADMIN_URL": f"http://127.0.0.1:{self.admin}", "NO_COLOR": "1"}

    def command(self, *arguments):
        """Runs the command line against this server, and returns what it prints."""
        run = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=self.environment(), capture_output=True, text=True)
        assert run.returncode == 0, f"{arguments}: {run.stdout}{run.stderr}"
        return run.stdout

    def call(self, method, path, body=None, headers=None, admin=False):
        sent = {"Accept": "application/json", "Content-Type": "application/json"} | (headers or {})
        port = self.admin if admin else self.public
        return ask(port, method, path, sent, json.dumps(body).encode() if body is not None else None)

    def person(self, address, **more):
        """Makes somebody, and returns the id."""
        body = {"traits": {"email": address}, "credentials": {"password": {"config": {"password": PASSWORD}}}}
        answer = self.call("POST", "/admin/identities", body | more, admin=True)
        assert answer.status == 201, answer
        return answer.json()["id"]

    def token(self, address):
        """Signs somebody in as an app does."""
        flow = self.call("GET", "/self-service/login/api").json()
        body = {"method": "password", "identifier": address, "password": PASSWORD}
        answer = self.call("POST", f"/self-service/login?flow={flow['id']}", body)
        assert answer.status == 200, answer
        return answer.json()["session_token"]

    def revoke(self, identity):
        answer = self.call("DELETE", f"/admin/identities/{identity}/sessions", admin=True)
        assert answer.status == 204, answer
