/* The public trace: what anybody with the product in hand may know, and not a word more. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "world.h"

static const struct reply *trace(const struct made_lot *lot)
{
	return get(NULL, "/t/%s", lot->public_code);
}

static const struct reply *trace_with(const struct made_lot *lot, const char *header)
{
	return CALL(.path = TEXT("/t/%s", lot->public_code), .headers = { header });
}

/* Harvested, inspected with that result, packed. */
static struct made_lot make_traced_lot(const char *result)
{
	struct made_lot lot = make_lot(&producer);

	grant(lot.id, &certifier, "record");
	record(&producer, &lot, "HARVEST", "2026-05-01T10:00:00Z",
		TEXT(",'location_id':'%s','temperature_c':'18.50','humidity_pct':60,'notes':'secret remark'",
			lot.origin_id));
	record(&certifier, &lot, "QUALITY_INSPECTION", "2026-05-02T10:00:00Z",
		TEXT(",'result':'%s'", result));
	record(&producer, &lot, "PACKAGING", "2026-05-03T10:00:00Z", "");
	return lot;
}

/* --- finding a lot --- */

START_TEST(a_code_shows_the_lots_history)
{
	const struct made_lot lot = make_traced_lot("conformant");
	const struct reply *r = trace(&lot);

	expect(answered(r, 200));
	ck_assert_str_eq(r->body, json("{'lot':{'code':'%s','product':'Aguacate "
				       "Hass','variety':'Hass','quantity':'1250.50','uom':'KGM',"
				       "'harvested_on':'2026-05-01','origin':'Rancho El Mirador, "
				       "Michoacán','status':'REGISTERED'},"
				       "'producer':{'name':'Huerta El "
				       "Mirador','region':'Michoacán'},'badge':'VERIFIED','events':["
				       "{'kind':'HARVEST','at':'2026-05-01T10:00:00Z','place':'Rancho El "
				       "Mirador, Michoacán','result':null,"
				       "'temperature_c':'18.50'},"
				       "{'kind':'QUALITY_INSPECTION','at':'2026-05-02T10:00:00Z','place':"
				       "null,'result':'conformant',"
				       "'temperature_c':null},"
				       "{'kind':'PACKAGING','at':'2026-05-03T10:00:00Z','place':null,'result'"
				       ":null,'temperature_c':null}],"
				       "'verified':true}",
					  lot.code));
}
END_TEST

START_TEST(what_is_not_known_is_null)
{
	const char *product = reply_text(
		post(&producer, "/v1/products", "{'name':'Mora','commodity':'blackberry'}"), "/id");
	const struct reply *lot = post(
		&producer, "/v1/lots", "{'product_id':'%s','code':'BARE','quantity':1,'uom':'XBX'}", product);
	const struct reply *r = get(NULL, "/t/%s", reply_text(lot, "/public_code"));

	expect(answered(r, 200));
	ck_assert_str_eq(r->body,
		json("{'lot':{'code':'BARE','product':'Mora','variety':null,'quantity':'1','uom':'XBX',"
		     "'harvested_on':null,'origin':null,'status':'REGISTERED'},"
		     "'producer':{'name':'Huerta El Mirador','region':null},'badge':'PENDING','events':[],"
		     "'verified':true}"));
}
END_TEST

START_TEST(a_digital_link_shows_the_same)
{
	const struct made_lot lot = make_traced_lot("conformant");
	const struct reply *by_code = trace(&lot);

	expect(answered(get(NULL, "/01/%s/10/%s", lot.gtin, lot.code), 200));
	expect(same_body(get(NULL, "/01/%s/10/%s", lot.gtin, lot.code), by_code));
}
END_TEST

START_TEST(a_gtin_is_found_in_every_length_that_means_it)
{
	static const char *const forms[] = { "614141007349", "0614141007349", "00614141007349" };
	const char *product = reply_text(
		post(&producer, "/v1/products", "{'name':'Mango','commodity':'mango','gtin':'%s'}", forms[1]),
		"/id");

	expect(answered(post(&producer, "/v1/lots",
				"{'product_id':'%s','code':'M-1','quantity':1,'uom':'KGM'}", product),
		201));
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		expect(has_text(get(NULL, "/01/%s/10/M-1", forms[i]), "/lot/product", "Mango"));
	expect(is_problem(get(NULL, "/01/614141007348/10/M-1"), 404, "not_found")); /* wrong check digit */
	expect(is_problem(get(NULL, "/01/000614141007349/10/M-1"), 404, "not_found"));
	expect(is_problem(get(NULL, "/01/61414100734X/10/M-1"), 404, "not_found"));
	expect(is_problem(get(NULL, "/01/614141007349/10/M-2"), 404, "not_found"));
	expect(is_problem(get(NULL, "/01/614141007349/10/m-1"), 404, "not_found"));
	expect(is_problem(get(NULL, "/1/614141007349/10/M-1"), 404, "not_found"));
	expect(is_problem(get(NULL, "/01/614141007349"), 404, "not_found"));
}
END_TEST

START_TEST(a_lot_code_is_escaped_in_a_digital_link)
{
	static const struct {
		const char *code, *escaped;
	} rows[] = {
		{ "A/B", "A%2FB" },
		{ "A/B", "A%2fB" },
		{ "50%+1", "50%25%2B1" },
		{ "50%+1", "50%25+1" }, /* a plus in a path is a plus */
		{ "a?b=c&d", "a%3Fb=c&d" },
		{ "../..", "..%2F.." },
		{ "<\\u0022;:!>", "%3C%22;:!%3E" },
		{ "Plain-1", "%50lain%2D1" },
	};
	const struct made_lot lot = make_lot(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		post(&producer, "/v1/lots", "{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}",
			lot.product_id, rows[i].code);
		const struct reply *r = CALL(.path = TEXT("/01/%s/10/%s", lot.gtin, rows[i].escaped));
		expect(answered(r, 200));
		expect(has_text(
			r, "/lot/code", sql_text("SELECT '{\"c\":\"%s\"}'::json ->> 'c'", rows[i].code)));
	}
	/* Decoded once: not twice. */
	expect(is_problem(CALL(.path = TEXT("/01/%s/10/A%%252FB", lot.gtin)), 404, "not_found"));
	expect(is_problem(CALL(.path = TEXT("/01/%s/10/A/B", lot.gtin)), 404, "not_found"));
}
END_TEST

START_TEST(what_leads_nowhere_is_not_found)
{
	static const char *const paths[] = { "/t/AAAAAAAAAA", "/t/A", "/t/AAAAAAAAAAA", "/t/%27%20OR%201",
		"/t/%25%25%25", "/t/01a20a2f-533e-736c-8768-4e07731ce619", "/t", "/T/AAAAAAAAAA",
		"/01/07501031311309/10/%C3%B1", "/01/07501031311309/10/%20",
		"/01/07501031311309/10/ABCDEFGHIJKLMNOPQRSTU" };
	const struct made_lot lot = make_lot(&producer);
	char twisted[16] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		expect(is_problem(CALL(.path = paths[i]), 404, "not_found"));
	for (size_t i = 0; lot.public_code[i]; i++)
		twisted[i] = (char)(isalpha((unsigned char)lot.public_code[i]) ? lot.public_code[i] ^ 0x20
									       : lot.public_code[i]);
	if (strcmp(twisted, lot.public_code) != 0)
		expect(is_problem(get(NULL, "/t/%s", twisted), 404, "not_found"));
	expect(is_problem(get(NULL, "/t/%s", lot.id), 404, "not_found"));
	expect(is_problem(get(NULL, "/t/%s", lot.code), 404, "not_found"));
}
END_TEST

/* --- what it says --- */

START_TEST(nobodys_name_is_in_it)
{
	const struct made_lot lot = make_traced_lot("conformant");
	const struct reply *r = trace(&lot);
	const char *const secrets[] = { producer.name, producer.email, "@", producer.id,
		producer.organization, certifier.name, certifier.organization, "Sello Verde", lot.id,
		lot.product_id, lot.origin_id, "secret remark", "humidity", "notes", "user", "recorded_at" };

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		ck_assert_msg(!strstr(r->body, secrets[i]), "%s in %s", secrets[i], r->body);
}
END_TEST

START_TEST(the_badge_says_how_much_is_known)
{
	static const struct {
		const char *result, *badge;
	} inspections[] = { { "conformant", "VERIFIED" }, { "accepted", "VERIFIED" },
		{ "non_conformant", "PARTIAL" }, { "rejected", "PARTIAL" } };
	const struct made_lot lot = make_lot(&producer);

	expect(has_text(trace(&lot), "/badge", "PENDING"));
	record(&producer, &lot, "HARVEST", "2026-05-01T10:00:00Z", "");
	expect(has_text(trace(&lot), "/badge", "PARTIAL"));
	record(&producer, &lot, "PACKAGING", "2026-05-03T10:00:00Z", "");
	expect(has_text(trace(&lot), "/badge", "PARTIAL"));
	for (size_t i = 0; i < ARRAY_SIZE(inspections); i++) {
		const struct made_lot inspected = make_traced_lot(inspections[i].result);
		expect(has_text(trace(&inspected), "/badge", inspections[i].badge));
	}
}
END_TEST

START_TEST(the_last_inspection_counts)
{
	struct made_lot lot = make_traced_lot("conformant");

	record(&certifier, &lot, "QUALITY_INSPECTION", "2026-05-04T10:00:00Z", ",'result':'non_conformant'");
	expect(has_text(trace(&lot), "/badge", "PARTIAL"));
	record(&certifier, &lot, "QUALITY_INSPECTION", "2026-05-05T10:00:00Z", ",'result':'conformant'");
	expect(has_text(trace(&lot), "/badge", "VERIFIED"));
}
END_TEST

START_TEST(a_history_that_was_changed_is_not_verified)
{
	static const char *const changes[] = {
		"UPDATE event SET at = at - interval '1 day' WHERE lot_id = '%s' AND position = 1",
		"UPDATE event SET result = 'accepted' WHERE lot_id = '%s' AND position = 2",
		"DELETE FROM event WHERE lot_id = '%s' AND position = 3",
		"DELETE FROM event WHERE lot_id = '%s'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct made_lot lot = make_traced_lot("conformant");
		expect(has_bool(trace(&lot), "/verified", true));
		sql(changes[i], lot.id);
		const struct reply *r = trace(&lot);
		expect(answered(r, 200));
		expect(has_bool(r, "/verified", false));
		expect(!has_text(r, "/badge", "VERIFIED"));
	}
}
END_TEST

START_TEST(a_recall_is_to_be_seen)
{
	const struct made_lot lot = make_traced_lot("conformant");
	const struct reply *before = trace(&lot);

	sql("UPDATE lot SET status = 'RECALLED' WHERE id = '%s'", lot.id);
	const struct reply *r = trace_with(&lot, TEXT("If-None-Match: %s", reply_header(before, "ETag")));
	expect(answered(r, 200));
	expect(has_text(r, "/lot/status", "RECALLED"));
}
END_TEST

/* --- how it may be kept --- */

START_TEST(it_may_be_kept_for_a_minute_and_asked_for_again)
{
	const struct made_lot lot = make_traced_lot("conformant");
	const struct reply *r = trace(&lot);
	const char *etag = reply_header(r, "ETag");

	expect(has_header(r, "Cache-Control", "public, max-age=60"));
	expect(has_header(r, "Content-Type", "application/json"));
	ck_assert_ptr_nonnull(etag);
	const struct reply *same = trace_with(&lot, TEXT("If-None-Match: %s", etag));
	expect(answered(same, 304));
	expect(has_header(same, "ETag", etag));
	expect(has_header(same, "Cache-Control", "public, max-age=60"));
	ck_assert_uint_eq(same->length, 0);
	expect(answered(CALL(.method = "HEAD", .path = TEXT("/t/%s", lot.public_code),
				.headers = { TEXT("If-None-Match: %s", etag) }),
		304));
	record(&producer, &lot, "TRANSPORT_START", "2026-05-04T10:00:00Z", "");
	const struct reply *changed = trace_with(&lot, TEXT("If-None-Match: %s", etag));
	expect(answered(changed, 200));
	expect(!has_header(changed, "ETag", etag));
	expect(has_text(changed, "/lot/status", "IN_TRANSIT"));
}
END_TEST

START_TEST(head_tells_the_same_without_saying_it)
{
	const struct made_lot lot = make_traced_lot("conformant");
	const struct reply *r = trace(&lot);
	const struct reply *head = CALL(.method = "HEAD", .path = TEXT("/t/%s", lot.public_code));

	expect(answered(head, 200));
	ck_assert_uint_eq(head->length, 0);
	expect(has_header(head, "ETag", reply_header(r, "ETag")));
	expect(has_header(head, "Content-Length", TEXT("%zu", r->length)));
}
END_TEST

START_TEST(it_is_the_same_for_everybody)
{
	const struct made_lot lot = make_traced_lot("conformant");
	const struct reply *r = trace(&lot);

	expect(same_body(get(&producer, "/t/%s", lot.public_code), r));
	expect(same_body(get(&rival, "/t/%s", lot.public_code), r));
	expect(same_body(CALL(.path = TEXT("/t/%s", lot.public_code), .token = "nonsense"), r));
	expect(same_body(CALL(.path = TEXT("/t/%s", lot.public_code), .language = "es"), r));
}
END_TEST

/* --- the code itself --- */

START_TEST(codes_are_ten_random_characters)
{
	enum { LOTS = 40 };
	const char *product = make_product(&producer), *codes[LOTS];
	int same_place = 0;

	for (int i = 0; i < LOTS; i++) {
		const struct reply *r = post(&producer, "/v1/lots",
			"{'product_id':'%s','code':'C-%d','quantity':1,'uom':'KGM'}", product, i);
		codes[i] = reply_text(r, "/public_code");
		ck_assert_uint_eq(strlen(codes[i]), 10);
		for (const char *c = codes[i]; *c; c++)
			ck_assert_msg(isalnum((unsigned char)*c), "%s", codes[i]);
	}
	for (int i = 0; i < LOTS; i++)
		for (int k = 0; k < i; k++)
			for (int c = 0; c < 10; c++)
				same_place += codes[i][c] == codes[k][c];
	/* 780 pairs of 10 places at 1/62: 126 expected, deviation 11; 250 is beyond any doubt. */
	ck_assert_int_lt(same_place, 250);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_code_shows_the_lots_history,
		what_is_not_known_is_null,
		a_digital_link_shows_the_same,
		a_gtin_is_found_in_every_length_that_means_it,
		a_lot_code_is_escaped_in_a_digital_link,
		what_leads_nowhere_is_not_found,
		nobodys_name_is_in_it,
		the_badge_says_how_much_is_known,
		the_last_inspection_counts,
		a_history_that_was_changed_is_not_verified,
		a_recall_is_to_be_seen,
		it_may_be_kept_for_a_minute_and_asked_for_again,
		head_tells_the_same_without_saying_it,
		it_is_the_same_for_everybody,
		codes_are_ten_random_characters,
	};

	return world_run("public", tests, ARRAY_SIZE(tests));
}
