#!/usr/bin/env python3
"""Demo data: the plan makes sense on any day; a stack that was loaded holds it, once, readable by all it is for.

Needs the program in AGROBRIDGE_BIN; PostgreSQL, Redis, the pool and nginx are private to this test.
"""

import contextlib
import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock
from urllib.parse import quote

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path[:0] = [str(SCRIPTS / "lib"), str(SCRIPTS)]

import processes
import with_stack
from demo import companies, journey
from demo.api import Api
from demo.database import Database
from demo.loader import Loader
from demo.plan import demo_lot, plan
from services import Failure

KINDS = {"HARVEST", "PROCESSING", "QUALITY_INSPECTION", "PACKAGING", "TRANSPORT_START", "TRANSPORT_ARRIVAL",
         "CUSTOMS_CLEARANCE", "DELIVERY"}
AT_LEAST = {"REGISTERED": 10, "IN_TRANSIT": 10, "ARRIVED": 4, "DELIVERED": 120, "REJECTED": 5, "ON_HOLD": 4,
            "RECALLED": 3}
CHAIN = ("PRODUCER", "PACKER", "EXPORTER", "CERTIFIER", "BUYER")
TABLES = ("organization", "app_user", "location", "product", "lot", "lot_grant", "event", "idempotency_key", "session")
DAYS = [datetime(2026, 1, 1, 0, 5, tzinfo=timezone.utc) + timedelta(days=23 * i, hours=5 * i) for i in range(32)]


def setUpModule():
    if not os.environ.get("AGROBRIDGE_BIN"):
        raise AssertionError("AGROBRIDGE_BIN is not set: let it name the program, AGROBRIDGE_BIN=build/agrobridge")


class Plan(unittest.TestCase):
    """The same promises on thirty-two days spread over two years, at all hours."""

    @classmethod
    def setUpClass(cls):
        cls.plans = {present: plan(present) for present in DAYS}

    def test_is_the_same_for_the_same_day(self):
        self.assertEqual(plan(DAYS[3]), self.plans[DAYS[3]])
        self.assertNotEqual(self.plans[DAYS[4]], self.plans[DAYS[3]])

    def test_has_every_status_every_length_and_all_crops(self):
        for lots in self.plans.values():
            self.assertEqual(len(lots), 200)
            statuses = Counter(lot.status for lot in lots)
            self.assertEqual(set(statuses), set(AT_LEAST))
            for status, least in AT_LEAST.items():
                self.assertGreaterEqual(statuses[status], least, status)
            self.assertEqual({len(lot.events) for lot in lots}, set(range(9)))
            self.assertEqual({lot.product.commodity for lot in lots},
                             {"avocado", "blueberry", "raspberry", "strawberry", "blackberry"})
            self.assertEqual({lot.uom for lot in lots}, {"KGM", "XCT"})

    def test_what_happens_is_past_in_order_and_starts_with_the_harvest(self):
        for present, lots in self.plans.items():
            self.assertGreater(present.date() - lots[0].harvested_on, timedelta(days=340))
            for lot in lots:
                times = [event.at for event in lot.events]
                self.assertEqual(times, sorted(times))
                self.assertTrue(all(at < present for at in times), lot)
                self.assertLess(lot.harvested_on, present.date())
                self.assertEqual([e.kind for e in lot.events[:1]], ["HARVEST"] if lot.events else [])
                if lot.events:
                    self.assertEqual((lot.events[0].at.date(), lot.events[0].location), (lot.harvested_on, lot.origin))

    def test_nobody_records_what_he_was_not_granted(self):
        for lots in self.plans.values():
            for lot in lots:
                may = {lot.producer, *(key for key, access in lot.grants if access == "record")}
                self.assertLessEqual({event.organization for event in lot.events}, may)

    def test_a_stopped_lot_says_why(self):
        for lots in self.plans.values():
            for lot in (lot for lot in lots if lot.status in ("ON_HOLD", "RECALLED", "REJECTED")):
                last = lot.events[-1]
                self.assertTrue(lot.status == "RECALLED" or last.notes, lot)
                self.assertIn(last.kind, {"ON_HOLD": ("QUALITY_INSPECTION", "TRANSPORT_ARRIVAL")}.get(
                    lot.status, ("DELIVERY",)))

    def test_the_cold_chain_holds_but_for_those_refused(self):
        for lots in self.plans.values():
            for lot in (lot for lot in lots if lot.status != "REJECTED"):
                coldest, warmest = (5, 7) if lot.product.commodity == "avocado" else (0.5, 2)
                for event in lot.events:
                    if event.temperature and event.organization != lot.producer:
                        self.assertTrue(coldest <= float(event.temperature) <= warmest, (lot.key, event))

    def test_lot_codes_are_gs1_ones_and_single(self):
        for lots in self.plans.values():
            self.assertEqual(len({(lot.product.gtin, lot.code) for lot in lots}), len(lots))
            for lot in lots:
                self.assertRegex(lot.code, r"\A[A-Z0-9/-]{1,20}\Z")

    def test_the_numbers_of_companies_end_in_their_check_digit(self):
        numbers = [o.gln for o in companies.ORGANIZATIONS] + [x.gln for x in journey.LOCATIONS.values()]
        gtins = [p.gtin for o in companies.ORGANIZATIONS for p in o.products]
        self.assertEqual({len(n) for n in numbers} | {len(g) for g in gtins}, {13, 14})
        self.assertEqual(len(set(numbers + gtins)), len(numbers) + len(gtins))
        for number in numbers + gtins:
            padded = number.zfill(14)
            self.assertEqual((3 * sum(map(int, padded[0::2])) + sum(map(int, padded[1::2]))) % 10, 0, number)


class Loaded(unittest.TestCase):
    """One stack; its first load is broken off in the middle, the second completes it."""

    @classmethod
    def setUpClass(cls):
        around = contextlib.ExitStack()
        cls.addClassCleanup(around.close)
        cls.directory = Path(around.enter_context(tempfile.TemporaryDirectory(prefix="ab-")))
        cls.directory.chmod(0o700 if processes.identity().uid == os.geteuid() else 0o711)
        env = with_stack.start_rest(around, cls.directory, with_stack.start_stores(around, cls.directory, set()))
        cls.stack_file = cls.directory / "stack.json"
        cls.stack_file.write_text(json.dumps({
            "url": env["AGROBRIDGE_TEST_URL"], "database_url": env["AGROBRIDGE_DATABASE_URL"],
            "owner_database_url": env["AGROBRIDGE_OWNER_DATABASE_URL"], "accounts": [], "demo": {}}))
        cls.binary = os.environ["AGROBRIDGE_BIN"]
        cls.break_off(after=900)
        cls.said = cls.load()
        cls.stack = json.loads(cls.stack_file.read_text())
        cls.database, cls.api = Database(cls.stack["owner_database_url"]), Api(cls.stack["url"])
        cls.addClassCleanup(cls.api.close)
        first = cls.value("SELECT extract(epoch FROM created_at) FROM organization"
                          f" WHERE gln = '{companies.ORGANIZATIONS[0].gln}'")
        cls.lots = plan(datetime.fromtimestamp(float(first), timezone.utc) + timedelta(days=400))

    @classmethod
    def break_off(cls, after):
        """As if the network went away at that request."""
        create, left = Api.create, iter(range(after))

        def fragile(*given):
            if next(left, None) is None:
                raise Failure("broken off")
            return create(*given)

        with mock.patch.object(Api, "create", fragile), contextlib.redirect_stdout(None):
            try:
                Loader(json.loads(cls.stack_file.read_text()), cls.binary).run()
                raise AssertionError("the load was to be broken off")
            except Failure as failure:
                assert str(failure) == "broken off", failure

    @classmethod
    def load(cls):
        done = subprocess.run([sys.executable, "-B", SCRIPTS / "demo_data.py", "--stack", cls.stack_file,
                               "--agrobridge", cls.binary], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @classmethod
    def value(cls, select):
        return cls.database.run(select)

    def get(self, path, token=None):
        """(status, body)"""
        request = urllib.request.Request(self.stack["url"] + path)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def token(self, role):
        account = next(a for a in self.stack["accounts"] if a["role"] == role)
        return self.api.login(account["email"], account["password"])

    def rows(self):
        return {table: self.value(f"SELECT count(*) FROM {table}") for table in TABLES} | {
            "lot versions": self.value("SELECT sum(version) FROM lot")}

    def test_organizations_and_users(self):
        self.assertEqual(self.value("SELECT count(*), count(*) FILTER (WHERE NOT approved) FROM organization"), "24|1")
        self.assertEqual(self.value("SELECT kind FROM organization WHERE NOT approved"), "PRODUCER")
        self.assertEqual(self.value("SELECT count(*), count(DISTINCT organization_id) FROM app_user"), "25|24")

    def test_lots_and_events_are_those_of_the_plan_each_once(self):
        there = {(r["gtin"], r["code"]): (r["status"], r["event_count"]) for r in self.database.rows(
            "SELECT gtin, code, status, event_count FROM lot JOIN product p ON p.id = product_id")}
        self.assertEqual(there, {(lot.product.gtin, lot.code): (lot.status, len(lot.events)) for lot in self.lots})
        self.assertEqual(self.value("SELECT count(*) FROM event"), str(sum(len(lot.events) for lot in self.lots)))
        self.assertEqual(self.value("SELECT count(*) FROM event WHERE at > now()"), "0")
        self.assertEqual(int(self.value("SELECT count(*) FROM location")), len(journey.LOCATIONS))
        self.assertEqual(int(self.value("SELECT count(*) FROM lot_grant")), sum(len(lot.grants) for lot in self.lots))

    def test_every_public_trace_is_verified(self):
        for row in self.database.rows("SELECT public_code, status, event_count FROM lot"):
            status, trace = self.get(f"/t/{row['public_code']}")
            self.assertEqual(status, 200, trace)
            self.assertEqual((trace["verified"], trace["lot"]["status"], len(trace["events"])),
                             (True, row["status"], row["event_count"]))

    def test_a_code_with_a_slash_is_found_by_digital_link(self):
        lot = next(lot for lot in self.lots if "/" in lot.code)
        status, trace = self.get(f"/01/{lot.product.gtin}/10/{quote(lot.code, safe='')}")
        self.assertEqual(status, 200, trace)
        self.assertEqual((trace["lot"]["code"], trace["verified"]), (lot.code, True))

    def test_the_demo_lot_has_all_kinds_and_is_open_to_the_accounts(self):
        demo = self.stack["demo"]
        code = demo_lot(self.lots).code
        self.assertEqual((demo["gtin"], demo["lot_code"]), (companies.ACCOUNTS["PRODUCER"].products[0].gtin, code))
        by_code, by_link = self.get(f"/t/{demo['public_code']}"), self.get(f"/01/{demo['gtin']}/10/{code}")
        self.assertEqual(by_code, by_link)
        self.assertEqual({event["kind"] for event in by_code[1]["events"]}, KINDS)
        self.assertEqual((by_code[1]["badge"], by_code[1]["producer"]["name"]),
                         ("VERIFIED", companies.ACCOUNTS["PRODUCER"].name))
        for role in (*CHAIN, "ADMIN"):
            token = self.token(role)
            self.assertEqual(self.get(f"/v1/lots/{demo['lot_id']}", token)[0], 200, role)
            self.assertEqual(self.get(f"/v1/lots/{demo['lot_id']}/verify", token)[1],
                             {"valid": True, "events": 8, "first_broken": None})
        self.assertEqual(self.value(
            "SELECT string_agg(DISTINCT u.role, ' ' ORDER BY u.role)"
            " FROM lot_grant g JOIN app_user u USING (organization_id)"
            f" WHERE g.lot_id = '{demo['lot_id']}' AND access = 'record' AND u.email LIKE '%@demo.agrobridge.example'"),
            "BUYER CERTIFIER EXPORTER PACKER")

    def test_six_accounts_log_in_one_a_role(self):
        roles = [account["role"] for account in self.stack["accounts"]]
        self.assertEqual(roles, ["ADMIN", *CHAIN])
        for account in self.stack["accounts"]:
            _, me = self.get("/v1/me", self.api.login(account["email"], account["password"]))
            self.assertEqual((me["email"], me["role"]), (account["email"], account["role"]))
            if me["role"] != "ADMIN":
                self.assertTrue(me["organization"]["approved"])
        self.assertEqual(len({account["password"] for account in self.stack["accounts"]}), 6)

    def test_the_unapproved_producer_may_look_but_not_write(self):
        password = next(a["password"] for a in self.stack["accounts"] if a["role"] == "PRODUCER")
        token = self.api.login(companies.BY_KEY["joyitas"].email, password)
        self.assertFalse(self.get("/v1/me", token)[1]["organization"]["approved"])
        with self.assertRaisesRegex(Failure, "403"):
            self.api.create("/v1/locations", companies.ORGANIZATIONS[0].locations[0].body(), token, "unapproved")

    def test_stack_json_stays_private_and_keeps_what_it_had(self):
        self.assertEqual(stat.S_IMODE(self.stack_file.stat().st_mode), 0o600)
        self.assertEqual(set(self.stack), {"url", "database_url", "owner_database_url", "accounts", "demo"})

    def test_another_run_changes_nothing_today_or_tomorrow(self):
        class Tomorrow(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + timedelta(days=1)

        before = self.rows()
        self.load()
        self.assertEqual(json.loads(self.stack_file.read_text()), self.stack)
        with mock.patch("demo.loader.datetime", Tomorrow), contextlib.redirect_stdout(None):
            Loader(self.stack, self.binary).run()
        self.assertEqual(self.rows(), before)

    def test_a_hold_that_was_released_stays_released(self):
        held = self.value("SELECT id FROM lot WHERE status = 'ON_HOLD' LIMIT 1")
        change = f"UPDATE lot SET status = '{{}}', version = version + 1 WHERE id = '{held}'"
        self.addCleanup(lambda: self.value(change.format("ON_HOLD")))
        self.value(change.format("REGISTERED"))
        self.load()
        self.assertEqual(self.value(f"SELECT status FROM lot WHERE id = '{held}'"), "REGISTERED")


if __name__ == "__main__":
    unittest.main()
