"""The container file: what stands in it, and its program in a root like that of the image."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml
from machine import why_not, within_mounts
from running import PROGRAM, ask
from surroundings import PATIENCE, main, own_port, until

ROOT = pathlib.Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"

# The user of the image, who has no name there.
NOBODY = "65532"

# The program with its libraries and a folder for its data. Nothing else is there, and nothing else can be written.
IMAGE = """
set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir -p data proc usr/bin
touch usr/bin/sessera
mount --bind "$2" usr/bin/sessera
ldd "$2" | grep -o '/[^ )]*' | xargs cp --dereference --parents --target-directory=.
mount -t tmpfs -o uid=65532,gid=65532,mode=700 tmpfs data
mount -o remount,ro .
exec chroot --userspec=65532:65532 --groups= . /usr/bin/sessera serve
"""

# How the image asks its server.
HEALTH = ["/usr/bin/sessera", "health"]


class Containers(unittest.TestCase):
    def test_what_the_environment_sets_is_a_key_of_the_configuration(self):
        keys = (ROOT / "docs/configuration.md").read_text()
        for name in ("compose.yml", "compose.upstream.yml"):
            service = yaml.safe_load((PACKAGING / "container" / name).read_text())["services"]["sessera"]
            self.assertTrue(service["read_only"])
            self.assertEqual(service["cap_drop"], ["ALL"])
            kind, *check = service["healthcheck"]["test"]
            self.assertEqual((kind, check[: len(HEALTH)]), ("CMD", HEALTH))
            for variable in service["environment"]:
                key = re.sub(r"_0$", "", variable).lower().replace("_", ".").replace("base.url", "base_url")
                self.assertIn(f"`{key}`", keys, variable)

    def test_the_image_is_well_made_and_runs_as_nobody_in_particular(self):
        file = PACKAGING / "container/Containerfile"
        linted = subprocess.run([pathlib.Path(sys.executable).parent / "hadolint", file], capture_output=True, text=True)
        self.assertEqual(linted.returncode, 0, linted.stdout)
        lines = file.read_text().splitlines()
        self.assertIn(f"USER {NOBODY}:{NOBODY}", lines)
        # Only what the program has itself can be run there.
        self.assertTrue(any(line.startswith("HEALTHCHECK ") and line.endswith(f"CMD {json.dumps(HEALTH)}") for line in lines))
        self.assertIn(f"ENTRYPOINT {json.dumps(HEALTH[:1])}", lines)


REASON = why_not()


@unittest.skipIf(REASON, REASON)
class Image(unittest.TestCase):
    def test_the_program_serves_as_nobody_in_a_root_that_is_read_only_and_is_asked_by_itself(self):
        public, admin = own_port(), own_port()
        ports = {"SERVE_PUBLIC_PORT": str(public), "SERVE_ADMIN_PORT": str(admin)}
        environment = {"PATH": os.environ["PATH"], "DSN": "sqlite:///data/sessera.sqlite", "SERVE_PUBLIC_HOST": "0.0.0.0"} | ports
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
            server = within_mounts(IMAGE, folder, PROGRAM, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            inside = ["nsenter", f"--target={server.pid}", "--mount", "--root", f"--setuid={NOBODY}", f"--setgid={NOBODY}", "--", *HEALTH]

            def is_healthy():
                self.assertIsNone(server.poll(), "the server ended")
                return subprocess.run(inside, env=environment, capture_output=True).returncode == 0

            try:
                until(is_healthy, "a server that is healthy")
                self.assertEqual(ask(public, path="/health/ready").status, 200)
                status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
                self.assertRegex(status, rf"(?m)^Uid:(\s+{NOBODY}){{4}}$")
                self.assertRegex(status, r"(?m)^CapEff:\s+0+$")
            except AssertionError as error:
                log.seek(0)
                raise AssertionError(f"{error}: {log.read().decode()}") from None
            finally:
                server.terminate()
            self.assertEqual(server.wait(PATIENCE), 0)


if __name__ == "__main__":
    main()
