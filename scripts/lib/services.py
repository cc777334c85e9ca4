"""PostgreSQL, Redis, the pool and nginx, each private: own directory, free port, random password, start() and stop().

    with services.Postgres(directory) as postgres:
        connect(postgres.app_url)

What they have in common stands in service.py.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

import processes
from service import LOOPBACK, SOURCE, Failure, Service, answers, free_port, port_is_free  # noqa: F401  (all from here)


class Certificates:
    """A throwaway authority, and a certificate of it for localhost and 127.0.0.1."""

    def __init__(self, directory):
        directory = processes.identity().make_directory(directory)
        self.ca, self.cert, self.key = (directory / name for name in ("ca.pem", "cert.pem", "key.pem"))
        ca_key, request = directory / "ca.key", directory / "request.pem"
        extensions = directory / "extensions"
        # The key usage and identifiers RFC 5280 asks for: Python 3.13 verifies strictly.
        extensions.write_text(f"subjectAltName=DNS:localhost,IP:{LOOPBACK}\nauthorityKeyIdentifier=keyid\n")
        new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        for argv in (
                [*new, "-x509", "-days", "2", "-subj", "/CN=throwaway", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-keyout", ca_key, "-out", self.ca],
                [*new, "-subj", "/CN=localhost", "-keyout", self.key, "-out", request],
                ["openssl", "x509", "-req", "-days", "2", "-in", request, "-CA", self.ca, "-CAkey", ca_key,
                 "-CAcreateserial", "-extfile", extensions, "-out", self.cert]):
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Failure(f"openssl: {done.stderr.strip()}")
        for file in (self.ca, self.cert, self.key):
            file.chmod(0o600)
            processes.identity().own(file)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------

ROLES = ("postgres", "agrobridge_owner", "agrobridge_app")

# The application may read and write what the schema's owner grants it, and make nothing.
SETUP = """
CREATE ROLE agrobridge_owner LOGIN PASSWORD '{agrobridge_owner}';
CREATE ROLE agrobridge_app LOGIN PASSWORD '{agrobridge_app}';
CREATE DATABASE agrobridge OWNER agrobridge_owner;
REVOKE ALL ON DATABASE agrobridge FROM PUBLIC;
GRANT CONNECT ON DATABASE agrobridge TO agrobridge_app;
"""


class Postgres(Service):
    """A cluster with database agrobridge, its owner's role and the application's.

    `quick`: for tests; copied from a template made once a machine, and a power failure would lose it.
    `settings` are more names and values of postgresql.conf."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: ends sessions, keeps data
    stop_seconds = 20

    def __init__(self, directory, port=None, passwords=None, quick=False, certificates=None, settings=None, **rest):
        super().__init__(directory, **rest)
        self.data = self.directory / "data"
        self.fixed, self.port = port is not None, port or free_port()
        self.passwords = passwords or {role: secrets.token_hex(16) for role in ROLES}
        self.quick, self.certificates, self.settings = quick, certificates, settings or {}

    def url(self, role, database="agrobridge"):
        return f"postgresql://{role}:{self.passwords[role]}@{self.address}:{self.port}/{database}"

    @property
    def app_url(self):
        return self.url("agrobridge_app")

    @property
    def owner_url(self):
        return self.url("agrobridge_owner")

    @property
    def superuser_url(self):
        return self.url("postgres")

    def another_port(self):
        if not self.fixed:
            self.port = free_port()
        return not self.fixed

    def program(self, name):
        """The cluster's own version of a program, or the newest for a new one."""
        version = self.data / "PG_VERSION"
        wanted = version.read_text().strip() if version.exists() else "*"
        found = sorted(Path("/usr/lib/postgresql").glob(f"{wanted}/bin/{name}"), key=lambda p: float(p.parts[4]))
        if not found:
            raise Failure(f"PostgreSQL {wanted}: {name} is not installed", hint="apt-get install postgresql")
        return found[-1]

    def prepare(self):
        if (self.data / "PG_VERSION").exists():
            return
        if self.quick:
            self._copy_template()
        else:
            self._initialise()

    def _copy_template(self):
        template = postgres_template()
        subprocess.run(["cp", "-a", "--reflink=auto", template / "data", self.data], check=True)
        self.passwords = json.loads((template / "passwords.json").read_text())

    def _initialise(self):
        """initdb and the roles, beside the final name: a cluster half made is never taken for a whole one."""
        final, self.data = self.data, self.directory / "data.new"
        shutil.rmtree(self.data, ignore_errors=True)
        password_file = self.directory / "password"
        password_file.write_text(self.passwords["postgres"])
        processes.identity().own(password_file)
        try:
            if processes.run(processes.command(
                    [self.program("initdb"), "-D", self.data, "--username=postgres", f"--pwfile={password_file}",
                     "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
                     *(["--wal-segsize=1"] if self.quick else [])]), self.log):
                raise Failure("initdb failed", self.log)
            self.process = processes.spawn(self.argv(), self.log, tether=self.tether, enter=self.enter)
            self._wait_ready()
            self.psql(SETUP.format(**self.passwords), database="postgres")
        finally:
            password_file.unlink()
            self.stop()
        self.data.rename(final)
        self.data = final

    def argv(self):
        settings = {
            "listen_addresses": self.address, "port": self.port, "unix_socket_directories": self.directory,
            "unix_socket_permissions": "0700", "timezone": "UTC", "log_timezone": "UTC",
            "max_connections": 210,  # AGROBRIDGE_CONNECTIONS, 200, and room for people
            "log_parameter_max_length": 0,  # a slow statement is logged without its values
        }
        if self.quick:
            settings |= {"fsync": "off", "full_page_writes": "off", "max_wal_size": "64MB", "shared_buffers": "32MB"}
        if self.certificates:
            settings |= {"ssl": "on", "ssl_cert_file": self.certificates.cert, "ssl_key_file": self.certificates.key}
        settings |= self.settings
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self.program("postgres"), "-D", self.data, *options]

    def is_ready(self):
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        return lines[0] == str(self.process.pid) and len(lines) > 7 and lines[7].startswith("ready")

    def psql(self, sql, role="postgres", database="agrobridge"):
        """Runs SQL; returns unaligned rows as text. Failure when a statement fails."""
        done = subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(role, database)],
            input=sql, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise Failure(f"psql: {done.stderr.strip()}", self.log)
        return done.stdout.strip()


def postgres_template():
    """A stopped cluster to copy, made once per version, user and setup; whoever comes first makes it, others wait."""
    base = Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="ab-", dir=base) as work:
        maker = Postgres(Path(work) / "p", quick=True)
        version = maker.program("postgres").parts[4]
        key = hashlib.sha256((SETUP + version).encode()).hexdigest()[:8]
        template = base / f"agrobridge-postgres-{version}-{os.geteuid()}-{processes.identity().uid}-{key}"
        with _locked(template.with_suffix(".lock")):
            if not (template / "passwords.json").exists():
                os.chmod(work, 0o711)  # the stack's user must get through to its own directory in here
                processes.identity().make_directory(maker.directory)
                maker._initialise()
                (maker.directory / "passwords.json").write_text(json.dumps(maker.passwords))
                maker.directory.rename(template)
    if template.stat().st_uid not in (os.geteuid(), processes.identity().uid) or template.stat().st_mode & 0o077:
        raise Failure(f"{template} is not private to this user", hint=f"remove {template}")
    return template


@contextlib.contextmanager
def _locked(path):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


# --- Redis --------------------------------------------------------------------------------------------------------------

class Redis(Service):
    """A Redis that keeps nothing on disk; with `certificates` its port speaks TLS only."""

    name = "redis"

    def __init__(self, directory, port=None, password=None, certificates=None, settings=None, **rest):
        super().__init__(directory, **rest)
        self.fixed, self.port = port is not None, port or free_port()
        self.password = password or secrets.token_hex(16)
        self.certificates, self.settings = certificates, settings or {}

    @property
    def url(self):
        if self.certificates:
            return f"rediss://:{self.password}@localhost:{self.port}/0"
        return f"redis://:{self.password}@{self.address}:{self.port}/0"

    @property
    def unix_url(self):
        return f"unix:{self.directory}/redis.sock?db=0"  # the password stands in AGROBRIDGE_REDIS_PASSWORD

    def another_port(self):
        if not self.fixed:
            self.port = free_port()
        return not self.fixed

    def argv(self):
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if not program:
            raise Failure("redis-server is not installed", hint="apt-get install redis-server")
        settings = {
            "bind": self.address, "port": self.port, "unixsocket": self.directory / "redis.sock", "unixsocketperm": 700,
            "requirepass": self.password, "save": '""', "appendonly": "no", "daemonize": "no", "dir": self.directory,
        }
        if self.certificates:
            settings |= {
                "port": 0, "tls-port": self.port, "tls-auth-clients": "no", "tls-cert-file": self.certificates.cert,
                "tls-key-file": self.certificates.key, "tls-ca-cert-file": self.certificates.ca}
        settings |= self.settings
        conf = self.directory / "redis.conf"
        conf.touch(mode=0o600)
        conf.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        processes.identity().own(conf)
        return [program, conf]

    def is_ready(self):
        wrap = None
        if self.certificates:
            context = ssl.create_default_context(cafile=self.certificates.ca)
            wrap = lambda plain: context.wrap_socket(plain, server_hostname="localhost")  # noqa: E731
        return answers((self.address, self.port), f"AUTH {self.password}\r\nPING\r\n".encode(), b"+PONG", wrap)


# --- farther away ---------------------------------------------------------------------------------------------------------

class Delay(Service):
    """A relay before the store at `url`; at its own .url every answer comes `ms` later, on average if exponential."""

    name = "delay"

    def __init__(self, directory, url, ms, exponential=False, **rest):
        super().__init__(directory, **rest)
        self.store, self.ms, self.exponential = urllib.parse.urlsplit(url), ms, exponential
        self.port = free_port()

    @property
    def url(self):
        login, at, _ = self.store.netloc.rpartition("@")
        return self.store._replace(netloc=f"{login}{at}{self.address}:{self.port}").geturl()

    def another_port(self):
        self.port = free_port()
        return True

    def argv(self):
        return [sys.executable, "-B", SOURCE / "scripts/lib/delay.py", "--listen", f"{self.address}:{self.port}",
                "--to", f"{self.store.hostname}:{self.store.port}", "--ms", self.ms,
                *(["--exponential"] if self.exponential else [])]

    def is_ready(self):
        return answers((self.address, self.port))


# --- the pool and nginx ---------------------------------------------------------------------------------------------

def program_environment(**names):
    """The caller's environment for the program: AGROBRIDGE_<name> set, what only scripts and tests know taken out."""
    ours = ("AGROBRIDGE_BIN", "AGROBRIDGE_SOURCE", "AGROBRIDGE_TEST_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return env | {f"AGROBRIDGE_{name}": str(value) for name, value in names.items() if value is not None}


class Pool(Service):
    """The program's master and workers, its sockets in `directory`. More settings as NAME=value, without AGROBRIDGE_."""

    name = "pool"
    stop_seconds = 30  # a drain: the longest request, then the master's own deadline

    def __init__(self, directory, binary, database_url, redis_url, conf=None, **rest):
        super().__init__(directory, **rest)
        self.binary = Path(binary)
        self.conf = {"SOCKET_DIR": self.directory, "DATABASE_URL": database_url, "REDIS_URL": redis_url, **(conf or {})}

    def env(self):
        return program_environment(**self.conf)

    def argv(self):
        return [self.binary, "serve"]

    def is_ready(self):
        done = subprocess.run(processes.command([self.binary, "status", "--ready"]), env=self.env(),
                              capture_output=True, check=False)
        return done.returncode == 0


def migrate(binary, owner_url, log, app_url=None):
    env = program_environment(OWNER_DATABASE_URL=owner_url, DATABASE_URL=app_url)
    if processes.run(processes.command([binary, "migrate"]), log, env=env):
        raise Failure("agrobridge migrate failed", log)


class Nginx(Service):
    """nginx in front of the sockets in `socket_dir`, from nginx/nginx.conf.in."""

    name = "nginx"
    stop_signal = signal.SIGQUIT  # requests in flight end first

    def __init__(self, directory, socket_dir, port=None, ops_port=None, trusted_proxies="", cors_origins="", **rest):
        super().__init__(directory, **rest)
        self.socket_dir, self.trusted_proxies, self.cors_origins = socket_dir, trusted_proxies, cors_origins
        self.fixed = port is not None
        self.port, self.ops_port = port or free_port(), ops_port or free_port()

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    @property
    def ops_url(self):
        return f"http://{self.address}:{self.ops_port}"

    @property
    def conf(self):
        return self.directory / "nginx.conf"

    def another_port(self):
        if not self.fixed:
            self.port, self.ops_port = free_port(), free_port()
        return not self.fixed

    def render(self):
        env = os.environ | {
            "AGROBRIDGE_PORT": str(self.port), "AGROBRIDGE_OPS_PORT": str(self.ops_port),
            "AGROBRIDGE_SOCKET_DIR": str(self.socket_dir), "AGROBRIDGE_TRUSTED_PROXIES": self.trusted_proxies,
            "AGROBRIDGE_CORS_ORIGINS": self.cors_origins}
        done = subprocess.run([SOURCE / "nginx/render", self.directory, self.address], env=env, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise Failure(done.stderr.strip())
        processes.identity().own(self.conf)

    def argv(self):
        self.render()
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if not program:
            raise Failure("nginx is not installed", hint="apt-get install nginx-light")
        return [program, "-e", "stderr", "-c", self.conf]

    def is_ready(self):
        return all(answers((self.address, port)) for port in (self.port, self.ops_port))
