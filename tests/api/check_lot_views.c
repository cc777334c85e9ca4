/* Lots as lists and pages show them: filters, entity tags, and who sees which. */
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "world.h"

/* --- finding --- */

START_TEST(each_filter_keeps_what_it_names)
{
	static const struct {
		const char *query;
		int count;
	} rows[] = {
		{ "", 4 },
		{ "&harvested_from=2026-05-02", 2 },
		{ "&harvested_to=2026-05-02", 2 },
		{ "&harvested_from=2026-05-01&harvested_to=2026-05-03", 3 },
		{ "&harvested_from=2026-05-02&harvested_to=2026-05-02", 1 },
		{ "&harvested_from=2026-05-03&harvested_to=2026-05-01", 0 },
		{ "&status=REGISTERED", 3 },
		{ "&status=RECALLED", 1 },
		{ "&status=DELIVERED", 0 },
		{ "&status=RECALLED&harvested_from=2026-05-02", 0 },
		{ "&code=DAY-1", 1 },
		{ "&code=DAY-", 0 },
		{ "&code=DAY-%25", 0 }, /* no wildcard */
		{ "&code=day-1", 0 },
	};
	struct actor who = make_producer();
	const char *product = make_product(&who), *other = make_product(&who);

	for (int day = 1; day <= 3; day++)
		expect(answered(post(&who, "/v1/lots",
					"{'product_id':'%s','code':'DAY-%d','quantity':1,'uom':'KGM','"
					"harvested_on':'2026-05-0%d'}",
					product, day, day),
			201));
	expect(answered(post(&who, "/v1/lots",
				"{'product_id':'%s','code':'UNDATED','quantity':1,'uom':'KGM'}", other),
		201));
	sql("UPDATE lot SET status = 'RECALLED' WHERE code = 'DAY-1' AND organization_id = '%s'",
		who.organization);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *r = get(&who, "/v1/lots?limit=200%s", rows[i].query);
		expect(answered(r, 200));
		expect(has_count(r, "/items", rows[i].count));
	}
	expect(has_count(get(&who, "/v1/lots?product_id=%s", product), "/items", 3));
	expect(has_count(get(&who, "/v1/lots?product_id=%s", other), "/items", 1));
	expect(has_count(get(&who, "/v1/lots?product_id=%s&status=REGISTERED", product), "/items", 2));
	expect(has_count(get(&rival, "/v1/lots?product_id=%s", product), "/items", 0));
	expect(has_count(get(&admin, "/v1/lots?product_id=%s&code=DAY-2", product), "/items", 1));
}
END_TEST

START_TEST(a_filter_that_makes_no_sense_is_refused)
{
	static const struct {
		const char *query, *pointer, *code;
	} rows[] = {
		{ "status=registered", "?status", "not_in_list" },
		{ "status=", "?status", "not_in_list" },
		{ "product_id=7", "?product_id", "bad_format" },
		{ "harvested_from=yesterday", "?harvested_from", "bad_format" },
		{ "harvested_to=2026-13-01", "?harvested_to", "bad_format" },
		{ "code=ABCDEFGHIJKLMNOPQRSTU", "?code", "too_long" },
		{ "colour=green", "?colour", "unknown_field" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_only_fault(
			get(&producer, "/v1/lots?%s", rows[i].query), rows[i].pointer, rows[i].code));
}
END_TEST

START_TEST(an_unchanged_lot_need_not_be_sent_again)
{
	const struct made_lot lot = make_lot(&producer);
	const char *path = TEXT("/v1/lots/%s", lot.id);
	const struct reply *r = get(&producer, "%s", path);
	const char *etag = reply_header(r, "ETag");
	const char *const matching[] = { TEXT("If-None-Match: %s", etag), TEXT("If-None-Match: W/%s", etag),
		TEXT("If-None-Match: \"x\", %s", etag), "If-None-Match: *" };

	for (size_t i = 0; i < ARRAY_SIZE(matching); i++) {
		const struct reply *same =
			CALL(.path = path, .token = producer.token, .headers = { matching[i] });
		expect(answered(same, 304));
		expect(has_header(same, "ETag", etag));
		ck_assert_uint_eq(same->length, 0);
	}
	expect(answered(
		CALL(.path = path, .token = producer.token, .headers = { "If-None-Match: \"x\"" }), 200));
	record(&producer, &lot, "TRANSPORT_START", "2026-05-02T10:00:00Z", "");
	const struct reply *moved = CALL(.path = path, .token = producer.token, .headers = { matching[0] });
	expect(answered(moved, 200));
	expect(has_text(moved, "/status", "IN_TRANSIT"));
	expect(!has_header(moved, "ETag", etag));
}
END_TEST

/* --- who sees --- */

START_TEST(a_foreign_lot_and_a_missing_one_cannot_be_told_apart)
{
	static const char *const rests[] = { "", "/events", "/verify" };
	const struct made_lot lot = make_lot(&rival);

	record(&rival, &lot, "HARVEST", "2026-05-01T10:00:00Z", "");
	for (size_t i = 0; i < ARRAY_SIZE(rests); i++) {
		const char *rest = rests[i], *foreign = TEXT("/v1/lots/%s%s", lot.id, rest);
		const struct reply *theirs = get(&producer, "%s", foreign);
		const struct reply *missing =
			get(&producer, "/v1/lots/018f0000-0000-7000-8000-00000000ffff%s", rest);
		const struct reply *malformed = get(&producer, "/v1/lots/7%s", rest);
		expect(is_problem(theirs, 404, "not_found"));
		expect(is_problem(missing, 404, "not_found"));
		expect(is_problem(malformed, 404, "not_found"));
		expect(same_problem(theirs, missing));
		expect(same_problem(malformed, missing));
		ck_assert_uint_eq(theirs->length, missing->length);
		expect(lacks_header(theirs, "ETag"));
		expect(answered(get(&rival, "%s", foreign), 200));
		expect(answered(get(&admin, "%s", foreign), 200));
	}
	expect(is_problem(CALL(.path = TEXT("/v1/lots/%s", lot.id), .token = producer.token,
				  .headers = { "If-None-Match: *" }),
		404, "not_found"));
}
END_TEST

START_TEST(an_id_is_found_in_either_case_and_no_other_form)
{
	static const char *const others[] = { "%s%%20", "{%s}", "urn:uuid:%s", "%s%%0a", "%s'--" };
	const struct made_lot lot = make_lot(&producer);
	char upper[UUID_TEXT_SIZE] = { 0 };

	for (size_t i = 0; lot.id[i]; i++)
		upper[i] = (char)(lot.id[i] >= 'a' ? lot.id[i] - 32 : lot.id[i]);
	expect(answered(get(&producer, "/v1/lots/%s", upper), 200));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		char path[128] = "/v1/lots/";
		snprintf(path + 9, sizeof path - 9, others[i], lot.id);
		expect(is_problem(get(&producer, "%s", path), 404, "not_found"));
	}
}
END_TEST

START_TEST(a_grant_of_either_kind_shows_the_lot_until_it_ends)
{
	static const char *const kinds[] = { "read", "record" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct made_lot lot = make_lot(&producer);
		grant(lot.id, &certifier, kinds[i]);
		expect(has_text(get(&certifier, "/v1/lots?code=%s", lot.code), "/items/0/id", lot.id));
		expect(answered(get(&certifier, "/v1/lots/%s", lot.id), 200));
		expect(answered(get(&certifier, "/v1/lots/%s/events", lot.id), 200));
		expect(answered(get(&certifier, "/v1/lots/%s/verify", lot.id), 200));
		expect(has_count(get(&certifier, "/v1/products"), "/items", 0)); /* the lot, nothing else */
		expect(has_count(get(&buyer, "/v1/lots?code=%s", lot.code), "/items", 0));
		sql("DELETE FROM lot_grant WHERE lot_id = '%s'", lot.id);
		expect(is_problem(get(&certifier, "/v1/lots/%s", lot.id), 404, "not_found"));
		expect(has_count(get(&certifier, "/v1/lots?code=%s", lot.code), "/items", 0));
	}
}
END_TEST

START_TEST(own_and_granted_lots_make_one_list)
{
	struct actor who = make_producer();
	const char *cursor = "", *seen = "";

	for (int i = 0; i < 3; i++) {
		make_lot(&who);
		grant(make_lot(&producer).id, &who, i % 2 ? "read" : "record");
		make_lot(&producer); /* and what is neither */
	}
	grant(sql_text("SELECT id FROM lot WHERE organization_id = '%s' LIMIT 1", who.organization), &who,
		"read");
	const char *all = sql_text(
		"SELECT string_agg(id || ' ', '' ORDER BY id DESC) FROM lot WHERE organization_id = '%s'"
		" OR id IN (SELECT lot_id FROM lot_grant WHERE organization_id = '%s')",
		who.organization, who.organization);
	expect(has_count(get(&who, "/v1/lots"), "/items", 6));
	for (int page = 0; page < 3; page++) {
		const struct reply *r = get(&who, "/v1/lots?limit=2%s", cursor);
		expect(has_count(r, "/items", 2));
		seen = TEXT("%s%s %s ", seen, reply_text(r, "/items/0/id"), reply_text(r, "/items/1/id"));
		expect(page < 2 || has_null(r, "/next_cursor"));
		cursor = TEXT("&cursor=%s", reply_text(r, "/next_cursor"));
	}
	ck_assert_str_eq(seen, all);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_filter_keeps_what_it_names,
		a_filter_that_makes_no_sense_is_refused,
		an_unchanged_lot_need_not_be_sent_again,
		a_foreign_lot_and_a_missing_one_cannot_be_told_apart,
		an_id_is_found_in_either_case_and_no_other_form,
		a_grant_of_either_kind_shows_the_lot_until_it_ends,
		own_and_granted_lots_make_one_list,
	};

	return world_run("lot views", tests, ARRAY_SIZE(tests));
}
