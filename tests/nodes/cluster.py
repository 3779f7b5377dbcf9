"""PostgreSQL servers of a test's own, with a primary, its standbys and certificates."""

import os
import shutil
import subprocess
import tempfile

from surroundings import PATIENCE, own_port, until
from test_nodes import CONTROL

OWNER = CONTROL["owner"]
WHO = {"user": OWNER[0], "group": OWNER[1], "extra_groups": []} if OWNER else {}


def place():
    """A folder in which the servers of a test live."""
    folder = tempfile.mkdtemp(prefix="sessera-cluster-")
    give(folder)
    return folder


def give(path):
    """Makes a file or folder the servers' own; they do not run as root."""
    if OWNER:
        os.chown(path, *OWNER)


class Server:
    """A PostgreSQL server. It holds test data only, so everybody on this machine may connect."""

    def __init__(self, folder, name):
        self.folder, self.name, self.port = os.path.join(folder, name), name, own_port()

    def run(self, program, *arguments):
        program = os.path.join(os.path.dirname(CONTROL["program"]), program)
        subprocess.run([program, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=PATIENCE, **WHO)

    def control(self, what, *arguments):
        log = ["--log", f"{self.folder}.log"] if what in ("start", "restart") else []
        self.run("pg_ctl", what, "--wait", "--timeout=60", "--silent", "--pgdata", self.folder, *log, *arguments)

    def make(self, **settings):
        """Makes a new server, which is a primary."""
        arguments = ["--username=sessera", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self.run("initdb", "--pgdata", self.folder, *arguments)
        self.configure(listen_addresses="127.0.0.1", unix_socket_directories="", fsync="off", **settings)
        self.control("start")
        self.sql("CREATE ROLE app LOGIN")
        return self

    def follow(self, primary):
        """Makes a copy of a primary, which follows it."""
        source = f"host=127.0.0.1 port={primary.port} user=sessera application_name={self.name}"
        self.run("pg_basebackup", "--pgdata", self.folder, "-R", "--checkpoint=fast", "--no-sync", "-d", source)
        self.configure()
        self.control("start")
        return self

    def configure(self, **settings):
        with open(os.path.join(self.folder, "postgresql.conf"), "a") as file:
            for name, value in {"port": self.port, **settings}.items():
                file.write(f"{name} = '{value}'\n")

    def stop(self, mode="fast"):
        self.control("stop", f"--mode={mode}")

    def sql(self, statement, database="postgres"):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]
        url = f"postgres://sessera@127.0.0.1:{self.port}/{database}"
        run = subprocess.run([*command, url], check=True, capture_output=True, text=True, timeout=PATIENCE)
        return run.stdout.strip()

    def pause(self):
        """Stops replaying what the primary sends."""
        self.sql("SELECT pg_wal_replay_pause()")
        until(lambda: self.sql("SELECT pg_get_wal_replay_pause_state()") == "paused", "the pause")

    def resume(self):
        self.sql("SELECT pg_wal_replay_resume()")

    def end(self):
        """Stops the server, whatever state it is in."""
        if os.path.exists(os.path.join(self.folder, "postmaster.pid")):
            self.stop("immediate")


def certificates(folder):
    """An authority, a certificate of 127.0.0.1 that it signed, and another authority that signed nothing."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True, timeout=PATIENCE)

    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    for name in ("ca", "other"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1"]
    signed += ["-addext", "basicConstraints=critical,CA:FALSE"]
    openssl(*new, *signed, "-subj", "/CN=db", "-keyout", "db.key", "-out", "db.pem")
    for name in ("db.key", "db.pem"):
        give(os.path.join(folder, name))
    os.chmod(os.path.join(folder, "db.key"), 0o600)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
