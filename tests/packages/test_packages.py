"""The files of packaging/ that no program here can run, and the sockets of systemd."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml
from running import PROGRAM, ask, listens
from surroundings import PATIENCE, main, own_port, until

ROOT = pathlib.Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"


def succeeds(*command, **settings):
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **settings)
    assert run.returncode == 0, f"{command}: {run.stdout}{run.stderr}"
    return run.stdout + run.stderr


@unittest.skipUnless(shutil.which("systemd-socket-activate"), "systemd is not installed")
class Activation(unittest.TestCase):
    def test_a_socket_of_systemd_is_taken_by_the_name_that_the_unit_has(self):
        unit = (PACKAGING / "debian/sessera.socket").read_text()
        name = re.search(r"(?m)^FileDescriptorName=(\w+)$", unit)[1]
        port = own_port()
        socket = [f"--listen=127.0.0.1:{port}", f"--fdname={name}", "--setenv=SERVE_ADMIN_PORT=0"]
        with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "log"), "w") as log:
            command = ["systemd-socket-activate", *socket, PROGRAM, "serve"]
            # It starts the server when somebody comes, and becomes it.
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            try:
                until(lambda: listens(port), "the socket of systemd")
                self.assertEqual(ask(port, path="/health/ready").status, 200)
            finally:
                server.terminate()
            self.assertEqual(server.wait(PATIENCE), 0)


class Monitoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        sources = "".join(file.read_text() for file in ROOT.glob("crates/*/src/**/*.rs"))
        cls.known = set(re.findall(r'"(sessera_[a-z_]+)"', sources))

    def compare(self, expressions):
        self.assertTrue(expressions)
        for expression in expressions:
            for name in re.findall(r"\bsessera_[a-z_]+", expression):
                self.assertIn(re.sub("_(bucket|sum|count)$", "", name), self.known, expression)
            self.assertEqual(expression.count("("), expression.count(")"), expression)

    def test_the_dashboard_asks_for_metrics_that_exist(self):
        dashboard = json.loads((PACKAGING / "monitoring/dashboard.json").read_text())
        self.compare([target["expr"] for panel in dashboard["panels"] for target in panel["targets"]])
        places = [tuple(panel["gridPos"][name] for name in "xy") for panel in dashboard["panels"]]
        self.assertEqual(len(places), len(set(places)))

    def test_the_alerts_ask_for_metrics_that_exist(self):
        groups = yaml.safe_load((PACKAGING / "monitoring/alerts.yml").read_text())["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.compare([rule["expr"] for rule in rules])
        for rule in rules:
            self.assertTrue(rule["annotations"]["summary"] and rule["annotations"]["description"], rule["alert"])


class Releases(unittest.TestCase):
    def test_the_workflow_builds_what_the_project_builds(self):
        text = (ROOT / ".github/workflows/release.yml").read_text()
        workflow = yaml.safe_load(text)
        build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
        architectures = [one["architecture"] for one in build["strategy"]["matrix"]["include"]]
        self.assertEqual(architectures, ["amd64", "arm64"])
        image = (PACKAGING / "container/Containerfile").read_text()
        self.assertIn(f"FROM {build['container']} AS build", image)
        chores = (ROOT / "xtask/src/main.rs").read_text()
        for name in re.findall(r"cargo xtask (\w+)", text):
            self.assertIn(f"Chore::{name.capitalize()} ", chores)
        # The list of what is in the program is what "cargo xtask ship" puts beside it.
        name = re.search(r'FILE: &str = "(.+)"', (ROOT / "xtask/src/sbom.rs").read_text())[1]
        self.assertIn(f"cp target/ship/{name} ", text)
        self.assertNotIn("cargo install", text)
        # What builds may not publish, and what publishes runs nothing of the tree.
        self.assertEqual(workflow["permissions"], {})
        self.assertEqual(build["permissions"]["contents"], "read")
        self.assertNotIn("actions/checkout", str(publish))

    @unittest.skipUnless(os.environ.get("ACTIONLINT"), "Go is not installed")
    def test_the_workflow_says_nothing_that_does_not_exist(self):
        succeeds(os.environ["ACTIONLINT"], ROOT / ".github/workflows/release.yml")


if __name__ == "__main__":
    main()
