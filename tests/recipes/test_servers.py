"""Tokens of recipes before servers that want https: RabbitMQ, Apache, Kubernetes' authenticator and Centrifugo."""

import asyncio
import http.server
import json
import os
import subprocess
import threading
import unittest

import pika
from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler
from running import ask
from surroundings import PATIENCE, main, own_port, until
from surroundings_of_recipes import ADA, EDITOR, Recipes, damaged, printed

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def setUpModule():
    global here
    here = Recipes(https=True)
    unittest.addModuleCleanup(here.stop)
    # Tokens of the same server that are for others.
    here.make("openbao", name="for-others")


def settings(page, language):
    """What the page of a recipe prints, with the addresses and the authority of the test."""
    *_, block = printed(page, language)
    return block.replace("https://id.example.org/", here.url).replace(AUTHORITIES, str(here.authority))


class RabbitMq(unittest.TestCase):
    def opens(self, token, queue):
        """Declares a queue as an app does that has this token."""
        credentials = pika.PlainCredentials("app", token)
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, "/", credentials))
        try:
            connection.channel().queue_declare(queue, exclusive=True)
        finally:
            if connection.is_open:
                connection.close()

    def test_scopes_say_which_queues_somebody_has(self):
        here.make("rabbitmq")
        self.port, distribution, epmd = own_port(), own_port(), own_port()
        file, plugins = here.folder / "rabbitmq.conf", here.folder / "plugins"
        file.write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.console = true\n{settings('rabbitmq', 'ini')}")
        plugins.write_text("[rabbitmq_auth_backend_oauth2].\n")
        environment = {
            "HOME": here.folder, "RABBITMQ_CONFIG_FILE": file, "RABBITMQ_ENABLED_PLUGINS_FILE": plugins,
            "RABBITMQ_MNESIA_BASE": here.folder, "RABBITMQ_LOGS": "-", "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_DIST_PORT": distribution, "ERL_EPMD_PORT": epmd, "RABBITMQ_PID_FILE": here.folder / "rabbitmq.pid",
        }
        environment = {name: str(value) for name, value in environment.items()}
        own, _ = here.people[ADA]
        other, _ = here.people[EDITOR]
        # Erlang would start one that stays.
        with here.running("epmd", "-port", epmd) as names, here.running(RABBITMQ, **environment) as server:
            names.listens(epmd)
            server.listens(self.port)
            good = here.token("rabbitmq")
            self.opens(good, f"{own}-letters")
            with self.assertRaises(pika.exceptions.ChannelClosedByBroker):
                self.opens(good, f"{other}-letters")
            for bad in (damaged(good), here.token("for-others"), "x"):
                with self.assertRaises(pika.exceptions.AMQPConnectionError):
                    self.opens(bad, f"{own}-letters")
            here.rotate("rabbitmq")
            self.opens(here.token("rabbitmq"), f"{own}-letters")


class Apache(unittest.TestCase):
    def app(self):
        """An app that answers with the claims that reach it as headers."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                told = {name: value for name, value in self.headers.items() if name.startswith("OIDC_CLAIM_")}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    def test_locations_ask_for_claims(self):
        here.make("apache")
        port = own_port()
        modules = ["mpm_event", "authn_core", "authz_core", "proxy", "proxy_http", "auth_openidc"]
        file = here.folder / "apache.conf"
        file.write_text(
            "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
            + f"\nServerName localhost\nListen 127.0.0.1:{port}\nServerRoot {here.folder}\nPidFile {here.folder}/apache.pid\n"
            + f"ErrorLog {here.folder}/apache.errors\nUser www-data\nGroup www-data\nOIDCCacheShmMax 64\n"
            + settings("apache", "apache").replace("127.0.0.1:3000", f"127.0.0.1:{self.app()}")
        )
        with here.running("/usr/sbin/apache2", "-X", "-f", file) as server:
            server.listens(port)

            def answer(token, path="/"):
                headers = {"Authorization": f"Bearer {token}", "OIDC_CLAIM_email": "forged@example.org"}
                return ask(port, path=path, headers=headers)

            good, editors = here.token("apache"), here.token("apache", EDITOR)
            self.assertEqual(answer(good).status, 200, (here.folder / "apache.errors").read_text())
            told = answer(good).json()
            self.assertEqual(told["OIDC_CLAIM_sub"], here.people[ADA][0])
            self.assertNotIn("OIDC_CLAIM_email", told)
            self.assertEqual(answer(editors, "/editors").status, 200)
            self.assertEqual(answer(good, "/editors").status, 401)
            for bad in (damaged(good), here.token("for-others"), "x"):
                self.assertEqual(answer(bad).status, 401)
            here.sessera.command("create", "template", "elsewhere", "--recipe", "apache", "--set", "audience=elsewhere", "--keys", "apache")
            self.assertEqual(answer(here.token("elsewhere")).status, 401)
            here.rotate("apache")
            self.assertEqual(answer(here.token("apache")).status, 200)


@unittest.skipUnless(os.environ.get("KUBERNETES"), "Go is not installed")
class Kubernetes(unittest.TestCase):
    def test_its_authenticator_reads_people_and_groups(self):
        here.make("kubernetes")
        authority = here.authority.read_text().replace("\n", "\\n")
        audiences = "      audiences: [kubernetes]\n"
        file = here.folder / "kubernetes.yml"
        text = settings("kubernetes", "yaml")
        file.write_text(text.replace(audiences, f'{audiences}      certificateAuthority: "{authority}"\n'))
        command = [os.environ["KUBERNETES"], file]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

            def takes(token):
                print(token, file=process.stdin, flush=True)
                return process.stdout.readline()

            good = takes(here.token("kubernetes", EDITOR))
            name = f"sessera:{here.people[EDITOR][0]}"
            self.assertEqual(json.loads(good), {"name": name, "groups": ["sessera:editor"]})
            self.assertEqual(json.loads(takes(here.token("kubernetes")))["groups"], [])
            before = here.token("kubernetes")
            self.assertIn("failed to verify signature", takes(damaged(before)))
            self.assertIn("expected audience", takes(here.token("for-others")))
            here.sessera.command("rotate", "jwk", "kubernetes")
            until(lambda: here.token("kubernetes").split(".")[0] != before.split(".")[0], "the next key")
            self.assertIn(name, takes(here.token("kubernetes", EDITOR)))
            process.stdin.close()


class Told(ClientEventHandler, SubscriptionEventHandler):
    """What a client of Centrifugo is told: that it may, or that it may not."""

    def __init__(self):
        self.names = asyncio.Queue()

    async def tells(self, context):
        await self.names.put(type(context).__name__)

    on_connected = on_disconnected = on_subscribed = on_unsubscribed = on_error = tells

    async def next(self):
        return await asyncio.wait_for(self.names.get(), PATIENCE)


@unittest.skipUnless(os.environ.get("CENTRIFUGO"), "it is part of `cargo xtask recipes --all`")
class Centrifugo(unittest.TestCase):
    async def subscribes(self, connection, channel, subscription):
        """Connects and subscribes, and returns what the client was told."""
        told = Told()
        client = Client(f"ws://127.0.0.1:{self.port}/connection/websocket", events=told, token=connection)
        try:
            await client.connect()
            outcome = [await told.next()]
            if outcome == ["ConnectedContext"]:
                # The person's own channel, which the token names.
                outcome.append(await told.next())
                await client.new_subscription(channel, events=told, token=subscription).subscribe()
                outcome.append(await told.next())
            return outcome
        finally:
            await client.disconnect()

    def test_tokens_open_connections_and_channels(self):
        here.make("centrifugo")
        here.make("centrifugo-channel", "--set", "channel=news")
        self.port = own_port()
        file = here.folder / "centrifugo.json"
        file.write_text(settings("centrifugo", "json"))
        command = [os.environ["CENTRIFUGO"], "--config", file, "--http_server.port", self.port]
        with here.running(*command, SSL_CERT_FILE=str(here.authority)) as server:
            server.listens(self.port)

            def outcome(connection, channel="news", subscription=None):
                given = here.token("centrifugo-channel") if subscription is None else subscription
                return asyncio.run(self.subscribes(connection, channel, given))

            good, both = here.token("centrifugo"), ["ConnectedContext", "ServerSubscribedContext", "SubscribedContext"]
            self.assertEqual(outcome(good), both)
            self.assertNotEqual(outcome(good, channel="others"), both)
            self.assertNotEqual(outcome(good, subscription=good), both)
            for bad in (damaged(good), here.token("for-others"), "x"):
                self.assertNotIn("ConnectedContext", outcome(bad))
            here.rotate("centrifugo")
            self.assertEqual(outcome(here.token("centrifugo")), both)


if __name__ == "__main__":
    main()
