"""The table that all libraries share, with a server and a clock that do what it says."""

import base64
import json
import pathlib
import threading
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


def outcome(work, step={}):
    """What came of it: the word for an error, or the value. The reason has what the step says in it, and no token."""
    try:
        return work()
    except tuple(WORDS) as error:
        assert step.get("says", "") in str(error), error
        assert len(step.get("token", "")) < 20 or step["token"] not in str(error), error
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
            nonlocal now
            answer = answers.get(request.full_url) or {}
            now += answer.get("takes", 0)
            if "status" not in answer:
                raise OSError("no answer")
            control = answer["cache_control"]
            headers = {"cache-control": control} if control else {}
            return Answer(answer["status"], headers, TABLE["bodies"][answer["body"]].encode())

        verifier = Verifier(**{**TABLE["settings"], **row.get("settings", {})}, fetch=fetch, now=lambda: now)
        for step in row["steps"]:
            now, asks = step["at"], []
            answers = {**TABLE["answers"], **row.get("answers", {}), **step.get("answers", {})}
            with ThreadPoolExecutor() as pool:
                judge = lambda: verifier.verify(step["token"]) and "good"
                given = [pool.submit(outcome, judge, step) for _ in range(step.get("at_once", 1))]
            self.assertEqual({each.result() for each in given}, {step["verdict"]})
            self.assertEqual(asks, step["asks"])

    def test_keys_that_are_still_good_serve_while_an_unknown_one_is_asked_for(self):
        row = next(row for row in TABLE["verify"] if row["name"].startswith("an unknown key makes"))
        known, stranger = row["steps"][:2]
        now, beside, served = known["at"], [], []

        def fetch(request):
            if now == stranger["at"]:
                judge = lambda: beside.append(outcome(lambda: verifier.verify(known["token"]) and "good"))
                thread = threading.Thread(target=judge, daemon=True)
                thread.start()
                # Whoever waited here would do so for ever.
                thread.join(30)
                served.append(not thread.is_alive())
            answer = TABLE["answers"][request.full_url]
            return Answer(answer["status"], {"cache-control": answer["cache_control"]}, TABLE["bodies"][answer["body"]].encode())

        verifier = Verifier(**TABLE["settings"], fetch=fetch, now=lambda: now)
        verifier.verify(known["token"])
        now = stranger["at"]
        self.assertEqual(outcome(lambda: verifier.verify(stranger["token"])), "refused")
        self.assertEqual((served, beside), ([True], ["good"]))

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
            nonlocal now
            answer = server.pop(0) or {}
            now += answer.get("takes", 0)
            if "status" not in answer:
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
                asked = [pool.submit(outcome, holder.token, step) for _ in range(step["at_once"])]
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

    def test_how_long_tokens_live_must_be_told(self):
        for longest in (None, "10m", "600", 0, -1, float("nan"), float("inf")):
            with self.assertRaisesRegex(ValueError, "longest must be"):
                Follower("https://admin.example.org/", "token", longest)

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
