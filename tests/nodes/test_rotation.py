"""Keys take turns every ten seconds on three nodes, and verifiers in three languages never refuse a good token.

ROTATIONS says how often the key that signs must change. Now and then a node is killed or the database is
restarted. Afterwards the rule that a key is published before it signs is broken from outside, in the database,
and the verifiers must notice: else they would prove nothing.
"""

import heapq
import itertools
import json
import os
import queue
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from surroundings import PATIENCE, main, until
from test_nodes import BASE, Node, claims, control, kid, patch, sql

ROTATIONS = int(os.environ.get("ROTATIONS", "4"))
# The commands of the verifiers by their languages.
VERIFIERS = json.loads(os.environ["VERIFIERS"])
PERIOD = 10
TTL = 5
TIMES = {"lease": "2s", "skew": "1s", "max_age": "2s"}
# The seconds between two tokens (a rate, nothing is waited for), and how long before its end a token is verified
# for the second time. On a busy machine the token may have ended by then, which counts for nothing.
PACE = 0.05
LATE = 0.5
# Among this many rotations one has a killed node, the next one its return, and another one a restarted database.
ROUND = 4


class Verifier:
    """A verifier in a process of its own, and what it said."""

    def __init__(self, language, command, nodes):
        addresses = [f"http://127.0.0.1:{node.public}/.well-known/jwks.json" for node in nodes]
        self.language, self.said = language, queue.Queue()
        self.process = subprocess.Popen(
            [*command, BASE, *addresses], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.asked, self.answered = 0, 0
        self.outcomes = {"good": 0, "ended": 0, "failed": 0}
        self.failures = []
        threading.Thread(target=self.listen, daemon=True).start()

    def ask(self, token, sub):
        self.asked += 1
        self.process.stdin.write(json.dumps({"id": kid(token), "token": token, "sub": sub}) + "\n")
        self.process.stdin.flush()

    def listen(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            self.outcomes[answer["outcome"]] += 1
            if answer["outcome"] == "failed":
                self.failures.append(f"{time.strftime('%H:%M:%S')} {answer['id']}: {answer['why']}")
            self.answered += 1

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=PATIENCE) == 0


class Rotation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sql("DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        sql("CREATE DATABASE rotation OWNER app")
        cls.folder = tempfile.mkdtemp(prefix="sessera-rotation-")
        whoami = {"tokenizer": {"rotation": TIMES}}
        cls.nodes = [Node(cls.folder, name, "rotation", whoami=whoami) for name in ("one", "two", "three")]
        for node in cls.nodes:
            node.wait()
        node = cls.nodes[0]
        made = node.manage("/admin/rotation/keys", "POST", {"alg": "ES256", "period": f"{PERIOD}s"})
        assert made.status == 201, made.body
        template = {"ttl": f"{TTL}s", "jwks_url": "set://keys"}
        project = f"/projects/{node.manage('/projects').body[0]['id']}"
        changed = node.manage(project, "PATCH", patch("/session/whoami/tokenizer/templates/t", template))
        assert changed.status == 200, changed.body
        cls.people = []
        for email in ("ada@example.org", "bob@example.org"):
            identity = node.person(email)
            cls.people.append((identity, node.sign_in(email)[0]))
        for node in cls.nodes:
            until(lambda: node.whoami(cls.people[0][1], "t").status == 200, "the template")
        cls.verifiers = [Verifier(language, command, cls.nodes) for language, command in VERIFIERS.items()]
        cls.random = random.Random(1)

    @classmethod
    def tearDownClass(cls):
        for verifier in cls.verifiers:
            verifier.stop()
        for node in cls.nodes:
            node.stop()
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.signers, self.refused, self.tokens, self.disturbed = [], 0, 0, []
        self.disturbs = True
        # When the newest key was seen first.
        self.turned = time.monotonic()
        # What comes at a time, which is a token once more or a disturbance.
        self.due, self.number = [], itertools.count()

    def later(self, seconds, work):
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self.number), work))

    def verify(self, token, sub):
        for verifier in self.verifiers:
            verifier.ask(token, sub)

    def step(self, turn):
        """Takes one more token from the next node, and does what is due."""
        node, (sub, session) = self.nodes[turn % 3], self.people[turn % 2]
        answer = node.whoami(session, "t")
        if answer.status == 200:
            token = answer.body["tokenized"]
            self.tokens += 1
            if kid(token) not in self.signers:
                self.signers.append(kid(token))
                self.turned = time.monotonic()
                if self.disturbs:
                    self.disturb(len(self.signers) - 1)
            self.verify(token, sub)
            self.later(claims(token)["exp"] - time.time() - LATE, lambda: self.verify(token, sub))
        else:
            # A node that is down, or that cannot be sure of its keys, gives no token, which is not a failure.
            self.refused += 1
        while self.due and self.due[0][0] <= time.monotonic():
            heapq.heappop(self.due)[2]()
        time.sleep(PACE)

    def disturb(self, rotations):
        """Plans what happens before the next rotation, at any moment of it."""
        victim = self.nodes[self.random.randrange(3)]
        moment = self.random.uniform(0, PERIOD - 1)
        if rotations % ROUND == 1:
            self.later(moment, lambda: self.kill(victim))
        if rotations % ROUND == 3:
            self.later(moment, lambda: self.background("the database was restarted", lambda: control("restart")))

    def kill(self, node):
        node.process.kill()
        node.process.wait()
        self.disturbed.append("a node was killed")
        self.later(self.random.uniform(1, PERIOD), node.start)

    def background(self, what, work):
        self.disturbed.append(what)
        threading.Thread(target=work).start()

    def all_answered(self):
        until(lambda: all(verifier.answered == verifier.asked for verifier in self.verifiers), "all verdicts")

    def test_1_no_good_token_is_ever_refused(self):
        for turn in itertools.count():
            if self.has_seen_enough() and not self.is_one_down():
                break
            seconds = time.monotonic() - self.turned
            self.assertLess(seconds, PERIOD + 2 * PATIENCE, f"no rotation after {len(self.signers) - 1}")
            self.step(turn)
        self.all_answered()
        print(f"{len(self.signers) - 1} rotations, {self.tokens} tokens, {self.refused} requests without one")
        for what in sorted(set(self.disturbed)):
            print(f"{what}: {self.disturbed.count(what)} times")
        for verifier in self.verifiers:
            print(f"{verifier.language}: {verifier.outcomes}")
        for verifier in self.verifiers:
            self.assertEqual(verifier.failures, [], verifier.language)

    def has_seen_enough(self):
        """Each key has signed, what disturbs has happened, and many of the tokens really were verified, each twice."""
        good = [verifier.outcomes["good"] for verifier in self.verifiers]
        # The moments of the disturbances are random, and on a busy machine keys are seen at uneven times.
        disturbed = len(set(self.disturbed)) == 2 or ROTATIONS < ROUND
        return len(self.signers) > ROTATIONS and min(good) > ROTATIONS * 30 and disturbed

    def is_one_down(self):
        return any(node.process.poll() is not None for node in self.nodes)

    def test_2_a_key_that_signs_before_it_was_published_is_noticed(self):
        # Its keys are changed in the database, which must be there for that.
        self.disturbs = False
        for node in self.nodes:
            node.wait()
        for turn in itertools.count():
            if all(verifier.failures for verifier in self.verifiers):
                break
            self.assertLess(turn, 60 / PACE, "nobody noticed")
            self.let_the_next_key_sign_at_once()
            self.step(turn)
        for verifier in self.verifiers:
            print(f"{verifier.language}: {verifier.failures[0]}")

    def let_the_next_key_sign_at_once(self):
        """Breaks the rule in the database, so that whatever key was prepared signs now."""
        version, managed = sql("SELECT version, managed FROM key_sets WHERE name = 'keys'", "rotation").split("|", 1)
        managed = json.loads(managed)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        moved = [key for key in managed["rotation"]["keys"] if key["activates_at"] > now]
        for key in moved:
            key["activates_at"] = now
        if moved:
            stored = json.dumps(managed).replace("'", "''")
            change = f"UPDATE key_sets SET managed = '{stored}', version = version + 1"
            sql(f"{change} WHERE name = 'keys' AND version = {version}", "rotation")


if __name__ == "__main__":
    main()
