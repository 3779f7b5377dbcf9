"""The Helm chart, linted and rendered by Helm's own code, and the manifests that are made of it."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import yaml
from running import PROGRAM
from surroundings import PATIENCE, main

PACKAGING = pathlib.Path(__file__).parents[2] / "packaging"
GATEWAY = PACKAGING / "kubernetes/gateway.yaml"
LEAST = {"baseUrl": "https://id.example.org/"}
# The server takes none of these.
NO_ADDRESSES = ["id.example.org", "https://", "https:///", "ftp://id.example.org/", "https://ada@id.example.org/", "https://id.example.org/?a"]
MONITORED = {"serviceMonitor": {"enabled": True, "secret": "sessera-monitor"}}
PEERS = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "operators"}}}]
# What stands in the secret that the chart is given.
SECRET = {
    "DSN": "postgres://sessera@database.internal/sessera",
    "SECRETS_CIPHER_0": "a-secret-for-the-cipher-of-32-characters",
    "SECRETS_COOKIE_0": "a-secret-for-cookies",
    "SERVE_ADMIN_TOKEN_0": "a-token-for-operators-of-this-server",
}


class Readable(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


Readable.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def chart(values):
    """What Helm's code makes of the chart with some values, and what it says when it refuses them."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        command = [os.environ["CHART"], PACKAGING / "helm", file.name]
        run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return (json.loads(run.stdout) if run.returncode == 0 else None), run.stderr


def rendered(values):
    manifests, problem = chart(values)
    assert manifests, problem
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in manifests}


def gateway_values():
    return yaml.safe_load((PACKAGING / "kubernetes/gateway.values.yaml").read_text())


@unittest.skipUnless(os.environ.get("CHART"), "Go is not installed")
class Chart(unittest.TestCase):
    def test_its_pods_are_shut_in_watched_and_replaced_one_by_one(self):
        made = rendered(LEAST)
        deployment = made["Deployment", "sessera"]["spec"]
        self.assertEqual(deployment["strategy"]["rollingUpdate"], {"maxSurge": 1, "maxUnavailable": 0})
        pod = deployment["template"]["spec"]
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertFalse(pod["automountServiceAccountToken"])
        [container] = pod["containers"]
        self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
        self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
        for probe, path in {"startup": "alive", "liveness": "alive", "readiness": "ready"}.items():
            self.assertEqual(container[f"{probe}Probe"]["httpGet"], {"path": f"/health/{path}", "port": "public"})
        # Both waits and what the process needs to end fit into the time that Kubernetes gives it.
        self.assertEqual(pod["terminationGracePeriodSeconds"], 30)
        self.assertEqual(made["PodDisruptionBudget", "sessera"]["spec"]["maxUnavailable"], 1)
        self.assertNotIn(("PodDisruptionBudget", "sessera"), rendered(LEAST | {"replicas": 1}))

    def test_secrets_come_from_outside(self):
        made = rendered(LEAST)
        self.assertNotIn("Secret", [kind for kind, _ in made])
        [container] = made["Deployment", "sessera"]["spec"]["template"]["spec"]["containers"]
        self.assertEqual(container["envFrom"], [{"secretRef": {"name": "sessera"}}])

    def test_a_change_of_the_configuration_replaces_the_pods(self):
        def mark(values):
            return rendered(values)["Deployment", "sessera"]["spec"]["template"]["metadata"]["annotations"]

        self.assertEqual(mark(LEAST), mark(LEAST))
        self.assertNotEqual(mark(LEAST), mark(LEAST | {"configuration": {"log": {"level": "debug"}}}))

    def test_only_the_public_port_is_open_to_all(self):
        def rules(values):
            made = rendered(values)["NetworkPolicy", "sessera"]["spec"]["ingress"]
            return {rule["ports"][0]["port"]: rule.get("from") for rule in made}

        self.assertEqual(rules(LEAST), {"public": None})
        peers = LEAST | {"networkPolicy": {"admin": PEERS, "gateway": PEERS}}
        self.assertEqual(rules(peers), {"public": None, "admin": PEERS})
        peers["gateway"] = {"enabled": True, "trustedProxies": ["10.0.0.0/8"]}
        self.assertEqual(rules(peers), {"public": None, "admin": PEERS, "gateway": PEERS})

    def test_prometheus_finds_the_admin_port_by_its_service(self):
        made = rendered(LEAST | MONITORED)
        monitor = made["ServiceMonitor", "sessera"]["spec"]
        wanted = monitor["selector"]["matchLabels"].items()
        found = [name for (kind, name), it in made.items() if kind == "Service" and wanted <= it["metadata"]["labels"].items()]
        self.assertEqual(found, ["sessera-admin"])
        [port] = made["Service", "sessera-admin"]["spec"]["ports"]
        self.assertEqual(monitor["endpoints"][0]["port"], port["name"])
        # It has a token of its own, which may read: that of the owner stays where it is.
        self.assertEqual(monitor["endpoints"][0]["authorization"]["credentials"], {"name": "sessera-monitor", "key": "token"})

    def test_the_program_takes_the_configuration(self):
        addresses = ["https://id.example.org", "https://id.example.org/auth", "HTTPS://[2001:db8::1]:8443/"]
        proxied = [LEAST | {"trustedProxies": ["10.0.0.0/8"]}]
        proxied += [proxied[0] | {"baseUrl": address} for address in addresses]
        for values in (*proxied, gateway_values()):
            text = rendered(values)["ConfigMap", "sessera"]["data"]["sessera.yml"]
            self.assertEqual(yaml.safe_load(text)["serve"]["public"]["base_url"], values["baseUrl"])
            with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                file.write(text)
                file.flush()
                command = [PROGRAM, "config", "validate", "--config", file.name]
                run = subprocess.run(command, env=SECRET, capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(run.returncode, 0, f"{text}\n{run.stdout}{run.stderr}")
            self.assertNotIn("Warning", run.stderr)

    def test_what_cannot_work_is_refused(self):
        for wrong, said in [
            ({}, "baseUrl"),
            *(({"baseUrl": address}, "baseUrl") for address in NO_ADDRESSES),
            (LEAST | {"serviceMonitor": {"enabled": True}}, "serviceMonitor"),
            (LEAST | {"gateway": {"enabled": True}}, "trustedProxies"),
            (LEAST | {"replica": 3}, "replica"),
        ]:
            manifests, problem = chart(wrong)
            self.assertIsNone(manifests, wrong)
            self.assertIn(said, problem)

    def test_the_manifests_for_the_gateway_are_those_of_the_chart(self):
        made = list(rendered(gateway_values()).values())
        if os.environ.get("SESSERA_BLESS"):
            head, _, _ = GATEWAY.read_text().partition("---\n")
            GATEWAY.write_text(f"{head}---\n{yaml.dump_all(made, Dumper=Readable, sort_keys=False)}")
        self.assertEqual(list(yaml.safe_load_all(GATEWAY.read_text())), made)


if __name__ == "__main__":
    main()
