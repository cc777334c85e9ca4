"""The images, run as a task runs them: scripts/image test. PostgreSQL and Redis speak TLS only, and so do we.

Runs as root in a network namespace of its own. That is "host" to every container: the containers of a task share one.
"""

import json
import os
import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
import uuid
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
for folder in ("scripts/lib", "tests/faults", "tests/stack"):
    sys.path.insert(0, str(SOURCE / folder))

from image import LIMITS, PODMAN, full_name, output
from services import Certificates, Failure, Postgres, Redis, answers, free_port
from test_readme import tour
from world import ORGANIZATION, PASSWORD, Client, eventually

TAG = os.environ.get("AGROBRIDGE_TEST_TAG", "latest")
USER = "10001:10001"

# As the task definition says it.
TASK = ["--read-only", f"--user={USER}", "--cap-drop=ALL", "--cpus=1", "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=128m"]
MEMORY_MB = {"app": 512, "nginx": 256}
# Here only: Fargate cannot say the first two; the others are instead of podman's defaults, of which one is a tmpfs in
# three more places.
LOCAL_ONLY = ["--security-opt=no-new-privileges", "--pids-limit=256", "--read-only-tmpfs=false", *LIMITS]

# What the program asks of Redis (src/session), and nothing else.
REDIS_RIGHTS = "resetchannels -@all +auth +ping +select +get +set +del +time +eval ~s:* ~r:* ~l:*"


def podman(*argv):
    return output(*PODMAN, *argv)


def files(name):
    """Every file of an image."""
    container = podman("create", full_name(name, TAG))
    try:
        exported = subprocess.Popen([*PODMAN, "export", container], stdout=subprocess.PIPE)
        with exported, tarfile.open(fileobj=exported.stdout, mode="r|") as tar:
            return {member.name: member for member in tar}
    finally:
        podman("rm", "--volumes", container)


class NameServer(threading.Thread):
    """Answers that every name of .test is here, and that no other exists."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))

    def run(self):
        while True:
            query, client = self.socket.recvfrom(512)
            question = query[12:query.index(b"\0", 12) + 5]
            known = question[:-4].endswith(b"\4test\0")
            found = known and question[-4:] == b"\0\1\0\1"  # A, IN
            head = b"".join((query[:2], b"\x85\x80" if known else b"\x85\x83", b"\0\1",
                             b"\0\1" if found else b"\0\0", bytes(4)))
            address = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if found else b""
            self.socket.sendto(head + question + address, client)


class TlsPostgres(Postgres):
    """As RDS with rds.force_ssl."""

    def prepare(self):
        super().prepare()
        (self.data / "pg_hba.conf").write_text("hostssl all kerberos 127.0.0.1/32 gss\n"
                                               "hostssl all all 127.0.0.1/32 scram-sha-256\n")


class World:
    """The stores, their certificates, and the images' way to them."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="ab-", ignore_cleanup_errors=True)
        self.path = Path(self.directory.name)
        self.path.chmod(0o711)
        self.ours, self.strangers = Certificates(self.path / "ours"), Certificates(self.path / "strangers")
        # The containers' user reads the authorities' certificates, as it reads the bundle in the image.
        self.authorities = self.path / "authorities"
        self.authorities.mkdir()
        for name, certificates in {"ours": self.ours, "strangers": self.strangers}.items():
            (self.authorities / name).write_text(certificates.ca.read_text())
        self.redis_password = secrets.token_hex(16)
        self.postgres = TlsPostgres(self.path / "p", quick=True, tether=True, certificates=self.ours)
        self.redis = Redis(self.path / "r", tether=True, certificates=self.ours,
                           settings={"user": f"agrobridge on >{self.redis_password} {REDIS_RIGHTS}"})
        self.conf = {}

    def __enter__(self):
        self.postgres.start()
        self.redis.start()
        self.conf = {
            "DATABASE_URL": f"postgresql://agrobridge_app@localhost:{self.postgres.port}/agrobridge",
            "DATABASE_PASSWORD": self.postgres.passwords["agrobridge_app"], "DATABASE_CA": "/authorities/ours",
            "REDIS_URL": f"rediss://localhost:{self.redis.port}/0", "REDIS_CA": "/authorities/ours",
            "REDIS_USER": "agrobridge", "REDIS_PASSWORD": self.redis_password,
            "CPUS": "1", "MEMORY_MB": MEMORY_MB["app"], "WORKERS": "4", "RATE_API_PER_MINUTE": "1000000",
            # the machine may be busy
            "QUEUE_TIMEOUT_MS": "5000", "READ_TIMEOUT_MS": "10000", "WRITE_TIMEOUT_MS": "10000"}
        return self

    def __exit__(self, *_):
        self.redis.stop()
        self.postgres.stop()
        self.directory.cleanup()

    def options(self, image, **conf):
        """All but the image's name: how a container of a task is run, with these settings."""
        env = self.path / f"env-{uuid.uuid4().hex}"
        env.touch(mode=0o600)
        env.write_text("".join(f"AGROBRIDGE_{name}={value}\n" for name, value in conf.items()))
        return [*TASK, *LOCAL_ONLY, f"--memory={MEMORY_MB[image]}m", "--network=host", "--dns=127.0.0.1",
                "--dns-search=.", f"--volume={self.authorities}:/authorities:ro", f"--env-file={env}"]

    def once(self, *argv, stdin=None, **conf):
        """A one-off container of the app: (exit status, everything it said)."""
        done = subprocess.run([*PODMAN, "run", "--rm", "-i", *self.options("app", **self.conf | conf),
                               full_name("app", TAG), *argv],
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def migrate(self):
        status, said = self.once("migrate", OWNER_DATABASE_URL=self.postgres.owner_url)
        assert status == 0, said

    def redis_says(self, command, expected):
        context = ssl.create_default_context(cafile=self.ours.ca)
        return answers(("127.0.0.1", self.redis.port), f"AUTH {self.redis.password}\r\n{command}\r\n".encode(),
                       expected.encode(), lambda plain: context.wrap_socket(plain, server_hostname="localhost"))

    def program(self):
        """A program that is the image's: for scripts that call agrobridge."""
        path = self.path / "agrobridge"
        words = [*PODMAN, "run", "--rm", "-i", *self.options("app", **self.conf), full_name("app", TAG)]
        path.write_text(f"#!/bin/sh\nexec {' '.join(words)} \"$@\"\n")
        path.chmod(0o755)
        return path


class Task:
    """nginx and app, with one volume between them."""

    def __init__(self, world, drain_ms=15000):
        self.world, self.drain_ms, self.name = world, drain_ms, f"agrobridge-test-{uuid.uuid4().hex[:8]}"
        self.port, self.ops_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ops_url = f"http://127.0.0.1:{self.ops_port}"

    def container(self, image):
        return f"{self.name}-{image}"

    def run(self, image, **conf):
        podman("run", "--detach", "--name", self.container(image), f"--volume={self.name}:/run/agrobridge",
               *self.world.options(image, **conf), full_name(image, TAG))

    def __enter__(self):
        try:
            podman("volume", "create", self.name)
            self.run("app", **self.world.conf)
            self.run("nginx", PORT=self.port, OPS_PORT=self.ops_port, DRAIN_MS=self.drain_ms)
            deadline = time.monotonic() + 30
            while self.readyz() != 200:
                if time.monotonic() > deadline or "exited" in self.states():
                    raise Failure(f"not ready: {self.logs('app')}{self.logs('nginx')}")
                time.sleep(0.05)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run([*PODMAN, "rm", "--force", "--time=0", self.container("nginx"), self.container("app")],
                       capture_output=True, check=False)
        subprocess.run([*PODMAN, "volume", "rm", "--force", self.name], capture_output=True, check=False)

    def readyz(self):
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def states(self):
        return podman("inspect", "--format={{.State.Status}}", self.container("nginx"), self.container("app")).split()

    def logs(self, image):
        done = subprocess.run([*PODMAN, "logs", self.container(image)], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def said(self, image):
        """What its entrypoint said, [(level, message)]: among lines of requests, and of nginx's errors, which are text."""
        lines = [json.loads(line) for line in self.logs(image).splitlines() if line.startswith("{")]
        return [(line["level"], line["message"]) for line in lines if "message" in line]

    def agrobridge(self, *argv):
        """Exit status of the program, run inside as a health check is."""
        return subprocess.run([*PODMAN, "exec", self.container("app"), "agrobridge", *argv], capture_output=True,
                              check=False).returncode

    def stop(self, image):
        """SIGTERM, without a KILL in sight; returns the exit status."""
        podman("kill", "--signal=TERM", self.container(image))
        return self.wait(image)

    def wait(self, image):
        return int(podman("wait", self.container(image)))


def setUpModule():
    NameServer().start()


class Images(unittest.TestCase):
    """What is in them."""

    @classmethod
    def setUpClass(cls):
        cls.files = {name: files(name) for name in ("app", "nginx")}

    def test_no_file_gives_rights_away(self):
        for image, members in self.files.items():
            for name, member in members.items():
                if not member.issym() and (image, name, member.mode & 0o7777) != ("nginx", "tmp", 0o1777):
                    self.assertFalse(member.mode & 0o6002, f"{image}: {name} has mode {member.mode:o}")
                owner = 10001 if name == "run/agrobridge" else 0
                self.assertEqual((member.uid, member.gid), (owner, owner), f"{image}: {name}")

    def test_the_app_has_one_program_and_no_shell(self):
        programs = {name for name, member in self.files["app"].items()
                    if re.match(r"(usr/)?s?bin/.", name) and not member.isdir()}
        self.assertEqual(programs, {"usr/bin/agrobridge"})
        done = subprocess.run([*PODMAN, "run", "--rm", "--network=none", *LIMITS, "--entrypoint=/bin/sh",
                               full_name("app", TAG)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 127, done.stderr)

    def test_these_packages_are_inside_on_record_and_with_their_licence(self):
        openssl = {"libssl3", "libssl3t64", "libzstd1", "zlib1g"}
        expected = {
            "app": openssl | {"ca-certificates", "libargon2-1", "libc6", "libcjson1", "libfcgi0ldbl", "libfcgi0t64",
                              "libgcc-s1", "libhiredis0.14", "libhiredis1.1.0", "libpq-dev"},
            "nginx": openssl | {"busybox", "libc6", "libcrypt1", "libpcre2-8-0", "nginx"}}
        least = {"app": {"ca-certificates", "libargon2-1", "libc6", "libgcc-s1", "libpq-dev"},
                 "nginx": {"busybox", "libc6", "nginx"}}
        for image, names in self.files.items():
            recorded = {name.removeprefix("var/lib/dpkg/status.d/") for name in names if "/status.d/" in name}
            licensed = {name.split("/")[3] for name in names if re.match(r"usr/share/doc/[^/]+/copyright$", name)}
            self.assertLessEqual(recorded, expected[image])
            self.assertLessEqual(least[image], recorded)
            self.assertTrue(any(name.startswith("libssl3") for name in recorded))
            self.assertEqual(recorded | {"agrobridge"}, licensed)

    def test_labels_user_and_volume(self):
        for image in ("app", "nginx"):
            config = json.loads(podman("image", "inspect", full_name(image, TAG)))[0]["Config"]
            self.assertEqual((config["User"], config["Volumes"]), (USER, {"/run/agrobridge": {}}))
            labels = {name.removeprefix("org.opencontainers.image."): text for name, text in config["Labels"].items()}
            self.assertEqual(labels["licenses"], "Apache-2.0")
            self.assertIn(f"agrobridge {labels['version']} ({labels['revision']})", podman(
                "run", "--rm", "--network=none", *LIMITS, full_name("app", TAG), "--version"))

    def test_nginx_starts_with_the_defaults_of_the_program(self):
        config = json.loads(podman("image", "inspect", full_name("nginx", TAG)))[0]["Config"]
        said = dict(pair.split("=") for pair in config["Env"] if pair.startswith("AGROBRIDGE_"))
        table = (SOURCE / "src/conf/conf.def").read_text()
        self.assertEqual(len(said), 4)
        for name, value in said.items():
            row = re.search(rf"^(?:NUMBER|TEXT)\({name.removeprefix('AGROBRIDGE_')}, (.*)$", table, re.MULTILINE)[1]
            self.assertIn(value, [word.strip(' "') for word in row.split(",")], name)


class Hardened(unittest.TestCase):
    """A task of them."""

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())
        cls.world.migrate()
        cls.task = cls.enterClassContext(Task(cls.world))

    def test_the_tour_of_the_readme(self):
        self.assertTrue(self.world.redis_says("ACL LOG RESET", "+OK\r\n+OK"))
        var = self.world.path / "var"
        var.mkdir()
        (var / "stack.json").write_text(json.dumps({
            "url": self.task.url, "ops_url": self.task.ops_url, "database_url": self.world.postgres.app_url,
            "owner_database_url": self.world.postgres.owner_url, "redis_url": self.world.redis.url, "pids": {},
            "accounts": [], "demo": {}}))
        env = os.environ | {"AGROBRIDGE_VAR": str(var)}
        run = lambda *words: subprocess.run(words, cwd=SOURCE, env=env, capture_output=True, text=True, check=False)
        loaded = run(sys.executable, "-B", "scripts/demo_data.py", "--stack", str(var / "stack.json"),
                     "--agrobridge", str(self.world.program()))
        self.assertEqual(loaded.returncode, 0, loaded.stdout + loaded.stderr)
        done = run("bash", "-euo", "pipefail", "-c", "\n".join(tour("README.md")))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for promise in ('"badge": "VERIFIED"', '"role":"PRODUCER"', '"public_code":', '"kind":"HARVEST"',
                        '{"valid":true,"events":2,"first_broken":null}', "obligatorio"):
            self.assertIn(promise, done.stdout)
        # Without Redis the API works too: see that each command was given, and that none was denied.
        for command in ("eval", "get", "set", "time", "del"):
            self.assertTrue(self.world.redis_says("INFO commandstats", f"cmdstat_{command}:"), command)
        self.assertTrue(self.world.redis_says("ACL LOG", "\r\n*0\r\n"))

    def test_check_says_what_is_wrong_with_a_store(self):
        postgres, redis = self.world.conf["DATABASE_URL"], self.world.conf["REDIS_URL"]
        cases = {
            "all right": (0, r"PostgreSQL: ok\nRedis: ok", {}),
            "a stranger's PostgreSQL": (1, r"could not reach PostgreSQL: .*certificate verify failed", {
                "DATABASE_CA": "/authorities/strangers"}),
            "a stranger's Redis": (1, r"could not reach Redis: self-signed certificate", {
                "REDIS_CA": "/authorities/strangers"}),
            "PostgreSQL of another name": (1, r"could not reach PostgreSQL: .*does not match host name \"db\.test\"", {
                "DATABASE_URL": postgres.replace("localhost", "db.test")}),
            "Redis of another name": (1, r"could not reach Redis: .*(?i:hostname mismatch)", {
                "REDIS_URL": redis.replace("localhost", "cache.test")}),
            "plaintext to PostgreSQL": (1, r"could not reach PostgreSQL: .*no encryption", {
                "DATABASE_CA": "", "DATABASE_URL": f"{postgres}?sslmode=disable"}),
            "plaintext to Redis": (1, r"could not reach Redis: ", {
                "REDIS_URL": redis.replace("rediss:", "redis:")}),
            "a PostgreSQL that wants Kerberos": (1, r"could not reach PostgreSQL: .*GSSAPI", {
                "DATABASE_URL": postgres.replace("agrobridge_app", "kerberos", 1)}),
            "a name that does not exist": (1, r"could not reach PostgreSQL: .*name could not be resolved", {
                "DATABASE_URL": postgres.replace("localhost", "db.nowhere")}),
            "a wrong password of Redis": (1, r"could not reach Redis: .*WRONGPASS", {"REDIS_PASSWORD": "wrong"}),
        }
        for name, (expected, pattern, conf) in cases.items():
            with self.subTest(name):
                status, said = self.world.once("check", **conf)
                self.assertEqual(status, expected, said)
                self.assertRegex(said, pattern)
                for secret in (self.world.redis_password, self.world.conf["DATABASE_PASSWORD"]):
                    self.assertNotIn(secret, said)

    def test_the_systems_authorities_are_where_openssl_looks(self):
        bundle = f"--volume={self.world.authorities}/ours:/etc/ssl/certs/ca-certificates.crt:ro"
        for expected, more in ((0, [bundle]), (1, [])):
            done = subprocess.run(
                [*PODMAN, "run", "--rm", *self.world.options("app", **self.world.conf | {"REDIS_CA": ""}), *more,
                 full_name("app", TAG), "check"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, expected, done.stdout + done.stderr)

    def test_health_check(self):
        self.assertEqual(self.task.agrobridge("status", "--ready"), 0)
        self.assertEqual(self.task.readyz(), 200)
        self.assertEqual(self.world.once("status", "--ready")[0], 1, "no pool runs in a container of its own")

    def test_a_stack_trace_can_be_made(self):
        """glibc loads libgcc_s when first asked for one, and says nothing when it is not there."""
        pid = podman("inspect", "--format={{.State.Pid}}", self.task.container("app"))
        self.assertIn("/libgcc_s.so.1", Path(f"/proc/{pid}/maps").read_text())

    def test_the_processes_have_no_rights(self):
        for image in ("app", "nginx"):
            pid = podman("inspect", "--format={{.State.Pid}}", self.task.container(image))
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            self.assertEqual(status["Uid"].split(), ["10001"] * 4)
            self.assertEqual({int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")}, {0})
            self.assertEqual(status["NoNewPrivs"], "1")


class Stopping(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())
        cls.world.migrate()
        cls.world.postgres.psql(f"""INSERT INTO organization (id, name, kind, approved, created_at)
                                    VALUES ('{ORGANIZATION}', 'Huerta', 'PRODUCER', true, now())""")
        status, said = cls.world.once("user", "add", "p@faults.example", "--role", "PRODUCER", "--organization",
                                      ORGANIZATION, stdin=PASSWORD)
        assert status == 0, said

    def setUp(self):
        self.task = self.enterContext(Task(self.world, drain_ms=3000))

    def test_nobody_loses_a_request(self):
        """nginx drains and quits, then the app. Every write that nginx took was answered; the client has the answer."""
        first = Client(self.task.url).login()
        product = first.post("/v1/products", {"name": "Aguacate", "commodity": "avocado"}).json()["id"]
        began = threading.Barrier(5)
        answers = [[] for _ in range(4)]

        def write(mine, keep_open):
            """Until refused; on one connection, or each time on a new one."""
            client = Client(self.task.url, first.token)
            while not mine or mine[-1][1].status:
                body = {"product_id": product, "code": uuid.uuid4().hex[:20], "quantity": "1", "uom": "KGM"}
                mine.append((time.monotonic(), client.post("/v1/lots", body)))
                if len(mine) == 5:
                    began.wait(30)
                if not keep_open:
                    client.close()

        threads = [threading.Thread(target=write, args=[mine, n % 2 == 0]) for n, mine in enumerate(answers)]
        for thread in threads:
            thread.start()
        began.wait(30)
        told = time.monotonic()
        podman("kill", "--signal=TERM", self.task.container("nginx"))
        eventually(self, lambda: self.task.readyz() == 503, seconds=2, why="readyz said nothing of the drain")
        self.assertEqual(self.task.agrobridge("status", "--ready"), 1)
        self.assertEqual(self.task.wait("nginx"), 0)
        for thread in threads:
            thread.join(30)
        self.assertEqual(self.task.stop("app"), 0)
        for mine in answers:
            for asked, answer in mine[:-1]:
                self.assertEqual(answer.status, 201, f"{asked - told:.2f} s after the signal: {answer}")
            refused, answer = mine[-1]
            self.assertGreater(refused - told, 2.9, f"refused before the drain was over: {answer}")
        got = sum(len(mine) - 1 for mine in answers)
        logged = re.findall(r'"path":"/v1/lots","status":(\d+)', self.task.logs("nginx"))
        self.assertEqual(logged, ["201"] * got, "what nginx answered, and what the clients got")
        self.assertEqual(self.world.postgres.psql("SELECT count(*) FROM lot"), str(got))

    def test_a_task_whose_nginx_is_started_again_is_ready_again(self):
        self.assertEqual(self.task.stop("nginx"), 0)
        self.assertEqual(self.task.said("nginx"),
                         [("info", "draining for 3.000 s"), ("info", "nginx ended with status 0")])
        self.assertEqual(self.task.agrobridge("status", "--ready"), 1)
        podman("start", self.task.container("nginx"))
        eventually(self, lambda: self.task.readyz() == 200, seconds=20, why="not ready again")

    def test_told_twice_nginx_does_not_wait(self):
        with Task(self.world, drain_ms=60000) as task:
            podman("kill", "--signal=TERM", task.container("nginx"))
            eventually(self, lambda: task.readyz() == 503, seconds=5)
            self.assertEqual(task.stop("nginx"), 0)

    def test_an_nginx_that_dies_ends_its_container(self):
        master = podman("top", self.task.container("nginx"), "hpid", "args")
        pid = re.search(r"^(\d+) +nginx: master", master, re.MULTILINE)[1]
        os.kill(int(pid), signal.SIGKILL)
        self.assertEqual(self.task.wait("nginx"), 128 + signal.SIGKILL)
        self.assertEqual(self.task.said("nginx"), [("error", "nginx ended with status 137")])
        self.assertEqual(self.task.said("nginx"), [("error", "nginx ended with status 137")])

    def test_a_drain_that_is_no_number_is_refused_at_the_start(self):
        done = subprocess.run([*PODMAN, "run", "--rm", *self.world.options("nginx", DRAIN_MS="15s"),
                               full_name("nginx", TAG)], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr.strip()),
                         (1, "drain: AGROBRIDGE_DRAIN_MS is not a number of milliseconds: '15s'"))


class Lines(unittest.TextTestResult):
    """One line a test: what it promises, and the seconds it took."""

    def getDescription(self, test):
        return "  " + test.id().rpartition(".")[2].removeprefix("test_").replace("_", " ")

    def startTest(self, test):
        self.begun = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        self.stream.writeln(f"ok {time.monotonic() - self.begun:.1f} s")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Lines))
