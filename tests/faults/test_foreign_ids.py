"""Another organization's id costs what nobody's costs: the same statements in the same round trips, so that no clock tells
them apart. That the answers are the same is tests/api/check_foreign.c's."""

import re
import unittest
import uuid

from recorder import Recorder
from world import Client, World
from services import SOURCE

OTHERS = "018f0000-0000-7000-8000-000000000002"
ROUTE = re.compile(r'^\tROUTE\((\w+), +"([^"]*\{id\}[^"]*)", +([A-Z_ |]+?),', re.MULTILINE)

# What each takes; a route that is not here takes nothing.
BODIES = {
    "PATCH /v1/locations/{id}": {"region": "Jalisco"},
    "PATCH /v1/products/{id}": {"variety": "Fuerte"},
    "POST /v1/lots/{id}/events": {"kind": "HARVEST", "at": "2026-05-01T10:00:00Z"},
    "PUT /v1/lots/{id}/grants/{organization_id}": {"access": "read"},
}


def routes():
    """Those that a producer may ask, from the one table."""
    for method, path, who in ROUTE.findall((SOURCE / "src/api/routes.c").read_text(encoding="utf-8")):
        if re.search(r"\b(?:PRODUCER|CHAIN|MEMBER)\b", who):
            yield method, path


class RecordedWorld(World):
    def start_stores(self):
        super().start_stores()
        self.recorder = Recorder(self.postgres.app_url)
        self.conf["DATABASE_URL"] = self.recorder.url

    def stop(self):
        super().stop()
        self.recorder.close()


class ForeignIds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(RecordedWorld(conf={
            "WORKERS": "1", "QUEUE_TIMEOUT_MS": "5000", "READ_TIMEOUT_MS": "10000", "WRITE_TIMEOUT_MS": "10000"}))
        cls.ids = {noun: str(uuid.uuid4()) for noun in ("locations", "products", "lots", "sessions")}
        cls.world.postgres.psql("""
            INSERT INTO organization (id, name, kind, approved, created_at) VALUES ('{o}', 'La Vecina', 'PRODUCER', true, now());
            INSERT INTO app_user (id, organization_id, email, name, role, password_hash, created_at)
                VALUES ('{o}', '{o}', 'o@faults.example', 'O', 'PRODUCER', 'x', now());
            INSERT INTO session VALUES ('{sessions}', '{o}', 'a', now() + interval '1 h', 'r', now() + interval '1 d', now(), now());
            INSERT INTO location (id, organization_id, name, kind, created_at) VALUES ('{locations}', '{o}', 'x', 'FARM', now());
            INSERT INTO product (id, organization_id, name, commodity, created_at) VALUES ('{products}', '{o}', 'x', 'y', now());
            INSERT INTO lot (id, organization_id, product_id, public_code, code, quantity, uom, chain_head, created_at)
                VALUES ('{lots}', '{o}', '{products}', 'foreign', 'F', 1, 'KGM', sha256('x'), now())
            """.format(o=OTHERS, **cls.ids))
        cls.world.redis.stop()  # so that every request looks its session up, and not one in 30 s

    def asked(self, method, route, thing):
        """The status, and what PostgreSQL was asked."""
        path = route.replace("{id}", thing).replace("{organization_id}", OTHERS)
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        self.world.recorder.take()
        answer = self.world.client.request(method, path, BODIES.get(f"{method} {route}"), headers=headers)
        Client(self.world.nginx.url, self.world.client.token).get("/v1/nothing")  # the one worker has ended the first
        return answer.status, self.world.recorder.take()

    def test_a_foreign_id_is_looked_for_as_a_missing_one_is(self):
        found = list(routes())
        self.assertGreaterEqual(len(found), 10)
        for method, route in found:
            with self.subTest(f"{method} {route}"):
                foreign = self.ids[route.split("/")[route.split("/").index("{id}") - 1]]
                self.asked(method, route, str(uuid.uuid4()))  # the first prepares its statements
                missing = self.asked(method, route, str(uuid.uuid4()))
                self.assertEqual(missing[0], 404)
                self.assertGreaterEqual(missing[1].count("|"), 2)  # the session's, and the thing's
                self.assertEqual(self.asked(method, route, foreign), missing)


if __name__ == "__main__":
    unittest.main()
