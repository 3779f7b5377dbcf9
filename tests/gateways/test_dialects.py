"""Proxies that cannot be had here, played by clients that speak their dialects as the printed files say; and gRPC as a
client sees it that knows nothing but what reflection tells."""

import json
import re
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
        smuggled = {"X-User-Id": EVIL, "X-User_Id": EVIL, "x_user-id": EVIL, "X_User_Email": EVIL}
        status, headers = self.request("GET", "/in?a=b", FETCH | {"Cookie": f"a=1; {cookie}"} | smuggled)
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


class Upgrades:
    """What must be so where the file itself says which protocols get through."""

    def test_websockets_alone_get_through(self):
        for protocol, passes in (("websocket", True), ("WebSocket", True), ("h2c", False), ("h2c, websocket", False)):
            status, headers = self.request("GET", "/chat", FETCH | {"X-Session-Token": token, "Upgrade": protocol})
            self.assertEqual((status, bool(headers.get("upgrade"))), (200, passes), (protocol, headers))

    def test_whoever_asks_for_a_websocket_is_not_sent_to_sign_in(self):
        self.assertEqual(self.request("GET", "/chat", PAGE | {"Upgrade": "websocket"})[0], 401)

    def test_no_preflight_asks_for_another_protocol(self):
        asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT", "Upgrade": "websocket"}
        self.assertEqual(self.request("OPTIONS", "/chat", FETCH | asked)[0], 401)


def small(headers):
    return {name.lower(): value for name, value in headers.items()}


class Traefik(Cases, Upgrades, unittest.TestCase):
    """As the middleware forwardAuth asks: the client's headers go along, and X-Forwarded-* is Traefik's own."""

    def request(self, method, path, headers):
        file = yaml.safe_load(printed("traefik"))["http"]
        pattern = re.search(r"HeaderRegexp\(`Upgrade`, `(.*)`\)", file["routers"]["websockets"]["rule"])[1]
        router = "websockets" if re.search(pattern, headers.get("Upgrade", "")) else "app"
        *before, last = (file["middlewares"][name] for name in file["routers"][router]["middlewares"])
        headers = small(headers)
        for middleware in before:
            for name, value in middleware["headers"]["customRequestHeaders"].items():
                headers |= {name.lower(): value}
        headers = {name: value for name, value in headers.items() if value}
        settings = last["forwardAuth"]
        self.assertFalse(settings["trustForwardHeader"])
        told = {"X-Forwarded-Method": method, "X-Forwarded-Proto": "http", "X-Forwarded-Host": HOST, "X-Forwarded-Uri": path}
        # What belongs to the connection is not told.
        asked = {name: value for name, value in headers.items() if name != "upgrade"}
        answer = ask(*address(settings["address"]), headers=asked | told)
        if answer.status != 200:
            return answer.status, small(dict(answer.headers))
        passed = headers
        for name in settings["authResponseHeaders"]:
            passed.pop(name.lower(), None)
            if name in answer.headers:
                passed[name.lower()] = answer.headers[name]
        return 200, passed


class Apisix(Cases, Upgrades, unittest.TestCase):
    """As the plugin forward-auth asks: with the headers that are named. The plugin proxy-rewrite runs behind it."""

    def request(self, method, path, headers):
        file = yaml.safe_load(printed("apisix"))
        sent = small(headers)
        routes = sorted(file["routes"], key=lambda route: -route.get("priority", 0))
        route = next(route for route in routes if self.matches(route, sent))
        # It passes no upgrade on unless it is told to.
        upgrade = {"upgrade": sent["upgrade"]} if route.get("enable_websocket") and "upgrade" in sent else {}
        plugins = next(known for known in file["plugin_configs"] if known["id"] == route["plugin_config_id"])["plugins"]
        settings = plugins["forward-auth"]
        self.assertFalse(settings["allow_degradation"])
        self.assertIn(route["upstream_id"], [upstream["id"] for upstream in file["upstreams"]])
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
        for name in [*plugins["proxy-rewrite"]["headers"]["remove"], "Upgrade"]:
            sent.pop(name.lower(), None)
        return 200, sent | upgrade

    @staticmethod
    def matches(route, sent):
        """Whether a route takes a request: each of its conditions is a variable, an operator and a pattern."""
        for variable, operator, pattern in route.get("vars", []):
            assert (variable, operator) == ("http_upgrade", "~*"), route
            if not re.search(pattern, sent.get("upgrade", ""), re.IGNORECASE):
                return False
        return True

    def test_what_sessera_says_reaches_the_client(self):
        plugins = yaml.safe_load(printed("apisix"))["plugin_configs"][0]["plugins"]
        told = {name.lower() for name in plugins["forward-auth"]["client_headers"]}
        self.assertEqual(told, {"content-type", "location", "retry-after", "set-cookie"})
        self.assertEqual(self.request("GET", "/in", FETCH)[1]["content-type"], "application/json; charset=utf-8")


class KubernetesGateway(Cases, unittest.TestCase):
    """As the filter ExternalAuth asks over HTTP: the request itself behind a path, with the headers that are named."""

    def request(self, method, path, headers):
        rule = yaml.safe_load(printed("kubernetes-gateway"))["spec"]["rules"][0]
        filters = {each["type"]: each for each in rule["filters"]}
        settings = filters["ExternalAuth"]["externalAuth"]["http"]
        removed = filters["RequestHeaderModifier"]["requestHeaderModifier"]["remove"]
        # More of them are refused by the API.
        self.assertLessEqual(len(removed), 16)
        sent = small(headers)
        for name in removed:
            sent.pop(name.lower(), None)
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
        # As the files of Envoy and Istio have it.
        headers = {name: value for name, value in headers.items() if "_" not in name}
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


class Istio(unittest.TestCase):
    """What the file of Istio makes of its Envoys."""

    def test_they_drop_names_with_underscores_as_those_of_the_file_of_envoy_do(self):
        of_istio = list(yaml.safe_load_all(printed("istio")))[-1]["spec"]["configPatches"][0]
        filters = yaml.safe_load(printed("envoy"))["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]
        of_envoy, patched = filters[0], of_istio["patch"]["value"]["typed_config"]
        self.assertEqual(of_istio["match"]["listener"]["filterChain"]["filter"]["name"], of_envoy["name"])
        for name in ("@type", "common_http_protocol_options"):
            self.assertEqual(patched[name], of_envoy["typed_config"][name])


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
