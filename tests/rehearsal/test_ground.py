"""The rehearsal's ground: zones, stores that fail over, tasks and their share of the processors.

Runs again inside a sandbox where one can be made; elsewhere only what needs none.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "scripts/lib"))

import processes  # noqa: E402
from image import full_name  # noqa: E402
from rehearsal import cpu, net, store, task  # noqa: E402
from rehearsal.names import Names  # noqa: E402
from services import Failure, answers, migrate  # noqa: E402

INSIDE = "AGROBRIDGE_TEST_SANDBOX"
WHY_NOT = None if os.environ.get(INSIDE) else net.why_no_sandbox()
TAG = os.environ.get("AGROBRIDGE_TEST_TAG")  # of the images
SPEED = 100


class Clock:
    @staticmethod
    def real(seconds):
        return seconds / SPEED


def eventually(check, seconds=10):
    deadline = time.monotonic() + seconds
    while not (last := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)
    return last


class Shares(unittest.TestCase):
    """Both versions of control groups, by the files they have."""

    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_bandwidth_is_in_short_periods(self):
        self.assertEqual(cpu.bandwidth(0.1), (1000, 10_000))
        self.assertEqual(cpu.bandwidth(2), (20_000, 10_000))
        self.assertEqual(cpu.bandwidth(0.05), (1000, 20_000))  # the kernel takes no quota below 1 ms

    def test_version_1(self):
        for controller in ("cpu", "cpuacct"):
            (self.root / controller).mkdir()
        group = cpu.Group(0.25, self.root)
        name = group.path.strip("/")
        (self.root / "cpuacct" / name / "cpuacct.usage").write_text("500000000\n")
        shares = self.root / "cpu" / name / "cpu.shares"
        self.assertEqual(shares.read_text(), "102", "while it starts, it yields to what serves")
        group.limit()
        self.assertEqual(shares.read_text(), "10240")
        self.assertEqual((self.root / "cpu" / name / "cpu.cfs_quota_us").read_text(), "2500")
        self.assertEqual((self.root / "cpu" / name / "cpu.cfs_period_us").read_text(), "10000")
        (self.root / "cpuacct" / name / "cpuacct.usage").write_text("1500000000\n")
        self.assertEqual(group.cpu_seconds(), 1)
        self.assertEqual(group.enter[-1].split(), [f"{self.root}/cpuacct/{name}", f"{self.root}/cpu/{name}"])

    def test_version_2(self):
        (self.root / "cgroup.controllers").write_text("cpu memory\n")
        (self.root / "cgroup.subtree_control").write_text("memory\n")
        group = cpu.Group(0.25, self.root)
        folder = self.root / group.path.strip("/")
        (folder / "cpu.stat").write_text("usage_usec 500000\nuser_usec 1\n")
        self.assertEqual((folder / "cpu.weight").read_text(), "10", "while it starts, it yields to what serves")
        group.limit()
        self.assertEqual((folder / "cpu.weight").read_text(), "1000")
        self.assertEqual((self.root / "cgroup.subtree_control").read_text(), "+cpu")
        self.assertEqual((folder / "cpu.max").read_text(), "2500 10000")
        (folder / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")
        self.assertEqual(group.cpu_seconds(), 1)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class RealShares(unittest.TestCase):
    SPIN = (sys.executable, "-c", "while True: pass")

    def setUp(self):
        self.group = cpu.Group(0.1)
        self.group.limit()

    def test_no_more_than_its_share_and_all_of_it_counted(self):
        spinning = [subprocess.Popen([*self.group.enter, *self.SPIN]) for _ in range(2)]
        eventually(lambda: self.group.cpu_seconds() > 0.02)
        before, start = self.group.cpu_seconds(), time.monotonic()
        time.sleep(0.5)
        share = (self.group.cpu_seconds() - before) / (time.monotonic() - start)
        self.assertGreater(share, 0.02)
        self.assertLess(share, 0.13)
        self.assertEqual(self.group.processes(), {child.pid for child in spinning})
        self.group.kill()
        self.assertEqual([child.wait() for child in spinning], [-signal.SIGKILL] * 2)
        self.group.close()
        self.assertEqual(list(cpu.ROOT.glob(f"*{self.group.path}")), [])

    def test_groups_of_the_dead_are_swept_and_of_the_living_left(self):
        self.addCleanup(self.group.close)
        left = subprocess.run([sys.executable, "-B", "-c", "from rehearsal import cpu; print(cpu.Group(0.1).path)"],
                              env=os.environ | {"PYTHONPATH": str(SOURCE / "scripts/lib")}, capture_output=True,
                              text=True, check=True).stdout.strip()
        folders = lambda path: [*cpu.ROOT.glob(path.strip("/")), *cpu.ROOT.glob(f"*{path}")]
        self.assertTrue(folders(left))
        cpu.sweep()
        self.assertEqual(folders(left), [])
        self.assertTrue(folders(self.group.path))


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Ground(unittest.TestCase):
    """One network for all of them."""

    @classmethod
    def setUpClass(cls):
        cls.directory = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="ab-")))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "ground", cls.directory], check=True)
        cls.addClassCleanup(lambda: subprocess.run(["umount", "--lazy", cls.directory], check=True))
        processes.identity().own(cls.directory)
        cls.net = net.Net()
        cls.addClassCleanup(cls.net.close)
        cls.names = Names(net.CORE)
        cls.addClassCleanup(cls.names.close)

    def host(self, zone, label):
        host = self.net.host(zone, label)
        self.addCleanup(host.close)
        return host

    def pings(self, target, host=None):
        return subprocess.run([*(host.enter if host else ()), sys.executable, "-c", (
            "import socket, sys\ns = socket.socket()\ns.settimeout(0.5)\n"
            "sys.exit(0 if s.connect_ex((sys.argv[1], 9)) == 111 else 1)"), target], check=False).returncode == 0


class Zones(Ground):
    def test_a_zone_cut_off_reaches_itself_and_nothing_else(self):
        first, second, other = self.host("a", "a1"), self.host("a", "a2"), self.host("b", "b1")
        self.assertTrue(self.pings(other.address, first) and self.pings(first.address))
        self.net.zones["a"].cut()
        self.assertTrue(self.net.zones["a"].lost)
        self.assertTrue(self.pings(second.address, first))
        self.assertFalse(self.pings(other.address, first) or self.pings(first.address) or self.pings(net.CORE, first))
        self.assertTrue(self.pings(other.address))
        self.net.zones["a"].mend()
        self.assertFalse(self.net.zones["a"].lost)
        eventually(lambda: self.pings(first.address) and self.pings(other.address, first))

    def test_addresses_tell_the_zone_and_come_back_last(self):
        first = self.net.host("c", "c1")
        first.close()
        second = self.host("c", "c2")
        self.assertRegex(first.address, r"^10\.0\.3\.\d+$")
        self.assertNotEqual(first.address, second.address)
        self.assertFalse(self.pings(first.address))

    def test_names_come_from_our_server_alone(self):
        self.names.set("somewhere.rehearsal.test", "10.0.2.99")
        host = self.host("b", "resolving")
        ask = lambda name: subprocess.run([*host.enter, "getent", "ahostsv4", name], capture_output=True, text=True,
                                          check=False).stdout.split()[:1]
        self.assertEqual(ask("somewhere.rehearsal.test"), ["10.0.2.99"])
        self.assertEqual(ask("deb.debian.org"), [])

    def test_a_network_in_use_is_left_alone(self):
        with self.assertRaisesRegex(Failure, "in use"):
            net.Net()


class Stores(Ground):
    def setUp(self):
        self.events = []
        self.record = lambda kind, text: self.events.append(text)

    def start(self, kind, **rest):
        directory = tempfile.mkdtemp(dir=self.directory)
        processes.identity().own(directory)
        pair = kind(self.net, self.names, Clock, directory, record=self.record, **rest)
        self.addCleanup(pair.close)
        return pair.start()

    def database(self, gap=50):
        database = self.start(store.Database, gap=gap)
        database.psql("CREATE TABLE entry (number int)")
        return database

    def count(self, database):
        return int(database.psql("SELECT count(*) FROM entry"))

    def write_until_it_ends(self, database):
        """How many writes were acknowledged before the connection broke."""
        url = database.primary.url("postgres")
        text = "".join(f"INSERT INTO entry VALUES ({n}); SELECT 'done';\n" for n in range(100_000))
        writer = subprocess.Popen(["psql", "-XqAt", "-d", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        said = []
        thread = threading.Thread(target=lambda: said.append(writer.communicate(text)[0]))
        thread.start()
        return lambda: (thread.join(), said[0].count("done"))[1]

    def test_the_standby_takes_over_with_all_that_was_acknowledged(self):
        database = self.database()
        old = database.primary.host.address
        self.assertEqual((database.primary_zone, self.names.get(store.Database.name)), ("a", old))
        written = self.write_until_it_ends(database)
        eventually(lambda: self.count(database) > 50)
        start = time.monotonic()
        database.kill()
        acknowledged = written()
        eventually(lambda: self.names.get(store.Database.name) != old)
        self.assertGreaterEqual(time.monotonic() - start, Clock.real(50))
        self.assertEqual(database.primary_zone, "b")
        self.assertIn(self.count(database), (acknowledged, acknowledged + 1))  # one may have been on its way
        database.psql("INSERT INTO entry VALUES (0)")  # alone, and it waits for nobody
        database.rebuild()
        self.assertEqual(database.standby.host.zone.name, "a")
        database.psql("INSERT INTO entry VALUES (0)")
        self.assertEqual(database.psql("SELECT sync_state FROM pg_stat_replication"), "sync")
        self.assertEqual([text.split(": ")[1] for text in self.events], [
            "primary in a killed", "primary in a lost", "standby in b took over", "new standby in a"])

    def test_a_primary_in_a_lost_zone_is_ended_before_the_other_may_write(self):
        database = self.database()
        old = database.primary
        self.net.zones["a"].cut()
        self.addCleanup(self.net.zones["a"].mend)
        self.assertTrue(old.process.alive())
        eventually(lambda: database.primary_zone == "b")
        self.assertFalse(old.process.alive())
        eventually(lambda: self.names.get(store.Database.name) == database.primary.address)
        database.rebuild()
        self.assertEqual(database.standby.host.zone.name, "c")

    def test_a_commit_waits_for_the_standby_and_without_one_for_nobody(self):
        database = self.database()
        database.standby.freeze()
        before = self.count(database)
        blocked = subprocess.Popen(["psql", "-Xq", "-d", database.primary.url("postgres"), "-c",
                                    "INSERT INTO entry VALUES (1)"])
        with self.assertRaises(subprocess.TimeoutExpired):
            blocked.wait(0.5)
        database.standby.process.kill()
        self.assertEqual(blocked.wait(5), 0)
        self.assertEqual(self.count(database), before + 1)
        self.assertEqual(self.events, ["database: standby in b lost, goes on alone"])

    def test_without_a_standby_nothing_takes_over(self):
        database = self.database(gap=20)
        database.standby.process.kill()
        eventually(lambda: database.standby is None)
        database.kill()
        eventually(lambda: self.events and self.events[-1] == "database: no standby to take over")
        self.assertEqual(database.primary_zone, "a")

    def test_a_primary_dies_while_it_is_told_to_go_alone(self):
        database = self.database(gap=20)
        psql = database.psql
        database.psql = lambda sql: (database.primary.process.kill(), psql(sql))
        database.standby.process.kill()
        eventually(lambda: self.events and self.events[-1] == "database: no standby to take over")

    def test_the_replica_of_the_cache_takes_over(self):
        cache = self.start(store.Cache)
        self.assertTrue(cache.primary.says("SET x there", b"+OK\r\n+OK"))
        old = cache.primary
        eventually(lambda: cache.standby.says("GET x", b"there"))
        self.assertTrue(cache.standby.says("SET x y", b"-READONLY"))
        cache.kill()
        eventually(lambda: self.names.get(store.Cache.name) not in (None, old.address))
        self.assertTrue(cache.primary.says("GET x\r\nSET x y", b"there\r\n+OK"))
        cache.rebuild()
        self.assertTrue(cache.standby.says("GET x", b"$1\r\ny"))
        self.assertIn(f"@{store.Cache.name}:6379/", cache.url)


class Tasks(Ground):
    """Plain processes."""

    images = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        binary = os.environ.get("AGROBRIDGE_BIN")
        if not binary:
            raise Failure("AGROBRIDGE_BIN is not set: name the program, AGROBRIDGE_BIN=build/agrobridge")
        cls.release = task.Release("blue", 2, binary=Path(binary), images=cls.images)
        # No stores: a task starts and is ready without them.
        cls.conf = {"DATABASE_URL": "postgresql://agrobridge_app:x@database.rehearsal.test:5432/agrobridge",
                    "REDIS_URL": "redis://cache.rehearsal.test:6379/0", "LOGIN_WORKERS": 1}

    def start(self, zone="a", cores=0.5):
        one = task.Task(self.net, zone, self.release, self.conf, self.directory, cores).start()
        self.addCleanup(one.kill)
        return one

    def readyz(self, one):
        try:
            with urllib.request.urlopen(f"http://{one.address}:{task.PORT}/readyz", timeout=2) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def test_it_serves_at_its_own_address_and_says_how_it_is(self):
        first, second = self.start("a"), self.start("b")
        for one in (first, second):
            eventually(lambda: self.readyz(one) == 200)
            self.assertTrue(one.running)
            groups = {group["name"]: group["configured"] for group in one.status()["groups"]}
            self.assertEqual((groups["main"], groups["login"]), (2, 1))
        self.assertNotEqual((first.address, first.id), (second.address, second.id))
        self.assertGreater(first.cpu_seconds(), 0)

    def group(self, one):
        return re.search(rf"{cpu.PREFIX}\w+", Path(f"/proc/{one.process('app').pid}/cgroup").read_text())[0]

    def test_it_is_told_its_size_and_held_to_it(self):
        one = self.start()
        eventually(lambda: self.readyz(one) == 200)
        environment = Path(f"/proc/{one.process('app').pid}/environ").read_bytes().split(b"\0")
        self.assertIn(b"AGROBRIDGE_CPUS=0.5", environment)
        self.assertIn(b"AGROBRIDGE_WORKERS=2", environment)
        name = self.group(one)
        quotas = [*cpu.ROOT.glob(f"cpu/{name}/cpu.cfs_quota_us"), *cpu.ROOT.glob(f"{name}/cpu.max")]
        self.assertEqual([file.read_text().split()[0] for file in quotas], ["5000"])

    def test_nginx_drains_first_and_serves_meanwhile(self):
        one = self.start()
        eventually(lambda: self.readyz(one) == 200)
        front, app, stopped = one.process("nginx"), one.process("app"), []
        stopping = threading.Thread(target=lambda: stopped.append(one.stop(0.6)))
        start = time.monotonic()
        stopping.start()
        eventually(lambda: self.readyz(one) == 503)
        self.assertTrue(app.alive())
        self.assertEqual(processes.wait_gone([app], 10), [])
        self.assertFalse(front.alive())
        stopping.join()
        self.assertGreaterEqual(time.monotonic() - start, 0.6)
        self.assertEqual((stopped, one.running), ([True], False))

    def test_kill_ends_all_of_it(self):
        one = self.start()
        eventually(lambda: self.readyz(one) == 200)
        family = [p for name in ("nginx", "app") for p in one.process(name).family()]
        self.assertGreater(len(family), 6)
        used = one.cpu_seconds()
        one.kill()
        self.assertEqual([p.pid for p in family if p.alive()], [])
        self.assertFalse(one.running)
        self.assertGreaterEqual(one.cpu_seconds(), used)

    def test_either_end_is_its_end(self):
        for name in ("nginx", "app"):
            one = self.start()
            one.process(name).kill()
            self.assertFalse(one.running)


@unittest.skipUnless(TAG, "AGROBRIDGE_TEST_TAG names no images")
class Containers(Tasks):
    images = {name: full_name(name, TAG) for name in ("app", "nginx")}

    def test_they_are_hardened_and_in_the_group(self):
        one = self.start()
        eventually(lambda: self.readyz(one) == 200)
        everything = [p.pid for name in ("nginx", "app") for p in one.process(name).family()]
        self.assertGreater(len(everything), 6)
        for pid in everything:
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            self.assertEqual(status["Uid"].split(), ["10001"] * 4)
            self.assertEqual((int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"]), (0, 0, "1"))
            self.assertIn("ro", Path(f"/proc/{pid}/mounts").read_text().splitlines()[0].split()[3].split(","))
            self.assertIn("agrobridge-rehearsal-", Path(f"/proc/{pid}/cgroup").read_text())

    def test_nothing_stays_of_them(self):
        one = self.start()
        group = self.group(one)
        folders = lambda: [*(self.directory / "podman/root").glob("overlay-containers/*/userdata"),
                           *cpu.ROOT.glob(group), *cpu.ROOT.glob(f"*/{group}")]
        self.assertTrue(folders())
        one.kill()
        self.assertEqual(folders(), [])


if __name__ == "__main__":
    if not os.environ.get(INSIDE) and not WHY_NOT:
        argv = net.sandboxed([sys.executable, "-B", *sys.argv])
        os.execvpe(argv[0], argv, os.environ | {INSIDE: "1"})
    unittest.main()
