"""The model of docs/scaling.md: its formula, its constants against the templates, its tables in both documents."""
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

SOURCE = Path(os.environ.get("AGROBRIDGE_SOURCE") or Path(__file__).resolve().parents[2])
sys.path.insert(0, str(SOURCE / "scripts/lib"))

from rehearsal import model  # noqa: E402


def found(path, pattern):
    """The number that `pattern` finds in a file."""
    return int(re.search(pattern, (SOURCE / path).read_text(encoding="utf-8"), re.M)[1])


def default_of(template, parameter):
    return found(f"container/aws/{template}.yaml", rf"^  {parameter}:\n(?:    .*\n)*?    Default: '?(\d+)'?$")


def costs():
    """The first table of docs/deploying.md, "What it costs": what the default costs without load, by its row."""
    text = (SOURCE / "docs/deploying.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| \**(\d+)\** \| \**\d+\** \|", text.partition("## What it costs")[2], re.M)
    return {name.strip("*"): int(dollars) for name, dollars in rows}


class Formula(unittest.TestCase):
    def test_erlang_c_agrees_with_the_tables(self):
        for workers, load, share in ((1, 0.5, 1 / 2), (2, 1, 1 / 3), (10, 7, 0.2217), (50, 45, 0.3639)):
            self.assertAlmostEqual(model.erlang_c(workers, load), share, 4)
        self.assertEqual(model.erlang_c(3, 3), 1)

    def test_workers_are_those_that_agrobridge_size_advises(self):
        binary = os.environ.get("AGROBRIDGE_BIN")
        if not binary:
            self.skipTest("AGROBRIDGE_BIN is not set")
        env = {name: value for name, value in os.environ.items() if not name.startswith("AGROBRIDGE_")}
        for service, cpu in ((3, 0.4), (20, 1), (8, 0.7)):
            done = subprocess.run(
                [binary, "size", "--json", "--service-ms", str(service), "--cpu-ms", str(cpu), "--front-cpu-ms", "0.1",
                 "--cores", "1", "--wait-ms", str(model.WAIT_MS)], env=env, capture_output=True, text=True, check=True)
            rate = model.TARGET * 1000 / (cpu + 0.1)
            self.assertEqual(model.workers_for(rate, service), json.loads(done.stdout)["by_cpu"])

    def test_so_many_workers_carry_the_slowest_and_no_slower(self):
        slowest = model.slowest_for(14, 800)
        self.assertLessEqual(model.workers_for(800, slowest * 0.999), 14)
        self.assertGreater(model.workers_for(800, slowest * 1.001), 14)


class Constants(unittest.TestCase):
    def test_they_are_the_templates_defaults(self):
        self.assertEqual(
            (model.WORKERS, model.LOGIN_WORKERS, model.MIN_TASKS, model.MAX_TASKS, 1024 * model.CORES),
            tuple(default_of("service", p) for p in ("Workers", "LoginWorkers", "MinTasks", "MaxTasks", "TaskCpu")))
        self.assertEqual((model.MAX_CONNECTIONS, model.DISK_GIGABYTES),
                         (default_of("data", "MaxConnections"), default_of("data", "DatabaseGigabytes")))
        self.assertEqual(model.ZONES, default_of("network", "Zones"))
        self.assertEqual(default_of("service", "Connections"),
                         2 * (model.WORKERS + model.LOGIN_WORKERS) * model.MAX_TASKS)

    def test_they_are_what_else_is_set(self):
        self.assertEqual(100 * model.TARGET, found("container/aws/service.yaml", r"^ +TargetValue: (\d+)$"))
        self.assertEqual(model.DISK_MOST, found("container/aws/data.yaml", r"^ +MaxAllocatedStorage: (\d+)$"))
        self.assertEqual(5 * model.WAIT_MS, found("src/conf/conf.def", r"^NUMBER\(QUEUE_TIMEOUT_MS, .*, (\d+), \""))

    def test_without_load_it_costs_what_the_other_document_says(self):
        said, made = costs(), model.Plan(1).dollars()
        self.assertEqual(round(made["fargate"]), said["Fargate"])
        self.assertEqual(round(made["postgres"]), said["PostgreSQL, Multi-AZ"] + said["its disk"])
        self.assertEqual(round(made["redis"]), said["Redis (Valkey), two nodes"])
        self.assertAlmostEqual(sum(made.values()), said["together"], delta=2)

    def test_the_shares_are_a_whole(self):
        self.assertAlmostEqual(sum(kind.share for kind in model.KINDS), 1)


class Plans(unittest.TestCase):
    def test_a_task_is_never_over_its_target(self):
        for peak in model.RATES:
            plan = model.Plan(peak)
            self.assertLessEqual(peak * model.cpu_ms(model.FACTOR) / 1000 / plan.most, model.TARGET + 1e-9)

    def test_a_lost_zone_takes_the_most_tasks_it_can_have(self):
        plan = model.Plan(10000)
        self.assertEqual(plan.most, 11, "4, 4 and 3")
        self.assertAlmostEqual(plan.without_zone, 10000 * model.cpu_ms(model.FACTOR) / 1000 / 7)

    def test_the_day_costs_less_than_its_peak(self):
        plan = model.Plan(20000)
        self.assertLess(model.fargate(plan.tasks), 0.7 * model.fargate([plan.most] * 24))

    def test_a_database_is_half_busy_and_half_full_of_connections_at_most(self):
        for peak in model.RATES:
            plan = model.Plan(peak)
            self.assertLessEqual((plan.connections + model.RESERVE) * model.CONNECTION_MB,
                                 1000 * plan.database.gigabytes / 2)
            self.assertLessEqual(plan.database_cores, plan.database.cores / 2)
        with mock.patch.object(model, "CONNECTION_MB", 2 * model.CONNECTION_MB):
            self.assertEqual(model.Plan(50).database.name, "db.m7g.xlarge")


class Documents(unittest.TestCase):
    def test_the_documents_have_its_tables(self):
        for language, name in (("en", "docs/scaling.md"), ("es", "docs/es/scaling.md")):
            text = (SOURCE / name).read_text(encoding="utf-8")
            for table in model.TABLES:
                printed = model.markdown(table, model.parse(["--language", language]))
                self.assertIn(f"\n{printed}\n", text, f"{name}: {table.__name__}; print them with model.py")

    def test_the_program_prints_them_all(self):
        done = subprocess.run([sys.executable, "-B", SOURCE / "scripts/lib/rehearsal/model.py", "--rate", "700"],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.count("\n|---|"), len(model.TABLES))
        self.assertIn("| 700/s |", done.stdout)


if __name__ == "__main__":
    unittest.main()
