"""Brings the plan into a running stack. Every stage looks at what is there and adds what is missing, so that a run that
was broken off is continued, and a second run, on whatever day, adds nothing.

Organizations, users, grants, holds and recalls go in by the database's owner; the rest by the API, as its users.
"""

import hashlib
import hmac
import os
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

from demo.api import Api
from demo.companies import ACCOUNT_NAMES, ACCOUNTS, BY_KEY, ORGANIZATIONS, account_email
from demo.database import Database, literal
from demo.plan import demo_lot, plan
from services import Failure, program_environment

THREADS = 4  # twice the cores of a small machine: one waits for the disk while another computes
MEMBER_FOR = timedelta(days=400)  # the first organization; so long before the day the demo was loaded

WORDS = ("aguacate ajonjoli albahaca amapola arandano arroyo azahar brote camelia canela capulin cedro cempasuchil"
         " ceniza chayote ciruela clavel colmena cosecha durazno encino enebro espiga fresa girasol granada guayaba"
         " helecho hierbabuena higuera huerta jacaranda jamaica jicama jilote lavanda limonero llano lluvia maguey"
         " manzano membrillo mezquite milpa neblina nopal nogal orilla papalote parcela pitaya platano quelite"
         " ramaje roble romero sabino semilla surco tamarindo toronja trigal vereda zapote").split()


def password_for(secret, email):
    """Of this stack alone, the same at every run: drawn from the secret of its database, which never leaves it."""
    digest = hmac.digest(secret.encode(), f"demo account {email}".encode(), hashlib.sha256)
    words = [WORDS[b % len(WORDS)] for b in digest[:3]]
    return f"{'-'.join(words)}-{int.from_bytes(digest[3:7]) % 9000 + 1000}"


def uuid7(moment):
    """RFC 9562 section 5.7."""
    bits = int(moment.timestamp() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return str(uuid.UUID(int=bits & ~(0xF << 76 | 0x3 << 62) | 7 << 76 | 2 << 62))


class Loader:
    def __init__(self, stack, agrobridge):
        self.stack, self.agrobridge = stack, agrobridge
        self.database, self.api = Database(stack["owner_database_url"]), Api(stack["url"])
        self.ids = {}     # of organizations, locations and products by key
        self.tokens = {}  # by organization's key
        self.accounts = [{"email": email, "password": password_for(self.database.secret, email), "role": role}
                         for role in ACCOUNT_NAMES for email in [account_email(role)]]

    def run(self):
        """Returns what stack.json gains."""
        try:
            self._stage("organizations", self._organizations)
            self._stage("users", self._users)
            loaded = self._lots_there()
            if all(loaded.get(lot.key, {"event_count": -1})["event_count"] >= len(lot.events) for lot in self.lots):
                print(f"lots: all {len(loaded)} are there", flush=True)
            else:
                loaded = self._load_lots(loaded)
            self._stage("holds and recalls", lambda: self._set_statuses(loaded))
        finally:
            self.api.close()
        shown = demo_lot(self.lots)
        return {"accounts": self.accounts,
                "demo": {"lot_id": loaded[shown.key]["id"], "public_code": loaded[shown.key]["public_code"],
                         "gtin": shown.product.gtin, "lot_code": shown.code}}

    def _load_lots(self, loaded):
        self._stage("sessions", self._log_in)
        self._stage("locations", self._locations)
        self._stage("products", self._products)
        self._stage("lots", lambda: self._lots(loaded))
        loaded = self._lots_there()
        self._stage("grants", lambda: self._grants(loaded))
        self._stage("events", lambda: self._events(loaded))
        self._each(self.api.logout, self.tokens.values())
        return loaded

    def _stage(self, name, work):
        begun = time.monotonic()
        count = work()
        print(f"{name}: {count} new, {time.monotonic() - begun:.1f} s", flush=True)

    # --- by the owner ------------------------------------------------------------------------------------------------

    def _organizations(self):
        """Their age tells when the demo was first loaded: what is planned follows from that, not from today."""
        there = self._known_organizations()
        if there:
            new = 0
        else:
            present, new = datetime.now(timezone.utc).replace(second=0, microsecond=0), len(ORGANIZATIONS)
            joined = [present - MEMBER_FOR - timedelta(days=i % 7) for i in range(new)]
            self.database.insert("organization", list(map(self._organization_row, ORGANIZATIONS, joined)))
            there = self._known_organizations()
        self.ids = {o.key: there[o.gln]["id"] for o in ORGANIZATIONS}
        first = there[ORGANIZATIONS[0].gln]["created"]
        self.lots = plan(datetime.fromtimestamp(first, timezone.utc) + MEMBER_FOR)
        return new

    def _known_organizations(self):
        glns = literal([o.gln for o in ORGANIZATIONS])
        rows = self.database.rows("SELECT id, gln, extract(epoch FROM created_at) AS created FROM organization"
                                  f" WHERE gln IN (SELECT jsonb_array_elements_text({glns}))")
        return {row["gln"]: row for row in rows}

    @staticmethod
    def _organization_row(o, created):
        return {"id": uuid7(created), "name": o.name, "kind": o.kind, "tax_id": o.tax_id, "gln": o.gln,
                "approved": o.approved, "version": 1, "created_at": created.isoformat()}

    def _users(self):
        """The accounts by the program, which hashes their passwords: slow on purpose. Everybody else has the password
        of the account of the same role."""
        there = {row["email"] for row in self.database.rows("SELECT email FROM app_user")}
        accounts = [a for a in self.accounts if a["email"] not in there]
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._add_account, accounts))
        hashes = {row["role"]: row["password_hash"] for row in self.database.rows(
            "SELECT role, password_hash FROM app_user"
            f" WHERE email IN (SELECT jsonb_array_elements_text({literal([a['email'] for a in self.accounts])}))")}
        now = datetime.now(timezone.utc)
        others = [{"id": uuid7(now), "organization_id": self.ids[o.key], "email": o.email, "name": o.user,
                   "role": o.kind, "password_hash": hashes[o.kind], "active": True, "version": 1,
                   "created_at": now.isoformat()}
                  for o in ORGANIZATIONS if o.email not in there and not o.account]
        self.database.insert("app_user", others)
        return len(accounts) + len(others)

    def _add_account(self, account):
        role = account["role"]
        owner = ACCOUNTS.get(role)
        membership = ["--name", "Administración"]
        if owner:
            membership = ["--name", owner.user, "--organization", self.ids[owner.key]]
        done = subprocess.run([self.agrobridge, "user", "add", account["email"], "--role", role, *membership],
                              input=account["password"] + "\n", env=program_environment(
                                  DATABASE_URL=self.stack["database_url"]), text=True, capture_output=True, check=False)
        if done.returncode:
            raise Failure(f"agrobridge user add {account['email']}: {done.stderr.strip()}")

    def _lots_there(self):
        """{key: row} of planned lots that exist."""
        rows = {(row["gtin"], row["code"]): row for row in self.database.rows(
            "SELECT l.id, l.public_code, l.event_count, l.code, p.gtin"
            " FROM lot l JOIN product p ON p.id = l.product_id")}
        found = {lot.key: rows.get((lot.product.gtin, lot.code)) for lot in self.lots}
        return {key: row for key, row in found.items() if row}

    def _grants(self, loaded):
        now = datetime.now(timezone.utc).isoformat()
        rows = [{"lot_id": loaded[lot.key]["id"], "organization_id": self.ids[key], "access": access, "created_at": now}
                for lot in self.lots for key, access in lot.grants]
        self.database.insert("lot_grant", rows)
        return len(rows)

    def _set_statuses(self, loaded):
        """Each write raises a lot's version by one. So one that has the version of its events alone was never held:
        what people did since stays as they left it."""
        rows = [{"id": loaded[lot.key]["id"], "status": lot.set_status, "version": 1 + len(lot.events)}
                for lot in self.lots if lot.set_status]
        changed = self.database.run(
            "WITH changed AS (UPDATE lot l SET status = n.status, version = l.version + 1"
            f" FROM jsonb_populate_recordset(NULL::lot, {literal(rows)}) n WHERE l.id = n.id AND l.version = n.version"
            " RETURNING l.id) SELECT count(*) FROM changed;")
        return int(changed)

    # --- by the API --------------------------------------------------------------------------------------------------

    def _each(self, work, items):
        """`work` of every item, a few at a time, begun in their order; the first failure ends it."""
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                return list(pool.map(work, items))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _log_in(self):
        passwords = {account["role"]: account["password"] for account in self.accounts}
        members = [o for o in ORGANIZATIONS if o.approved]
        tokens = self._each(lambda o: self.api.login(o.email, passwords[o.kind]), members)
        self.tokens = {o.key: token for o, token in zip(members, tokens)}
        return len(tokens)

    def _register(self, path, noun, number, things):
        """Locations or products, known by a GS1 number, that are not there yet. `things`: (owner's key, thing)."""
        there = {row["number"]: row["id"] for row in self.database.rows(f"SELECT id, {number} AS number FROM {noun}")}
        missing = [(owner, thing) for owner, thing in things if getattr(thing, number) not in there]
        created = self._each(lambda pair: self.api.create(
            path, pair[1].body(), self.tokens[pair[0]], f"demo/{noun}/{pair[1].key}"), missing)
        there |= {getattr(thing, number): answer["id"] for (_, thing), answer in zip(missing, created)}
        self.ids |= {thing.key: there[getattr(thing, number)] for _, thing in things}
        return len(missing)

    def _locations(self):
        return self._register("/v1/locations", "location", "gln",
                              [(o.key, location) for o in ORGANIZATIONS for location in o.locations])

    def _products(self):
        return self._register("/v1/products", "product", "gtin",
                              [(o.key, product) for o in ORGANIZATIONS for product in o.products])

    def _lots(self, loaded):
        missing = [lot for lot in self.lots if lot.key not in loaded]
        self._each(lambda lot: self.api.create(
            "/v1/lots", lot.body(self.ids[lot.product.key], self.ids[lot.origin]), self.tokens[lot.producer],
            f"demo/{lot.key}"), missing)
        return len(missing)

    def _events(self, loaded):
        return sum(self._each(lambda lot: self._history(lot, loaded[lot.key]), self.lots))

    def _history(self, lot, row):
        """The events of one lot, in order: each is chained to the one before."""
        missing = list(enumerate(lot.events, 1))[row["event_count"]:]
        for number, event in missing:
            self.api.create(f"/v1/lots/{row['id']}/events", event.body(self.ids[event.location]),
                            self.tokens[event.organization], f"demo/{lot.key}/event-{number}")
        return len(missing)
