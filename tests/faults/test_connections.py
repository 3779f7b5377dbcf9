"""Clients that are slow, silent, gone or too many, and a server that is told to stop."""

import contextlib
import json
import os
import resource
import select
import selectors
import signal
import socket
import struct
import tempfile
import time
import unittest
import urllib.request

from surroundings import PATIENCE, main, until
from test_faults import Server

# The limits are small, so that tests need not wait for long.
SHORT = {"head": "2s", "answer": "2s"}


@contextlib.contextmanager
def serving(limit=None, **timeouts):
    """A server with time-outs of its own, and with at most `limit` file descriptors."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, f"sqlite://{folder}/db.sqlite")
        with open(server.file) as file:
            config = json.load(file)
        config["serve"]["timeouts"] = timeouts
        with open(server.file, "w") as file:
            json.dump(config, file)
        server.start(["prlimit", f"--nofile={limit}:{limit}"] if limit else [])
        server.people()
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()
            with open(os.path.join(folder, "log")) as log:
                assert "panicked" not in log.read()


def connect(server, *sent):
    connection = socket.create_connection(("127.0.0.1", server.public), timeout=PATIENCE)
    for piece in sent:
        connection.sendall(piece)
    return connection


def read_all(connection):
    """Everything that comes until the other side closes."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


def metric(server, line):
    """A number from the metrics; 0 when it is not there."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/metrics/prometheus", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(found.rsplit(" ", 1)[1]) for found in lines if found.startswith(line + " "))


def open_ones(server):
    """Connections to the public API."""
    return metric(server, 'sessera_connections{api="public"}')


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


class Stopping(unittest.TestCase):
    def begin(self, server):
        """A request in flight, for the rest of whose body the server waits."""
        body = json.dumps({"traits": {"email": "late@example.org"}}).encode()
        head = f"POST /admin/identities HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n"
        connection = socket.create_connection(("127.0.0.1", server.admin), timeout=PATIENCE)
        connection.sendall(head.encode())
        self.assertIn(b"100 Continue", connection.recv(4096))
        connection.sendall(body[:5])
        return connection, body[5:]

    def test_readiness_turns_red_and_requests_in_flight_finish(self):
        with serving(drain="15s") as server:
            connection, rest = self.begin(server)
            server.process.send_signal(signal.SIGTERM)
            until(lambda: server.ask("/health/ready")[0] == 503, "red")
            self.assertEqual(server.manage("/health/ready")[0], 503)
            self.assertEqual(server.ask("/health/alive")[0], 200)
            self.assertEqual(server.sign_in(0)[0], 200, "until load balancers have seen it, it serves")
            until(lambda: server.ask("/health/alive")[0] == 0, "the end of new connections")
            self.assertIsNone(server.process.poll(), "a request is in flight")
            connection.sendall(rest)
            self.assertIn(b"201 Created", read_all(connection).split(b"\r\n")[0])
            self.assertEqual(server.process.wait(timeout=PATIENCE), 0)
            server.start()
            people = server.manage("/admin/identities?page_size=100")[2]
            self.assertIn("late@example.org", [one["traits"]["email"] for one in people])

    def test_without_a_request_in_flight_it_ends_at_once(self):
        # Whoever waited for those who ask nothing would wait for an hour.
        with serving(head="1h", answer="1h", grace="1h") as server:
            idle = connect(server)
            kept = connect(server, b"GET /health/alive HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            self.assertIn(b"200 OK", kept.recv(4096))
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(timeout=PATIENCE), 0)
            self.assertEqual(read_all(idle) + read_all(kept), b"")

    def test_a_request_that_never_ends_is_cut_off(self):
        with serving(grace="1s") as server:
            connection, _ = self.begin(server)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(timeout=PATIENCE), 0)
            self.assertNotIn(b"201", read_all(connection))


class Descriptors(unittest.TestCase):
    @unittest.skipUnless(os.path.exists("/usr/bin/prlimit"), "there is no prlimit")
    def test_with_64_file_descriptors_it_refuses_politely_and_recovers(self):
        # No connection ends before the test wants it.
        with serving(limit=64, head="1h") as server:
            _, token = server.sign_in(0)
            ask = f"GET /sessions/whoami HTTP/1.1\r\nhost: 127.0.0.1\r\nx-session-token: {token}\r\n\r\n".encode()
            kept = connect(server, ask)
            self.assertIn(b"200 OK", kept.recv(65536))
            # The connection of one who asked before would leave its place to the next one when it ends.
            until(lambda: open_ones(server) == 1, "an end of the connections from before")
            crowd = [connect(server) for _ in range(60)]
            for _ in range(20):
                status, headers, body = server.ask("/sessions/whoami", token=token)
                self.assertEqual(status, 503, body)
                self.assertEqual(headers["Retry-After"], "1")
                self.assertEqual(body["error"]["code"], 503)
            kept.sendall(ask)
            self.assertIn(b"200 OK", kept.recv(65536), "who is in stays in")
            self.assertEqual(server.manage("/admin/identities")[0], 200, "operators get in")
            self.assertEqual(server.manage("/health/ready")[0], 200, "the database goes on")
            self.assertLessEqual(descriptors(server), 64)
            self.assertGreaterEqual(metric(server, 'sessera_connections_refused_total{api="public"}'), 20)
            self.assertGreaterEqual(open_ones(server), 8)
            for connection in crowd:
                connection.close()
            until(lambda: server.whoami(token) == 200, "recovery")
            self.assertEqual(server.sign_in(1)[0], 200)
            kept.close()
            until(lambda: open_ones(server) == 0, "counting those off that are gone")


class Slow(unittest.TestCase):
    def test_who_does_not_finish_a_request_is_cut_off(self):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
        cases = {
            "says nothing": b"",
            "says one byte that may be either version": b"P",
            "does not finish the line": b"GET /sessions/who",
            "does not finish the head": b"GET /sessions/whoami HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ",
            "keeps the connection and asks no more": b"GET /health/alive HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
            "begins the next request": b"GET /health/alive HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET /",
            "does not finish the preface of HTTP/2": preface[:10],
            "speaks HTTP/2 and asks nothing": preface + settings,
        }
        with serving(**SHORT) as server:
            waiting = {connect(server, sent): name for name, sent in cases.items()}
            end = time.monotonic() + PATIENCE
            while waiting and time.monotonic() < end:
                for connection in select.select(list(waiting), [], [], 1)[0]:
                    with contextlib.suppress(ConnectionError):
                        if connection.recv(65536):
                            continue
                    waiting.pop(connection)
            self.assertEqual(list(waiting.values()), [])
            until(lambda: open_ones(server) == 0, "all places are free")

    def test_who_sends_a_head_byte_by_byte_is_cut_off(self):
        with serving(**SHORT) as server:
            connection = connect(server, b"GET /sessions/whoami HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: ")
            end = time.monotonic() + PATIENCE
            # Each wait is for the end of the connection; a byte follows when it does not come.
            while not select.select([connection], [], [], 0.1)[0]:
                self.assertLess(time.monotonic(), end)
                connection.sendall(b"a")

    def test_who_does_not_read_answers_is_cut_off(self):
        with serving(**SHORT) as server:
            clients = []
            for _ in range(3):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", server.public))
                client.setblocking(False)
                clients.append(client)
            asked = 200
            ask = b"GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * asked
            for client in clients:
                with contextlib.suppress(BlockingIOError):
                    client.sendall(ask)
            for client in clients:
                self.assertTrue(select.select([client], [], [], PATIENCE)[0], "the first answer")
            until(lambda: open_ones(server) == 0, "all places are free")
            for client in clients:
                client.setblocking(True)
                self.assertLess(read_all(client).count(b"HTTP/1.1 200 OK"), asked, "the last ones never came")
                client.close()
            self.assertEqual(server.ask("/health/alive")[0], 200)

    def test_who_is_half_gone_keeps_no_place(self):
        head = b"POST /self-service/login?flow=x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        cases = {
            "before it has said anything": b"",
            "in a head": head[:30],
            "in a body": head + b'content-length: 100\r\n\r\n{"method"',
            "between two requests": b"GET /health/alive HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        }
        # Time-outs would not free the places within this test.
        with serving(head="1h", answer="1h") as server:
            until(lambda: open_ones(server) == 0, "the end of those from before")
            for when, sent in cases.items():
                with self.subTest(when):
                    quiet, abrupt = connect(server, sent), connect(server, sent)
                    until(lambda: open_ones(server) == 2, "both are accepted")
                    # One says that it will send no more and waits. The other goes away without a word.
                    quiet.shutdown(socket.SHUT_WR)
                    abrupt.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    abrupt.close()
                    read_all(quiet)
                    until(lambda: open_ones(server) == 0, "the places are free")
            self.assertEqual(server.ask("/health/alive")[0], 200)

    def test_ten_thousand_idle_connections_are_held_until_the_server_stops(self):
        many = 10_000
        own = resource.getrlimit(resource.RLIMIT_NOFILE)
        if own[1] != resource.RLIM_INFINITY and own[1] < many + 2_000:
            self.skipTest(f"only {own[1]} file descriptors are allowed here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (many + 1_000, own[1]))
        connections, selector = [], selectors.DefaultSelector()

        try:
            # None may end before the last one is open, however busy this machine is.
            with serving(head="1h") as server:
                _, token = server.sign_in(0)
                for number in range(1, many + 1):
                    connection = connect(server)
                    connections.append(connection)
                    selector.register(connection, selectors.EVENT_READ)
                    # Never more at once than the system holds until they are accepted.
                    if number % 100 == 0:
                        until(lambda: open_ones(server) >= number, "they are accepted")
                    if number % 1_000 == 0:
                        self.assertEqual(server.whoami(token), 200)
                self.assertEqual(server.sign_in(1)[0], 200)
                with open(f"/proc/{server.process.pid}/status") as status:
                    memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
                self.assertLess(memory, 400_000, "kB")
                self.assertEqual(selector.select(0), [], "they are all open")
                server.process.send_signal(signal.SIGTERM)
                while selector.get_map():
                    ended = selector.select(PATIENCE)
                    self.assertTrue(ended, f"{len(selector.get_map())} connections are still open")
                    for key, _ in ended:
                        self.assertEqual(read_all(key.fileobj), b"")
                        selector.unregister(key.fileobj)
                self.assertEqual(server.process.wait(timeout=PATIENCE), 0)
                print(f"{many} idle connections: {memory // 1024} MiB")
        finally:
            selector.close()
            for connection in connections:
                connection.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, own)


if __name__ == "__main__":
    main()
