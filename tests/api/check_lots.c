/* Lots: registering them, exactly. Finding and seeing them is in check_lot_views.c. */
#include <string.h>

#include "expect.h"
#include "world.h"

/* A lot of `product_id` with these members, "'quantity':1,'uom':'KGM'" perhaps, under a new code. */
static const struct reply *register_lot(const struct actor *who, const char *product_id, const char *members)
{
	return post(
		who, "/v1/lots", "{'product_id':'%s','code':'%s',%s}", product_id, new_code("R-"), members);
}

START_TEST(a_lot_comes_back_as_it_was_given)
{
	const char *product = make_product(&producer), *origin = make_location(&producer);
	const struct reply *r = post(&producer, "/v1/lots",
		"{'product_id':'%s','origin_id':'%s','code':'L-2026-05','quantity':'1250.50','uom':'KGM',"
		"'harvested_on':'2026-05-01'}",
		product, origin);

	expect(answered(r, 201));
	expect(has_members(r, "",
		"id public_code code product_id origin_id organization_id quantity uom harvested_on status "
		"version "
		"created_at"));
	expect(has_text(r, "/code", "L-2026-05"));
	expect(has_text(r, "/product_id", product));
	expect(has_text(r, "/origin_id", origin));
	expect(has_text(r, "/organization_id", producer.organization));
	expect(has_text(r, "/quantity", "1250.50"));
	expect(has_text(r, "/uom", "KGM"));
	expect(has_text(r, "/harvested_on", "2026-05-01"));
	expect(has_text(r, "/status", "REGISTERED"));
	expect(has_number(r, "/version", 1));
	const char *location = reply_header(r, "Location");
	ck_assert_str_eq(location, TEXT("/v1/lots/%s", reply_text(r, "/id")));
	const struct reply *shown = get(&producer, "%s", location);
	expect(answered(shown, 200));
	expect(same_body(shown, r));
}
END_TEST

START_TEST(a_lot_needs_no_origin_and_no_date)
{
	const struct reply *r = register_lot(&producer, make_product(&producer), "'quantity':1,'uom':'XBX'");

	expect(answered(r, 201));
	expect(has_null(r, "/origin_id"));
	expect(has_null(r, "/harvested_on"));
}
END_TEST

START_TEST(a_quantity_is_exact)
{
	static const struct {
		const char *given, *kept;
	} rows[] = {
		{ "1250.50", "1250.50" },
		{ "'1250.50'", "1250.50" },
		{ "0.001", "0.001" },
		{ "'0.001'", "0.001" },
		{ "99999999999.999", "99999999999.999" },
		{ "'99999999999.999'", "99999999999.999" },
		{ "90071992547.409", "90071992547.409" }, /* no double holds the first of these two */
		{ "90071992547.41", "90071992547.41" },
		{ "0.1", "0.1" },
		{ "0.3", "0.3" },
		{ "1e3", "1000" },
		{ "1.5E+3", "1500" },
		{ "12500e-1", "1250.0" },
		{ "1e-3", "0.001" },
		{ "99999999999999e-3", "99999999999.999" },
		{ "7", "7" },
		{ "'7.000'", "7.000" },
	};
	const char *product = make_product(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct reply *r =
			register_lot(&producer, product, TEXT("'uom':'KGM','quantity':%s", rows[i].given));
		expect(answered(r, 201));
		expect(has_text(r, "/quantity", rows[i].kept));
		expect(has_text(
			get(&producer, "/v1/lots/%s", reply_text(r, "/id")), "/quantity", rows[i].kept));
	}
}
END_TEST

START_TEST(what_is_no_quantity_is_refused)
{
	static const struct {
		const char *given, *code;
	} rows[] = {
		{ "0", "out_of_range" },
		{ "'0.000'", "out_of_range" },
		{ "-0.0", "out_of_range" },
		{ "-1", "out_of_range" },
		{ "'-0.001'", "out_of_range" },
		{ "100000000000", "out_of_range" },
		{ "'100000000000.000'", "out_of_range" },
		{ "1e11", "out_of_range" },
		{ "1e999999999", "out_of_range" },
		{ "1e99999999999999999999", "out_of_range" },
		{ "1.0001", "too_precise" },
		{ "'0.0001'", "too_precise" },
		{ "1e-4", "too_precise" },
		{ "1e-999999999", "out_of_range" },
		{ "'1e3'", "bad_format" },
		{ "'NaN'", "bad_format" },
		{ "'Infinity'", "bad_format" },
		{ "'-Infinity'", "bad_format" },
		{ "'0x10'", "bad_format" },
		{ "'1,5'", "bad_format" },
		{ "'1 000'", "bad_format" },
		{ "' 1'", "bad_format" },
		{ "'1 '", "bad_format" },
		{ "'+1'", "bad_format" },
		{ "'01'", "bad_format" },
		{ "'.5'", "bad_format" },
		{ "'1.'", "bad_format" },
		{ "'1.5.5'", "bad_format" },
		{ "'--1'", "bad_format" },
		{ "'١٢'", "bad_format" },
		{ "''", "bad_format" },
		{ "true", "wrong_type" },
		{ "[1]", "wrong_type" },
		{ "{}", "wrong_type" },
		{ "null", "required" },
	};
	const char *product = make_product(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_only_fault(
			register_lot(&producer, product, TEXT("'uom':'KGM','quantity':%s", rows[i].given)),
			"/quantity", rows[i].code));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM lot WHERE product_id = '%s'", product), 0);
}
END_TEST

START_TEST(a_code_is_gs1s_twenty_characters)
{
	static const char *const fine[] = { "A", "ABCDEFGHIJKLMNOPQRST", "a/b%c+d", "!\\\"%&()*+,-./:;<=>?_",
		"00", "\\u0041B" };
	static const struct {
		const char *code, *fault;
	} wrong[] = { { "", "too_short" }, { "ABCDEFGHIJKLMNOPQRSTU", "too_long" },
		{ "A B", "bad_character" }, { "LOTE-Ñ", "bad_character" }, { "A#1", "bad_character" },
		{ "A\\\\B", "bad_character" }, { "A@B", "bad_character" }, { "[1]", "bad_character" },
		{ "A\\n", "bad_character" } };
	const char *product = make_product(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		expect(answered(
			post(&producer, "/v1/lots",
				"{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}", product, fine[i]),
			201));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(post(&producer, "/v1/lots",
					      "{'product_id':'%s','code':'%s','quantity':1,'uom':'KGM'}",
					      product, wrong[i].code),
			"/code", wrong[i].fault));
}
END_TEST

START_TEST(a_unit_is_of_rec_20_and_a_harvest_is_a_day_that_was)
{
	static const struct {
		const char *members, *pointer, *code;
	} wrong[] = {
		{ "'quantity':1,'uom':'kg'", "/uom", "not_in_list" },
		{ "'quantity':1,'uom':'KG'", "/uom", "not_in_list" },
		{ "'quantity':1,'uom':'KGM '", "/uom", "not_in_list" },
		{ "'quantity':1,'uom':'GM '", "/uom", "not_in_list" },
		{ "'quantity':1,'uom':7", "/uom", "wrong_type" },
		{ "'quantity':1,'uom':'KGM','harvested_on':'2999-01-01'", "/harvested_on", "in_the_future" },
		{ "'quantity':1,'uom':'KGM','harvested_on':'2026-02-30'", "/harvested_on", "bad_format" },
		{ "'quantity':1,'uom':'KGM','harvested_on':'2025-02-29'", "/harvested_on", "bad_format" },
		{ "'quantity':1,'uom':'KGM','harvested_on':'01/05/2026'", "/harvested_on", "bad_format" },
		{ "'quantity':1,'uom':'KGM','harvested_on':'2026-05-01T00:00:00Z'", "/harvested_on",
			"bad_format" },
		{ "'quantity':1,'uom':'KGM','harvested_on':20260501", "/harvested_on", "wrong_type" },
		{ "'quantity':1,'uom':'KGM','status':'DELIVERED'", "/status", "unknown_field" },
	};
	const char *product = make_product(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(
			register_lot(&producer, product, wrong[i].members), wrong[i].pointer, wrong[i].code));
	expect(answered(
		register_lot(&producer, product, "'quantity':1,'uom':'EA','harvested_on':'2024-02-29'"),
		201));
}
END_TEST

START_TEST(every_fault_is_named_at_once)
{
	const struct reply *r =
		post(&producer, "/v1/lots", "{'code':'','quantity':'much','uom':'bags','colour':'green'}");

	expect(has_fault(r, "/product_id", "required"));
	expect(has_fault(r, "/code", "too_short"));
	expect(has_fault(r, "/quantity", "bad_format"));
	expect(has_fault(r, "/uom", "not_in_list"));
	expect(has_fault(r, "/colour", "unknown_field"));
	expect(has_count(r, "/errors", 5));
}
END_TEST

START_TEST(product_and_origin_must_be_ones_own)
{
	const char *nowhere = "018f0000-0000-7000-8000-00000000ffff";
	const char *members = "'quantity':1,'uom':'KGM'";
	const struct reply *missing = register_lot(&producer, nowhere, members);
	const struct reply *foreign = register_lot(&producer, make_product(&rival), members);

	expect(has_only_fault(missing, "/product_id", "unknown_product"));
	expect(has_only_fault(foreign, "/product_id", "unknown_product"));
	expect(same_problem(foreign, missing)); /* whose it is is nobody's business */

	const char *product = make_product(&producer);
	missing = register_lot(&producer, product, TEXT("%s,'origin_id':'%s'", members, nowhere));
	foreign =
		register_lot(&producer, product, TEXT("%s,'origin_id':'%s'", members, make_location(&rival)));
	expect(has_only_fault(missing, "/origin_id", "unknown_location"));
	expect(has_only_fault(foreign, "/origin_id", "unknown_location"));
	expect(same_problem(foreign, missing));

	const struct reply *both =
		register_lot(&producer, nowhere, TEXT("%s,'origin_id':'%s'", members, nowhere));
	expect(has_fault(both, "/product_id", "unknown_product"));
	expect(has_fault(both, "/origin_id", "unknown_location"));
	expect(has_count(both, "/errors", 2));
}
END_TEST

START_TEST(a_code_is_taken_once_a_product)
{
	const struct made_lot lot = make_lot(&producer);
	const char *again =
		json("{'product_id':'%s','code':'%s','quantity':2,'uom':'KGM'}", lot.product_id, lot.code);
	const char *other = json("{'product_id':'%s','code':'%s','quantity':2,'uom':'KGM'}",
		make_product(&producer), lot.code);

	expect(is_problem(
		CALL(.path = "/v1/lots", .token = producer.token, .body = again), 409, "lot_code_taken"));
	expect(answered(CALL(.path = "/v1/lots", .token = producer.token, .body = other), 201));
}
END_TEST

START_TEST(only_an_approved_producer_registers_lots)
{
	const struct {
		const struct actor *who;
		const char *code;
	} rows[] = { { &packer, "forbidden" }, { &exporter, "forbidden" }, { &certifier, "forbidden" },
		{ &buyer, "forbidden" }, { &admin, "forbidden" },
		{ &newcomer, "organization_not_approved" } };
	const char *product = make_product(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(is_problem(
			register_lot(rows[i].who, product, "'quantity':1,'uom':'KGM'"), 403, rows[i].code));
	expect(is_problem(register_lot(NULL, product, "'quantity':1,'uom':'KGM'"), 401, "unauthenticated"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_lot_comes_back_as_it_was_given,
		a_lot_needs_no_origin_and_no_date,
		a_quantity_is_exact,
		what_is_no_quantity_is_refused,
		a_code_is_gs1s_twenty_characters,
		a_unit_is_of_rec_20_and_a_harvest_is_a_day_that_was,
		every_fault_is_named_at_once,
		product_and_origin_must_be_ones_own,
		a_code_is_taken_once_a_product,
		only_an_approved_producer_registers_lots,
	};

	return world_run("lots", tests, ARRAY_SIZE(tests));
}
