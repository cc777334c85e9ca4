"""Two tasks of different builds on the same stores: any of them serves anybody, and one may die at any moment."""

import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from world import Client, Load, World

SOURCE = Path(__file__).resolve().parents[2]


def other_build(directory):
    """The same sources by another compiler, without optimisation: another program that must mean the same."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "cwd": directory}
    env = {k: v for k, v in os.environ.items() if k not in ("CFLAGS", "CC", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    for command in ([SOURCE / "configure", "CC=clang", "CFLAGS=-O0"], ["make", "-j2", "agrobridge"]):
        done = subprocess.run(command, check=False, env=env, **quiet)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return Path(directory) / "agrobridge"


class Stateless(unittest.TestCase):
    def setUp(self):
        self.build = self.enterContext(tempfile.TemporaryDirectory(prefix="ab-build-"))
        os.chmod(self.build, 0o755)
        binary = other_build(self.build)
        self.world = self.enterContext(World())
        self.assertNotEqual(binary.read_bytes(), Path(self.world.binary).read_bytes(), "both are one build")
        self.pool_b, self.nginx_b = self.world.start_pool(binary, "b")
        self.a = self.world.client
        self.b = Client(self.nginx_b.url, self.a.token)

    def test_a_session_is_good_everywhere_and_ends_everywhere(self):
        self.assertEqual(self.b.get("/v1/me").json(), self.a.get("/v1/me").json())
        renewed = self.b.post("/v1/auth/refresh", {"refresh_token": self.a.refresh})
        self.assertEqual(renewed.status, 200)
        self.a.token = renewed.json()["access_token"]
        self.assertEqual(self.a.get("/v1/me").status, 200)
        self.assertEqual(self.b.get("/v1/me").status, 401, "the old access token lives on")
        self.assertEqual(self.a.request("POST", "/v1/auth/logout").status, 204)
        self.b.token = self.a.token
        self.assertEqual(self.b.get("/v1/me").status, 401)

    def test_what_one_wrote_the_other_shows_replays_and_verifies(self):
        lot = self.a.post("/v1/lots", self.world.lot_body("AB"), key="k").json()
        replay = self.b.post("/v1/lots", self.world.lot_body("AB"), key="k")
        self.assertEqual((replay.status, replay.json()), (201, lot))
        self.assertEqual(replay.headers["Idempotency-Replayed"], "true")
        for client in (self.a, self.b, self.a, self.b):
            event = {"kind": "HARVEST", "at": "2026-01-02T03:04:05.678Z", "temperature_c": 5.50, "notes": "ñ"}
            self.assertEqual(client.post(f"/v1/lots/{lot['id']}/events", event).status, 201)
        for client in (self.a, self.b):
            self.assertEqual(client.get(f"/v1/lots/{lot['id']}/verify").json(), {"valid": True, "events": 4, "first_broken": None})

    def test_one_is_killed_and_the_other_goes_on(self):
        with Load(self.world, url=self.nginx_b.url) as load:
            load.wait_for(50)
            self.world.pool.process.signal(signal.SIGKILL)
            load.wait_for(100)
        self.assertEqual([a for _, _, a in load.journal.failures() + load.reads.failures()], [])
        self.assertEqual(self.a.get("/v1/me").status, 503)
        self.world.judge(self, load.journal)


if __name__ == "__main__":
    unittest.main()
