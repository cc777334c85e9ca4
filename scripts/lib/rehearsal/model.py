#!/usr/bin/env python3
"""What a rate of requests needs on AWS: tasks, connections, stores, dollars. Prints the tables of docs/scaling.md.

Arithmetic on the constants below, each with where it is from: measured by tests/bench/endpoints.py, set in
container/aws, a list price, or assumed. It leaves out what it cannot know: how a Fargate core compares with the one
measured (--factor), bursts within an hour, caches that are cold.
"""
import argparse
import math
from collections import namedtuple

# --- measured: microseconds of processor a request, round trips waited for, bytes -------------------------------------

# `share` of the requests of a harvest day: assumed. `waits`: round trips to a store one after another, found by stores
# that answer 20 ms late; `commit`: one of them waits for the disk.
Kind = namedtuple("Kind", "name share nginx worker postgres redis waits commit answer")
KINDS = (
    Kind(("public trace", "rastreo público"), 0.60, 132, 148, 181, 49, 1, False, 1280),
    Kind(("one lot", "un lote"), 0.15, 148, 157, 124, 74, 2, False, 759),
    Kind(("list of 20 lots", "lista de 20 lotes"), 0.08, 140, 189, 222, 74, 2, False, 7203),
    Kind(("own account", "cuenta propia"), 0.019, 157, 173, 132, 74, 2, False, 620),
    Kind(("event, with a key", "evento, con clave"), 0.14, 165, 214, 535, 74, 3, True, 880),
    Kind(("refresh", "renovación"), 0.01, 140, 170, 260, 70, 3, True, 555),
    Kind(("login", "login"), 0.001, 300, 37000, 500, 125, 2, True, 555),
)
TRACE, EVENT, LOGIN = KINDS[0], KINDS[4], KINDS[6]
REDIS_BUSY_US = 23  # a request of the mix, when it is never idle: by wrk, from the same run
EVENT_BYTES = 1500  # of tables and indexes an event: row, key, index entries
REQUEST_BYTES = 500  # assumed: what a client sends

# --- container/aws ----------------------------------------------------------------------------------------------------

TARGET = 0.65  # of the processors
CORES, GIGABYTES_A_CORE = 1, 2  # of a task
WORKERS, LOGIN_WORKERS = 14, 1  # of a task with one core
MIN_TASKS, MAX_TASKS, ZONES = 6, 12, 3
RESERVE, MAX_CONNECTIONS, CONNECTION_MB = 40, 400, 10
WAIT_MS = 50  # a fifth of AGROBRIDGE_QUEUE_TIMEOUT_MS, as `agrobridge size` takes it
DISK_GIGABYTES, DISK_MOST = 100, 1000

# --- assumed ----------------------------------------------------------------------------------------------------------

FACTOR = 2  # processor time there, for one here: of tasks, PostgreSQL and Redis alike
TRIP_MS, COMMIT_MS = 1, 4  # to a store in another zone, over TLS; a commit that two disks in two zones hold
STORE_TARGET = 0.5  # of a store's processors at the peak: it does not scale by itself
REQUESTS_A_CONNECTION = 10
# An hour's part of the peak, from midnight on.
DAY = (0.08, 0.06, 0.05, 0.05, 0.08, 0.18, 0.40, 0.70, 0.95, 1.00, 0.95, 0.85,
       0.70, 0.75, 0.85, 0.90, 0.85, 0.75, 0.60, 0.45, 0.32, 0.22, 0.15, 0.10)

# --- list prices of us-east-1, USD an hour, as in docs/deploying.md ---------------------------------------------------

HOURS = 730  # a month
CORE_HOUR, GIGABYTE_HOUR = 0.04048, 0.004445
Size = namedtuple("Size", "name cores gigabytes price")
DATABASES = [Size(f"db.m7g.{name}", cores, 4 * cores, 0.168 * cores) for name, cores in (
    ("large", 2), ("xlarge", 4), ("2xlarge", 8), ("4xlarge", 16), ("8xlarge", 32), ("12xlarge", 48), ("16xlarge", 64))]
# One thread serves, so more cores are no more; a t4g may use a fifth of one for long. Two nodes each.
CACHES = [Size("cache.t4g.small", 0.2, 1.4, 2 * 0.0256), Size("cache.m7g.large", 1, 6.4, 2 * 0.1264)]
DISK_MONTH, OUT_GIGABYTE, LOG_MILLION = 0.23, 0.09, 0.20
BALANCER_HOUR, UNIT_HOUR = 0.0225, 0.008
OTHER_MONTH = 11 + 88 + 3 + 20  # addresses, endpoints, secrets and zone, metrics

RATES = (50, 100, 200, 500, 1000, 2000, 5000, 10000)
FACTORS = (1, 2, 3, 4)
SIZES, SIZE_RATES = (0.5, 1, 2, 4), (500, 5000, 20000)
FAR = (10000, 100000, 1000000)
CDN_HITS = 0.9  # of the public traces


def mean(column, kinds=KINDS):
    """Over the requests of these kinds."""
    return sum(k.share * getattr(k, column) for k in kinds) / sum(k.share for k in kinds)


def cpu_ms(factor):
    """Of nginx and a worker, a request."""
    return factor * (mean("nginx") + mean("worker")) / 1000


def service_ms(factor):
    """How long a request keeps a worker of the main group."""
    kinds = [k for k in KINDS if k is not LOGIN]  # which has workers of its own
    return (factor * (mean("worker", kinds) + mean("postgres", kinds)) / 1000 + TRIP_MS * mean("waits", kinds)
            + COMMIT_MS * mean("commit", kinds))


def erlang_c(workers, load):
    """That all are busy (A. K. Erlang, 1917), as src/pool/advice.c has it."""
    if load >= workers:
        return 1
    b = 1
    for n in range(1, workers + 1):
        b = load * b / (n + load * b)
    return b / (1 - load / workers * (1 - b))


def workers_for(rate, service):
    """The fewest with which 99 of 100 requests wait less than WAIT_MS; times in ms."""
    load = rate * service / 1000
    n = int(load) + 1
    while erlang_c(n, load) * math.exp(-(n - load) * WAIT_MS / service) > 0.01:
        n += 1
    return n


def slowest_for(workers, rate):
    """The longest service time in ms that so many workers carry."""
    low, high = 0, 1000 * workers / rate
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if workers_for(rate, middle) <= workers else (low, middle)
    return low


def task_rate(factor, cores=CORES):
    return TARGET * cores * 1000 / cpu_ms(factor)


def tasks_for(rate, factor, cores=CORES):
    return max(MIN_TASKS, math.ceil(rate / task_rate(factor, cores)))


def fargate(tasks, cores=CORES):
    """Dollars a month for a day of so many tasks, hour by hour."""
    return HOURS / 24 * sum(tasks) * cores * (CORE_HOUR + GIGABYTES_A_CORE * GIGABYTE_HOUR)


def growth(rate):
    """Bytes a second."""
    return rate * EVENT.share * EVENT_BYTES


def smallest(sizes, cores, gigabytes=0):
    return next((s for s in sizes if s.cores >= cores and s.gigabytes >= gigabytes), None)


class Plan:
    """A harvest day with this peak."""

    def __init__(self, peak, factor=FACTOR):
        self.peak, self.factor = peak, factor
        self.tasks = [tasks_for(peak * part, factor) for part in DAY]
        self.most = max(self.tasks)
        # Half as many more may start: a zone may be lost at the peak.
        self.max_tasks = max(MAX_TASKS, math.ceil(1.5 * self.most))
        self.connections = 2 * (WORKERS + LOGIN_WORKERS) * self.max_tasks
        left = self.most - math.ceil(self.most / ZONES)
        self.without_zone = peak * cpu_ms(factor) / 1000 / (left * CORES)
        self.database_cores = peak * factor * mean("postgres") / 1e6
        self.database = smallest(DATABASES, self.database_cores / STORE_TARGET,
                                 2 * (self.connections + RESERVE) * CONNECTION_MB / 1000)
        self.cache = smallest(CACHES, peak * factor * REDIS_BUSY_US / 1e6 / STORE_TARGET)
        self.requests = peak * sum(DAY) / 24 * 3600 * HOURS  # a month
        self.new_gigabytes = growth(self.requests) / 1e9

    def balancer(self):
        """Dollars a month: the hour, and capacity units by the dearest of their measures."""
        def units(rate):
            gigabytes = rate * (mean("answer") + REQUEST_BYTES) * 3600 / 1e9
            return max(1, gigabytes, rate / REQUESTS_A_CONNECTION / 25)
        return HOURS * (BALANCER_HOUR + UNIT_HOUR * sum(units(self.peak * part) for part in DAY) / 24)

    def dollars(self):
        """A month, by part."""
        return {
            "fargate": fargate(self.tasks),
            "postgres": HOURS * self.database.price + DISK_GIGABYTES * DISK_MONTH,
            "redis": HOURS * self.cache.price,
            "balancer": self.balancer(),
            "out": self.requests * mean("answer") / 1e9 * OUT_GIGABYTE,
            "logs": self.requests / 1e6 * LOG_MILLION,
            "other": OTHER_MONTH,
        }


# --- what is printed --------------------------------------------------------------------------------------------------

def number(value):
    """Whole, in groups of three from ten thousand on."""
    text = f"{value:.0f}"
    return f"{round(value):,}".replace(",", " ") if len(text) > 4 else text


def about(value):
    """Two digits that count."""
    return number(round(value, 1 - math.floor(math.log10(value))))


def kinds_table(_):
    yield (("request", "petición"), ("share, %", "parte, %"), "nginx, µs", "worker, µs", "PostgreSQL, µs",
           "Redis, µs", ("waits", "esperas"), ("answer, bytes", "respuesta, bytes"))
    for k in KINDS:
        yield (k.name, f"{100 * k.share:g}", k.nginx, number(k.worker), k.postgres, k.redis,
               f"{k.waits}" + (" + commit" if k.commit else ""), k.answer)
    yield (("**the mix**", "**la mezcla**"), "100",
           *(number(mean(part)) for part in ("nginx", "worker", "postgres", "redis")), f"{mean('waits'):.1f}",
           number(mean("answer")))


def factor_table(_):
    yield ("factor", ("CPU a request, ms", "CPU por petición, ms"), ("a task at 65 %", "una tarea al 65 %"),
           ("6 tasks", "6 tareas"), ("tasks for 5000/s", "tareas para 5000/s"),
           ("service, ms", "servicio, ms"), ("workers needed", "workers necesarios"),
           ("14 suffice up to, ms", "14 bastan hasta, ms"))
    for f in FACTORS:
        rate, service = task_rate(f), service_ms(f)
        yield (f, f"{cpu_ms(f):.2f}", f"{about(rate)}/s", f"{about(MIN_TASKS * rate)}/s", tasks_for(5000, f),
               f"{service:.1f}", workers_for(rate, service), f"{slowest_for(WORKERS, rate):.0f}")


def plan_table(options):
    yield (("peak", "pico"), ("tasks", "tareas"), ("CPU without a zone", "CPU sin una zona"), "MaxTasks",
           ("connections, both colours", "conexiones, ambos colores"),
           ("PostgreSQL, cores busy", "PostgreSQL, núcleos ocupados"), ("its class", "su clase"), "Redis",
           ("new data, GB a month", "datos nuevos, GB al mes"))
    for p in (Plan(rate, options.factor) for rate in options.rate):
        yield (f"{number(p.peak)}/s", "–".join(str(n) for n in sorted({min(p.tasks), p.most})),
               f"{100 * p.without_zone:.0f} %", p.max_tasks, number(p.connections), f"{p.database_cores:.2g}",
               p.database.name, p.cache.name, about(p.new_gigabytes))


def dollars_table(options):
    yield (("peak", "pico"), "Fargate", ("at the peak all day", "en el pico todo el día"), "PostgreSQL", "Redis",
           ("load balancer", "balanceador"), ("traffic out", "tráfico de salida"), ("logs", "registros"),
           ("other", "otros"), ("**together**", "**en total**"))
    for p in (Plan(rate, options.factor) for rate in options.rate):
        d = p.dollars()
        yield (f"{number(p.peak)}/s", number(d["fargate"]), number(fargate([p.most] * 24)),
               *(number(d[part]) for part in ("postgres", "redis", "balancer", "out", "logs", "other")),
               f"**{number(sum(d.values()))}**")


def sizes_table(options):
    yield (("cores of a task", "núcleos de una tarea"), "workers", ("one carries", "una lleva"),
           ("six carry", "seis llevan"), *(f"Fargate, {number(rate)}/s" for rate in SIZE_RATES))
    for cores in SIZES:
        rate = task_rate(options.factor, cores)
        days = ([tasks_for(peak * part, options.factor, cores) for part in DAY] for peak in SIZE_RATES)
        yield (f"{cores:g}", f"{WORKERS * cores:g}", f"{about(rate)}/s", f"{about(MIN_TASKS * rate)}/s",
               *(number(fargate(day, cores)) for day in days))


def limits_table(options):
    """What ends growth, in the order in which it is met."""
    rate, factor = task_rate(options.factor), options.factor
    per_task = 2 * (WORKERS + LOGIN_WORKERS)
    largest = DATABASES[-1]
    events = STORE_TARGET * largest.cores * 1e6 / (EVENT.postgres * factor)
    room = (DISK_MOST - DISK_GIGABYTES) * 1e9 / (HOURS * 3600 * growth(1) * sum(DAY) / 24)
    measured, template = ("measured here", "medido aquí"), ("template", "plantilla")
    docs, memory = ("AWS' documents", "documentos de AWS"), ("from memory: verify", "de memoria: verificar")
    rows = [
        ("MaxTasks", MAX_TASKS, template, MAX_TASKS * rate),
        (("connections of db.m7g.large", "conexiones de db.m7g.large"), MAX_CONNECTIONS, template,
         (MAX_CONNECTIONS - RESERVE) // per_task * rate),
        (("disk: full after a month of such days", "disco: lleno tras un mes de días así"), f"{DISK_MOST} GB", template,
         room),
        (("one thread of Redis, 65 % busy", "un hilo de Redis, ocupado al 65 %"), f"{REDIS_BUSY_US} µs", measured,
         TARGET * 1e6 / (REDIS_BUSY_US * factor)),
        (("connections, RDS' own default at most", "conexiones, el máximo por omisión de RDS"), "5000", docs,
         (5000 - RESERVE) // per_task * rate),
        (("the largest db.m7g, half busy: all requests", "la db.m7g más grande, a medias: todas las peticiones"),
         ("64 cores", "64 núcleos"), memory, STORE_TARGET * largest.cores * 1e6 / (mean("postgres") * factor)),
        (("the same, if it did nothing but events", "la misma, si solo hiciera eventos"),
         (f"{about(events)} events/s", f"{about(events)} eventos/s"), ("computed", "calculado"), events / EVENT.share),
        (("targets of a load balancer, both colours", "destinos de un balanceador, ambos colores"), "1000", docs,
         500 * rate),
        (("tasks of a service", "tareas de un servicio"), "5000", memory, 5000 * rate),
    ]
    yield (("limit", "límite"), ("its value", "su valor"), ("from", "de"), ("met at", "se alcanza a"))
    for name, value, source, met in sorted(rows, key=lambda row: row[-1]):
        yield name, value, source, f"{about(met)}/s"


def far_table(options):
    yield (("requests", "peticiones"), ("vCPU of tasks", "vCPU de tareas"),
           ("PostgreSQL, cores", "PostgreSQL, núcleos"),
           ("Redis, threads", "Redis, hilos"), ("events/s", "eventos/s"),
           ("new data, TB a day", "datos nuevos, TB al día"), ("out, Gbit/s", "salida, Gbit/s"),
           ("tasks see, with a CDN", "llegan a las tareas, con CDN"))
    for rate in FAR:
        yield (f"{number(rate)}/s", about(rate / task_rate(options.factor) * CORES),
               about(rate * options.factor * mean("postgres") / 1e6 / STORE_TARGET),
               math.ceil(rate * options.factor * REDIS_BUSY_US / 1e6 / TARGET), about(rate * EVENT.share),
               f"{growth(rate) * 86400 / 1e12:.1f}", f"{rate * mean('answer') * 8 / 1e9:.1f}",
               f"{about(rate * (1 - TRACE.share * CDN_HITS))}/s")


TABLES = (kinds_table, factor_table, plan_table, dollars_table, sizes_table, limits_table, far_table)
LANGUAGES = ("en", "es")


def markdown(table, options):
    """Lines of a table in the language asked for."""
    rows = [[cell[LANGUAGES.index(options.language)] if isinstance(cell, tuple) else str(cell) for cell in row]
            for row in table(options)]
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join("|" + "|".join(row) + "|" if row[0] == "---" else "| " + " | ".join(row) + " |" for row in rows)


def parse(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, nargs="+", default=RATES, metavar="N", help="requests a second at the peak")
    parser.add_argument("--factor", type=float, default=FACTOR, metavar="F", help="processor time there for one here")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    return parser.parse_args(words)


def main():
    options = parse()
    print("\n\n".join(markdown(table, options) for table in TABLES))


if __name__ == "__main__":
    main()
