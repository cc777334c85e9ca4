/* Idempotency-Key: whatever the network does, a write happens once and its answer can be had again. Crowds are in check_races.c. */
#include <string.h>

#include "expect.h"
#include "world.h"

static const char *product_body(const char *name)
{
	return json("{'name':'%s','commodity':'avocado'}", name);
}

/* POST of a product under a key. */
static const struct reply *make_once(const struct actor *who, const char *key, const char *name)
{
	return CALL(.path = "/v1/products", .token = who->token, .key = key, .body = product_body(name));
}

static long products_named(const char *name)
{
	return sql_number("SELECT count(*) FROM product WHERE name = '%s'", name);
}

static bool is_replay_of(const struct reply *again, const struct reply *first)
{
	return answered(again, first->status) && same_body(again, first) &&
	       has_header(again, "Idempotency-Replayed", "true") &&
	       has_header(again, "Location", reply_header(first, "Location"));
}

START_TEST(the_same_request_is_answered_the_same_and_done_once)
{
	const char *key = new_code("key-"), *name = new_code("once ");
	const struct reply *first = make_once(&producer, key, name);

	expect(answered(first, 201));
	expect(lacks_header(first, "Idempotency-Replayed"));
	for (int i = 0; i < 3; i++)
		expect(is_replay_of(make_once(&producer, key, name), first));
	ck_assert_int_eq(products_named(name), 1);
}
END_TEST

START_TEST(without_a_key_the_same_is_done_twice)
{
	const char *name = new_code("twice ");

	expect(answered(make_once(&producer, NULL, name), 201));
	expect(answered(make_once(&producer, NULL, name), 201));
	ck_assert_int_eq(products_named(name), 2);
}
END_TEST

START_TEST(every_post_that_creates_takes_a_key)
{
	const struct made_lot lot = make_lot(&producer);
	const struct {
		const char *path, *body;
	} rows[] = {
		{ "/v1/products", product_body("x") },
		{ "/v1/locations", json("{'name':'x','kind':'FARM'}") },
		{ "/v1/lots",
			json("{'product_id':'%s','code':'K-1','quantity':1,'uom':'KGM'}", lot.product_id) },
		{ TEXT("/v1/lots/%s/events", lot.id),
			json("{'kind':'HARVEST','at':'2026-05-01T10:00:00Z'}") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct call call = { .path = rows[i].path,
			.body = rows[i].body,
			.token = producer.token,
			.key = new_code("key-") };
		const struct reply *first = client_call(client(), &call);
		expect(answered(first, 201));
		expect(is_replay_of(client_call(client(), &call), first));
	}
	expect(has_count(get(&producer, "/v1/lots/%s/events", lot.id), "/items", 1));
}
END_TEST

START_TEST(a_key_stands_for_one_request)
{
	const char *key = new_code("key-"), *name = new_code("one ");
	const char *body = product_body(name);

	expect(answered(make_once(&producer, key, name), 201));
	expect(is_problem(make_once(&producer, key, "another"), 422, "idempotency_key_reused"));
	/* Not even a blank may differ, nor the path. */
	expect(is_problem(
		CALL(.path = "/v1/products", .token = producer.token, .key = key, .body = TEXT("%s ", body)),
		422, "idempotency_key_reused"));
	expect(is_problem(CALL(.path = "/v1/locations", .token = producer.token, .key = key,
				  .body = json("{'name':'x','kind':'FARM'}")),
		422, "idempotency_key_reused"));
	ck_assert_int_eq(products_named(name), 1);
	ck_assert_int_eq(products_named("another"), 0);
}
END_TEST

START_TEST(a_key_means_the_same_with_quotes_and_without)
{
	const char *key = new_code("key-"), *name = new_code("quoted ");
	const struct reply *first = make_once(&producer, TEXT("\"%s\"", key), name);

	expect(answered(first, 201));
	expect(is_replay_of(make_once(&producer, key, name), first));
	expect(is_replay_of(make_once(&producer, TEXT("\"%s\"", key), name), first));
}
END_TEST

START_TEST(keys_are_told_apart_by_case)
{
	const char *key = new_code("Key-"), *name = new_code("case ");

	expect(answered(make_once(&producer, key, name), 201));
	expect(lacks_header(make_once(&producer, TEXT("k%s", key + 1), name), "Idempotency-Replayed"));
	ck_assert_int_eq(products_named(name), 2);
}
END_TEST

START_TEST(a_key_is_1_to_255_visible_characters_without_comma)
{
	char longest[260];
	const char *name = new_code("bad key ");

	memset(longest, 'k', sizeof longest);
	longest[256] = '\0';
	const char *const wrong[] = { "a,b", "a b", "a\tb", "\"\"", "\"a\"b\"", "\"", "ñ", "a\x7f", "\"a b\"",
		longest, TEXT("\"%s\"", longest) };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(is_problem(make_once(&producer, wrong[i], name), 400, "bad_idempotency_key"));
	ck_assert_int_eq(products_named(name), 0);
	longest[255] = '\0';
	memcpy(longest, new_code("key-"), 15);
	expect(answered(make_once(&producer, longest, name), 201));
	expect(answered(make_once(&producer, TEXT("\"%s\"", longest), name), 201));
	expect(answered(make_once(&producer, "!#$%&'()*+-./:;<=>?@[\\]^_`{|}~", name), 201));
	ck_assert_int_eq(products_named(name), 2);
}
END_TEST

START_TEST(each_user_has_keys_of_its_own)
{
	const char *key = new_code("key-"), *name = new_code("shared ");
	struct actor colleague = make_user("PRODUCER", producer.organization);

	log_in(&colleague);
	const struct reply *mine = make_once(&producer, key, name);
	const struct reply *theirs = make_once(&rival, key, name);
	const struct reply *colleagues = make_once(&colleague, key, name);
	expect(answered(mine, 201));
	expect(answered(theirs, 201));
	expect(answered(colleagues, 201));
	expect(lacks_header(theirs, "Idempotency-Replayed"));
	expect(lacks_header(colleagues, "Idempotency-Replayed"));
	expect(has_text(theirs, "/organization_id", rival.organization));
	expect(is_replay_of(make_once(&producer, key, name), mine));
	expect(is_replay_of(make_once(&rival, key, name), theirs));
	ck_assert_int_eq(products_named(name), 3);
}
END_TEST

START_TEST(users_with_the_same_key_do_not_wait_for_each_other)
{
	const struct actor *const users[] = { &producer, &rival, &packer };
	const struct reply *replies[ARRAY_SIZE(users)];
	struct call calls[ARRAY_SIZE(users)];

	for (int round = 0; round < 20; round++) {
		const char *key = new_code("key-"), *body = product_body(key);
		for (size_t i = 0; i < ARRAY_SIZE(users); i++)
			calls[i] = (struct call){
				.path = "/v1/products", .token = users[i]->token, .key = key, .body = body
			};
		client_call_at_once(client(), calls, ARRAY_SIZE(users), replies);
		for (size_t i = 0; i < ARRAY_SIZE(users); i++)
			expect(answered(replies[i], 201));
	}
}
END_TEST

START_TEST(a_key_outlives_the_session)
{
	const char *key = new_code("key-"), *name = new_code("later ");
	struct actor who = make_producer();
	const struct reply *first = make_once(&who, key, name);

	expect(answered(CALL(.method = "POST", .path = "/v1/auth/logout", .token = who.token), 204));
	expect(is_problem(
		make_once(&who, key, name), 401, "unauthenticated")); /* the answer is nobody else's */
	log_in(&who);
	expect(is_replay_of(make_once(&who, key, name), first));
}
END_TEST

START_TEST(while_a_request_runs_its_twin_is_told_to_come_back)
{
	enum { TRIES = 20, CROWD = 8 };
	const struct reply *replies[CROWD];
	struct call calls[CROWD];
	int refused = 0;

	/* Which of them meet is the machine's affair: until two have. */
	for (int i = 0; i < TRIES && !refused; i++) {
		const char *key = new_code("twin-"), *body = product_body(key);
		for (int k = 0; k < CROWD; k++)
			calls[k] = (struct call){
				.path = "/v1/products", .token = producer.token, .key = key, .body = body
			};
		client_call_at_once(client(), calls, CROWD, replies);
		for (int k = 0; k < CROWD; k++)
			if (replies[k]->status == 409) {
				expect(is_problem(replies[k], 409, "in_progress"));
				expect(!lacks_header(replies[k], "Retry-After"));
				refused++;
			}
		ck_assert_int_eq(products_named(key), 1);
	}
	ck_assert_int_gt(refused, 0);
}
END_TEST

START_TEST(what_was_refused_is_not_stored)
{
	const char *key = new_code("key-"), *name = new_code("corrected ");

	expect(has_only_fault(CALL(.path = "/v1/products", .token = producer.token, .key = key,
				      .body = json("{'name':'%s'}", name)),
		"/commodity", "required"));
	expect(is_problem(CALL(.path = "/v1/products", .token = producer.token, .key = key, .body = "{"), 400,
		"bad_json"));
	expect(answered(make_once(&producer, key, name), 201));
	ck_assert_int_eq(products_named(name), 1);
}
END_TEST

START_TEST(a_key_whose_write_was_rolled_back_is_free)
{
	const struct made_lot lot = make_lot(&producer);
	const char *key = new_code("key-");
	const struct call taken = { .path = "/v1/lots",
		.token = producer.token,
		.key = key,
		.body = json("{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}", lot.product_id,
			lot.code) };
	const struct call unknown = { .path = "/v1/lots",
		.token = producer.token,
		.key = key,
		.body = json(
			"{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}", rival.id, lot.code) };

	expect(is_problem(client_call(client(), &taken), 409, "lot_code_taken"));
	expect(has_only_fault(client_call(client(), &unknown), "/product_id", "unknown_product"));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM idempotency_key WHERE key = '%s'", key), 0);
	sql("UPDATE lot SET code = 'FREED' WHERE id = '%s'", lot.id);
	expect(answered(client_call(client(), &taken), 201));
}
END_TEST

START_TEST(whoever_repeats_at_once_finds_the_key_unlocked)
{
	const struct made_lot lot = make_lot(&producer);
	const char *key = new_code("key-"), *name = new_code("again ");
	const struct call taken = {
		.path = "/v1/lots",
		.token = producer.token,
		.key = new_code("key-"),
		.body = json(
			"{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}", lot.product_id, lot.code),
	};
	const struct reply *first = make_once(&producer, key, name);

	/* Neither a replay nor a refusal may hold the key longer than its answer takes. */
	for (int i = 0; i < 20; i++)
		expect(is_replay_of(make_once(&producer, key, name), first));
	for (int i = 0; i < 20; i++)
		expect(is_problem(client_call(client(), &taken), 409, "lot_code_taken"));
}
END_TEST

START_TEST(a_forbidden_request_does_not_use_a_key_up)
{
	const char *key = new_code("key-"), *name = new_code("approved ");
	char organization[UUID_TEXT_SIZE];

	make_organization("Huerta en espera", "PRODUCER", false, organization);
	struct actor who = make_user("PRODUCER", organization);
	log_in(&who);
	expect(is_problem(make_once(&who, key, name), 403, "organization_not_approved"));
	sql("UPDATE organization SET approved = true WHERE id = '%s'", organization);
	log_in(&who);
	expect(answered(make_once(&who, key, name), 201));
}
END_TEST

START_TEST(a_key_stored_holds_the_answer_and_no_secret)
{
	const char *key = new_code("key-"), *name = new_code("stored ");
	const struct reply *r = make_once(&producer, key, name);
	const char *location = reply_header(r, "Location");

	ck_assert_int_eq(sql_number("SELECT status FROM idempotency_key WHERE key = '%s'", key), 201);
	ck_assert_str_eq(sql_text("SELECT body FROM idempotency_key WHERE key = '%s'", key), r->body);
	ck_assert_str_eq(sql_text("SELECT location FROM idempotency_key WHERE key = '%s'", key), location);
	ck_assert_str_eq(sql_text("SELECT user_id FROM idempotency_key WHERE key = '%s'", key), producer.id);
	ck_assert_ptr_null(strstr(
		sql_text("SELECT k::text FROM idempotency_key k WHERE key = '%s'", key), producer.token));
}
END_TEST

START_TEST(a_key_says_nothing_where_nothing_is_created)
{
	const char *key = new_code("key-");
	const char *body = json("{'email':'%s','password':'%s'}", buyer.email, PASSWORD);
	const struct reply *first = CALL(.path = "/v1/auth/login", .body = body, .key = key);
	const struct reply *second = CALL(.path = "/v1/auth/login", .body = body, .key = key);

	expect(answered(first, 200));
	expect(answered(second, 200));
	expect(!same_body(first, second)); /* tokens are never replayed */
	expect(answered(CALL(.path = "/v1/me", .token = producer.token, .key = "a,b"), 200));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_same_request_is_answered_the_same_and_done_once,
		without_a_key_the_same_is_done_twice,
		every_post_that_creates_takes_a_key,
		a_key_stands_for_one_request,
		a_key_means_the_same_with_quotes_and_without,
		keys_are_told_apart_by_case,
		a_key_is_1_to_255_visible_characters_without_comma,
		each_user_has_keys_of_its_own,
		users_with_the_same_key_do_not_wait_for_each_other,
		a_key_outlives_the_session,
		while_a_request_runs_its_twin_is_told_to_come_back,
		what_was_refused_is_not_stored,
		a_key_whose_write_was_rolled_back_is_free,
		whoever_repeats_at_once_finds_the_key_unlocked,
		a_forbidden_request_does_not_use_a_key_up,
		a_key_stored_holds_the_answer_and_no_secret,
		a_key_says_nothing_where_nothing_is_created,
	};

	return world_run("idempotency", tests, ARRAY_SIZE(tests));
}
