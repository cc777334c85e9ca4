/* Products and locations: who may have them, what they may hold. Lists are in check_lists.c. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "world.h"

static const struct reply *make(const struct actor *who, const char *path, const char *members)
{
	return post(who, path, "{%s}", members);
}

static const struct reply *locate(const char *members)
{
	return post(&producer, "/v1/locations", "{'name':'Rancho','kind':'FARM',%s}", members);
}

static const struct reply *sell(const struct actor *who, const char *gtin)
{
	return post(who, "/v1/products", "{'name':'Aguacate','commodity':'avocado','gtin':'%s'}", gtin);
}

/* The item of a list with that id; NULL where it is not among the first fifty. */
static const cJSON *listed(const struct actor *who, const char *path, const char *id)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, reply_at(get(who, "%s", path), "/items"))
	{
		if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(item, "id")), id) == 0)
			return item;
	}
	return NULL;
}

/* --- products --- */

START_TEST(a_product_comes_back_as_it_was_given)
{
	const char *gtin = new_gtin();
	const struct reply *r = post(&producer, "/v1/products",
		"{'name':'Aguacate Hass','commodity':'avocado','variety':'Hass','gtin':'%s'}", gtin);

	expect(answered(r, 201));
	expect(has_members(r, "", "id name commodity variety gtin organization_id version created_at"));
	expect(has_text(r, "/name", "Aguacate Hass"));
	expect(has_text(r, "/commodity", "avocado"));
	expect(has_text(r, "/variety", "Hass"));
	expect(has_text(r, "/gtin", gtin));
	expect(has_text(r, "/organization_id", producer.organization));
	expect(has_number(r, "/version", 1));
	expect(has_header(r, "Location", TEXT("/v1/products/%s", reply_text(r, "/id"))));
	ck_assert(cJSON_Compare(listed(&producer, "/v1/products", reply_text(r, "/id")), r->json, true));
}
END_TEST

START_TEST(what_is_not_given_is_null)
{
	const struct reply *r =
		post(&packer, "/v1/products", "{'name':'Mezcla','commodity':'berries','variety':null}");

	expect(answered(r, 201));
	expect(has_null(r, "/variety"));
	expect(has_null(r, "/gtin"));
}
END_TEST

START_TEST(a_shorter_gtin_is_kept_in_fourteen_digits)
{
	static const struct {
		const char *given, *kept;
	} gtins[] = {
		{ "7501031311309", "07501031311309" },
		{ "96385074", "00000096385074" },
		{ "036000291452", "00036000291452" },
		{ "10614141543219", "10614141543219" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(gtins); i++)
		expect(has_text(sell(&producer, gtins[i].given), "/gtin", gtins[i].kept));
	expect(is_problem(sell(&producer, "07501031311309"), 409, "gtin_taken"));
}
END_TEST

START_TEST(a_gtin_has_a_check_digit_and_a_length)
{
	static const struct {
		const char *gtin, *code;
	} wrong[] = {
		{ "7501031311308", "bad_check_digit" },
		{ "10614141543218", "bad_check_digit" },
		{ "750103131130", "bad_check_digit" },
		{ "75010313113", "bad_format" },
		{ "075010313113090", "bad_format" },
		{ "750103131130X", "bad_format" },
		{ " 7501031311309", "bad_format" },
		{ "", "too_short" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(sell(&producer, wrong[i].gtin), "/gtin", wrong[i].code));
	expect(has_only_fault(
		make(&producer, "/v1/products", "'name':'x','commodity':'y','gtin':7501031311309"), "/gtin",
		"wrong_type"));
}
END_TEST

START_TEST(a_gtin_belongs_to_one_product_in_the_world)
{
	const char *gtin = new_gtin();

	expect(answered(sell(&producer, gtin), 201));
	expect(is_problem(sell(&producer, gtin), 409, "gtin_taken"));
	expect(is_problem(sell(&rival, gtin), 409, "gtin_taken"));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM product WHERE gtin = '%s'", gtin), 1);
}
END_TEST

/* --- locations --- */

START_TEST(a_location_comes_back_as_it_was_given)
{
	const struct reply *r = post(&buyer, "/v1/locations",
		"{'name':'Puerto de Manzanillo','kind':'PORT','latitude':19.0520,'longitude':'-104.3159',"
		"'country':'MX','region':'Colima','gln':'7504000000006'}");

	expect(answered(r, 201));
	expect(has_members(r, "",
		"id name kind latitude longitude country region gln organization_id version created_at"));
	expect(has_text(r, "/name", "Puerto de Manzanillo"));
	expect(has_text(r, "/kind", "PORT"));
	expect(has_text(r, "/latitude", "19.0520")); /* exact, and always as a string */
	expect(has_text(r, "/longitude", "-104.3159"));
	expect(has_text(r, "/country", "MX"));
	expect(has_text(r, "/region", "Colima"));
	expect(has_text(r, "/gln", "7504000000006"));
	expect(has_text(r, "/organization_id", buyer.organization));
	expect(has_header(r, "Location", TEXT("/v1/locations/%s", reply_text(r, "/id"))));
	ck_assert(cJSON_Compare(listed(&buyer, "/v1/locations", reply_text(r, "/id")), r->json, true));
}
END_TEST

START_TEST(degrees_have_their_bounds)
{
	static const char *const fine[] = { "'latitude':90", "'latitude':-90", "'latitude':'90.0000000'",
		"'latitude':0", "'latitude':-0.0000001", "'longitude':180", "'longitude':'-180'" };
	static const struct {
		const char *member, *pointer, *code;
	} wrong[] = {
		{ "'latitude':90.0000001", "/latitude", "out_of_range" },
		{ "'latitude':'-90.0000001'", "/latitude", "out_of_range" },
		{ "'latitude':91", "/latitude", "out_of_range" },
		{ "'latitude':1e2", "/latitude", "out_of_range" },
		{ "'latitude':1e400", "/latitude", "out_of_range" },
		{ "'latitude':1.00000001", "/latitude", "too_precise" },
		{ "'latitude':'NaN'", "/latitude", "bad_format" },
		{ "'latitude':'19,4'", "/latitude", "bad_format" },
		{ "'latitude':''", "/latitude", "bad_format" },
		{ "'latitude':true", "/latitude", "wrong_type" },
		{ "'longitude':180.0000001", "/longitude", "out_of_range" },
		{ "'longitude':-181", "/longitude", "out_of_range" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		expect(answered(locate(fine[i]), 201));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(locate(wrong[i].member), wrong[i].pointer, wrong[i].code));
}
END_TEST

START_TEST(a_country_is_one_of_iso_3166)
{
	static const char *const fine[] = { "MX", "AD", "ZW", "US", "SS" };
	static const char *const wrong[] = { "XX", "mx", "MEX", "UK", "M", "AN", "X ", " M", "D A" };

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		expect(answered(locate(TEXT("'country':'%s'", fine[i])), 201));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(locate(TEXT("'country':'%s'", wrong[i])), "/country", "not_in_list"));
}
END_TEST

START_TEST(a_kind_of_location_is_a_word)
{
	static const char *const fine[] = { "FARM", "packhouse", "COLD_STORE-2", "X",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMN" /* 40 */ };
	static const struct {
		const char *kind, *code;
	} wrong[] = {
		{ "COLD STORE", "bad_format" },
		{ "2FARM", "bad_format" },
		{ "_FARM", "bad_format" },
		{ "FÁRM", "bad_format" },
		{ "", "too_short" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNO", "too_long" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		expect(answered(post(&producer, "/v1/locations", "{'name':'x','kind':'%s'}", fine[i]), 201));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(
			post(&producer, "/v1/locations", "{'name':'x','kind':'%s'}", wrong[i].kind), "/kind",
			wrong[i].code));
}
END_TEST

START_TEST(a_gln_has_thirteen_digits_and_a_check_digit)
{
	expect(answered(locate("'gln':'7504000000006'"), 201));
	expect(has_only_fault(locate("'gln':'7504000000005'"), "/gln", "bad_check_digit"));
	expect(has_only_fault(locate("'gln':'750400000000'"), "/gln", "bad_format"));
	expect(has_only_fault(locate("'gln':'07504000000006'"), "/gln", "bad_format"));
}
END_TEST

/* --- any text --- */

START_TEST(a_name_is_kept_byte_for_byte)
{
	static const char *const names[] = { "'; DROP TABLE product; --", "%s%n%x",
		"<script>alert(1)</script>", "Aguacate\u0301 de Uruapan",
		"\u0627\u0644\u0623\u0641\u0648\u0643\u0627\u062f\u0648", "\u202e\u0631\u0645\u0632\u202c",
		"\U0001F951\U0001F469\u200D\U0001F33E", "  spaces at both ends  ",
		"100 % \\ {} [] \u00a0 \u200b", "$1 $$ E'\\x41'", "NULL", "ﬁ ẞ İ ı",
		"\u00ff\uffff\U0010ffff" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cJSON *body = cJSON_CreateObject();
		cJSON_AddStringToObject(body, "name", names[i]);
		cJSON_AddStringToObject(body, "kind", "FARM");
		char *text = cJSON_PrintUnformatted(body);
		const struct reply *r = CALL(.path = "/v1/locations", .token = producer.token, .body = text);
		free(text);
		cJSON_Delete(body);
		expect(answered(r, 201));
		expect(has_text(r, "/name", names[i]));
		ck_assert(cJSON_Compare(
			listed(&producer, "/v1/locations", reply_text(r, "/id")), r->json, true));
	}
}
END_TEST

START_TEST(an_escape_means_its_character)
{
	const struct reply *r = CALL(.path = "/v1/locations", .token = producer.token,
		.body = "{\"\\u006eame\":\"\\u00e1\\\"\\/\\\\\\uD83E\\uDD51\",\"kind\":\"F\\u0041RM\"}");

	expect(answered(r, 201));
	expect(has_text(r, "/name", "\u00e1\"/\\\U0001F951"));
	expect(has_text(r, "/kind", "FARM"));
}
END_TEST

START_TEST(a_name_counts_characters_and_holds_no_control)
{
	char longest[2 * 201 + 1];

	for (int i = 0; i < 201; i++)
		memcpy(longest + 2 * i, "ñ", 2);
	longest[2 * 201] = '\0';
	const struct reply *r = post(&producer, "/v1/locations", "{'name':'%s','kind':'FARM'}", longest);
	expect(has_only_fault(r, "/name", "too_long"));
	longest[2 * 200] = '\0';
	r = post(&producer, "/v1/locations", "{'name':'%s','kind':'FARM'}", longest);
	expect(answered(r, 201));
	static const struct {
		const char *name, *code;
	} wrong[] = { { "", "too_short" }, { "  ", "too_short" }, { "a\\nb", "bad_character" },
		{ "a\\tb", "bad_character" }, { "\\u001b[2J", "bad_character" },
		{ "a\xc2\x85"
		  "b",
			"bad_character" },
		{ "a\x7f"
		  "b",
			"bad_character" },
		{ "a\\u0000b", "nul_character" }, { "\\ud800", "bad_character" } };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(
			post(&producer, "/v1/locations", "{'name':'%s','kind':'FARM'}", wrong[i].name),
			"/name", wrong[i].code));
}
END_TEST

/* --- who --- */

START_TEST(whoever_grows_or_packs_has_products)
{
	const struct {
		const struct actor *who;
		int status;
		const char *code;
	} rows[] = {
		{ &producer, 201, NULL },
		{ &packer, 201, NULL },
		{ &exporter, 403, "forbidden" },
		{ &certifier, 403, "forbidden" },
		{ &buyer, 403, "forbidden" },
		{ &admin, 403, "forbidden" },
		{ &newcomer, 403, "organization_not_approved" },
		{ NULL, 401, "unauthenticated" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *r = make(rows[i].who, "/v1/products", "'name':'x','commodity':'y'");
		expect(answered(r, rows[i].status));
		expect(!rows[i].code || is_problem(r, rows[i].status, rows[i].code));
	}
}
END_TEST

START_TEST(everybody_in_the_chain_has_locations)
{
	const struct {
		const struct actor *who;
		int status;
		const char *code;
	} rows[] = {
		{ &producer, 201, NULL },
		{ &packer, 201, NULL },
		{ &exporter, 201, NULL },
		{ &certifier, 201, NULL },
		{ &buyer, 201, NULL },
		{ &admin, 403, "forbidden" },
		{ &newcomer, 403, "organization_not_approved" },
		{ NULL, 401, "unauthenticated" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *r = make(rows[i].who, "/v1/locations", "'name':'x','kind':'FARM'");
		expect(answered(r, rows[i].status));
		expect(!rows[i].code || is_problem(r, rows[i].status, rows[i].code));
	}
}
END_TEST

START_TEST(a_producer_writes_once_its_organization_is_approved)
{
	char organization[UUID_TEXT_SIZE];

	make_organization("Huerta en trámite", "PRODUCER", false, organization);
	struct actor who = make_user("PRODUCER", organization);
	log_in(&who);
	expect(is_problem(
		make(&who, "/v1/products", "'name':'x','commodity':'y'"), 403, "organization_not_approved"));
	expect(answered(get(&who, "/v1/products"), 200));
	sql("UPDATE organization SET approved = true WHERE id = '%s'", organization);
	log_in(&who); /* a session's copy may be 30 s old */
	expect(answered(make(&who, "/v1/products", "'name':'x','commodity':'y'"), 201));
	sql("UPDATE organization SET approved = false WHERE id = '%s'", organization);
	expect(is_problem(make(&who, "/v1/products", "'name':'x','commodity':'y'"), 403,
		"organization_not_approved")); /* the copy gives no right that is gone */
}
END_TEST

START_TEST(whose_a_thing_is_cannot_be_said_by_the_client)
{
	const struct reply *r = post(&producer, "/v1/products",
		"{'name':'x','commodity':'y','organization_id':'%s','id':'%s','version':7}",
		rival.organization, rival.id);

	expect(has_fault(r, "/organization_id", "unknown_field"));
	expect(has_fault(r, "/id", "unknown_field"));
	expect(has_fault(r, "/version", "unknown_field"));
	expect(has_count(r, "/errors", 3));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_product_comes_back_as_it_was_given,
		what_is_not_given_is_null,
		a_shorter_gtin_is_kept_in_fourteen_digits,
		a_gtin_has_a_check_digit_and_a_length,
		a_gtin_belongs_to_one_product_in_the_world,
		a_location_comes_back_as_it_was_given,
		degrees_have_their_bounds,
		a_country_is_one_of_iso_3166,
		a_kind_of_location_is_a_word,
		a_gln_has_thirteen_digits_and_a_check_digit,
		a_name_is_kept_byte_for_byte,
		an_escape_means_its_character,
		a_name_counts_characters_and_holds_no_control,
		whoever_grows_or_packs_has_products,
		everybody_in_the_chain_has_locations,
		a_producer_writes_once_its_organization_is_approved,
		whose_a_thing_is_cannot_be_said_by_the_client,
	};

	return world_run("master data", tests, ARRAY_SIZE(tests));
}
