"""RDS for PostgreSQL and ElastiCache, Multi-AZ both: a primary in one zone, a standby in another, a name that moves.

Stands for: RDS with a synchronous standby, which takes over 60 to 120 s after the primary or its zone is lost (`gap`,
in all); ElastiCache with automatic failover, whose replica takes over after seconds (replication is asynchronous: the
last writes may be lost). The endpoint is a name with a TTL of 5 s. Who was primary never is again: at the takeover it
is ended, wherever it is. Without a standby the database goes on alone.
Leaves out: TLS, the standby in storage instead of PostgreSQL's own replication, rebuilding without being told, failing
over because a primary is slow or its disk is full.
"""

import re
import shutil
import socket
import threading
from pathlib import Path

import processes
from services import Failure, Postgres, Redis, answers

from . import names as dns

POSTGRES_PORT, REDIS_PORT = 5432, 6379
LOOK_SECONDS = 0.1  # how often the watcher looks whether the primary lives
STANDBY = "standby"


class _Pair:
    """What both have in common. Members are Services with a .host."""

    kind = name = None

    def __init__(self, net, names, clock, directory, gap, record=lambda kind, text: None):
        self._net, self._names, self._clock, self._gap, self._record = net, names, clock, gap, record
        self._directory = Path(directory)
        self._made = 0
        self._lock = threading.RLock()  # a takeover and rebuild() exclude each other
        self._ending = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name=self.kind, daemon=True)
        self.primary = self.standby = None

    # What each says about itself.
    def _new(self, host, directory, source):
        """A member, started; a standby of `source` if that is one."""
        raise NotImplementedError

    def _promote(self, member):
        raise NotImplementedError

    def _pair_up(self):
        """The standby is complete: from now on it counts."""

    def _go_alone(self):
        """The primary waits for no standby."""

    def _member(self, zone, source=None):
        self._made += 1
        label = f"{self.kind}-{self._made}"
        host = self._net.host(zone, label)
        try:
            member = self._new(host, self._directory / label, source)
            member.host = host
            return member.start()
        except BaseException:
            host.close()
            raise

    def start(self):
        self.primary = self._member("a")
        self.standby = self._member("b", self.primary)
        self._pair_up()
        self._names.set(self.name, self.primary.host.address)
        self._watcher.start()
        return self

    @property
    def primary_zone(self):
        return self.primary.host.zone.name

    def kill(self):
        """SIGKILL to all of the primary."""
        self._record(self.kind, f"{self.kind}: primary in {self.primary_zone} killed")
        self.primary.process.kill()

    def rebuild(self):
        """A new standby in the lost one's place, or where there is a zone left."""
        with self._lock:
            if self.standby:
                return
            zone = next(name for name, zone in self._net.zones.items() if not zone.lost and name != self.primary_zone)
            self.standby = self._member(zone, self.primary)
            self._pair_up()
            self._record(self.kind, f"{self.kind}: new standby in {zone}")

    def close(self):
        self._ending.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for member in (self.standby, self.primary):
            if member:
                _end(member)

    # --- the watcher --------------------------------------------------------------------------------------------------

    def _watch(self):
        while not self._ending.wait(LOOK_SECONDS):
            if self.standby and _lost(self.standby):
                with self._lock:
                    self._lose_standby()
            if _lost(self.primary):
                self._record(self.kind, f"{self.kind}: primary in {self.primary_zone} lost")
                if self._ending.wait(self._clock.real(self._gap)):
                    return
                with self._lock:
                    self._take_over()
                if not self.standby and _lost(self.primary):
                    return

    def _lose_standby(self):
        lost, self.standby = self.standby, None
        zone = lost.host.zone.name
        _end(lost)
        try:
            if not _lost(self.primary):
                self._go_alone()
        except Failure:
            if not _lost(self.primary):  # it may have been, meanwhile
                raise
        self._record(self.kind, f"{self.kind}: standby in {zone} lost, goes on alone")

    def _take_over(self):
        if not self.standby or _lost(self.standby):
            self._record(self.kind, f"{self.kind}: no standby to take over")
            return
        _end(self.primary)  # before the other may write: never two primaries
        self._promote(self.standby)
        self.primary, self.standby = self.standby, None
        self._names.set(self.name, self.primary.host.address)
        self._record(self.kind, f"{self.kind}: standby in {self.primary_zone} took over")


def _lost(member):
    return member.host.zone.lost or member.process is None or not member.process.alive()


def _end(member):
    member.process.kill()
    member.host.close()


# --- RDS --------------------------------------------------------------------------------------------------------------

class _PostgresMember(Postgres):
    """One that its neighbours may reach, and copy with `source`'s password."""

    def __init__(self, directory, host, source, settings):
        super().__init__(
            directory, port=POSTGRES_PORT, quick=True, address=host.address, enter=host.enter,
            passwords=source and source.passwords, settings=settings | {
                "wal_level": "replica", "hot_standby": "on", "wal_receiver_timeout": "5s", "wal_sender_timeout": "5s"})
        self.source = source

    def prepare(self):
        if not self.source:
            super().prepare()
            with open(self.data / "pg_hba.conf", "a", encoding="ascii") as file:
                file.write("host all all 10.0.0.0/16 scram-sha-256\nhost replication all 10.0.0.0/16 scram-sha-256\n")
            return
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"{self.source.url('postgres', 'postgres')}?application_name={STANDBY}"
        copy = [self.program("pg_basebackup"), "--dbname", source, "--pgdata", self.data, "--checkpoint=fast",
                "--wal-method=stream", "--write-recovery-conf", "--no-sync"]
        if processes.run([*self.enter, *processes.command(copy)], self.log):
            raise Failure("pg_basebackup failed", self.log)


class Database(_Pair):
    """`settings` are more names and values of postgresql.conf."""

    kind, name = "database", f"database.{dns.DOMAIN}"

    def __init__(self, net, names, clock, directory, gap=90, settings=None, **rest):
        super().__init__(net, names, clock, directory, gap, **rest)
        self._settings = settings or {}

    def _new(self, host, directory, source):
        return _PostgresMember(directory, host, source, self._settings)

    def _url(self, role):
        return self.primary.url(role).replace(f"@{self.primary.address}:", f"@{self.name}:")

    @property
    def app_url(self):
        return self._url("agrobridge_app")

    @property
    def owner_url(self):
        return self._url("agrobridge_owner")

    def psql(self, sql):
        return self.primary.psql(sql)

    def _pair_up(self):
        self._wait_for(STANDBY)

    def _go_alone(self):
        self._wait_for("")

    def _wait_for(self, standby):
        """Whose confirmation a commit waits for. A standby copied before knows nothing of it, and waits for nobody once
        it is the primary."""
        self.psql(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}';\nSELECT pg_reload_conf();")

    def _promote(self, member):
        member.psql("SELECT pg_promote()", database="postgres")


# --- ElastiCache ------------------------------------------------------------------------------------------------------

class _RedisMember(Redis):
    def __init__(self, directory, host, source):
        follow = {"repl-diskless-sync-delay": 0, "repl-timeout": 5, "repl-ping-replica-period": 1}
        if source:
            follow |= {"replicaof": f"{source.address} {REDIS_PORT}", "masterauth": source.password}
        super().__init__(directory, port=REDIS_PORT, address=host.address, enter=host.enter,
                         password=source and source.password, settings=follow)
        self.source = source

    def says(self, command, expected):
        return answers((self.address, self.port), f"AUTH {self.password}\r\n{command}\r\n".encode(), expected)

    def is_ready(self):
        return super().is_ready() and (not self.source or self.says("INFO replication", b"master_link_status:up"))


class Cache(_Pair):
    kind, name = "cache", f"cache.{dns.DOMAIN}"

    def __init__(self, net, names, clock, directory, gap=10, **rest):
        super().__init__(net, names, clock, directory, gap, **rest)

    def _new(self, host, directory, source):
        return _RedisMember(directory, host, source)

    @property
    def url(self):
        return self.primary.url.replace(f"@{self.primary.address}:", f"@{self.name}:")

    def _promote(self, member):
        if not member.says("REPLICAOF NO ONE", b"+OK\r\n+OK"):
            raise Failure("the replica does not become a primary", member.log)

    def commands(self):
        """How many the primary has done."""
        with socket.create_connection((self.primary.address, REDIS_PORT), timeout=2) as s:
            s.sendall(f"AUTH {self.primary.password}\r\nINFO stats\r\nQUIT\r\n".encode())
            text = b"".join(iter(lambda: s.recv(65536), b""))
        return int(re.search(rb"total_commands_processed:(\d+)", text)[1])
