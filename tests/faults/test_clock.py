"""The clock jumps by an hour while the server runs. No token ends before it began, and no retired key comes back."""

import base64
import glob
import json
import os
import tempfile
import threading
import unittest

from surroundings import main, until
from test_faults import Server

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
HOUR = 3600


def part(token, number):
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class Asker:
    """Asks for tokens without a pause and notes all that is wrong with them."""

    def __init__(self, server, token):
        self.server, self.token = server, token
        self.wrong, self.count, self.stopped = [], 0, False
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while not self.stopped:
            status, _, body = self.server.ask("/sessions/whoami?tokenize_as=t", token=self.token)
            # With 503 the node says that it has to read its keys again first.
            if status == 200:
                claims = part(body["tokenized"], 1)
                self.count += 1
                if not claims["iat"] < claims["exp"] or claims.get("nbf", 0) > claims["exp"]:
                    self.wrong.append(claims)
            elif status != 503:
                self.wrong.append((status, body))

    def stop(self):
        self.stopped = True
        self.thread.join()


@unittest.skipUnless(FAKETIME, "there is no libfaketime")
class Jumps(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.offset = os.path.join(self.folder, "offset")
        self.jump(0)
        self.server = Server(self.folder, f"sqlite://{self.folder}/db.sqlite")
        with open(self.server.file) as file:
            config = json.load(file)
        times = {"lease": "2s", "skew": "1s", "max_age": "1s"}
        config["session"] = {
            "whoami": {"tokenizer": {"rotation": times, "templates": {"t": {"jwks_url": "set://keys", "ttl": "1m"}}}}
        }
        with open(self.server.file, "w") as file:
            json.dump(config, file)
        self.start()
        self.addCleanup(self.end)
        self.server.people()
        made = self.server.manage("/admin/rotation/keys", "POST", {"alg": "ES256", "period": "30m"})
        self.assertEqual(made[0], 201, made[2])
        status, self.token = self.server.sign_in(0)
        self.assertEqual(status, 200)

    def start(self):
        # The wait goes by another clock, which does not jump.
        self.server.start(
            LD_PRELOAD=FAKETIME[0], FAKETIME_TIMESTAMP_FILE=self.offset, FAKETIME_NO_CACHE="1", DONT_FAKE_MONOTONIC="1"
        )

    def end(self):
        self.server.stop()
        with open(os.path.join(self.folder, "log")) as log:
            self.assertNotIn("panicked", log.read())

    def jump(self, seconds):
        with open(self.offset + ".new", "w") as file:
            file.write(f"{seconds:+d}")
        os.rename(self.offset + ".new", self.offset)

    def signed(self):
        status, _, body = self.server.ask("/sessions/whoami?tokenize_as=t", token=self.token)
        return body["tokenized"] if status == 200 else None

    def states(self):
        keys = self.server.manage("/admin/rotation/keys")[2]["keys"]
        return {key["kid"]: key["state"] for key in keys}

    def test_tokens_never_end_before_they_begin(self):
        began = part(until(self.signed, "a token"), 1)["iat"]
        asker = Asker(self.server, self.token)
        try:
            for seconds in (HOUR, 0, -HOUR, 0, HOUR, -HOUR):
                self.jump(seconds)

                def arrived():
                    token = self.signed()
                    return token and abs(part(token, 1)["iat"] - began - seconds) < HOUR / 2

                until(arrived, f"a token of {seconds:+d} s")
                self.assertEqual(self.server.sign_in(1)[0], 200, "signing in goes on")
                self.assertEqual(self.server.ask("/health/ready")[0], 200)
                published = self.server.ask("/.well-known/jwks.json")[2]["keys"]
                self.assertIn(part(until(self.signed, "a token"), 0)["kid"], [key["kid"] for key in published])
        finally:
            asker.stop()
        self.assertEqual(asker.wrong, [])
        self.assertGreater(asker.count, 10)
        print(f"{asker.count} tokens while the clock jumped")

    def test_a_jump_back_re_activates_no_key(self):
        first = part(until(self.signed, "a token"), 0)["kid"]
        self.jump(HOUR)
        until(lambda: self.states()[first] == "retired", "the end of the first key")
        second = part(until(self.signed, "a token"), 0)["kid"]
        self.assertNotEqual(second, first)
        for seconds in (0, -HOUR, 0):
            self.jump(seconds)
            status, _, answer = self.server.manage("/admin/rotation/keys")
            self.assertEqual({key["kid"]: key["state"] for key in answer["keys"]}[first], "retired")
            self.assertEqual(part(until(self.signed, "a token"), 0)["kid"], second)
        # This holds after a start too, when only the database knows that time had gone on.
        self.server.kill()
        self.start()
        self.assertEqual(self.states()[first], "retired")
        self.assertEqual(part(until(self.signed, "a token"), 0)["kid"], second)
        published = self.server.ask("/.well-known/jwks.json")[2]["keys"]
        self.assertNotIn(first, [key["kid"] for key in published])


if __name__ == "__main__":
    main()
