"""How people sign in and change their ways to, over the protocol that Sessera and an Ory Kratos share."""

import http.client
import json
import urllib.parse

from stand_ins import code_of_app
from surroundings import PATIENCE

# Where pages are, and where native apps are come back to. Nobody asks there.
SITE = "https://id.example.test"
APP = "https://app.example.test/back"
COOKIE = "ory_kratos_session"


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status, body):
        super().__init__(f"{status} {json.dumps(body)}")
        self.status, self.body = status, body


class Visitor:
    """A browser or a native app at a server, with what it keeps of it."""

    def __init__(self, address, outside, browser, token=None, cookies=None):
        self.address, self.outside, self.browser = address, outside, browser
        self.token, self.cookies = token, dict(cookies or {})

    def ask(self, path, method="GET", body=None, accept="application/json"):
        headers = {"Accept": accept, "Host": urllib.parse.urlsplit(SITE).netloc}
        # As a proxy in front of the server tells it.
        headers["X-Forwarded-Proto"] = "https"
        if self.token:
            headers["X-Session-Token"] = self.token
        if self.browser and self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.address, timeout=PATIENCE)
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies.pop(name, None)
            if value and "max-age=0" not in line.lower():
                self.cookies[name] = value
        try:
            return answer.status, answer.headers, json.loads(said)
        except ValueError:
            return answer.status, answer.headers, said.decode()

    def begin(self, kind, **query):
        way = "browser" if self.browser else "api"
        status, _, flow = self.ask(f"/self-service/{kind}/{way}?{urllib.parse.urlencode(query)}")
        if status != 200:
            raise Refused(status, flow)
        return flow

    def send(self, flow, kind, **body):
        if self.browser:
            body["csrf_token"] = field(flow, "csrf_token")["value"]
        status, _, said = self.ask(f"/self-service/{kind}?flow={flow['id']}", "POST", body)
        if status != 200:
            raise Refused(status, said)
        self.token = None if self.browser else said.get("session_token") or self.token
        return said

    def more(self, flow, kind, **body):
        """A step after which there is another one: the flow goes on."""
        try:
            return self.send(flow, kind, **body)
        except Refused as refused:
            if refused.status != 400 or refused.body.get("state") != "sent_email":
                raise
            return refused.body

    def whoami(self, query=""):
        status, _, said = self.ask(f"/sessions/whoami{query}")
        if status != 200:
            raise Refused(status, said)
        return said

    # The first factor.

    def password(self, email, password):
        return self.send(self.begin("login"), "login", method="password", identifier=email, password=password)

    def code(self, email):
        flow = self.more(self.begin("login"), "login", method="code", identifier=email)
        return self.send(flow, "login", method="code", identifier=email, code=self.outside.code_for(email))

    def passkey(self, device):
        flow = self.begin("login")
        proof = device.prove(json.loads(field(flow, "passkey_challenge")["value"]))
        return self.send(flow, "login", method="passkey", passkey_login=proof)

    def provider(self, who, kind="login"):
        self.outside.who = who
        native = {} if self.browser else {"return_session_token_exchange_code": "true", "return_to": APP}
        flow = self.begin(kind, **native)
        try:
            self.send(flow, kind, method="oidc", provider="club")
            raise AssertionError("nobody was sent to the provider")
        except Refused as refused:
            if refused.status != 422:
                raise
            there = urllib.parse.urlsplit(refused.body["redirect_browser_to"])
        _, headers, _ = self.outside.answer(f"{there.path}?{there.query}", "", {})
        back = headers["Location"].removeprefix(SITE)
        # A native app lets a browser carry that.
        carrier = self if self.browser else Visitor(self.address, self.outside, True)
        status, headers, said = carrier.ask(back, accept="text/html")
        if status not in (302, 303):
            raise Refused(status, said)
        if not self.browser:
            code = urllib.parse.parse_qs(urllib.parse.urlsplit(headers["Location"]).query).get("code")
            if not code:
                raise Refused(status, headers["Location"])
            codes = {"init_code": flow["session_token_exchange_code"], "return_to_code": code[0]}
            status, _, said = self.ask(f"/sessions/token-exchange?{urllib.parse.urlencode(codes)}")
            if status != 200:
                raise Refused(status, said)
            self.token = said["session_token"]

    # The second factor.

    def second(self, **body):
        return self.send(self.begin("login", aal="aal2"), "login", **body)

    def app(self, secret, steps=0):
        return self.second(method="totp", totp_code=code_of_app(secret, steps))

    def lookup(self, code):
        return self.second(method="lookup_secret", lookup_secret=code)

    def key(self, device):
        flow = self.begin("login", aal="aal2")
        proof = device.prove(options(field(flow, "webauthn_login_trigger")))
        who = field(flow, "identifier")["value"]
        return self.send(flow, "login", method="webauthn", identifier=who, webauthn_login=proof)

    # Without any.

    def recover(self, email):
        flow = self.more(self.begin("recovery"), "recovery", method="code", email=email)
        try:
            return self.send(flow, "recovery", method="code", code=self.outside.code_for(email))
        except Refused as refused:
            # Browsers are led on to the settings.
            if refused.status != 422:
                raise
            return refused.body


def field(flow, name):
    """The attributes of a field of a form."""
    for node in flow["ui"]["nodes"]:
        if name in (node["attributes"].get("name"), node["attributes"].get("id")):
            return node["attributes"]
    raise AssertionError(f"no field {name} in {json.dumps(flow['ui']['nodes'])}")


def options(attributes):
    """What an authenticator is asked, which stands in a button's value or in its script."""
    value = attributes.get("value")
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value)
    script = attributes["onclick"]
    return json.loads(script[script.index("{") : script.rindex("}") + 1])
