"""From an empty database to the first login by the program alone: the service's roles, their passwords, the first user."""

import os
import secrets
import subprocess
import tempfile
import unittest
from pathlib import Path

from world import PASSWORD, processes
from services import Postgres, program_environment


class Roles(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="ab-"))
        processes.identity().own(Path(directory))
        self.postgres = self.enterContext(Postgres(Path(directory) / "p", quick=True, tether=True))
        # As on RDS: the owner is no superuser, and there are no other roles.
        self.psql("DROP OWNED BY agrobridge_app; DROP ROLE agrobridge_app; ALTER ROLE agrobridge_owner CREATEROLE")
        self.psql("GRANT CONNECT ON DATABASE agrobridge TO PUBLIC")
        self.passwords = {"agrobridge_a": "one'\"two", "agrobridge_b": secrets.token_hex(16)}

    def psql(self, sql, **rest):
        return self.postgres.psql(sql, **rest)

    def url(self, role):
        return f"postgresql://{role}@127.0.0.1:{self.postgres.port}/agrobridge"

    def run_program(self, *argv, stdin="", **names):
        done = subprocess.run(processes.command([os.environ["AGROBRIDGE_BIN"], *argv]), env=program_environment(**names), input=stdin,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def migrate(self, role, password=None):
        return self.run_program("migrate", OWNER_DATABASE_URL=self.postgres.owner_url, DATABASE_URL=self.url(role),
                                DATABASE_PASSWORD=password or self.passwords[role])

    def whoami(self, role, password=None):
        return subprocess.run(["psql", "-XqAt", "-d", self.url(role), "-c", "SELECT current_user, count(*) FROM lot"],
                              env={"PGPASSWORD": password or self.passwords[role], "PATH": "/usr/bin:/bin"},
                              capture_output=True, text=True, check=False).stdout.strip()

    def test_the_role_is_made_once(self):
        status, out, err = self.migrate("agrobridge_a")
        self.assertEqual((status, err, out.splitlines()[-1]), (0, "", "agrobridge_a was made"))
        self.assertEqual(self.whoami("agrobridge_a"), "agrobridge_a|0")
        before = self.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'agrobridge_a'")
        self.assertTrue(before.startswith("SCRAM-SHA-256$"))
        self.assertEqual(self.migrate("agrobridge_a")[1].splitlines()[-1], "agrobridge_a can log in")
        self.assertEqual(self.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'agrobridge_a'"), before)
        self.assertEqual(self.psql("SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles"
                                   " WHERE rolname = 'agrobridge_a'"), "f")

    def test_a_password_changes_while_nobody_uses_it(self):
        self.migrate("agrobridge_a")
        holder = subprocess.Popen(["psql", "-Xq", "-d", self.url("agrobridge_a")], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True,
                                  env={"PGPASSWORD": self.passwords["agrobridge_a"], "PATH": "/usr/bin:/bin"})
        self.addCleanup(holder.stdout.close)
        holder.stdin.write("\\echo connected\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "connected\n")
        status, _, err = self.migrate("agrobridge_a", "another")
        self.assertEqual(status, 1)
        self.assertIn("agrobridge_a: it has another password, and somebody is connected", err)
        self.assertEqual(self.whoami("agrobridge_a", "another"), "")
        status, out, _ = self.migrate("agrobridge_b")  # the other role, while the first is in use
        self.assertEqual((status, out.splitlines()[-1]), (0, "agrobridge_b was made"))
        holder.communicate("")
        while self.psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'agrobridge_a'") != "0":
            pass
        status, out, _ = self.migrate("agrobridge_a", "another")
        self.assertEqual((status, out.splitlines()[-1]), (0, "agrobridge_a has its new password"))
        self.assertEqual(self.whoami("agrobridge_a", "another"), "agrobridge_a|0")
        self.assertEqual(self.whoami("agrobridge_a"), "")

    def test_an_owner_that_may_not_make_roles_says_so(self):
        self.psql("CREATE ROLE agrobridge_app NOLOGIN; ALTER ROLE agrobridge_owner NOCREATEROLE")
        status, out, err = self.migrate("agrobridge_a")
        self.assertEqual(status, 1)
        self.assertIn("the schema is at", out)  # that much is done
        self.assertIn("could not log in as agrobridge_a: ERROR:  42501", err)

    def test_no_password_is_seen(self):
        self.migrate("agrobridge_a")
        self.psql("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()")
        self.migrate("agrobridge_b")
        log = self.postgres.log.read_text(errors="replace")
        self.assertIn("CREATE ROLE", log)
        self.assertNotIn(self.passwords["agrobridge_b"], log)

    def test_the_first_user_without_a_terminal(self):
        self.migrate("agrobridge_a")
        names = {"DATABASE_URL": self.url("agrobridge_a"), "DATABASE_PASSWORD": self.passwords["agrobridge_a"]}
        add = ("user", "add", "admin@example.com", "--role", "ADMIN")
        self.assertEqual(self.run_program(*add, USER_PASSWORD=PASSWORD, **names),
                         (0, "added admin@example.com as ADMIN\n", ""))
        status, _, err = self.run_program(*add, USER_PASSWORD=PASSWORD, **names)
        self.assertEqual((status, "already" in err), (1, True))
        status, _, err = self.run_program("user", "add", "b@example.com", "--role", "ADMIN", stdin=f"{PASSWORD}\n",
                                          USER_PASSWORD="short", **names)
        self.assertEqual((status, "must have" in err), (1, True), "standard input was read though one is configured")
        self.assertEqual(self.psql("SELECT email, role, organization_id IS NULL FROM app_user"), "admin@example.com|ADMIN|t")


if __name__ == "__main__":
    unittest.main()
