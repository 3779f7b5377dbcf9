"""What the tests of recipes share: a running Sessera with templates of recipes, two people in it, and programs beside it."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from running import Sessera, listens
from surroundings import PATIENCE, own_port, until

HERE = pathlib.Path(__file__).parent
DOCS = HERE.parents[1] / "docs/recipes"
PROGRAMS = pathlib.Path(sys.executable).parent

ADA, EDITOR = "ada@example.org", "editor@example.org"


def damaged(good):
    """The token with another signature."""
    head, _, signature = good.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def printed(page, language):
    """The blocks of a language on the page of a recipe."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)


class Running:
    """A program that runs while a test does."""

    def __init__(self, folder, *command, **environment):
        self.file = pathlib.Path(folder, f"{pathlib.Path(command[0]).name}.log")
        self.log = open(self.file, "ab")
        settings = {"stdout": self.log, "stderr": self.log, "env": os.environ | environment}
        self.process = subprocess.Popen([str(word) for word in command], cwd=HERE, **settings)

    def listens(self, port):
        """Waits until it takes connections."""
        until(lambda: listens(port) or self.process.poll() is not None, f"the start of {self.process.args[0]}")
        assert self.process.poll() is None, self.file.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


class Recipes:
    """A Sessera with Ada, who has no role, and an editor. With `https` others reach it at an https address by way of nginx."""

    def __init__(self, https=False):
        self.temporary = tempfile.TemporaryDirectory()
        # Servers that give up their rights as root must find their files in it.
        self.folder = pathlib.Path(self.temporary.name, "files")
        self.folder.mkdir(mode=0o755)
        os.chmod(self.temporary.name, 0o711)
        self.front = None
        port = own_port()
        whoami = {"tokenizer": {"rotation": {"lease": "2s", "skew": "1s", "max_age": "2s"}}}
        url = f"https://localhost:{port}/" if https else None
        self.sessera = Sessera(self.folder, url, session={"whoami": whoami})
        if https:
            self.front = self.nginx(port)
        self.url = self.sessera.url
        metadata = {EDITOR: {"roles": ["editor"]}, ADA: None}
        self.people = {}
        for address, public in metadata.items():
            identity = self.sessera.person(address, **({"metadata_public": public} if public else {}))
            self.people[address] = (identity, self.sessera.token(address))

    def nginx(self, port):
        """A server in front, with a certificate of an authority that verifiers are told to trust."""
        self.authority, certificate, key = (self.folder / f"{name}.pem" for name in ("authority", "certificate", "key"))
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        authority_key = self.folder / "authority-key.pem"
        signed = ["-CA", self.authority, "-CAkey", authority_key, "-addext", "basicConstraints=CA:FALSE"]
        for command in (
            [*make, "-subj", "/CN=authority", "-keyout", authority_key, "-out", self.authority],
            [*make, *signed, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        ):
            subprocess.run(command, check=True, capture_output=True)
        file = self.folder / "nginx.conf"
        file.write_text(f"""
            daemon off;
            pid {self.folder}/nginx.pid;
            worker_processes 1;
            {"user root;" if os.geteuid() == 0 else ""}
            events {{ }}
            http {{
                access_log off;
                proxy_temp_path {self.folder}/proxy;
                client_body_temp_path {self.folder}/body;
                fastcgi_temp_path {self.folder}/fastcgi;
                uwsgi_temp_path {self.folder}/uwsgi;
                scgi_temp_path {self.folder}/scgi;
                server {{
                    listen 127.0.0.1:{port} ssl;
                    ssl_certificate {certificate};
                    ssl_certificate_key {key};
                    location / {{ proxy_pass http://127.0.0.1:{self.sessera.public}; }}
                }}
            }}""")
        front = self.running("/usr/sbin/nginx", "-e", self.folder / "nginx.errors", "-p", self.folder, "-c", file)
        front.listens(port)
        return front

    def running(self, *command, **environment):
        return Running(self.folder, *command, **environment)

    def stop(self):
        if self.front:
            self.front.__exit__()
        self.sessera.stop()
        self.temporary.cleanup()

    def make(self, recipe, *arguments, name=None):
        return self.sessera.command("create", "template", name or recipe, "--recipe", recipe, *arguments)

    def rotate(self, recipe):
        """Gives a template a key that nobody has seen, at once."""
        self.sessera.command("create", "jwk", f"{recipe}-next", "--alg", "ES256", "--rotate", "30d")
        self.make(recipe, "--keys", f"{recipe}-next", "--replace")

    def token(self, template, address=ADA):
        headers = {"X-Session-Token": self.people[address][1]}
        answer = self.sessera.call("GET", f"/sessions/whoami?tokenize_as={template}", headers=headers)
        assert answer.status == 200, answer
        return answer.json()["tokenized"]
