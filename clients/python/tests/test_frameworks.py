"""The adapters in real frameworks, with a verifier that knows one token."""

import unittest
from typing import Annotated

import django
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from sessera_tokens import Refused, Unavailable
from sessera_tokens.django import token_required
from sessera_tokens.fastapi import claims_of

settings.configure(ALLOWED_HOSTS=["testserver"])
django.setup()

HEADERS = ["", "Basic eDp5", "Bearer", "Bearer bad", "Bearer away", "bearer good.good.good"]
STATUSES = [401, 401, 401, 401, 503, 200]


class OneToken:
    def verify(self, token):
        if token == "away":
            raise Unavailable("the keys cannot be had")
        if token != "good.good.good":
            raise Refused("the token is not good")
        return {"sub": "ada"}


class Frameworks(unittest.TestCase):
    def judges(self, ask):
        answers = [ask({"Authorization": header} if header else {}) for header in HEADERS]
        self.assertEqual([answer.status_code for answer in answers], STATUSES)
        self.assertEqual(answers[0].headers["WWW-Authenticate"], "Bearer")
        self.assertIn(b"ada", answers[-1].content)

    def test_fastapi(self):
        app = FastAPI()

        @app.get("/")
        def read(claims: Annotated[dict, Depends(claims_of(OneToken()))]):
            return claims["sub"]

        client = TestClient(app)
        self.judges(lambda headers: client.get("/", headers=headers))

    def test_django(self):
        view = token_required(OneToken())(lambda request: HttpResponse(request.claims["sub"]))
        self.judges(lambda headers: view(RequestFactory(headers=headers).get("/")))


if __name__ == "__main__":
    unittest.main()
