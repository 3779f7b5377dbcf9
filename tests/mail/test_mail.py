"""Codes by e-mail, from the real server through a real mail server (aiosmtpd) on loopback."""

import email
import email.policy
import json
import logging
import os
import re
import signal
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from surroundings import PATIENCE, main, own_port, until

PROGRAM = os.environ["SESSERA"]

# The mail server tells at length when a client does not trust it, which one test is about.
logging.disable()
PASSWORD = "Zx-long-enough-1234"


class MailServer:
    """Keeps what it takes, and refuses the first mails, as many as it is told."""

    def __init__(self, port, refusals=0, **options):
        self.mails, self.refusals, self.logins = [], refusals, []
        if options.pop("auth", False):
            options |= {"auth_required": True, "authenticator": self.authenticate}
        self.controller = Controller(self, hostname="127.0.0.1", port=port, **options)
        self.controller.start()

    def authenticate(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p/ss")

    async def handle_DATA(self, server, session, envelope):
        if self.refusals > 0:
            self.refusals -= 1
            return "451 try again later"
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"

    def mail_to(self, address):
        return until(lambda: next((m for m in self.mails if m["To"] == address), None), f"a mail to {address}")

    def stop(self):
        self.controller.stop()


class Sessera:
    """A running server in a folder of its own."""

    def __init__(self, folder, uri, *arguments, **environment):
        self.folder, self.arguments, self.environment = folder, arguments, environment
        flows = {"recovery": {"enabled": True}, "verification": {"enabled": True}}
        configuration = {"selfservice": {"flows": flows}, "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}}}
        if uri:
            configuration["courier"] = {"smtp": {"connection_uri": uri, "from_name": "Example"}}
        self.file = os.path.join(folder, "sessera.json")
        with open(self.file, "w") as file:
            json.dump(configuration, file)
        self.start()

    def start(self):
        environment = os.environ | {"SERVE_PUBLIC_PORT": "0", "SERVE_ADMIN_PORT": "0", "NO_COLOR": "1"}
        self.log_file = os.path.join(self.folder, "log")
        with open(self.log_file, "w") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "-c", self.file, *self.arguments],
                cwd=self.folder, env=environment | self.environment, stdout=log, stderr=log,
            )
        found = until(lambda: re.search(r"public=(\S+)", self.log()), "the start")
        self.url = f"http://{found[1]}"

    def log(self):
        with open(self.log_file) as file:
            return file.read()

    def call(self, method, path, body=None, **headers):
        request = urllib.request.Request(
            self.url + path, method=method, data=body and json.dumps(body).encode(),
            headers={"Accept": "application/json", "Content-Type": "application/json", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def sign_up(self, address, **headers):
        _, flow = self.call("GET", "/self-service/registration/api")
        body = {"method": "password", "traits": {"email": address}, "password": PASSWORD}
        status, answer = self.call("POST", f"/self-service/registration?flow={flow['id']}", body, **headers)
        assert status == 200, answer

    def ask_for_recovery(self, address, **headers):
        _, flow = self.call("GET", "/self-service/recovery/api")
        body = {"method": "code", "email": address}
        status, answer = self.call("POST", f"/self-service/recovery?flow={flow['id']}", body, **headers)
        assert status == 200, answer
        return flow["id"]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE) == 0


class Mail(unittest.TestCase):
    def server(self, uri, *arguments, **environment):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        sessera = Sessera(folder.name, uri, *arguments, **environment)
        self.addCleanup(sessera.stop)
        return sessera

    def mail_server(self, port, **options):
        mail_server = MailServer(port, **options)
        self.addCleanup(mail_server.stop)
        return mail_server

    def test_codes_arrive_as_text_and_html_in_the_language_of_the_person(self):
        port = own_port()
        mails = self.mail_server(port)
        sessera = self.server(f"smtp://127.0.0.1:{port}/?disable_starttls=true")
        sessera.sign_up("ada@example.org", **{"Accept-Language": "de"})
        mail = mails.mail_to("ada@example.org")
        self.assertEqual(mail["Subject"], "Bitte bestätigen Sie Ihre E-Mail-Adresse")
        self.assertEqual(mail["From"], "Example <no-reply@localhost>")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        text = mail.get_body(("plain",)).get_content()
        html = mail.get_body(("html",)).get_content()
        code = re.search(r"\b(\d{6})\b", text)[1]
        self.assertIn(code, html)
        self.assertIn('<html lang="de">', html)
        link = re.search(r"https?://\S+", text)[0]
        self.assertEqual(urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["code"], [code])

    def test_a_mailed_code_recovers_the_account(self):
        port = own_port()
        mails = self.mail_server(port)
        sessera = self.server(f"smtp://127.0.0.1:{port}/?disable_starttls=true")
        sessera.sign_up("ada@example.org")
        mails.mail_to("ada@example.org")
        mails.mails.clear()
        flow = sessera.ask_for_recovery("ada@example.org")
        text = mails.mail_to("ada@example.org").get_body(("plain",)).get_content()
        code = re.search(r"\b(\d{6})\b", text)[1]
        status, answer = sessera.call("POST", f"/self-service/recovery?flow={flow}", {"method": "code", "code": code})
        self.assertEqual((status, answer.get("error", {}).get("id")), (422, "browser_location_change_required"))

    def test_what_the_mail_server_refuses_for_now_is_sent_later(self):
        port = own_port()
        mails = self.mail_server(port, refusals=2)
        sessera = self.server(f"smtp://127.0.0.1:{port}/?disable_starttls=true")
        sessera.sign_up("ada@example.org")
        mails.mail_to("ada@example.org")
        self.assertEqual(mails.refusals, 0)

    def test_a_message_outlives_a_killed_server_and_a_mail_server_that_is_away(self):
        port = own_port()
        sessera = self.server(f"smtp://127.0.0.1:{port}/?disable_starttls=true")
        sessera.sign_up("ada@example.org")
        until(lambda: "could not be sent" in sessera.log(), "an attempt")
        sessera.kill()
        mails = self.mail_server(port)
        sessera.start()
        mails.mail_to("ada@example.org")

    def test_passwords_go_over_tls_only(self):
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        port = own_port()
        mails = self.mail_server(port, auth=True, tls_context=context, require_starttls=True)
        with tempfile.NamedTemporaryFile(suffix=".pem") as trusted:
            authority.cert_pem.write_to_path(trusted.name)
            sessera = self.server(f"smtp://me:p%2Fss@localhost:{port}/", SSL_CERT_FILE=trusted.name)
            sessera.sign_up("ada@example.org")
            mails.mail_to("ada@example.org")
            self.assertEqual(mails.logins[-1], (b"me", b"p/ss"))
        mails.logins.clear()
        stranger = self.server(f"smtp://me:p%2Fss@localhost:{port}/")
        stranger.sign_up("eve@example.org")
        until(lambda: "could not be sent" in stranger.log(), "an attempt")
        self.assertEqual(mails.logins, [], "a server with an unknown certificate got the password")
        self.assertNotIn("p/ss", stranger.log())

    def test_codes_are_in_the_log_in_development_mode_only(self):
        # A line of the message ends within its record as four characters.
        code = re.compile(r"(?<=\\n)\d{6}(?=\\r\\n)")
        for arguments, shown in ((["--dev"], True), ([], False)):
            sessera = self.server(None, *arguments)
            sessera.sign_up("ada@example.org")
            if shown:
                until(lambda: code.search(sessera.log()), "a code in the log")
            sessera.stop()
            self.assertEqual(bool(code.search(sessera.log())), shown)


if __name__ == "__main__":
    main()
