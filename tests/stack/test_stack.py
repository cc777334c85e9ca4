"""The scripts that run a stack: processes known by pid and start time, private services, up and down's bookkeeping."""

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
LIB = SOURCE / "scripts/lib"
sys.path.insert(0, str(LIB))

import packages  # noqa: E402
import processes  # noqa: E402
import stack  # noqa: E402
from processes import Process  # noqa: E402
from services import Certificates, Failure, Postgres, Redis, answers, port_is_free  # noqa: E402


def private_directory(test):
    directory = Path(tempfile.mkdtemp(prefix="ab-stack-"))
    test.addCleanup(shutil.rmtree, directory)
    directory.chmod(0o711)  # the stack's user may be another
    return directory


class ProcessTest(unittest.TestCase):
    def setUp(self):
        self.log = private_directory(self) / "log"

    def spawn(self, script, **options):
        """A shell; returns once it has said "ready"."""
        process = processes.spawn(["sh", "-c", script], self.log, **options)
        self.addCleanup(process.stop, signal.SIGKILL, 5)
        deadline = time.monotonic() + 5
        while "ready" not in self.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        return process

    def test_a_pid_with_another_start_time_is_somebody_else(self):
        ours = self.spawn("echo ready; exec sleep 100")
        other = Process(ours.pid, ours.start + 1)
        self.assertFalse(other.alive())
        self.assertFalse(other.signal(signal.SIGKILL))
        other.stop(signal.SIGKILL, 1)
        self.assertTrue(ours.alive())

    def test_stop_asks_first(self):
        process = self.spawn("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
        self.assertTrue(process.stop(signal.SIGTERM, 5))
        self.assertIn("asked", self.log.read_text())
        self.assertFalse(process.alive())

    def test_stop_kills_what_does_not_listen_children_too(self):
        process = self.spawn("trap '' TERM; (trap '' TERM; sleep 100) & (trap '' TERM; sleep 100) & echo ready; wait")
        family = process.descendants()
        self.assertGreaterEqual(len(family), 2)
        begun = time.monotonic()
        self.assertFalse(process.stop(signal.SIGTERM, 0.3))
        self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual([p for p in [process, *family] if p.alive()], [])

    def test_children_that_outlive_their_parent_are_stopped_too(self):
        process = self.spawn("(trap '' TERM; sleep 100) & echo ready; wait")
        family = process.descendants()
        process.stop(signal.SIGTERM, 0.3)
        self.assertEqual([p for p in family if p.alive()], [])

    def test_what_a_killed_leader_left_is_found_and_stopped(self):
        process = self.spawn("sleep 100 & echo ready; wait")
        (child,) = process.descendants()
        process.signal(signal.SIGKILL)
        processes.wait_gone([process], 5)
        processes.reap(process.pid)
        self.assertEqual([p.pid for p in process.orphans()], [child.pid])
        self.assertEqual(Process(process.pid, child.start + 1).orphans(), [], "somebody else's, of a later time")
        self.assertTrue(process.stop(signal.SIGTERM, 5))
        self.assertFalse(child.alive())

    def test_waiting_ends_with_the_process_not_with_the_deadline(self):
        process = self.spawn("echo ready; exec sleep 0.3")
        begun = time.monotonic()
        self.assertEqual(processes.wait_gone([process], 30), [])
        self.assertLess(time.monotonic() - begun, 5)

    def test_a_zombie_does_not_count_as_alive(self):
        process = self.spawn("echo ready; exec sleep 100")
        process.signal(signal.SIGKILL)
        processes.wait_gone([process], 5)
        self.assertEqual(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0], "Z")
        self.assertFalse(process.alive())
        self.assertEqual(processes.reap(process.pid), -signal.SIGKILL)

    def test_tethered_services_end_with_their_starter(self):
        starter = subprocess.Popen(
            [sys.executable, "-c", "import sys, processes, time\n"
             f"print(processes.spawn(['sleep', '100'], {str(self.log)!r}, tether=True).pid, flush=True)\n"
             "time.sleep(100)"], env=os.environ | {"PYTHONPATH": str(LIB)}, stdout=subprocess.PIPE, text=True)
        with starter:
            sleeper = Process(int(starter.stdout.readline()))
            self.addCleanup(sleeper.stop, signal.SIGKILL, 5)
            deadline = time.monotonic() + 5
            while Path(f"/proc/{sleeper.pid}/comm").read_text() != "sleep\n" and time.monotonic() < deadline:
                time.sleep(0.01)
            starter.kill()
        self.assertEqual(processes.wait_gone([sleeper], 5), [])

    def test_an_interrupted_command_leaves_no_child(self):
        child = subprocess.Popen(
            [sys.executable, "-c", "import signal, processes\n"
             "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
             f"processes.run(['sh', '-c', 'sleep 100 & echo $! >&2; wait'], {str(self.log)!r})"],
            env=os.environ | {"PYTHONPATH": str(LIB)}, stderr=subprocess.DEVNULL)
        with child:
            deadline = time.monotonic() + 5
            while (not self.log.exists() or not self.log.read_text().strip()) and time.monotonic() < deadline:
                time.sleep(0.01)
            sleeper = Process(int(self.log.read_text()))
            self.assertTrue(sleeper.alive())
            child.terminate()
        self.assertEqual(processes.wait_gone([sleeper], 5), [])


class PostgresTest(unittest.TestCase):
    def setUp(self):
        self.directory = private_directory(self)
        self.postgres = Postgres(self.directory / "p", quick=True, tether=True)
        self.postgres.start()
        self.addCleanup(self.postgres.stop)

    def test_it_does_not_run_as_root(self):
        self.assertIn(self.postgres.psql("SHOW port"), self.postgres.app_url)
        self.assertEqual(self.postgres.psql("SELECT current_user"), "postgres")
        if os.geteuid() == 0:
            status = Path(f"/proc/{self.postgres.process.pid}/status").read_text()
            namespace = os.readlink(f"/proc/{self.postgres.process.pid}/ns/user") != os.readlink("/proc/self/ns/user")
            self.assertTrue(namespace or "Uid:\t0" not in status)

    def test_the_owner_makes_tables_and_the_application_does_not(self):
        self.postgres.psql("CREATE TABLE t (i int)", role="agrobridge_owner")
        for sql in ("CREATE TABLE u (i int)", "CREATE TEMP TABLE u (i int)", "CREATE SCHEMA s", "DROP TABLE t",
                    "SELECT * FROM t", "CREATE ROLE r"):
            with self.subTest(sql), self.assertRaisesRegex(Failure, "permission denied|must be owner"):
                self.postgres.psql(sql, role="agrobridge_app")

    def test_nobody_gets_in_without_the_password(self):
        for host in ("127.0.0.1", self.postgres.directory):
            done = subprocess.run(["psql", "-XAt", "-h", host, "-p", str(self.postgres.port), "-U", "agrobridge_app",
                                   "-d", "agrobridge", "-c", "SELECT 1"], capture_output=True, text=True, check=False,
                                  env={k: v for k, v in os.environ.items() if k != "PGPASSWORD"} | {"PGPASSWORD": "x"})
            self.assertIn("password authentication failed", done.stderr)

    def test_it_keeps_its_data_over_a_stop_and_a_kill(self):
        self.postgres.psql("CREATE TABLE t (i int); INSERT INTO t VALUES (7)", role="agrobridge_owner")
        self.assertTrue(self.postgres.stop())
        self.postgres.start()
        self.assertEqual(self.postgres.psql("SELECT i FROM t"), "7")
        self.postgres.kill()
        self.postgres.start()
        self.assertEqual(self.postgres.psql("SELECT i FROM t"), "7")

    def test_frozen_it_answers_nobody_and_thawed_it_does(self):
        ask = ["psql", "-XAt", self.postgres.app_url, "-c", "SELECT 1"]
        self.postgres.freeze()
        with self.assertRaises(subprocess.TimeoutExpired):
            subprocess.run(ask, capture_output=True, timeout=0.5, check=False)
        self.postgres.thaw()
        self.assertEqual(subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True).stdout, "1\n")


class ServicesTest(unittest.TestCase):
    def setUp(self):
        self.directory = private_directory(self)

    def test_redis_wants_its_password_and_keeps_nothing(self):
        with Redis(self.directory / "r", tether=True) as redis:
            self.assertFalse(answers(("127.0.0.1", redis.port), b"PING\r\nQUIT\r\n", b"+PONG"))
            self.assertTrue(redis.is_ready())
            self.assertTrue(answers(("127.0.0.1", redis.port), f"AUTH {redis.password}\r\nSET a b\r\n".encode(), b"+OK\r\n+OK"))
            redis.stop()
            self.assertEqual(list((self.directory / "r").glob("*.rdb")), [])

    def test_redis_with_certificates_speaks_tls_only(self):
        certificates = Certificates(self.directory / "c")
        with Redis(self.directory / "r", certificates=certificates, tether=True) as redis:
            self.assertTrue(redis.url.startswith("rediss://"))
            self.assertTrue(redis.is_ready())
            self.assertFalse(answers(("127.0.0.1", redis.port), f"AUTH {redis.password}\r\n".encode(), b"+OK"))

    def test_postgres_with_certificates_speaks_tls(self):
        certificates = Certificates(self.directory / "c")
        with Postgres(self.directory / "p", quick=True, certificates=certificates, tether=True) as postgres:
            url = f"{postgres.app_url}?sslmode=verify-full&sslrootcert={certificates.ca}"
            done = subprocess.run(["psql", "-XAt", url, "-c", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.stdout, done.stderr), ("t\n", ""))

    def test_a_lost_port_is_replaced_and_a_given_one_is_not(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.assertFalse(port_is_free(port))
            redis = Redis(self.directory / "r", tether=True)
            redis.port = port
            with redis:
                self.assertNotEqual(redis.port, port)
            with self.assertRaisesRegex(Failure, "in use"):
                Redis(self.directory / "s", port=port, tether=True).start()

    def test_a_service_that_cannot_start_says_why_and_leaves_nothing(self):
        redis = Redis(self.directory / "r", settings={"maxmemory": "nonsense"}, tether=True)
        with self.assertRaisesRegex(Failure, "redis ended at once(.|\n)*maxmemory(.|\n)*log: "):
            redis.start()
        self.assertIsNone(redis.process)

    def test_a_directory_too_long_for_sockets_is_refused(self):
        with self.assertRaisesRegex(Failure, "too long"):
            Redis(self.directory / ("x" * 90)).start()


class WithStackTest(unittest.TestCase):
    def run_with(self, *argv, **options):
        return subprocess.Popen([sys.executable, "-B", LIB / "with_stack.py", *argv], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def test_the_program_finds_its_stores(self):
        script = ("psql -XAt $AGROBRIDGE_DATABASE_URL -c 'SELECT 41 + 1' && "
                  "psql -XAt $AGROBRIDGE_OWNER_DATABASE_URL -c 'CREATE TABLE t (i int)' && "
                  "echo $AGROBRIDGE_REDIS_URL && test -d $AGROBRIDGE_SOCKET_DIR")
        with self.run_with("--stores", "--", "sh", "-c", script) as child:
            out, err = child.communicate(timeout=60)
        self.assertEqual((child.returncode, err), (0, ""))
        self.assertRegex(out, r"^42\nCREATE TABLE\nredis://:[0-9a-f]+@127.0.0.1:\d+/0\n$")

    def test_the_program_s_status_is_ours(self):
        for script, status in (("exit 7", 7), ("kill -KILL $$", 128 + 9)):
            with self.run_with("--", "sh", "-c", script) as child:
                child.communicate(timeout=60)
            self.assertEqual(child.returncode, status)

    def test_a_secret_in_a_log_fails_the_program(self):
        for noted, logged in (('"mango y aguacate 7"', "mango y aguacate 7"), ("", "$AGROBRIDGE_REDIS_URL")):
            script = (f"echo '{noted}' | grep . >>$AGROBRIDGE_TEST_SECRETS; "
                      f"psql -XAt $AGROBRIDGE_DATABASE_URL -c \"SELECT '{logged}'\"")
            with self.run_with("--stores", "--", "sh", "-c", script) as child:
                _, err = child.communicate(timeout=60)
            self.assertEqual(child.returncode, 1)
            self.assertRegex(err, r"with_stack: postgres.log:\d+ holds a secret: .*\*{12}")
            self.assertNotIn("aguacate", err)

    def test_told_to_end_it_stops_everything(self):
        with self.run_with("--", "sh", "-c", "echo $$ $AGROBRIDGE_SOCKET_DIR; exec sleep 100") as child:
            program, directory = child.stdout.readline().split()
            family = Process(child.pid).descendants()
            self.assertGreaterEqual(len(family), 3)
            child.terminate()
            child.communicate(timeout=60)
        self.assertEqual(child.returncode, 128 + signal.SIGTERM)
        self.assertEqual([p for p in family if p.alive()], [])
        self.assertIsNone(processes.start_time(int(program)))
        self.assertFalse(Path(directory).parent.exists())


    def test_the_first_users_at_once_share_one_template(self):
        directory = private_directory(self)
        directory.chmod(0o1777)
        env = os.environ | {"TMPDIR": str(directory)}
        children = [self.run_with("--", "true", env=env) for _ in range(3)]
        for child in children:
            with child:
                self.assertEqual(child.communicate(timeout=120)[1], "")
            self.assertEqual(child.returncode, 0)
        left = [p for p in directory.iterdir() if p.is_dir()]
        self.assertEqual([p.stat().st_mode & 0o077 for p in left], [0])


class StackTest(unittest.TestCase):
    """Bookkeeping of up and down, with ordinary processes in place of the real ones."""

    def setUp(self):
        self.var = private_directory(self) / "var"
        self.stack = stack.Stack(self.var)

    def options(self, *argv):
        return stack.parse(list(argv))

    def down(self, *argv):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = stack.down(list(argv), self.var)
        return status, out.getvalue() + err.getvalue()

    def test_a_foreign_directory_is_neither_used_nor_purged(self):
        self.var.mkdir()
        (self.var / "precious").touch()
        with self.assertRaisesRegex(Failure, "holds something else"):
            self.stack.make_directories()
        self.assertEqual(self.down("--purge")[0], 1)
        self.assertTrue((self.var / "precious").exists())

    def test_purge_deletes_what_up_made(self):
        self.stack.make_directories()
        self.assertEqual(self.down("--purge")[0], 0)
        self.assertFalse(self.var.exists())

    def test_down_stops_those_recorded_in_order_and_no_other(self):
        self.stack.make_directories()
        log = self.stack.log_dir / "x.log"
        started = {name: processes.spawn(["sleep", "100"], log) for name in ("postgres", "redis", "master", "nginx")}
        bystander = processes.spawn(["sleep", "100"], log)
        for process in (*started.values(), bystander):
            self.addCleanup(process.stop, signal.SIGKILL, 5)
        self.stack._record(started)
        record = json.loads((self.var / "processes.json").read_text())
        self.assertEqual(set(record), set(stack.STOP_ORDER))
        record["redis"] = {"pid": bystander.pid, "start": bystander.start - 1}  # its number is somebody else's by now
        (self.var / "processes.json").write_text(json.dumps(record))
        status, said = self.down()
        self.assertEqual(status, 0, said)
        self.assertEqual([line.split()[0] for line in said.splitlines()], ["nginx", "master", "postgres"])
        self.assertTrue(bystander.alive())
        self.assertTrue(started["redis"].alive())
        self.assertEqual(self.stack.running(), {})

    def test_down_stops_what_a_dead_service_left(self):
        self.stack.make_directories()
        log = self.stack.log_dir / "x.log"
        leader = processes.spawn(["sh", "-c", "sleep 100 & echo ready; wait"], log)
        while "ready" not in log.read_text():
            time.sleep(0.01)
        (child,) = leader.descendants()
        self.addCleanup(child.stop, signal.SIGKILL, 5)
        self.stack._record({"master": leader})
        leader.signal(signal.SIGKILL)
        processes.wait_gone([leader], 5)
        processes.reap(leader.pid)
        self.assertEqual(self.down()[0], 0)
        self.assertFalse(child.alive())

    def test_another_number_of_workers_is_refused_while_the_pool_runs(self):
        self.stack.make_directories()
        self.stack.choose(self.options("--workers", "3"))
        master = processes.spawn(["sleep", "100"], self.stack.log_dir / "x.log")
        self.addCleanup(master.stop, signal.SIGKILL, 5)
        self.stack._record({"master": master})
        self.stack.choose(self.options("--workers", "3"))
        with self.assertRaisesRegex(Failure, "the pool runs already, with 3"):
            self.stack.choose(self.options("--workers", "4"))

    def test_the_first_two_free_ports_are_taken(self):
        self.stack.make_directories()
        self.stack.choose(self.options())
        first = self.stack.settings["port"]
        self.assertEqual(self.stack.settings["ops_port"], first + 1)
        with socket.create_server(("127.0.0.1", first + 1)):
            other = stack.Stack(self.var.parent / "other")
            other.make_directories()
            other.choose(self.options())
            self.assertNotIn(other.settings["port"], (first, first + 1))
            with self.assertRaisesRegex(Failure, f"port {first + 1} is in use(.|\n)*--ops-port"):
                self.stack.choose(self.options("--port", str(first)))

    def test_a_stack_keeps_its_ports_and_passwords(self):
        self.stack.make_directories()
        self.stack.choose(self.options("--workers", "3"))
        again = stack.Stack(self.var)
        again.choose(self.options())
        self.assertEqual(again.settings, self.stack.settings)
        self.assertEqual((self.var / "settings.json").stat().st_mode & 0o777, 0o600)

    def test_two_at_once_on_one_directory_are_refused(self):
        self.stack.make_directories()
        with self.stack.locked(), self.assertRaisesRegex(Failure, "at work"):
            with stack.Stack(self.var).locked():
                pass

    def test_a_failed_up_says_why_and_stops_what_it_started(self):
        started = []

        def fail_at_last(this, options, steps):
            with steps.step("starting something"):
                process = processes.spawn(["sleep", "100"], this.log_dir / "x.log")
                started.append(process)
                this.started.append("redis")
                this._record({"redis": process})
            with steps.step("breaking"):
                raise Failure("it broke", hint="repair it")

        self.addCleanup(setattr, stack.Stack, "up", stack.Stack.up)
        stack.Stack.up = fail_at_last
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.assertEqual(stack.up([], self.var), 1)
        self.assertRegex(out.getvalue(), r"\[1/9\] starting something \.\.\. ok \d+\.\d s\n\[2/9\] breaking \.\.\. failed")
        self.assertIn("it broke\nmend: repair it", err.getvalue())
        self.assertFalse(started[0].alive())


class PackagesTest(unittest.TestCase):
    def test_a_list_names_one_package_or_a_choice_a_line(self):
        self.assertIn(["redis-server", "valkey-server"], packages.read_list("run"))
        for name in ("run", "test", "long"):
            for choices in packages.read_list(name):
                for package in choices:
                    self.assertRegex(package, r"^[a-z0-9][a-z0-9.+-]+$")

    def test_what_is_installed_is_not_missing(self):
        have = packages.installed()
        self.assertIn("dpkg", have)
        for package in packages.missing("run", "test", "long"):
            self.assertNotIn(package, have)


if __name__ == "__main__":
    unittest.main()
