/* Writes that meet on the same rows: each is done as if it had been alone, in one order that all answers agree with. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "world.h"

enum { CROWD = 64 };

static const char at[] = "2026-05-01T10:00:00Z";

static struct call event_of(const struct actor *who, const struct made_lot *lot, const char *kind)
{
	return (struct call){ .path = TEXT("/v1/lots/%s/events", lot->id),
		.token = who->token,
		.body = json("{'kind':'%s','at':'%s'}", kind, at) };
}

static struct call order_of(const struct made_lot *lot, long version, const char *status)
{
	return (struct call){ .method = "PATCH",
		.path = TEXT("/v1/lots/%s", lot->id),
		.token = admin.token,
		.body = json("{'status':'%s'}", status),
		.headers = { if_match(version) } };
}

/* What the packer may do with the lot; nothing any more where `access` is NULL. */
static struct call grant_of(const struct made_lot *lot, const char *access)
{
	return (struct call){ .method = access ? "PUT" : "DELETE",
		.path = TEXT("/v1/lots/%s/grants/%s", lot->id, packer.organization),
		.token = producer.token,
		.body = access ? json("{'access':'%s'}", access) : NULL };
}

/* As the service says, and as PostgreSQL computes it from the tables (docs/architecture.md, "A lot's chain"): each link, no
 * position missing, the lot's own count and head; and the quantity is what it was. */
static bool is_whole(const struct made_lot *lot)
{
	static const char broken[] =
		"WITH link AS (SELECT position, hash, content::jsonb = document AS same,"
		" row_number() OVER chain AS nth,"
		" sha256(coalesce(lag(hash) OVER chain, sha256(uuid_send(lot_id)))"
		"  || sha256(convert_to(content, 'UTF8'))"
		"  || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)) AS computed"
		" FROM event WHERE lot_id = '%s' WINDOW chain AS (ORDER BY position))"
		" SELECT (SELECT count(*) FROM link WHERE NOT same OR hash <> computed OR position <> nth)"
		" + (SELECT count(*) FROM lot WHERE id = '%s' AND (quantity::text <> '1250.50'"
		"  OR event_count <> (SELECT count(*) FROM link) OR chain_head <> coalesce("
		"   (SELECT computed FROM link ORDER BY position DESC LIMIT 1), sha256(uuid_send(id)))))";

	return sql_number(broken, lot->id, lot->id) == 0 &&
	       has_bool(get(&producer, "/v1/lots/%s/verify", lot->id), "/valid", true);
}

/* --- one key --- */

/* One of the crowd is answered 201; the others the same, or that it is under way. Returns the answer. */
static const struct reply *expect_one(const struct call *call)
{
	const struct reply *replies[CROWD], *first = NULL;
	struct call calls[CROWD];

	for (int i = 0; i < CROWD; i++)
		calls[i] = *call;
	client_call_at_once(client(), calls, CROWD, replies);
	for (int i = 0; i < CROWD; i++) {
		if (replies[i]->status == 409) {
			expect(is_problem(replies[i], 409, "in_progress"));
			ck_assert_int_ge(strtol(reply_header(replies[i], "Retry-After"), NULL, 10), 1);
			continue;
		}
		expect(answered(replies[i], 201));
		first = first ? first : replies[i];
		expect(same_body(replies[i], first));
	}
	ck_assert_ptr_nonnull(first);
	const struct reply *again = client_call(client(), call);
	expect(same_body(again, first));
	expect(has_header(again, "Idempotency-Replayed", "true"));
	return first;
}

START_TEST(sixty_four_at_once_with_one_key_do_it_once)
{
	const struct made_lot lot = make_lot(&producer);
	const char *name = new_code("once "), *code = new_code("O-");
	struct call product = { .path = "/v1/products",
		.token = producer.token,
		.key = new_code("key-"),
		.body = json("{'name':'%s','commodity':'avocado'}", name) };
	struct call other = { .path = "/v1/lots",
		.token = producer.token,
		.key = new_code("key-"),
		.body = json(
			"{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}", lot.product_id, code) };
	struct call event = event_of(&producer, &lot, "HARVEST");

	event.key = new_code("key-");
	expect_one(&product);
	expect_one(&other);
	expect(has_number(expect_one(&event), "/position", 1));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM product WHERE name = '%s'", name), 1);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM lot WHERE code = '%s'", code), 1);
	ck_assert_int_eq(sql_number("SELECT count(*) FROM event WHERE lot_id = '%s'", lot.id), 1);
	ck_assert_int_eq(sql_number("SELECT version FROM lot WHERE id = '%s'", lot.id), 2);
	expect(is_whole(&lot));
}
END_TEST

/* --- one version --- */

START_TEST(of_many_changes_of_one_version_one_is_made)
{
	enum { RIVALS = 16 };
	const struct made_lot lot = make_lot(&producer);
	const struct {
		const struct actor *who;
		const char *path, *body;
	} rows[] = {
		{ &admin, TEXT("/v1/lots/%s", lot.id), json("{'status':'ON_HOLD'}") },
		{ &producer, TEXT("/v1/products/%s", lot.product_id), json("{'variety':'Fuerte'}") },
		{ &producer, TEXT("/v1/locations/%s", lot.origin_id), json("{'region':'Jalisco'}") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *replies[RIVALS];
		struct call calls[RIVALS];
		int made = 0;
		for (int k = 0; k < RIVALS; k++)
			calls[k] = (struct call){ .method = "PATCH",
				.path = rows[i].path,
				.token = rows[i].who->token,
				.body = rows[i].body,
				.headers = { if_match(1) } };
		client_call_at_once(client(), calls, RIVALS, replies);
		for (int k = 0; k < RIVALS; k++) {
			if (replies[k]->status == 200)
				made++;
			else
				expect(is_problem(replies[k], 412, "precondition_failed"));
		}
		ck_assert_int_eq(made, 1);
		expect(has_number(get(rows[i].who, "%s", rows[i].path), "/version", 2));
	}
}
END_TEST

/* --- one after the other, both having waited for the lot --- */

/* Asks both while somebody else holds the lot, so that the second stands in line behind the first. */
static void in_line(
	const struct made_lot *lot, struct call first, struct call second, const struct reply *ret_replies[2])
{
	struct runner *runners[2];

	sql("BEGIN");
	sql("SELECT FROM lot WHERE id = '%s' FOR UPDATE", lot->id);
	runners[0] = client_begin(client(), &first);
	wait_for_waiters(1);
	runners[1] = client_begin(client(), &second);
	wait_for_waiters(2);
	sql("COMMIT");
	for (int i = 0; i < 2; i++)
		ret_replies[i] = client_end(runners[i]);
}

START_TEST(an_event_behind_a_hold_finds_the_lot_held)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *replies[2];

	in_line(&lot, order_of(&lot, 1, "ON_HOLD"), event_of(&producer, &lot, "TRANSPORT_START"), replies);
	expect(answered(replies[0], 200));
	expect(is_problem(replies[1], 409, "lot_held"));
	expect(has_text(get(&producer, "/v1/lots/%s", lot.id), "/status", "ON_HOLD"));
}
END_TEST

START_TEST(a_hold_behind_an_event_is_of_another_version)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *replies[2];

	in_line(&lot, event_of(&producer, &lot, "TRANSPORT_START"), order_of(&lot, 1, "ON_HOLD"), replies);
	expect(answered(replies[0], 201));
	expect(is_problem(replies[1], 412, "precondition_failed"));
	expect(has_text(get(&producer, "/v1/lots/%s", lot.id), "/status", "IN_TRANSIT"));
}
END_TEST

START_TEST(an_event_behind_a_grant_taken_back_is_not_recorded)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *replies[2];

	grant(lot.id, &packer, "record");
	in_line(&lot, grant_of(&lot, NULL), event_of(&packer, &lot, "PACKAGING"), replies);
	expect(answered(replies[0], 204));
	expect(is_problem(replies[1], 404, "not_found"));
	grant(lot.id, &packer, "record");
	in_line(&lot, grant_of(&lot, "read"), event_of(&packer, &lot, "PACKAGING"), replies);
	expect(answered(replies[0], 200));
	expect(is_problem(replies[1], 403, "kind_forbidden"));
	expect(has_number(get(&producer, "/v1/lots/%s/verify", lot.id), "/events", 0));
}
END_TEST

START_TEST(an_event_before_a_grant_is_taken_back_is_recorded)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *replies[2];

	grant(lot.id, &packer, "record");
	in_line(&lot, event_of(&packer, &lot, "PACKAGING"), grant_of(&lot, NULL), replies);
	expect(answered(replies[0], 201));
	expect(answered(replies[1], 204));
	expect(has_number(get(&producer, "/v1/lots/%s/verify", lot.id), "/events", 1));
}
END_TEST

/* --- a deadlock --- */

/* The event has the lot and waits for its organization's row (a foreign key); we have that row and ask for the lot. PostgreSQL
 * breaks the circle where it has stood a second: with the event, which has waited longer. */
START_TEST(a_deadlock_is_run_again_and_not_told)
{
	const struct made_lot lot = make_lot(&producer);
	const struct call event = event_of(&producer, &lot, "HARVEST");

	sql("BEGIN");
	sql("SELECT FROM organization WHERE id = '%s' FOR UPDATE", producer.organization);
	struct runner *runner = client_begin(client(), &event);
	wait_for_waiters(1);
	sql("SELECT FROM lot WHERE id = '%s' FOR UPDATE", lot.id); /* done: so the event had to let it go */
	sql("COMMIT");
	const struct reply *r = client_end(runner);
	expect(answered(r, 201));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM event WHERE lot_id = '%s'", lot.id), 1);
	ck_assert_int_eq(
		sql_number("SELECT count(*) FROM audit WHERE object_id = '%s'", reply_text(r, "/id")), 1);
	expect(is_whole(&lot));
}
END_TEST

/* --- all at once --- */

enum { LOTS = 3, ROUNDS = 8, KINDS = 16, OPS_MAX = ROUNDS * KINDS };

/* What was answered about one lot. */
struct journal {
	struct made_lot lot;
	int events, orders;
	struct {
		const char *kind; /* of the event at position i + 1 */
	} event[OPS_MAX];
	struct {
		long version;
		const char *status;
	} order[OPS_MAX];
	int held; /* shipping events refused */
};

static struct call mixed_call(const struct journal *j, int kind, long version)
{
	static const char *const shipping[] = { "TRANSPORT_START", "TRANSPORT_ARRIVAL" };
	static const char *const orders[] = { "ON_HOLD", "REGISTERED", "RECALLED", "REGISTERED" };

	if (kind < 6)
		return event_of(kind % 2 ? &exporter : &producer, &j->lot, shipping[kind % 2]);
	if (kind < 8)
		return event_of(&packer, &j->lot, "PACKAGING");
	if (kind < 12)
		return order_of(&j->lot, ANY_VERSION, orders[kind - 8]);
	if (kind == 12)
		return order_of(&j->lot, version, "ON_HOLD");
	if (kind == 13)
		return event_of(&producer, &j->lot, "HARVEST");
	return grant_of(&j->lot, kind == 14 ? "record" : NULL);
}

static void note_event(struct journal *j, int kind, const struct reply *r)
{
	if (r->status == 201) {
		long position = reply_at(r, "/position")->valueint;
		ck_assert_int_ge(position, 1);
		ck_assert_int_le(position, OPS_MAX);
		ck_assert_msg(!j->event[position - 1].kind, "position %ld twice", position);
		j->event[position - 1].kind = reply_text(r, "/kind");
		j->events++;
	} else if (kind < 6) {
		expect(has_text(r, "/code", "lot_held") || has_text(r, "/code", "lot_recalled"));
		j->held++;
	} else {
		expect(kind < 8 && is_problem(r, 404, "not_found")); /* the packer's right was taken back */
	}
}

static void note_order(struct journal *j, int kind, const struct reply *r)
{
	if (r->status == 200) {
		j->order[j->orders].version = reply_at(r, "/version")->valueint;
		j->order[j->orders++].status = reply_text(r, "/status");
	} else if (kind == 12) {
		expect(is_problem(r, 412, "precondition_failed"));
	} else {
		expect((kind == 9 || kind == 11) && is_problem(r, 409, "lot_not_held"));
	}
}

static void note(struct journal *j, int kind, const struct reply *r)
{
	if (kind == 14)
		expect(answered(r, 200));
	else if (kind == 15)
		expect(r->status == 204 || is_problem(r, 404, "not_found"));
	else if (kind >= 8 && kind <= 12)
		note_order(j, kind, r);
	else
		note_event(j, kind, r);
}

static void play_round(struct journal journals[LOTS], int round)
{
	const struct reply *replies[LOTS * KINDS];
	struct call calls[LOTS * KINDS];
	int kinds[LOTS * KINDS];

	for (int i = 0; i < LOTS * KINDS; i++) {
		const struct journal *j = &journals[i % LOTS];
		kinds[i] = (i / LOTS * 5 + round * 3) % KINDS; /* in another order each time */
		calls[i] = mixed_call(
			j, kinds[i], sql_number("SELECT version FROM lot WHERE id = '%s'", j->lot.id));
	}
	client_call_at_once(client(), calls, LOTS * KINDS, replies);
	for (int i = 0; i < LOTS * KINDS; i++)
		note(&journals[i % LOTS], kinds[i], replies[i]);
}

static const char *order_at(const struct journal *j, long version)
{
	const char *status = NULL;

	for (int i = 0; i < j->orders; i++)
		if (j->order[i].version == version) {
			ck_assert_msg(!status, "version %ld twice", version);
			status = j->order[i].status;
		}
	return status;
}

/* Each event and each order made one version: an order says which, and the events have the others, in their order. Told in that
 * order, everything must have been right. */
static void expect_one_order(const struct journal *j)
{
	const char *status = "REGISTERED";
	int position = 0;

	ck_assert_int_eq(sql_number("SELECT count(*) FROM event WHERE lot_id = '%s'", j->lot.id), j->events);
	ck_assert_int_eq(
		sql_number("SELECT version FROM lot WHERE id = '%s'", j->lot.id), 1 + j->events + j->orders);
	for (long version = 2; version <= 1 + j->events + j->orders; version++) {
		const char *order = order_at(j, version), *kind = order ? "" : j->event[position++].kind;
		bool stopped = strcmp(status, "ON_HOLD") == 0 || strcmp(status, "RECALLED") == 0;
		ck_assert_msg(kind, "no event at position %d", position);
		if (order) {
			ck_assert_str_eq(sql_text("SELECT before->>'status' FROM audit WHERE object_id = '%s'"
						  " AND action = 'PATCH /v1/lots/{id}'"
						  " AND (before->>'version')::int = %ld"
						  " AND (after->>'version')::int = %ld",
						 j->lot.id, version - 1, version),
				status);
			status = order;
		} else if (strncmp(kind, "TRANSPORT", 9) == 0) {
			ck_assert_msg(!stopped, "version %ld: %s although %s", version, kind, status);
			status = strcmp(kind, "TRANSPORT_START") == 0 ? "IN_TRANSIT" : "ARRIVED";
		}
	}
	ck_assert_str_eq(sql_text("SELECT status FROM lot WHERE id = '%s'", j->lot.id), status);
	expect(is_whole(&j->lot));
}

/* As often as the right was given and taken back it is there, or not. */
static void expect_grants_add_up(const struct journal *j)
{
	long given = sql_number("SELECT count(*) FROM audit WHERE object_id = '%s' AND action LIKE 'PUT%%'"
				" AND before IS NULL",
		j->lot.id);
	long taken = sql_number(
		"SELECT count(*) FROM audit WHERE object_id = '%s' AND action LIKE 'DELETE%%'", j->lot.id);

	ck_assert_int_eq(
		sql_number("SELECT count(*) FROM lot_grant WHERE lot_id = '%s' AND organization_id = '%s'",
			j->lot.id, packer.organization),
		given - taken);
}

START_TEST(whatever_meets_on_a_lot_stands_in_one_order)
{
	static struct journal journals[LOTS];
	int held = 0;

	for (int i = 0; i < LOTS; i++) {
		journals[i].lot = make_lot(&producer);
		grant(journals[i].lot.id, &exporter, "record");
	}
	for (int round = 0; round < ROUNDS; round++)
		play_round(journals, round);
	for (int i = 0; i < LOTS; i++) {
		expect_one_order(&journals[i]);
		expect_grants_add_up(&journals[i]);
		held += journals[i].held;
	}
	ck_assert_int_gt(held, 0); /* else nothing has met */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		sixty_four_at_once_with_one_key_do_it_once,
		of_many_changes_of_one_version_one_is_made,
		an_event_behind_a_hold_finds_the_lot_held,
		a_hold_behind_an_event_is_of_another_version,
		an_event_behind_a_grant_taken_back_is_not_recorded,
		an_event_before_a_grant_is_taken_back_is_recorded,
		a_deadlock_is_run_again_and_not_told,
		whatever_meets_on_a_lot_stands_in_one_order,
	};

	return world_run("races", tests, ARRAY_SIZE(tests));
}
