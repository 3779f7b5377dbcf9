"""Faults under a running server. What was acknowledged is there afterwards, whatever happens.

ROUNDS says how often the server is killed in a burst, for each engine; 100 take about three minutes.
"""

import contextlib
import http.server
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

from surroundings import PATIENCE, main, own_port, until

PROGRAM = os.environ["SESSERA"]
POSTGRES = os.environ.get("POSTGRES_PORT")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
PASSWORD = "Zx-long-enough-1234"
PEOPLE = 8


def call(url, method="GET", body=None, token=None):
    """Status, headers and body; the status is 0 when there is no answer."""
    request = urllib.request.Request(url, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("X-Session-Token", token)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, parse(answer.read())
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, parse(answer.read())
    except Exception:  # whatever breaks when a server is killed
        return 0, {}, None


def parse(body):
    try:
        return json.loads(body)
    except ValueError:
        return body


class Server:
    """A server that can be killed and started again on the same database."""

    def __init__(self, folder, dsn, **more):
        self.public, self.admin = own_port(), own_port()
        self.sessions = {}
        self.folder, self.file = folder, os.path.join(folder, "sessera.json")
        secret = "a secret that is long enough ok!"
        config = {
            "dsn": dsn,
            "secrets": {"cipher": [secret], "cookie": [secret]},
            "serve": {"public": {"port": self.public}, "admin": {"port": self.admin}},
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        } | more
        with open(self.file, "w") as file:
            json.dump(config, file)

    def start(self, under=(), **environment):
        """Starts the server, perhaps under another program and with more in its environment."""
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [*under, PROGRAM, "serve", "-c", self.file],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        until(lambda: self.ask("/health/ready")[0] == 200 or self.process.poll() is not None, "the start")
        if self.process.poll() is not None:
            raise AssertionError(open(self.log.name).read()[-2000:])
        return self

    def fails_to_start(self):
        """What the server says about it."""
        run = subprocess.run([PROGRAM, "serve", "-c", self.file], capture_output=True, text=True, timeout=PATIENCE)
        assert run.returncode == 1, run
        assert "panicked" not in run.stderr, run.stderr
        return run.stderr

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=PATIENCE) == 0
        self.log.close()

    def ask(self, path, method="GET", body=None, token=None):
        return call(f"http://127.0.0.1:{self.public}{path}", method, body, token)

    def manage(self, path, method="GET", body=None):
        return call(f"http://127.0.0.1:{self.admin}{path}", method, body)

    def people(self):
        for number in range(PEOPLE):
            body = {
                "traits": {"email": f"p{number}@example.org"},
                "credentials": {"password": {"config": {"password": PASSWORD}}},
            }
            assert self.manage("/admin/identities", "POST", body)[0] == 201

    def sign_in(self, number):
        """Status, and the token when it worked."""
        status, _, flow = self.ask("/self-service/login/api")
        if status != 200:
            return status, None
        body = {"method": "password", "identifier": f"p{number}@example.org", "password": PASSWORD}
        status, _, answer = self.ask(f"/self-service/login?flow={flow['id']}", "POST", body)
        if status != 200:
            return status, None
        self.sessions[answer["session_token"]] = answer["session"]["id"]
        return status, answer["session_token"]

    def sign_out(self, token):
        return self.ask("/self-service/logout/api", "DELETE", {"session_token": token})[0]

    def record(self):
        """All entries of the record, the oldest first."""
        entries, after = [], 0
        while part := self.manage(f"/admin/audit?after={after}&page_size=1000")[2]:
            entries += part
            after = part[-1]["number"]
        return entries

    def sessions_kept(self):
        """The ids of all sessions, ended ones among them."""
        ids, path = set(), "/admin/sessions?page_size=1000"
        while path:
            _, headers, part = self.manage(path)
            ids |= {session["id"] for session in part}
            following = [link for link in headers["Link"].split(",") if 'rel="next"' in link]
            path = following[0].split(">")[0].lstrip("<") if following and part else None
        return ids

    def whoami(self, token):
        return self.ask("/sessions/whoami", token=token)[0]


class Burst:
    """People sign in and out, keys are made and the configuration is patched until the server is killed."""

    def __init__(self, server):
        self.server, self.stopped = server, False
        self.live, self.ended, self.unknown = set(), set(), set()
        self.keys, self.lifespans, self.tried = set(), [], []
        self.project = server.manage("/projects")[2][0]["id"]
        workers = [self.sessions] * 4 + [self.changes]
        self.threads = [threading.Thread(target=work, args=(n,)) for n, work in enumerate(workers)]
        for thread in self.threads:
            thread.start()

    def sessions(self, number):
        while not self.stopped:
            status, token = self.server.sign_in(random.randrange(PEOPLE))
            if status != 200:
                continue
            self.live.add(token)
            if random.random() < 0.5:
                self.live.remove(token)
                status = self.server.sign_out(token)
                (self.ended if status == 204 else self.unknown).add(token)

    def changes(self, number):
        count = 0
        while not self.stopped:
            count += 1
            kid = f"{id(self)}-{count}"
            body = {"alg": "ES256", "use": "sig", "kid": kid}
            if self.server.manage(f"/admin/keys/set-{count % 3}", "POST", body)[0] == 201:
                self.keys.add((f"set-{count % 3}", kid))
            lifespan = f"{random.randrange(10, 10_000)}m"
            path = "/services/identity/config/session/lifespan"
            self.tried.append(lifespan)
            patch = [{"op": "add", "path": path, "value": lifespan}]
            if self.server.manage(f"/projects/{self.project}", "PATCH", patch)[0] == 200:
                self.lifespans.append(lifespan)

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()


class Receiver(http.server.BaseHTTPRequestHandler):
    """Somebody who is sent events, and refuses the first few."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kept = self.server.taken if len(self.server.refused) >= 5 else self.server.refused
        kept.append(body)
        self.send_response(204 if kept is self.server.taken else 500)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def receiver():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as listening:
        listening.taken, listening.refused = [], []
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


class Killed(unittest.TestCase):
    def survives(self, folder, dsn):
        with receiver() as receiving:
            url = f"http://127.0.0.1:{receiving.server_port}/"
            sink = {"url": url, "secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
            self.survives_and_tells(folder, dsn, receiving, {"sinks": {"all": sink}})

    def survives_and_tells(self, folder, dsn, receiving, events):
        server = Server(folder, dsn, events=events).start()
        server.people()
        ended = set()
        totals = [0, 0, 0]
        for _ in range(ROUNDS):
            burst = Burst(server)
            until(lambda: len(burst.live) > 2 and len(burst.ended) > 2 and burst.keys and burst.lifespans, "work")
            more = len(burst.live) + random.randrange(20)
            until(lambda: len(burst.live) >= more, "a moment somewhere in the middle")
            server.kill()
            burst.stop()
            server.start()
            for token in burst.live:
                self.assertEqual(server.whoami(token), 200, "an acknowledged sign-in is there")
            for token in burst.ended:
                self.assertEqual(server.whoami(token), 401, "an acknowledged revocation is there")
            for token in burst.unknown:
                self.assertIn(server.whoami(token), (200, 401))
            for name in {name for name, _ in burst.keys}:
                there = {key["kid"] for key in server.manage(f"/admin/keys/{name}")[2]["keys"]}
                self.assertLessEqual({kid for of, kid in burst.keys if of == name}, there)
            _, _, project = server.manage(f"/projects/{burst.project}")
            lifespan = project["services"]["identity"]["config"]["session"]["lifespan"]
            acknowledged = burst.tried.index(burst.lifespans[-1])
            self.assertIn(lifespan, burst.tried[acknowledged:], "the last acknowledged patch or a later one")
            ended |= {server.sessions[token] for token in burst.ended}
            for n, part in enumerate((burst.live, burst.ended, burst.keys)):
                totals[n] += len(part)
        self.record_is_right(server, ended)
        self.all_is_told_in_order(server.record(), receiving)
        server.stop()
        print(f"{ROUNDS} kills: {totals[0]} sign-ins, {totals[1]} revocations, {totals[2]} keys")

    def record_is_right(self, server, ended):
        """The record has what was acknowledged, and nothing that did not happen."""
        record = server.record()
        of = lambda action: [entry["about"].get("session_id") for entry in record if entry["action"] == action]
        began = of("session_began")
        self.assertEqual(len(began), len(set(began)), "no session begins twice")
        self.assertEqual(set(began), server.sessions_kept(), "every session began, and nothing else did")
        self.assertLessEqual(set(server.sessions.values()), set(began), "an acknowledged sign-in is in the record")
        self.assertLessEqual(ended, set(of("session_ended")), "an acknowledged revocation is in the record")
        self.assertEqual([entry["number"] for entry in record], list(range(1, len(record) + 1)))
        self.assertNotIn("broken", server.manage("/admin/audit/verify")[2])

    def all_is_told_in_order(self, record, receiving):
        numbers = lambda: {body["data"]["number"] for body in receiving.taken}
        wanted = {entry["number"] for entry in record}
        until(lambda: wanted <= numbers(), "all events at the receiver")
        told = {}
        for body in receiving.taken:
            about = body["data"]["about"].get("identity_id")
            told.setdefault(about, {}).setdefault(body["data"]["number"])
        for about, seen in told.items():
            if about:
                self.assertEqual(list(seen), sorted(seen), f"the events about {about} come in their order")

    def test_a_server_on_sqlite_loses_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            self.survives(folder, f"sqlite://{folder}/db.sqlite")

    @unittest.skipUnless(POSTGRES, "there is no PostgreSQL")
    def test_a_server_on_postgres_loses_nothing(self):
        url = f"postgres://sessera@127.0.0.1:{POSTGRES}/postgres"
        subprocess.run(["psql", "-X", "-q", "-c", "CREATE DATABASE faults", url], check=True)
        with tempfile.TemporaryDirectory() as folder:
            self.survives(folder, f"postgres://sessera@127.0.0.1:{POSTGRES}/faults?sslmode=disable")


@contextlib.contextmanager
def small_disk():
    """A folder on a disk of its own with 4 MB, or None where mounting is not allowed."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True).returncode:
            yield None
            return
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)


class FailingDisk:
    """A disk of its own whose file system turns read-only, as one does after an error of the device."""

    def __init__(self, folder):
        self.image, self.folder = os.path.join(folder, "image"), os.path.join(folder, "mounted")
        os.mkdir(self.folder)

    def mount(self):
        mount = ["mount", "-o", "loop,errors=remount-ro", self.image, self.folder]
        return subprocess.run(mount, capture_output=True).returncode == 0

    def fail(self):
        subprocess.run(["mount", "-o", "remount,abort", self.folder], check=True)

    def mend(self):
        subprocess.run(["umount", self.folder], check=True)
        # The exit code 1 says that there was something to mend.
        assert subprocess.run(["e2fsck", "-y", self.image], capture_output=True).returncode <= 1
        assert self.mount()


@contextlib.contextmanager
def failing_disk():
    """A disk whose file system can turn read-only, or None where mounting is not allowed."""
    with tempfile.TemporaryDirectory() as folder:
        disk = FailingDisk(folder)
        with open(disk.image, "wb") as image:
            image.truncate(32 << 20)
        made = shutil.which("mkfs.ext4") and subprocess.run(["mkfs.ext4", "-q", disk.image]).returncode == 0
        if not made or not disk.mount():
            yield None
            return
        try:
            yield disk
        finally:
            subprocess.run(["umount", disk.folder], check=True)


class Disk(unittest.TestCase):
    def test_a_full_disk_is_said_and_nothing_is_lost(self):
        with small_disk() as disk, tempfile.TemporaryDirectory() as folder:
            if not disk:
                self.skipTest("mounting is not allowed here")
            server = Server(folder, f"sqlite://{disk}/db.sqlite").start()
            server.people()
            _, token = server.sign_in(0)
            self.assertEqual(server.whoami(token), 200)
            filler = os.path.join(disk, "filler")
            with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            acknowledged, refused = [token], 0
            for _ in range(200):
                status, other = server.sign_in(1)
                if status == 200:
                    acknowledged.append(other)
                    continue
                self.assertEqual(status, 503)
                refused += 1
                if refused == 3:
                    break
            self.assertEqual(refused, 3, "the disk is full")
            self.assertEqual(server.whoami(token), 200, "whoami goes on")
            os.remove(filler)
            until(lambda: server.sign_in(2)[0] == 200, "recovery")
            for token in acknowledged:
                self.assertEqual(server.whoami(token), 200)
            server.stop()
            server.start()
            for token in acknowledged:
                self.assertEqual(server.whoami(token), 200)
            server.stop()

    def test_a_file_system_that_turns_read_only_is_said_and_nothing_is_lost(self):
        with failing_disk() as disk, tempfile.TemporaryDirectory() as folder:
            if not disk:
                self.skipTest("a file system of its own cannot be mounted here")
            server = Server(folder, f"sqlite://{disk.folder}/db.sqlite").start()
            server.people()
            acknowledged = [server.sign_in(number)[1] for number in range(3)]
            for token in acknowledged:
                self.assertEqual(server.whoami(token), 200)
            disk.fail()
            for _ in range(3):
                status, headers, body = server.ask("/self-service/login/api")
                self.assertEqual((status, headers["Retry-After"]), (503, "1"))
                self.assertIn("cannot be written", body["error"]["reason"])
            self.assertEqual(server.sign_out(acknowledged[0]), 503)
            for token in acknowledged[1:]:
                self.assertEqual(server.whoami(token), 200, "whoami goes on")
            self.assertEqual(server.ask("/health/alive")[0], 200)
            status, _, health = server.ask("/health/ready")
            self.assertEqual(status, 200, "whoever is signed in is still answered")
            self.assertIn("could not be written", health["warnings"]["database"])
            server.stop()
            with open(os.path.join(folder, "log")) as log:
                said = log.read()
            self.assertIn("the database cannot be written", said)
            self.assertNotIn("panicked", said)
            disk.mend()
            server.start()
            for token in acknowledged:
                self.assertEqual(server.whoami(token), 200)
            self.assertEqual(server.sign_in(3)[0], 200)
            server.stop()

    def test_pages_that_are_damaged_while_the_server_runs_are_said(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "db.sqlite")
            server = Server(folder, f"sqlite://{path}").start()
            server.people()
            tokens = [server.sign_in(number)[1] for number in range(PEOPLE)]
            # The log of the database goes into its file, and nothing is left in memory.
            server.stop()
            server.start()
            self.assertEqual(server.whoami(tokens[0]), 200)
            with open(path, "r+b") as file:
                good = file.read()
                file.seek(4096)
                file.write(b"\xaa" * (len(good) - 4096))
            # Reads hit the damage sooner or later, because pages of the file are kept in memory too.
            status, _, body = until(lambda: (a := server.manage("/admin/identities"))[0] != 200 and a, "the damage")
            self.assertEqual((status, body["error"]["code"]), (500, 500))
            self.assertNotIn("malformed", json.dumps(body), "what happened is for the log")
            self.assertEqual(server.whoami(tokens[0]), 200, "whoami goes on for sessions in memory")
            for token in tokens:
                self.assertIn(server.whoami(token), (200, 500))
            self.assertEqual(server.ask("/health/alive")[0], 200)
            with open(path, "r+b") as file:
                file.write(good)
            until(lambda: all(server.whoami(token) == 200 for token in tokens), "recovery")
            server.stop()
            with open(os.path.join(folder, "log")) as log:
                said = log.read()
            self.assertIn("malformed", said)
            self.assertNotIn("panicked", said)
            server.start()
            for token in tokens:
                self.assertEqual(server.whoami(token), 200)
            server.stop()

    def test_a_disk_that_cannot_be_written_is_said(self):
        with small_disk() as disk, tempfile.TemporaryDirectory() as folder:
            if not disk:
                self.skipTest("mounting is not allowed here")
            server = Server(folder, f"sqlite://{disk}/db.sqlite").start()
            server.stop()
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            said = server.fails_to_start()
            self.assertIn("cannot be written", said)
            self.assertIn(f"{disk}/db.sqlite", said)

    def test_a_damaged_database_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "db.sqlite")
            server = Server(folder, f"sqlite://{path}").start()
            server.people()
            server.stop()
            with open(path, "r+b") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(4096)
                file.write(b"\xaa" * (size - 4096))
            self.assertIn("malformed", server.fails_to_start())

    def test_a_file_that_is_no_database_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "letter.txt")
            with open(path, "w") as file:
                file.write("this is a letter, not a database. " * 200)
            self.assertIn("file is not a database", Server(folder, f"sqlite://{path}").fails_to_start())
            with open(path) as file:
                self.assertTrue(file.read().startswith("this is a letter"), "it is left alone")

    def test_a_database_that_is_not_there_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            port = own_port()
            said = Server(folder, f"postgres://nobody@127.0.0.1:{port}/none").fails_to_start()
            self.assertIn("the database is not available", said)


if __name__ == "__main__":
    main()
