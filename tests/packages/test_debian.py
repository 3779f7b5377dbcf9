"""The package for Debian: what is in it, and its whole life under a systemd of its own."""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

from machine import Machine, why_not
from running import Sessera, ask
from surroundings import PATIENCE, main, until

PACKAGING = pathlib.Path(__file__).parents[2] / "packaging"
FIRST, SECOND = os.environ["PACKAGES"].split(os.pathsep)

# What of 10 systemd counts as open at the most, in tenths. What is left is the network, which a server is for.
EXPOSURE = 12

UNIT = "/usr/lib/systemd/system/sessera.service"
SETTINGS = "/etc/sessera/sessera.yml"
DATABASE = "/var/lib/sessera/sessera.sqlite"


def succeeds(*command, **settings):
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **settings)
    assert run.returncode == 0, f"{command}: {run.stdout}{run.stderr}"
    return run.stdout + run.stderr


class Content(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        succeeds("dpkg-deb", "--extract", FIRST, self.root)

    def tearDown(self):
        self.folder.cleanup()

    def test_it_has_pages_of_the_manual_completions_and_licences(self):
        for place in (
            "usr/share/man/man1/sessera-create-jwk.1",
            "usr/share/bash-completion/completions/sessera",
            "usr/share/zsh/vendor-completions/_sessera",
            "usr/share/fish/vendor_completions.d/sessera.fish",
            "usr/share/doc/sessera/copyright",
            "usr/share/doc/sessera/LICENSE-MIT",
            "usr/share/doc/sessera/LICENSE-APACHE",
            UNIT.lstrip("/"),
        ):
            self.assertGreater((self.root / place).stat().st_size, 0, place)
        for line in succeeds("dpkg-deb", "--contents", FIRST).splitlines():
            self.assertIn("root/root", line)
        self.assertEqual(stat.S_IMODE((self.root / SETTINGS.lstrip("/")).stat().st_mode), 0o640)

    @unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "dpkg-dev is not installed")
    def test_it_asks_for_the_libraries_that_debian_itself_would_ask_for(self):
        (self.root / "debian").mkdir()
        (self.root / "debian/control").write_text("Source: sessera\n\nPackage: sessera\nArchitecture: any\n")
        found = succeeds("dpkg-shlibdeps", "-O", "-e", self.root / "usr/bin/sessera", cwd=self.root)
        wanted = set(re.search("shlibs:Depends=(.+)", found)[1].split(", "))
        depends = set(succeeds("dpkg-deb", "--field", FIRST, "Depends").strip().split(", "))
        self.assertEqual(depends - wanted, {"procps", "systemd"})
        self.assertEqual(wanted - depends, set())

    def test_its_units_are_good_and_shut_in(self):
        files = []
        for source in sorted(PACKAGING.glob("debian/*.socket")) + [PACKAGING / "debian/sessera.service"]:
            file = self.root / source.name
            file.write_text(source.read_text().replace("/usr/bin/sessera", "/bin/true"))
            files.append(file)
        self.assertEqual(succeeds("systemd-analyze", "verify", "--man=no", *files), "")
        succeeds("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", files[-1])

    def test_its_scripts_need_no_system_that_runs(self):
        for place in ("var/lib/dpkg/info", "var/lib/dpkg/updates"):
            (self.root / "other" / place).mkdir(parents=True)
        (self.root / "other/var/lib/dpkg/status").touch()
        (self.root / "other/etc").mkdir()

        def dpkg(*arguments):
            # What the package depends on belongs to this machine and not to the folder.
            force = ["--force-unsafe-io", "--force-script-chrootless", "--force-depends", "--force-confold"]
            return succeeds("dpkg", f"--root={self.root / 'other'}", *force, *arguments)

        dpkg("--install", FIRST)
        self.assertRegex((self.root / "other/etc/passwd").read_text(), r"(?m)^sessera:")
        dpkg("--install", SECOND)
        self.assertIn("0.0.2", dpkg("--status", "sessera"))
        dpkg("--remove", "sessera")
        dpkg("--purge", "sessera")
        self.assertFalse((self.root / "other/etc/sessera").exists())


class Installed(Sessera):
    """The server of the package, at the ports of its configuration, seen from inside of its machine."""

    def __init__(self):
        self.public, self.admin = 4433, 4434


REASON = why_not()


@unittest.skipIf(REASON, REASON)
class Life(unittest.TestCase):
    def setUp(self):
        self.machine = Machine(FIRST, SECOND)
        self.addCleanup(self.machine.stop)
        self.run_in = self.machine.run
        self.server = Installed()
        self.machine.enter_network()

    def dpkg(self, *arguments):
        return self.run_in("dpkg", "--force-unsafe-io", "--force-confold", *arguments)

    def install(self, package):
        return self.dpkg("--install", f"/given/{os.path.basename(package)}")

    def told(self, name, unit="sessera.service"):
        return self.run_in("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def process(self):
        return int(self.told("MainPID"))

    def is_active(self, unit="sessera.service"):
        return self.machine.tries("systemctl", "is-active", "--quiet", unit).returncode == 0

    def make_template(self):
        self.run_in("sessera", "create", "jwk", "keys", "--alg", "ES256")
        template = '{"jwks_url":"set://keys","ttl":"10m"}'
        self.run_in("sessera", "patch", "identity-config", "--add", f"/session/whoami/tokenizer/templates/t={template}")

    def token_of(self, session):
        """A token of a session, which is verified as others do it."""
        answer = self.server.call("GET", "/sessions/whoami?tokenize_as=t", headers={"X-Session-Token": session})
        self.assertEqual(answer.status, 200, answer)
        token = answer.json()["tokenized"]
        verified = self.run_in("sessera", "verify", token, "--jwks", "http://127.0.0.1:4433/", "--format", "json")
        return json.loads(verified)["claims"]

    def test_it_is_installed_started_upgraded_removed_and_purged(self):
        self.install(FIRST)
        self.assertFalse(self.is_active(), "whoever has configured it starts it")
        self.assertEqual(self.run_in("stat", "--format=%U:%G %a", SETTINGS).strip(), "root:sessera 640")
        self.assertNotEqual(self.machine.tries("sessera", "health", "-c", SETTINGS).returncode, 0)

        # What is started answers.
        self.run_in("systemctl", "start", "sessera")
        self.assertIn("is ready", self.run_in("sessera", "health", "-c", SETTINGS))
        self.assertIn("serves the public API on 127.0.0.1:4433", self.told("StatusText"))
        self.make_template()
        owner = self.server.person("ada@example.org")
        session = self.server.token("ada@example.org")
        self.assertEqual(self.token_of(session)["sub"], owner)

        # What is upgraded goes on with the new program, its settings and its data.
        self.run_in("sed", "--in-place", "$ a log: {level: debug}", SETTINGS)
        changed = self.run_in("cat", SETTINGS)
        first = self.process()
        self.install(SECOND)
        self.assertIn("0.0.2", self.run_in("dpkg-query", "--show", "sessera"))
        self.assertEqual(self.run_in("cat", SETTINGS), changed)
        self.assertTrue(self.is_active())
        self.assertNotEqual(self.process(), first)
        self.assertEqual(self.token_of(session)["sub"], owner)

        # What is removed leaves settings and data, with which it is installed again.
        self.run_in("systemctl", "enable", "sessera")
        self.dpkg("--remove", "sessera")
        self.assertFalse(self.is_active())
        self.assertEqual(self.told("LoadState"), "not-found")
        self.run_in("test", "-s", DATABASE)
        self.assertEqual(self.run_in("cat", SETTINGS), changed)
        self.assertEqual(self.run_in("find", "/etc/systemd/system", "-name", "sessera*"), "")
        self.install(SECOND)
        self.run_in("systemctl", "start", "sessera")
        self.assertEqual(self.token_of(session)["sub"], owner)

        # What is purged leaves nothing but its user, whose number nobody else shall get.
        self.dpkg("--purge", "sessera")
        self.assertFalse(self.is_active())
        left = self.run_in("find", "/etc", "/usr", "/var/lib", "/run", "-xdev", "-name", "*sessera*", "-not", "-path", "/var/lib/dpkg/*")
        self.assertEqual(left.split(), [])
        self.run_in("getent", "passwd", "sessera")

    def test_it_is_shut_in(self):
        self.install(FIRST)
        self.run_in("systemctl", "start", "sessera")
        process = self.process()
        status = dict(line.split(":", 1) for line in self.run_in("cat", f"/proc/{process}/status").splitlines())
        user = self.run_in("id", "--user", "sessera").strip()
        self.assertEqual(set(status["Uid"].split()), {user})
        self.assertNotEqual(user, "0")
        self.assertEqual(self.run_in("getent", "passwd", "sessera").strip().rsplit(":", 1)[1], "/usr/sbin/nologin")
        self.assertEqual(status["NoNewPrivs"].strip(), "1")
        self.assertEqual(status["Seccomp"].strip(), "2")
        for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        # Even root cannot write there by its eyes.
        eyes = ["nsenter", f"--target={process}", "--mount", "--"]
        for place in ("/etc/x", "/usr/x", "/var/lib/x"):
            refused = self.machine.tries(*eyes, "touch", place)
            self.assertIn("Read-only file system", refused.stderr)
        self.run_in(*eyes, "touch", "/var/lib/sessera/x")
        self.assertEqual(self.run_in(*eyes, "ls", "/home", "/root").split(), ["/home:", "/root:"])
        self.run_in("systemd-analyze", "security", f"--threshold={EXPOSURE}", "sessera")
        # The name of the machine is known, although of /proc only processes are shown.
        lock = json.loads(self.run_in("cat", f"{DATABASE}.lock"))
        self.assertEqual(lock["host"], self.run_in("uname", "--nodename").strip())

    def test_it_reads_its_settings_again_and_is_started_anew_when_it_hangs(self):
        self.install(FIRST)
        self.run_in("mkdir", "-p", "/etc/systemd/system/sessera.service.d")
        self.run_in("sh", "-c", "printf '[Service]\\nWatchdogSec=10s\\n' > /etc/systemd/system/sessera.service.d/short.conf")
        self.run_in("systemctl", "daemon-reload")
        self.run_in("systemctl", "start", "sessera")
        first = self.process()
        self.run_in("sed", "--in-place", "$ a log: {level: [", SETTINGS)
        self.run_in("systemctl", "reload", "sessera")
        until(lambda: "cannot be used" in self.told("StatusText"), "a word about settings that cannot be used")
        self.run_in("sed", "--in-place", "$ d", SETTINGS)
        self.run_in("systemctl", "reload", "sessera")
        until(lambda: "cannot be used" not in self.told("StatusText"), "the use of settings that are good again")
        self.assertEqual(self.process(), first)
        self.run_in("kill", "-STOP", str(first))
        until(lambda: self.is_active() and self.process() not in (0, first), "a server in the place of one that hangs")
        self.assertEqual(self.told("NRestarts"), "1")
        self.assertEqual(self.told("LimitCORE"), "0")
        self.run_in("sessera", "health")
        # Settings that cannot be used stop a start before anything is replaced.
        self.run_in("sed", "--in-place", "$ a log: {level: [", SETTINGS)
        self.assertNotEqual(self.machine.tries("systemctl", "restart", "sessera").returncode, 0)
        self.assertIn("sessera.yml:", self.run_in("journalctl", "--unit=sessera", "--output=cat", "--no-pager"))

    def test_systemd_keeps_the_port_open_while_it_restarts(self):
        self.install(FIRST)
        self.run_in("systemctl", "start", "sessera")
        self.run_in("systemctl", "stop", "sessera")
        self.run_in("systemctl", "enable", "--now", "sessera.socket")
        self.assertFalse(self.is_active())
        # Whoever comes first waits, and is answered.
        self.assertEqual(ask(4433, path="/health/ready").status, 200)
        self.assertTrue(self.is_active())
        self.run_in("systemctl", "stop", "sessera.service")
        self.assertEqual(ask(4433, path="/health/ready").status, 200)
        self.install(SECOND)
        self.assertEqual(ask(4433, path="/health/ready").status, 200)
        self.dpkg("--purge", "sessera")
        self.assertFalse(self.is_active("sessera.socket"))
        with self.assertRaises(ConnectionRefusedError):
            ask(4433, path="/health/ready")


if __name__ == "__main__":
    main()
