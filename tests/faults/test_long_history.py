"""The longest history a lot can have is still read, proved and shown: what is allowed in must be able to come out."""

import hashlib
import json
import struct
import unittest
import uuid

from world import ORGANIZATION, World

EVENTS = 10_000  # HISTORY_EVENTS_MAX
TEXT = 8 << 20  # HISTORY_BYTES_MAX
NAME = "\N{GRINNING FACE}" * 200  # FIELD_TEXT_MAX characters of the most bytes
RECORDED = 1_777_629_600_000_000
LOT, PRODUCT, PLACE = (f"018f0000-0000-7000-8000-0000000000{n}" for n in ("01", "02", "03"))


def history():
    """(position, id, content, link) of events as long as they may be together, and the last link."""
    link = hashlib.sha256(uuid.UUID(LOT).bytes).digest()
    for position in range(1, EVENTS + 1):
        event = {"at": "2026-05-01T10:00:00Z", "id": str(uuid.UUID(int=position)), "kind": "PACKAGING", "location_id": PLACE,
                 "lot_id": LOT, "notes": "", "organization_id": ORGANIZATION}
        event["notes"] = "x" * (TEXT // EVENTS - len(json.dumps(event, separators=(",", ":"))))
        content = json.dumps(event, separators=(",", ":"))
        link = hashlib.sha256(link + hashlib.sha256(content.encode()).digest() + struct.pack(">q", RECORDED)).digest()
        yield position, event["id"], content, event["notes"], link


class LongHistory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())
        made = list(history())
        rows = ",".join(f"({position},'{key}','{content}','{notes}','\\x{link.hex()}')"
                        for position, key, content, notes, link in made)
        cls.world.postgres.psql(f"""
            INSERT INTO location (id, organization_id, name, region, kind, created_at)
                VALUES ('{PLACE}', '{ORGANIZATION}', '{NAME}', '{NAME}', 'FARM', now());
            INSERT INTO product (id, organization_id, name, variety, commodity, created_at)
                VALUES ('{PRODUCT}', '{ORGANIZATION}', '{NAME}', 'Hass', 'avocado', now());
            INSERT INTO lot (id, organization_id, product_id, origin_id, public_code, code, quantity, uom, event_count, chain_head,
                             created_at)
                VALUES ('{LOT}', '{ORGANIZATION}', '{PRODUCT}', '{PLACE}', 'longest000', 'L', 1, 'KGM', {EVENTS},
                        '\\x{made[-1][-1].hex()}', now());
            INSERT INTO event (lot_id, position, id, organization_id, user_id, kind, at, location_id, notes, recorded_at, content,
                               hash)
            SELECT '{LOT}', position, id::uuid, '{ORGANIZATION}', (SELECT id FROM app_user LIMIT 1), 'PACKAGING',
                   '2026-05-01T10:00:00Z', '{PLACE}', notes,
                   timestamptz 'epoch' + interval '1 microsecond' * {RECORDED}, content, hash::bytea
            FROM (VALUES {rows}) e (position, id, content, notes, hash)""")

    def test_it_is_proved(self):
        answer = self.world.client.get(f"/v1/lots/{LOT}/verify")
        self.assertEqual((answer.status, answer.json()), (200, {"valid": True, "events": EVENTS, "first_broken": None}))

    def test_it_is_shown_to_everybody(self):
        answer = self.world.client.get("/t/longest000")
        self.assertEqual(answer.status, 200, answer)
        trace = answer.json()
        self.assertEqual((trace["verified"], len(trace["events"])), (True, EVENTS))
        self.assertEqual(trace["events"][-1]["place"], f"{NAME}, {NAME}")

    def test_it_takes_nothing_more(self):
        answer = self.world.client.post(f"/v1/lots/{LOT}/events", {"kind": "HARVEST", "at": "2026-05-01T10:00:00Z"})
        self.assertEqual((answer.status, answer.json()["code"]), (409, "lot_full"))


if __name__ == "__main__":
    unittest.main()
