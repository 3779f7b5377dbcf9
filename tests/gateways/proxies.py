"""Real proxies, each with the file that sessera proxy-config prints for it."""

import os
import signal
import subprocess
import sys

from surroundings import PATIENCE, own_port, until
from surroundings_of_gateways import listens


class Proxy:
    """A running proxy in a folder of its own. What a program needs beside the printed file is what its package has."""

    name = ""
    # Whether it tells its client what a gateway says of when to ask again.
    tells_when = True
    # Whether it tells its client what is broken, as a gateway says it.
    tells_faults = True
    # How many of the cookies that a gateway passes on reach the client.
    cookies = 2

    def __init__(self, sessera, folder, route, app, port=None, gateway=None):
        self.sessera, self.folder, self.route, self.app, self.gateway = sessera, folder, route, app, gateway
        self.port = port or own_port()
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "log"), "w") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | {"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder},
            )
        until(lambda: listens(self.port) or self.process.poll() is not None, f"the start of {self.name}")
        if self.process.poll() is not None:
            with open(os.path.join(folder, "log")) as log:
                raise AssertionError(f"{self.name} ended: {log.read()}")

    def write(self, file, content):
        with open(os.path.join(self.folder, file), "w") as out:
            out.write(content)

    def printed(self, proxy):
        return self.sessera.proxy_config(proxy, self.route, self.port, self.app, self.gateway)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Nginx(Proxy):
    name = "nginx"
    # It makes 500 of all but a few statuses, and knows the first line of a header alone.
    tells_faults = False
    cookies = 1

    def command(self):
        self.write("site.conf", self.printed("nginx"))
        self.write("nginx.conf", f"""
            {"user root;" if os.geteuid() == 0 else ""}
            daemon off;
            pid {self.folder}/pid;
            error_log {self.folder}/errors;
            worker_processes 1;
            events {{ }}
            http {{
                access_log off;
                client_body_temp_path {self.folder}/body;
                proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/fastcgi;
                uwsgi_temp_path {self.folder}/uwsgi;
                scgi_temp_path {self.folder}/scgi;
                include site.conf;
            }}""")
        return ["/usr/sbin/nginx", "-e", f"{self.folder}/errors", "-p", self.folder, "-c", f"{self.folder}/nginx.conf"]


class Caddy(Proxy):
    name = "caddy"
    cookies = 0

    def command(self):
        self.write("Caddyfile", "{\n\tadmin off\n}\n" + self.printed("caddy"))
        return ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


class Haproxy(Proxy):
    name = "haproxy"

    def command(self):
        self.write("haproxy.cfg", self.printed("haproxy"))
        self.write(f"sessera_{self.route}.lua", self.printed("haproxy-lua"))
        return ["/usr/sbin/haproxy", "-db", "-f", "haproxy.cfg"]


class HaproxyOfSeveral(Proxy):
    """One HAProxy with the files of several routes, as they are printed, each on a port of its own."""

    name = "haproxy"

    def __init__(self, sessera, folder, routes, app):
        self.ports = {route: own_port() for route in routes}
        super().__init__(sessera, folder, routes[0], app, self.ports[routes[0]])

    def command(self):
        files = []
        for route, port in self.ports.items():
            self.write(f"{route}.cfg", self.sessera.proxy_config("haproxy", route, port, self.app))
            self.write(f"sessera_{route}.lua", self.sessera.proxy_config("haproxy-lua", route, port, self.app))
            files += ["-f", f"{route}.cfg"]
        return ["/usr/sbin/haproxy", "-db", *files]


class Envoy(Proxy):
    name = "envoy"

    def command(self):
        self.write("envoy.yaml", self.printed(self.name))
        envoy = os.path.join(os.path.dirname(sys.executable), "envoy")
        return [envoy, "-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"]


class EnvoyHttp(Envoy):
    name = "envoy-http"
    # Whatever a gateway says with 5xx, Envoy takes for its absence.
    tells_when = False
    tells_faults = False
