"""The library beside a real server, whose address and people the chore "libraries" gives."""

import os
import unittest

from sessera_tokens import Refused, SessionGone, TokenHolder, Verifier

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


if __name__ == "__main__":
    unittest.main()
