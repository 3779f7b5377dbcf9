"""The library beside a real server, whose address and people the chore "libraries" gives."""

import json
import os
import unittest
from urllib.request import Request

from sessera_tokens import Refused, SessionGone, TokenHolder, Unavailable, Verifier
from sessera_tokens.events import Follower
from sessera_tokens.fetch import fetch
from surroundings import until

ISSUER = os.environ.get("SESSERA_ISSUER")


@unittest.skipUnless(ISSUER, "SESSERA_ISSUER is not set")
class Server(unittest.TestCase):
    def test_a_token_of_a_real_server(self):
        token = TokenHolder(ISSUER, "api", os.environ["SESSERA_SESSION"]).token()
        verifier = Verifier(ISSUER, "https://api.example.org", status_list=True)
        self.assertEqual(verifier.verify(token)["sub"], os.environ["SESSERA_SUBJECT"])
        with self.assertRaises(Refused):
            Verifier(ISSUER, "https://elsewhere.example.org").verify(token)
        with self.assertRaises(SessionGone):
            TokenHolder(ISSUER, "api", "x").token()

    def test_a_session_that_ends_at_a_real_server(self):
        follower = Follower(os.environ["SESSERA_ADMIN"], os.environ["SESSERA_ADMIN_TOKEN"], longest=600, lost=print)
        follower.start()
        session = os.environ["SESSERA_SESSION_TO_END"]
        token = TokenHolder(ISSUER, "api", session).token()
        verifier = Verifier(ISSUER, "https://api.example.org", checks=[follower.check])

        def is_good():
            try:
                return bool(verifier.verify(token))
            except (Refused, Unavailable) as error:
                return error

        until(lambda: is_good() is True, "the follower has caught up")
        body = json.dumps({"session_token": session}).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{ISSUER}self-service/logout/api", body, headers, method="DELETE")
        self.assertEqual(fetch(request).status, 204)
        until(lambda: isinstance(is_good(), Refused), "the end of the session is heard")


if __name__ == "__main__":
    unittest.main()
