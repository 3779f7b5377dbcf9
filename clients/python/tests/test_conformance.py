"""The table that all libraries share, with a server and a clock that do what it says."""

import base64
import json
import pathlib
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock, patch
from urllib.request import Request

from sessera_tokens import Refused, SessionGone, TokenHolder, Unavailable, Verifier
from sessera_tokens.events import Follower
from sessera_tokens.fetch import Answer

TABLE = json.loads((pathlib.Path(__file__).parents[2] / "conformance/conformance.json").read_text())
WORDS = {Refused: "refused", Unavailable: "unavailable", SessionGone: "gone"}
RESOURCE = "https://api.example.org/"


def outcome(work):
    """What came of it: the word for an error, or the value."""
    try:
        return work()
    except tuple(WORDS) as error:
        return WORDS[type(error)]


class Verifying(unittest.TestCase):
    def test_the_table(self):
        for row in TABLE["verify"]:
            with self.subTest(row["name"]):
                self.play(row)

    def play(self, row):
        now, asks, answers = 0, [], {}

        def fetch(request):
            asks.append(request.full_url)
            answer = answers.get(request.full_url)
            if answer is None:
                raise OSError("no answer")
            control = answer["cache_control"]
            headers = {"cache-control": control} if control else {}
            return Answer(answer["status"], headers, TABLE["bodies"][answer["body"]].encode())

        verifier = Verifier(**{**TABLE["settings"], **row.get("settings", {})}, fetch=fetch, now=lambda: now)
        for step in row["steps"]:
            now, asks = step["at"], []
            answers = {**TABLE["answers"], **row.get("answers", {}), **step.get("answers", {})}
            verdict = outcome(lambda: verifier.verify(step["token"]) and "good")
            self.assertEqual((verdict, asks), (step["verdict"], step["asks"]))

    def test_what_is_no_token_is_told_apart_from_one_that_is_too_long(self):
        verifier = Verifier(**TABLE["settings"])
        no_kid = base64.urlsafe_b64encode(b'{"alg":"ES256","typ":"JWT"}').rstrip(b"=").decode() + ".e30.AA"
        for token, told in [
            (None, "there is no token"),
            ("", "there is no token"),
            (7, "the token is no text"),
            (b"a.b.c", "the token is no text"),
            ("x" * (1 << 20), "the token is too long"),
            (no_kid, "the token is not good: its header names no key (kid)"),
        ]:
            with self.assertRaises(Refused) as refused:
                verifier.verify(token)
            self.assertEqual(str(refused.exception), told)


class Holding(unittest.TestCase):
    def test_the_table(self):
        for row in TABLE["hold"]:
            with self.subTest(row["name"]):
                self.play(row)

    def play(self, row):
        now, server, resource, sent = 0, [], [], []

        def fetch(request):
            if request.full_url == RESOURCE:
                sent.append(request.get_header("Authorization").removeprefix("Bearer "))
                return Answer(resource.pop(0), {}, b"")
            self.assertEqual(request.get_header("X-session-token"), "session")
            answer = server.pop(0)
            if answer is None:
                raise OSError("no answer")
            return Answer(answer["status"], {}, answer["body"].encode())

        holder = TokenHolder(TABLE["settings"]["issuer"], "api", "session", fetch=fetch, elapsed=lambda: now)
        for step in row["steps"]:
            now, server, resource, sent = step["after"], list(step["server"]), list(step.get("resource", [])), []
            if step["do"] == "request":
                given = outcome(lambda: holder.request(Request(RESOURCE)).status)
                self.assertEqual((given, sent, resource, server), (step["gives"], step["sent"], [], []))
                continue
            with ThreadPoolExecutor(step["at_once"]) as pool:
                asked = [pool.submit(outcome, holder.token) for _ in range(step["at_once"])]
            for given in asked:
                self.assertEqual(given.result(), step.get("token", step["gives"]))
            self.assertEqual(server, [])


class Following(unittest.TestCase):
    def test_the_table(self):
        for row in TABLE["follow"]:
            with self.subTest(row["name"]):
                self.play(row)

    def play(self, row):
        now = 0
        settings = {"longest": row["longest"], "after": row["begins_after"]}
        follower = Follower("https://admin.example.org/", "token", now=lambda: now, **settings)
        for step in row["steps"]:
            now = step["at"]
            match step["do"]:
                case "connect":
                    self.assertEqual(follower._connected(), step["after"])
                case "hear" if step["is_good"]:
                    for text in step["texts"]:
                        follower._hear(text)
                case "hear":
                    with self.assertRaises(ValueError):
                        follower._hear("".join(step["texts"]))
                case "check":
                    verdict = outcome(lambda: follower.check(step["claims"]) or "good")
                    self.assertEqual(verdict, step["verdict"], now)

    def test_a_follower_of_another_record_begins_anew(self):
        follower = Follower("https://admin.example.org/", "token", 600, now=lambda: 1_000_000, after=6)
        about = {"session_id": "s"}
        entry = {"number": 7, "at": "1970-01-12T13:46:40Z", "action": "session_ended", "outcome": "done", "about": about}
        claims = {"sub": "p", "sid": "s", "iat": 999_900, "exp": 1_000_400}
        follower._hear(f": caught up\n\ndata: {json.dumps(entry)}\n\n")
        self.assertEqual(outcome(lambda: follower.check(claims)), "refused")
        with patch("sessera_tokens.events.open_answer", return_value=Mock(status=400)) as asked:
            self.assertRaises(OSError, follower._follow)
        self.assertEqual(asked.call_args.args[0].get_header("Last-event-id"), "7")
        self.assertEqual(outcome(lambda: follower.check(claims)), "unavailable")
        self.assertIsNone(follower._connected())
        follower._hear(": caught up\n\n")
        self.assertIsNone(follower.check(claims))


if __name__ == "__main__":
    unittest.main()
