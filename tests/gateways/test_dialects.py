"""Proxies that cannot be had here, played by clients that speak their dialects as the printed files say; and gRPC as a
client sees it that knows nothing but what reflection tells."""

import json
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import grpc
import yaml
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from surroundings import PATIENCE, main, own_port
from surroundings_of_gateways import FETCH, HEADERS, PAGE, Gateway, ask, claims

HOST = "app.example"
EVIL = "evil"


def setUpModule():
    global folder, sessera, ada, token, cookie
    folder = tempfile.TemporaryDirectory()
    sessera = Gateway(folder.name, [own_port()])
    ada = sessera.person("ada@example.org")
    token = sessera.token("ada@example.org")
    cookie, _ = sessera.cookie("ada@example.org")


def tearDownModule():
    sessera.stop()
    folder.cleanup()


def printed(proxy, route="api"):
    return sessera.proxy_config(proxy, route, 8080, 3000)


class Cases:
    """What must be so behind every proxy. `request` says what the app gets: status, and headers in small letters."""

    def test_who_is_signed_in_passes(self):
        status, headers = self.request("GET", "/in?a=b", FETCH | {"Cookie": f"a=1; {cookie}", "X-User-Id": EVIL})
        self.assertEqual(status, 200, headers)
        self.assertEqual(claims(headers["authorization"])["sub"], ada)
        self.assertEqual(headers["x-user-id"], ada)
        self.assertEqual(headers["cookie"], "a=1")
        self.assertNotIn(EVIL, str(headers))

    def test_who_is_not_is_refused_or_sent_to_sign_in(self):
        status, _ = self.request("GET", "/in?a=b", FETCH)
        self.assertEqual(status, 401)
        status, headers = self.request("GET", "/in?a=b", PAGE)
        self.assertEqual(status, 302, headers)
        self.assertIn("/self-service/login/browser", headers["location"])
        self.assertEqual(self.request("POST", "/in", PAGE)[0], 303)

    def test_a_preflight_passes_as_nobody(self):
        asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
        status, headers = self.request("OPTIONS", "/in", FETCH | asked | {"X-User-Id": EVIL, "Authorization": EVIL})
        self.assertEqual(status, 200, headers)
        self.assertFalse(headers.get("authorization") or headers.get("x-user-id"), headers)


def small(headers):
    return {name.lower(): value for name, value in headers.items()}


class Traefik(Cases, unittest.TestCase):
    """As the middleware forwardAuth asks: the client's headers go along, and X-Forwarded-* is Traefik's own."""

    def request(self, method, path, headers):
        settings = yaml.safe_load(printed("traefik"))["http"]["middlewares"]["sessera"]["forwardAuth"]
        self.assertFalse(settings["trustForwardHeader"])
        told = {"X-Forwarded-Method": method, "X-Forwarded-Proto": "http", "X-Forwarded-Host": HOST, "X-Forwarded-Uri": path}
        answer = ask(*address(settings["address"]), headers=headers | told)
        if answer.status != 200:
            return answer.status, small(dict(answer.headers))
        passed = small(headers)
        for name in settings["authResponseHeaders"]:
            passed.pop(name.lower(), None)
            if name in answer.headers:
                passed[name.lower()] = answer.headers[name]
        return 200, passed


class Apisix(Cases, unittest.TestCase):
    """As the plugin forward-auth asks: with the headers that are named."""

    def request(self, method, path, headers):
        settings = yaml.safe_load(printed("apisix"))["routes"][0]["plugins"]["forward-auth"]
        self.assertFalse(settings["allow_degradation"])
        sent = small(headers)
        asked = {name: sent[name.lower()] for name in settings["request_headers"] if name.lower() in sent}
        asked |= {"X-Forwarded-Method": method, "X-Forwarded-Proto": "http", "X-Forwarded-Host": HOST, "X-Forwarded-Uri": path}
        answer = ask(*address(settings["uri"]), headers=asked)
        if answer.status >= 300:
            told = small(dict(answer.headers))
            return answer.status, {name.lower(): told[name.lower()] for name in settings["client_headers"] if name.lower() in told}
        for name in settings["upstream_headers"]:
            value = answer.headers.get(name)
            sent.pop(name.lower(), None)
            if value:
                sent[name.lower()] = value
        return 200, sent


class KubernetesGateway(Cases, unittest.TestCase):
    """As the filter ExternalAuth asks over HTTP: the request itself behind a path, with the headers that are named."""

    def request(self, method, path, headers):
        rule = yaml.safe_load(printed("kubernetes-gateway"))["spec"]["rules"][0]
        settings = rule["filters"][0]["externalAuth"]["http"]
        sent = small(headers)
        asked = {name: sent[name.lower()] for name in settings["allowedHeaders"] if name.lower() in sent}
        answer = ask(sessera.gateway, method, settings["path"] + path, asked | {"X-Forwarded-Proto": "http"})
        if answer.status != 200:
            return answer.status, small(dict(answer.headers))
        for name in settings["allowedResponseHeaders"]:
            if name in answer.headers:
                sent[name.lower()] = answer.headers[name]
        for name in answer.headers["x-envoy-auth-headers-to-remove"].split(","):
            sent.pop(name, None)
        return 200, sent


def address(url):
    """The port and, for a question, the method and the path of an address."""
    parts = urllib.parse.urlparse(url)
    return parts.port, "GET", f"{parts.path}?{parts.query}"


class Grpc(Cases, unittest.TestCase):
    """As Envoy and Istio ask over gRPC."""

    @classmethod
    def setUpClass(cls):
        cls.channel = grpc.insecure_channel(f"127.0.0.1:{sessera.gateway}")
        cls.reflected = ProtoReflectionDescriptorDatabase(cls.channel)
        pool = DescriptorPool(cls.reflected)
        find = lambda name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"envoy.service.auth.v3.{name}"))
        cls.question = find("CheckRequest")
        cls.check = cls.channel.unary_unary(
            "/envoy.service.auth.v3.Authorization/Check",
            request_serializer=cls.question.SerializeToString,
            response_deserializer=find("CheckResponse").FromString,
        )

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()

    def asked(self, method, path, headers, route="api"):
        http = {"method": method, "path": path, "host": HOST, "scheme": "http", "headers": small(headers) | {":path": path}}
        asked = {"attributes": {"request": {"http": http}, "contextExtensions": {"route": route} if route else {}}}
        answer = self.check(json_format.ParseDict(asked, self.question()))
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def request(self, method, path, headers):
        answer = self.asked(method, path, headers)
        if "denied_response" in answer:
            denied = answer["denied_response"]
            return denied["status"]["code"], {h["header"]["key"]: h["header"]["value"] for h in denied["headers"]}
        passed = small(headers)
        for option in answer["ok_response"]["headers"] if "headers" in answer["ok_response"] else []:
            passed[option["header"]["key"]] = option["header"]["value"]
        for name in answer["ok_response"].get("headers_to_remove", []):
            passed.pop(name, None)
        return 200, passed

    def test_claims_are_dynamic_metadata(self):
        answer = self.asked("GET", "/", FETCH | {"X-Session-Token": token})
        self.assertEqual(answer["dynamic_metadata"]["sub"], ada)
        self.assertEqual(answer["dynamic_metadata"]["email"], "ada@example.org")
        self.assertIn("x-session-token", answer["ok_response"]["headers_to_remove"])
        self.assertEqual(answer.get("status", {}).get("code", 0), 0)

    def test_a_question_without_a_route_is_judged_by_the_default_one(self):
        answer = self.asked("GET", "/", FETCH | {"X-Session-Token": token}, route=None)
        self.assertIn("ok_response", answer)
        self.assertNotIn("dynamic_metadata", answer)
        denied = self.asked("GET", "/", FETCH, route=None)
        self.assertEqual(denied["status"]["code"], grpc.StatusCode.UNAUTHENTICATED.value[0])
        self.assertEqual(json.loads(denied["denied_response"]["body"])["error"]["code"], 401)

    def test_a_route_that_is_not_there_lets_nobody_pass(self):
        denied = self.asked("GET", "/", FETCH | {"X-Session-Token": token}, route="nope")
        self.assertEqual(denied["denied_response"]["status"]["code"], 500)

    def test_where_grpc_is_answered_nothing_else_is(self):
        # Without a body: the answer comes before one is read, and the stream then ends by RST_STREAM with NO_ERROR (RFC 9113,
        # section 8.1), which curl 7.88 takes for a failure if its body is still to be sent.
        for path in ("/envoy.service.auth.v3.Authorization/Check", "/grpc.health.v1.Health/Check"):
            for version, media_type, status in (
                ("--http1.1", "application/grpc", "505"),
                ("--http2-prior-knowledge", "application/json", "415"),
            ):
                sent = ["--header", f"content-type: {media_type}", "--request", "POST", f"http://127.0.0.1:{sessera.gateway}{path}"]
                curl = ["curl", "--silent", "--noproxy", "*", version, "--output", "-", "--write-out", "\n%{http_code}", *sent]
                body, told = subprocess.run(curl, capture_output=True, text=True, check=True).stdout.rsplit("\n", 1)
                self.assertEqual(told, status, (path, body))
                self.assertEqual(json.loads(body)["error"]["code"], int(status))

    def test_health_and_services_are_told(self):
        health = health_pb2_grpc.HealthStub(self.channel)
        for service in ("", "envoy.service.auth.v3.Authorization"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING, service)
        services = set(self.reflected.get_services())
        self.assertLessEqual({"envoy.service.auth.v3.Authorization", "grpc.health.v1.Health"}, services)


class Lasting(unittest.TestCase):
    """Questions and streams over gRPC that do not end by themselves."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_a_stranger_is_refused_before_its_message_is_there(self):
        other = Gateway(self.folder.name, [], trusted=["127.0.0.2"])
        self.addCleanup(other.stop)
        answered = threading.Event()

        def silence():
            answered.wait()
            yield from ()

        with grpc.insecure_channel(f"127.0.0.1:{other.gateway}") as channel:
            check = channel.stream_unary("/envoy.service.auth.v3.Authorization/Check")
            try:
                self.assertIn(b"trusted_proxies", check(silence(), timeout=PATIENCE))
            finally:
                answered.set()

    def test_whoever_watches_the_health_holds_up_no_stop(self):
        other = Gateway(self.folder.name, [])
        with grpc.insecure_channel(f"127.0.0.1:{other.gateway}") as channel:
            watched = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""))
            told = [next(watched).status]
            other.process.send_signal(signal.SIGTERM)
            told += [answer.status for answer in watched]
            other.stop()
        serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        self.assertEqual(told, [serving, not_serving])
        with open(f"{self.folder.name}/log") as log:
            self.assertNotIn("did not finish in time", log.read())


if __name__ == "__main__":
    main()
