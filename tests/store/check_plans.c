/* The hot statements on a table of a size that shows: what one request reads does not grow with what others have stored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "database.h"
#include "http/json.h"

enum { LOTS = 20000, EVENTS = 10, ORGANIZATIONS = 10, PAGE = 51 };

/* As the years would leave it: the events of a lot lie far apart, an organization has 2 000 lots and as many granted to it,
 * but one has three old ones of each. */
static const char *const load[] = {
	"CREATE FUNCTION id(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS"
	" $$ SELECT (lpad(to_hex(n), 12, '0') || lpad(to_hex(kind), 20, '0'))::uuid $$",
	"INSERT INTO organization (id, name, kind, approved, created_at)"
	" SELECT id(1, i), 'Finca ' || i, 'farm', true, now() FROM generate_series(0, 9) i",
	"INSERT INTO app_user (id, organization_id, email, name, role, password_hash, created_at)"
	" SELECT id(2, i), id(1, i % 10), 'u' || i || '@example.com', 'Ana', 'PRODUCER', 'x', now() FROM "
	"generate_series(0, 999) i",
	"INSERT INTO app_user (id, email, name, role, password_hash, active, created_at)"
	" SELECT id(2, i), 'admin' || i || '@example.com', 'Eva', 'ADMIN', 'x', i < 1002, now() FROM "
	"generate_series(1000, 1002) i",
	"INSERT INTO session (id, user_id, access_hash, access_expires_at, refresh_hash, refresh_expires_at, "
	"created_at, refreshed_at)"
	" SELECT id(3, i), id(2, i % 1000), sha256(('a' || i)::bytea), now() + '1 h', sha256(('r' || "
	"i)::bytea), now() + '1 d',"
	" now(), now() FROM generate_series(0, 19999) i",
	/* One in force of all that somebody had. */
	"INSERT INTO session (id, user_id, access_hash, access_expires_at, refresh_hash, refresh_expires_at, "
	"created_at, refreshed_at, revoked_at)"
	" SELECT id(3, i), id(2, 1002), sha256(('a' || i)::bytea), now() + '1 h', sha256(('r' || i)::bytea), "
	"now() + '1 d', now(), now(), CASE WHEN i > 20000 THEN now() END FROM generate_series(20000, 21999) "
	"i",
	"INSERT INTO location (id, organization_id, name, kind, region, created_at)"
	" SELECT id(4, i), id(1, i % 10), 'Campo ' || i, 'farm', 'Huila', now() FROM generate_series(0, "
	"4999) i",
	"INSERT INTO product (id, organization_id, name, commodity, gtin, created_at)"
	" SELECT id(5, i), id(1, i % 10), 'Hass', 'avocado', lpad(i::text, 14, '0'), now() FROM "
	"generate_series(0, 1999) i",
	"INSERT INTO lot (id, organization_id, product_id, origin_id, public_code, code, quantity, uom, "
	"harvested_on, status,"
	" event_count, chain_head, created_at)"
	" SELECT id(6, i), id(1, i % 10), id(5, i % 2000), id(4, i % 5000), 'code' || i, 'L-' || i / 2000, "
	"12.50, 'KGM',"
	" date '2026-01-01' + i / 100, (ARRAY['REGISTERED', 'IN_TRANSIT', 'DELIVERED'])[1 + i % 3], 10, "
	"sha256('x'), now()"
	" FROM generate_series(0, 19999) i",
	"INSERT INTO lot_grant (lot_id, organization_id, access, created_at)"
	" SELECT id(6, i), id(1, (i + 3) % 10), 'record', now() FROM generate_series(0, 19999) i",
	"INSERT INTO organization (id, name, kind, approved, created_at) VALUES (id(1, 10), 'Finca chica', "
	"'farm', true, now())",
	"UPDATE lot SET organization_id = id(1, 10) WHERE id IN (id(6, 5), id(6, 6), id(6, 7))",
	"UPDATE location SET organization_id = id(1, 10) WHERE id IN (id(4, 5), id(4, 6), id(4, 7))",
	"UPDATE product SET organization_id = id(1, 10) WHERE id IN (id(5, 5), id(5, 6), id(5, 7))",
	"INSERT INTO lot_grant (lot_id, organization_id, access, created_at)"
	" SELECT id(6, i), id(1, 10), 'read', now() FROM generate_series(10, 12) i",
	/* Half of the load would be looking up who recorded it. */
	"ALTER TABLE event DROP CONSTRAINT event_user_id_fkey, DROP CONSTRAINT event_organization_id_fkey",
	"INSERT INTO event (lot_id, position, id, organization_id, user_id, kind, at, location_id, "
	"recorded_at, content, hash)"
	" SELECT id(6, i % 20000), 1 + i / 20000, id(7, i), id(1, i % 10), id(2, i % 1000), 'HARVEST', "
	"now(), id(4, i % 5000), now(),"
	" '{\"at\":\"2026-05-01T10:00:00Z\",\"kind\":\"HARVEST\",\"notes\":\"de la finca\"}', sha256('x')"
	" FROM generate_series(0, 199999) i",
	"INSERT INTO idempotency_key (user_id, key, fingerprint, status, body, created_at)"
	" SELECT id(2, i % 1000), 'k' || i, sha256('x'), 201, '{}', now() FROM generate_series(0, 19999) i",
	"INSERT INTO audit (id, at, user_id, request_id, action, object_id)"
	" SELECT id(8, (1::bigint << 41) + i), now(), id(2, i % 100), 'r' || i, 'PUT /x', id(6, i % 4000) "
	"FROM "
	"generate_series(0, "
	"39999) i",
	"ANALYZE",
};

/* What is asked, as lot 12345 and organization 5 know it; $N in order, NULL where there are none. A B-tree of these sizes is 3 pages deep, the row a
 * fourth: LOOKUP. An event is a row, and a place to look up. */
enum { LOOKUP = 4, EVENT = 1 + LOOKUP };
#define LOT     "id(6, 12345)"
#define CODE    "'code12345'"
#define GTIN    "'00000000000345'"
#define MINE    "id(1, 5)"
#define SMALL   "id(1, 10)"
#define GRANTED "id(1, 8)"
#define OTHERS  "id(1, 1)"
#define LAST    "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
#define ANY     "NULL, NULL, NULL, NULL, NULL"
#define FIRST   "'00000000-0000-7000-8000-000000000000'"
/* The audit log's ids are made of their time: these are of 2039, too young to be pruned. */
#define ENTRY(n) "id(8, (1::bigint << 41) + " #n ")"

static const struct hot {
	enum query query;
	const char *arguments;
	int rows, pages; /* given, and read at most */
} hot[] = {
	{ QUERY_SESSION_BY_ACCESS, "sha256('a777'), now()", 1, 3 * LOOKUP },
	{ QUERY_SESSION_BY_REFRESH_LOCK, "sha256('r777'), now()", 1, 3 * LOOKUP },
	{ QUERY_SESSION_LIST, "id(2, 5), now(), " LAST ", 51", 20, 2 * 20 + LOOKUP },
	{ QUERY_SESSION_LIST, "id(2, 1002), now(), " LAST ", 51", 1, 2 * LOOKUP },
	{ QUERY_SESSION_REVOKE_EXCESS, "id(2, 5), 20, now()", 0, 20 + LOOKUP },
	{ QUERY_SESSION_REVOKE_EXCESS, "id(2, 1002), 1, now()", 0, 2 * LOOKUP },
	{ QUERY_SESSION_REVOKE_OF_USER, "id(2, 1002), id(3, 20000), now()", 0, 2 * LOOKUP },
	{ QUERY_USER_FOR_LOGIN, "'U777@Example.com'", 1, LOOKUP },
	{ QUERY_USER_BY_ID, "id(2, 5)", 1, LOOKUP },
	{ QUERY_USER_LIST, LAST ", 51", PAGE, 2 * PAGE },
	{ QUERY_USER_LOCK, "id(2, 5)", 1, 2 * LOOKUP },
	{ QUERY_USER_ADMINISTRATORS_LOCK, NULL, 2, 3 * LOOKUP },
	{ QUERY_LOT_BY_ID, LOT ", " MINE ", false", 1, 2 * LOOKUP },
	{ QUERY_LOT_BY_ID, LOT ", " GRANTED ", false", 1, 2 * LOOKUP },
	{ QUERY_LOT_BY_ID, LOT ", " OTHERS ", false", 0, 2 * LOOKUP },
	{ QUERY_LOT_BY_ID, LOT ", NULL, true", 1, 2 * LOOKUP },
	{ QUERY_LOT_HISTORY, LOT ", " MINE ", false", EVENTS, 2 * LOOKUP + EVENTS * 2 },
	{ QUERY_LOT_HISTORY, LOT ", NULL, true", EVENTS, 2 * LOOKUP + EVENTS * 2 },
	{ QUERY_EVENT_LIST, LOT ", " GRANTED ", false, 0, 5", 5, 2 * LOOKUP + EVENTS * 2 },
	{ QUERY_EVENT_LIST, LOT ", " GRANTED ", false, 10, 5", 1, 2 * LOOKUP + EVENTS * 2 },
	{ QUERY_TRACE_BY_CODE, CODE, EVENTS, 5 * LOOKUP + EVENTS *EVENT },
	{ QUERY_TRACE_BY_GTIN, GTIN ", 'L-6'", EVENTS, 5 * LOOKUP + EVENTS *EVENT },
	{ QUERY_LOT_LIST, MINE ", " LAST ", 51, " ANY, PAGE, 2 * PAGE *(1 + LOOKUP) },
	{ QUERY_LOT_LIST, MINE ", id(6, 10000), 51, " ANY, PAGE, 2 * PAGE *(1 + LOOKUP) },
	{ QUERY_LOT_LIST, MINE ", id(6, 40), 51, " ANY, 7, 7 * (1 + LOOKUP) },
	{ QUERY_LOT_LIST, SMALL ", " LAST ", 51, " ANY, 6, 6 * (1 + LOOKUP) },
	{ QUERY_LOT_LIST, MINE ", " LAST ", 51, 'DELIVERED', NULL, NULL, NULL, NULL", PAGE,
		2 * 3 * PAGE *(1 + LOOKUP) },
	{ QUERY_LOT_LIST_ALL, "NULL, " LAST ", 51, " ANY, PAGE, PAGE * 2 },
	{ QUERY_LOCATION_LIST, MINE ", " LAST ", 51", PAGE, PAGE * 2 },
	{ QUERY_PRODUCT_LIST, MINE ", " LAST ", 51", PAGE, PAGE * 2 },
	{ QUERY_LOCATION_LIST, SMALL ", " LAST ", 51", 3, 2 * LOOKUP },
	{ QUERY_PRODUCT_LIST, SMALL ", " LAST ", 51", 3, 2 * LOOKUP },
	{ QUERY_IDEMPOTENCY_GET, "id(2, 5), 'k1005'", 1, LOOKUP },
	{ QUERY_LOT_LOCK, LOT ", " GRANTED, 1, 3 * LOOKUP },
	{ QUERY_LOT_OWN_LOCK, LOT ", NULL, true", 1, 2 * LOOKUP },
	{ QUERY_LOT_OWN_LOCK, LOT ", " GRANTED ", false", 0, 2 * LOOKUP },
	{ QUERY_GRANT_GET, LOT ", " GRANTED, 1, LOOKUP },
	{ QUERY_GRANT_LIST, LOT ", " MINE ", false, " LAST ", 51", 1, 2 * LOOKUP },
	{ QUERY_GRANT_LIST, LOT ", " GRANTED ", false, " LAST ", 51", 0, 2 * LOOKUP },
	{ QUERY_AUDIT_LIST, FIRST ", " LAST ", 51", PAGE, 2 * PAGE },
	{ QUERY_AUDIT_LIST, ENTRY(30000) ", " ENTRY(30007) ", 51", 7, 3 * LOOKUP },
	{ QUERY_AUDIT_PRUNE, "now(), 100", 0, 3 * LOOKUP },
	{ QUERY_AUDIT_LIST_OF_USER, FIRST ", " LAST ", 51, id(2, 5)", PAGE, 2 * PAGE },
	{ QUERY_AUDIT_LIST_OF_USER, ENTRY(30000) ", " ENTRY(30107) ", 51, id(2, 5)", 2, 3 * LOOKUP },
	{ QUERY_AUDIT_LIST_OF_OBJECT, FIRST ", " LAST ", 51, NULL, id(6, 7)", 10, 4 * LOOKUP },
	{ QUERY_AUDIT_LIST_OF_OBJECT, FIRST ", " LAST ", 51, id(2, 7), id(6, 7)", 10, 4 * LOOKUP },
	{ QUERY_AUDIT_LIST_OF_OBJECT, FIRST ", " LAST ", 51, id(2, 8), id(6, 7)", 0, 4 * LOOKUP },
};

/* libcheck runs each test in a process of its own: loaded once, by the first. */
static void load_once(void)
{
	if (!*text(owner, "SELECT to_regproc('id')"))
		for (size_t i = 0; i < ARRAY_SIZE(load); i++)
			run(owner, "%s", load[i]);
}

static void prepare_all(void)
{
	static const char *const names[] = { [DB_UUID] = "uuid",
		[DB_TEXT] = "text",
		[DB_INT] = "bigint",
		[DB_BOOL] = "boolean",
		[DB_TIME] = "timestamptz",
		[DB_DATE] = "date",
		[DB_NUMERIC] = "numeric",
		[DB_BYTES] = "bytea" };

	for (size_t i = 0; i < ARRAY_SIZE(hot); i++) {
		const struct query_info *q = &queries[hot[i].query];
		struct buf types;
		buf_init(&types, &memory, 512);
		for (int n = 0; q->in[n]; n++)
			buf_printf(&types, "%s%s", n ? ", " : "(", names[q->in[n]]);
		buf_add_text(&types, q->in[0] ? ")" : "");
		run(peer, "PREPARE hot%zu %s AS %s", i, types.data, q->sql);
	}
}

static int64_t integer(const struct json *object, const char *key)
{
	const struct json *value = json_get(object, key);

	return value ? strtoll(json_text(value), NULL, 10) : 0;
}

/* The first table that is read from end to end, of those that grow; NULL for none. */
static const char *scanned(const struct json *plan)
{
	static const char *const growing[] = { "lot", "event", "session", "lot_grant", "app_user", "location",
		"product", "idempotency_key", "audit", NULL };
	const struct json *relation = json_get(plan, "Relation Name"), *plans = json_get(plan, "Plans");

	if (relation && strcmp(json_text(json_get(plan, "Node Type")), "Seq Scan") == 0)
		for (const char *const *name = growing; *name; name++)
			if (strcmp(json_text(relation), *name) == 0)
				return *name;
	if (plans)
		json_for_each (child, plans) {
			const char *found = scanned(child);
			if (found)
				return found;
		}
	return NULL;
}

static void expect_thrift(const char *mode)
{
	run(peer, "SET plan_cache_mode = %s", mode);
	for (size_t i = 0; i < ARRAY_SIZE(hot); i++) {
		const struct hot *h = &hot[i];
		const char *explained = "";
		struct faults faults = { 0 };
		const struct json *root;
		for (int warm = 0; warm < 2; warm++) /* the first also reads the catalogue */
			explained = text(peer,
				"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE hot%zu %s", i,
				h->arguments ? arena_printf(&memory, "(%s)", h->arguments) : "");
		ck_assert_int_eq(json_parse(&memory, explained, strlen(explained), &faults, &root), 0);
		const struct json *plan = json_get(json_first(root), "Plan");
		const char *name = queries[h->query].name, *table = scanned(plan);
		int64_t rows = integer(plan, "Actual Rows");
		int64_t pages = integer(plan, "Shared Hit Blocks") + integer(plan, "Shared Read Blocks");
		bool thrifty = !table && rows == h->rows && pages <= h->pages;
		if (!thrifty)
			fprintf(stderr, "%s\n", explained);
		ck_assert_msg(thrifty, "%s (%s) gives %d rows, not %d; reads %d pages, not %d; and all of %s",
			name, h->arguments ? h->arguments : "", (int)rows, h->rows, (int)pages, h->pages,
			table ? table : "no table");
	}
}

START_TEST(the_first_executions_read_little)
{
	load_once();
	prepare_all();
	expect_thrift("force_custom_plan");
}
END_TEST

START_TEST(the_plan_kept_for_all_later_ones_reads_little)
{
	load_once();
	prepare_all();
	expect_thrift("force_generic_plan");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_first_executions_read_little,
		the_plan_kept_for_all_later_ones_reads_little,
	};

	return database_suite_run("plans", tests, ARRAY_SIZE(tests));
}
