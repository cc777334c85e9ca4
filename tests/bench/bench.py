"""Measuring: load by wrk, processor time from /proc, medians, and a peer measured in the same breath.

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
from services import Nginx, Service

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


class Plain(Service):
    """plain_accept.c, built here, behind the nginx a newcomer would write: stock fastcgi_params and nothing else."""

    name = "plain"

    def __init__(self, directory, workers, **rest):
        super().__init__(directory, **rest)
        self.workers = workers

    def prepare(self):
        flags = subprocess.run(["pkg-config", "--libs", "fcgi"], capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["gcc", "-O2", "-o", self.directory / "plain", SOURCE / "tests/bench/plain_accept.c", *flags], check=True)

    def argv(self):
        return [self.directory / "plain", self.directory / "plain.sock", str(self.workers)]

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


def workspace(stack):
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ab-")))
    processes.identity().own(directory)
    return directory


__all__ = ["ExitStack", "Plain", "Shot", "StockNginx", "median", "private_kib", "pss_kib", "workspace"]
