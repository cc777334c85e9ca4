"""The database by its owner: for what the API does not offer. One psql run a statement, rows go and come as JSON."""

import json
import os
import subprocess
from urllib.parse import unquote, urlsplit

from services import Failure


def literal(value):
    """A row or a list of rows as one SQL literal; psql and SQL look for nothing but the quote inside it."""
    return "'" + json.dumps(value, ensure_ascii=False).replace("'", "''") + "'"


class Database:
    def __init__(self, url):
        parts = urlsplit(url)
        # In the environment, not among the arguments: those everybody on the machine can read.
        self.env = os.environ | {
            "PGHOST": parts.hostname, "PGPORT": str(parts.port or 5432), "PGUSER": unquote(parts.username),
            "PGPASSWORD": unquote(parts.password), "PGDATABASE": parts.path.lstrip("/"), "PGCLIENTENCODING": "UTF8"}
        self.secret = unquote(parts.password)

    def run(self, sql):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], input=sql, env=self.env, text=True,
                              encoding="utf-8", capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise Failure(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def rows(self, select):
        return json.loads(self.run(f"SELECT coalesce(json_agg(r), '[]') FROM ({select}) r;"))

    def insert(self, table, rows):
        """Those that are not there yet; all or none. Every row has the same columns."""
        if rows:
            columns = ", ".join(rows[0])
            self.run(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM"
                     f" jsonb_populate_recordset(NULL::{table}, {literal(rows)}) ON CONFLICT DO NOTHING;")
