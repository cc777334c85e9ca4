"""Measuring: load by wrk and an open loop, processor time from /proc, medians, and a peer measured in the same breath.

Only ratios of one run mean anything: the machine is small and shared, and the load runs on it too.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "scripts/lib"), str(SOURCE / "tests/faults")]

import processes
from rehearsal import load
from rehearsal.load import PATIENCE, good, http_text, parse, percentile, stdin_of
from services import Delay, Nginx, Service
from world import ORGANIZATION, World

TICK = os.sysconf("SC_CLK_TCK")


def family(process):
    return [process, *process.descendants()]


def cpu_seconds(processes_):
    """User and system time of living processes; a worker replaced meanwhile is missed, so benches set no MAX_REQUESTS."""
    total = 0
    for process in processes_:
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICK


class Shot:
    """One run of wrk: requests a second, p99 in ms, and processor microseconds a request of each watched service."""

    def __init__(self, url, clients, seconds=3, headers=(), watched=None):
        watched = watched or {}
        members = {name: family(service.process) for name, service in watched.items()}
        before = {name: cpu_seconds(who) for name, who in members.items()}
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}", "--latency", *(w for h in headers for w in ("-H", h)), url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.requests = int(re.search(r"(\d+) requests in", said)[1])
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
        value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
        self.p99_ms = float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        self.other = int(refused[1]) if refused else 0
        self.cpu_us = {name: (cpu_seconds(who) - before[name]) * 1e6 / self.requests for name, who in members.items()}


def median(values):
    return statistics.median(list(values))


def private_kib(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M))


def pss_kib(pid):
    return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])


def build(name, directory, *flags):
    """Compiles NAME.c of this directory; returns the program."""
    program = Path(directory) / name
    source = SOURCE / f"tests/bench/{name}.c"
    subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-o", program, source, *flags], check=True)
    return program


class Plain(Service):
    """plain_accept.c, built here, behind the nginx a newcomer would write: stock fastcgi_params and nothing else."""

    name = "plain"

    def __init__(self, directory, workers, **rest):
        super().__init__(directory, **rest)
        self.workers = workers

    def prepare(self):
        flags = subprocess.run(["pkg-config", "--libs", "fcgi"], capture_output=True, text=True, check=True).stdout.split()
        self.program = build("plain_accept", self.directory, *flags)

    def argv(self):
        return [self.program, self.directory / "plain.sock", str(self.workers)]

    def is_ready(self):
        return (self.directory / "plain.sock").exists()


class StockNginx(Nginx):
    """nginx with fastcgi_params and an access log as Debian ships it, in front of Plain."""

    def render(self):
        self.conf.write_text(f"""daemon off; worker_processes auto; pid {self.directory}/nginx.pid; error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log {self.directory}/access.log;
    client_body_temp_path {self.directory}/b; proxy_temp_path {self.directory}/p; fastcgi_temp_path {self.directory}/f;
    uwsgi_temp_path {self.directory}/u; scgi_temp_path {self.directory}/s;
    server {{ listen 127.0.0.1:{self.port};
        location / {{ include /etc/nginx/fastcgi_params; fastcgi_pass unix:{self.socket_dir}/plain.sock; }} }}
    server {{ listen 127.0.0.1:{self.ops_port}; location / {{ return 204; }} }}
}}
""")
        processes.identity().own(self.conf)


class FarWorld(World):
    """A World whose PostgreSQL answers `ms` late: few workers are soon all busy while the processors idle.
    It has 100 lots. 0: PostgreSQL is where it is."""

    LOT = "00000000-0000-7000-8000-0000000000"  # and two digits

    def __init__(self, ms, exponential=False, conf=None):
        super().__init__(conf={"MAX_REQUESTS": "0"} | (conf or {}))
        self.delay_by = ms, exponential
        self.delay = self.open_loop = None

    def start_stores(self):
        super().start_stores()
        if self.delay_by[0]:
            self.delay = Delay(self.path / "d", self.postgres.app_url, *self.delay_by, tether=True).start()
            self.conf["DATABASE_URL"] = self.delay.url
        self.open_loop = load.build(self.path)

    def __enter__(self):
        super().__enter__()
        self.postgres.psql(f"""
            INSERT INTO lot (id, organization_id, product_id, public_code, code, quantity, uom, chain_head, created_at)
            SELECT id, '{ORGANIZATION}', '{self.product}', 'bench' || n, 'bench' || n, 1, 'KGM', sha256(uuid_send(id)), now()
            FROM (SELECT n, ('{self.LOT}' || lpad(n::text, 2, '0'))::uuid AS id FROM generate_series(0, 99) n) numbered""")
        return self

    def stop(self):
        if self.delay:
            self.delay.stop()
        super().stop()

    def restart_pool(self, **conf):
        self.pool.stop()
        self.pool.conf |= conf
        self.pool.start()


def open_loop(world, mix, *phases, seed=1):
    """Runs the generator against nginx: `mix` is {kind: (weight, text)}, a phase "RATE:SECONDS". Returns the requests in
    the order they were to start."""
    command = [world.open_loop, f"127.0.0.1:{world.nginx.port}", str(seed), str(PATIENCE), *phases]
    mix = stdin_of((kind, *rest) for kind, rest in mix.items())
    said = subprocess.run(command, input=mix, capture_output=True, text=True, check=False)
    if said.returncode:
        raise RuntimeError(said.stderr)
    return sorted(map(parse, said.stdout.splitlines()), key=lambda r: r.at)


def judge(promises):
    """Says each (what was promised, what was measured, whether it holds); the exit status of them all."""
    bad = 0
    for what, measured, holds in promises:
        print(f"{'ok    ' if holds else 'FAILED'} {what}: {measured}", flush=True)
        bad += not holds
    return 1 if bad else 0


def workspace(stack):
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ab-")))
    processes.identity().own(directory)
    return directory


__all__ = ["ExitStack", "FarWorld", "Plain", "Shot", "StockNginx", "cpu_seconds", "family", "good", "http_text", "judge",
           "median", "open_loop", "percentile", "private_kib", "pss_kib", "workspace"]
