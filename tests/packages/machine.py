"""A machine with systemd in a container: the system of this one, in which whatever is written is lost with it."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from surroundings import PATIENCE, until

# Layers over the system of this machine, without what people keep here and without the services that it starts.
LAYERS = """
set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir -p layers proc sys dev run root home given
mkdir -m 1777 tmp
for part in usr etc var; do
    mkdir -p "$part" "layers/$part/upper" "layers/$part/work"
    mount -t overlay overlay -o "lowerdir=/$part,upperdir=layers/$part/upper,workdir=layers/$part/work" "$part"
done
for link in bin sbin lib lib64; do ln -s "usr/$link" "$link"; done
rm -rf etc/systemd/system var/lib/sessera
mkdir -p etc/systemd/system
"""

BOOT = """
shift
exec systemd-nspawn --quiet --boot --directory=. --register=no --keep-unit --private-network --console=pipe --link-journal=no "$@" -- --unit=basic.target
"""

CLONE_NEWNET = 0x40000000


def why_not():
    """Why no such machine can be started here, if none can."""
    if os.getuid() != 0:
        return "only root starts containers"
    if not shutil.which("systemd-nspawn"):
        return "systemd-container is not installed"
    if not os.path.islink("/lib"):
        return "this is no system with /usr merged"
    with tempfile.TemporaryDirectory() as folder:
        tried = within_mounts(LAYERS, folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, said = tried.communicate(timeout=PATIENCE)
    return f"no layers can be mounted: {said.decode().strip()}" if tried.returncode else None


def within_mounts(script, *arguments, **settings):
    """Runs a script whose mounts are seen by nobody else and end with it."""
    return subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *arguments], **settings)


class Machine:
    def __init__(self, *files):
        """Starts a machine in which files of this one lie in /given."""
        self.folder = tempfile.TemporaryDirectory()
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        given = [f"--bind-ro={os.path.abspath(file)}:/given/{os.path.basename(file)}" for file in files]
        with tempfile.TemporaryFile() as log:
            self.process = within_mounts(LAYERS + BOOT, self.folder.name, *given, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                self.leader = until(self.first_process, "the start of a machine")
                until(lambda: self.tries("systemctl", "is-active", "basic.target").returncode == 0, "the start of its services")
            except AssertionError as error:
                self.stop()
                log.seek(0)
                raise AssertionError(f"{error}: {log.read().decode()}") from None

    def first_process(self):
        """The id of the machine's first process, as it is known here."""
        assert self.process.poll() is None, f"the machine ended with {self.process.returncode}"
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return next((int(child) for child in children if self.is_first(child)), None)

    @staticmethod
    def is_first(child):
        """Whether a process that may just have ended is the first one of a machine."""
        try:
            return pathlib.Path(f"/proc/{child}/comm").read_text().strip() == "systemd"
        except OSError:
            return False

    def tries(self, *command, **settings):
        """Runs a command in the machine."""
        inside = ["nsenter", f"--target={self.leader}", "--all", "--", *command]
        return subprocess.run(inside, capture_output=True, text=True, timeout=PATIENCE, **settings)

    def run(self, *command):
        """Runs a command in the machine that must succeed, and returns what it prints."""
        run = self.tries(*command)
        if run.returncode:
            log = self.tries("journalctl", "--no-pager", "--lines=40", "--output=cat").stdout
            raise AssertionError(f"{command} ended with {run.returncode}: {run.stdout}{run.stderr}\n{log}")
        return run.stdout

    def enter_network(self):
        """Makes this program speak with the machine's ports in the place of those here."""
        with open(f"/proc/{self.leader}/ns/net") as network:
            move_to(network.fileno())

    def stop(self):
        move_to(self.home)
        os.close(self.home)
        if self.process.poll() is None:
            # All processes of a container end with the first one.
            os.kill(getattr(self, "leader", None) or self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.folder.cleanup()


def move_to(network):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "the network of a machine cannot be entered")
