/* Events: who may record which, what each may hold, and what it does to the lot. The proof of them is in check_chain.c. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "expect.h"
#include "world.h"

static const struct reply *tell(const struct actor *who, const char *lot_id, const char *members)
{
	return post(who, TEXT("/v1/lots/%s/events", lot_id), "{%s}", members);
}

/* A harvest with these members more. */
static const struct reply *harvest(const struct made_lot *lot, const char *members)
{
	return tell(&producer, lot->id, TEXT("'kind':'HARVEST','at':'2026-05-01T10:00:00Z'%s", members));
}

static bool has_status(const struct made_lot *lot, const char *status)
{
	return has_text(get(&producer, "/v1/lots/%s", lot->id), "/status", status);
}

/* Everybody of the chain may record on the lot; the times are May 2026. */
static struct made_lot make_shared_lot(void)
{
	struct made_lot lot = make_lot(&producer);

	grant(lot.id, &packer, "record");
	grant(lot.id, &exporter, "record");
	grant(lot.id, &certifier, "record");
	grant(lot.id, &buyer, "record");
	return lot;
}

/* --- who may --- */

/* In the order in which they may follow one another. */
static const char *const all_kinds[] = { "HARVEST", "PROCESSING", "QUALITY_INSPECTION", "PACKAGING",
	"TRANSPORT_START", "TRANSPORT_ARRIVAL", "CUSTOMS_CLEARANCE", "DELIVERY" };

/* The table of who records what: a letter a kind, in the order above. */
static const struct {
	const char *role, *may;
} rights[] = {
	{ "PRODUCER", "HP-KT---" },
	{ "PACKER", "-P-K----" },
	{ "EXPORTER", "----TAC-" },
	{ "CERTIFIER", "--Q-----" },
	{ "BUYER", "-------D" },
};

enum access { OWN, RECORD, READ, NONE, ACCESSES };

/* Somebody of that role with that access to the lot. */
static struct actor make_somebody(const char *role, const struct made_lot *lot, enum access access)
{
	static const char *const words[] = { [RECORD] = "record", [READ] = "read" };
	char organization[UUID_TEXT_SIZE];

	if (access == OWN)
		snprintf(organization, sizeof organization, "%s", producer.organization);
	else
		make_organization(new_code("Org "), role, true, organization);
	struct actor who = make_user(role, organization);
	log_in(&who);
	if (access == RECORD || access == READ)
		grant(lot->id, &who, words[access]);
	return who;
}

static void expect_rights(size_t row, enum access access)
{
	const struct made_lot lot = make_lot(&producer);
	const struct actor who = make_somebody(rights[row].role, &lot, access);
	/* A producer records on its own lots alone. */
	bool may_record = access == OWN || (access == RECORD && strcmp(rights[row].role, "PRODUCER") != 0);

	for (size_t k = 0; k < ARRAY_SIZE(all_kinds); k++) {
		bool is_delivery = strcmp(all_kinds[k], "DELIVERY") == 0;
		const struct reply *r = tell(&who, lot.id,
			TEXT("'kind':'%s','at':'2026-05-0%zuT10:00:00Z'%s", all_kinds[k], k + 1,
				is_delivery ? ",'result':'accepted'" : ""));
		mark_point();
		if (rights[row].may[k] == '-')
			expect(is_problem(r, 403, "kind_forbidden"));
		else if (access == NONE)
			expect(is_problem(r, 404, "not_found"));
		else if (may_record)
			expect(answered(r, 201));
		else
			expect(is_problem(r, 403, "kind_forbidden"));
	}
}

START_TEST(each_role_records_its_kinds_on_its_lots_and_no_other)
{
	for (size_t row = 0; row < ARRAY_SIZE(rights); row++)
		for (int access = OWN; access < ACCESSES; access++)
			expect_rights(row, (enum access)access);
}
END_TEST

START_TEST(an_administrator_records_nothing)
{
	const struct made_lot lot = make_lot(&producer);

	for (size_t k = 0; k < ARRAY_SIZE(all_kinds); k++)
		expect(is_problem(
			tell(&admin, lot.id, TEXT("'kind':'%s','at':'2026-05-01T10:00:00Z'", all_kinds[k])),
			403, "forbidden"));
}
END_TEST

START_TEST(a_producer_records_only_once_approved)
{
	const struct made_lot lot = make_lot(&producer);

	expect(is_problem(tell(&newcomer, lot.id, "'kind':'HARVEST','at':'2026-05-01T10:00:00Z'"), 403,
		"organization_not_approved"));
	expect(is_problem(
		tell(NULL, lot.id, "'kind':'HARVEST','at':'2026-05-01T10:00:00Z'"), 401, "unauthenticated"));
	expect(has_count(get(&producer, "/v1/lots/%s/events", lot.id), "/items", 0));
}
END_TEST

START_TEST(the_right_to_record_is_judged_before_the_place)
{
	const struct made_lot lot = make_lot(&producer);
	const char *elsewhere = make_location(&rival);

	grant(lot.id, &packer, "read");
	expect(is_problem(
		tell(&packer, lot.id,
			TEXT("'kind':'PACKAGING','at':'2026-05-01T10:00:00Z','location_id':'%s'", elsewhere)),
		403, "kind_forbidden"));
	expect(is_problem(
		tell(&exporter, lot.id,
			TEXT("'kind':'TRANSPORT_START','at':'2026-05-01T10:00:00Z','location_id':'%s'",
				elsewhere)),
		404, "not_found"));
}
END_TEST

START_TEST(a_lot_that_is_not_there_takes_no_event)
{
	expect(is_problem(tell(&producer, "018f0000-0000-7000-8000-00000000ffff",
				  "'kind':'HARVEST','at':'2026-05-01T10:00:00Z'"),
		404, "not_found"));
	expect(is_problem(
		tell(&producer, "7", "'kind':'HARVEST','at':'2026-05-01T10:00:00Z'"), 404, "not_found"));
}
END_TEST

/* --- what it does to the lot --- */

START_TEST(the_whole_way_of_a_lot)
{
	const struct {
		const struct actor *who;
		const char *kind, *at, *more, *status;
	} way[] = {
		{ &producer, "HARVEST", "2026-05-01T06:00:00-06:00", "", "REGISTERED" },
		{ &packer, "PROCESSING", "2026-05-02T10:00:00Z", "", "REGISTERED" },
		{ &certifier, "QUALITY_INSPECTION", "2026-05-03T10:00:00Z", ",'result':'conformant'",
			"REGISTERED" },
		{ &packer, "PACKAGING", "2026-05-04T10:00:00Z", "", "REGISTERED" },
		{ &producer, "TRANSPORT_START", "2026-05-05T10:00:00Z", "", "IN_TRANSIT" },
		{ &exporter, "TRANSPORT_ARRIVAL", "2026-05-06T10:00:00Z", "", "ARRIVED" },
		{ &exporter, "CUSTOMS_CLEARANCE", "2026-05-07T10:00:00Z", "", "ARRIVED" },
		{ &buyer, "DELIVERY", "2026-05-08T10:00:00Z", ",'result':'accepted'", "DELIVERED" },
	};
	const struct made_lot lot = make_shared_lot();

	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		const struct reply *r = record(way[i].who, &lot, way[i].kind, way[i].at, way[i].more);
		expect(has_number(r, "/position", (long)i + 1));
		expect(has_text(r, "/organization_id", way[i].who->organization));
		expect(has_status(&lot, way[i].status));
	}
	const struct reply *all = get(&producer, "/v1/lots/%s/events", lot.id);
	expect(has_count(all, "/items", ARRAY_SIZE(way)));
	expect(has_text(all, "/items/0/at", "2026-05-01T12:00:00Z"));
	for (int i = 0; i < (int)ARRAY_SIZE(way); i++)
		expect(has_text(all, TEXT("/items/%d/kind", i), way[i].kind));
	const struct reply *verified = get(&buyer, "/v1/lots/%s/verify", lot.id);
	expect(has_members(verified, "", "valid events first_broken"));
	expect(has_bool(verified, "/valid", true));
	expect(has_number(verified, "/events", ARRAY_SIZE(way)));
	expect(has_null(verified, "/first_broken"));
}
END_TEST

START_TEST(a_refused_delivery_rejects_the_lot)
{
	const struct made_lot lot = make_shared_lot();

	record(&buyer, &lot, "DELIVERY", "2026-05-08T10:00:00Z", ",'result':'rejected'");
	expect(has_status(&lot, "REJECTED"));
}
END_TEST

START_TEST(the_status_follows_what_happened_last_not_what_was_told_last)
{
	const struct made_lot lot = make_shared_lot();

	record(&exporter, &lot, "TRANSPORT_ARRIVAL", "2026-05-06T10:00:00Z", "");
	expect(has_status(&lot, "ARRIVED"));
	record(&producer, &lot, "TRANSPORT_START", "2026-05-05T10:00:00Z", ""); /* told late */
	expect(has_status(&lot, "ARRIVED"));
	record(&exporter, &lot, "TRANSPORT_START", "2026-05-07T10:00:00Z", ""); /* the next leg */
	expect(has_status(&lot, "IN_TRANSIT"));
	record(&buyer, &lot, "DELIVERY", "2026-05-06T12:00:00Z", ",'result':'accepted'");
	expect(has_status(&lot, "IN_TRANSIT"));
	expect(has_bool(get(&producer, "/v1/lots/%s/verify", lot.id), "/valid", true));
}
END_TEST

START_TEST(a_lot_delivered_or_rejected_takes_no_later_shipping_event)
{
	static const char *const results[] = { "accepted", "rejected" };

	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		const struct made_lot lot = make_shared_lot();
		record(&buyer, &lot, "DELIVERY", "2026-05-08T10:00:00Z", TEXT(",'result':'%s'", results[i]));
		expect(is_problem(
			tell(&exporter, lot.id, "'kind':'TRANSPORT_START','at':'2026-05-09T10:00:00Z'"), 409,
			"lot_closed"));
		expect(is_problem(
			tell(&buyer, lot.id,
				"'kind':'DELIVERY','at':'2026-05-09T10:00:00Z','result':'accepted'"),
			409, "lot_closed"));
		record(&exporter, &lot, "TRANSPORT_START", "2026-05-07T10:00:00Z", ""); /* told late */
		record(&certifier, &lot, "QUALITY_INSPECTION", "2026-05-09T10:00:00Z", "");
		expect(has_status(&lot, i ? "REJECTED" : "DELIVERED"));
		expect(has_count(get(&producer, "/v1/lots/%s/events", lot.id), "/items", 3));
	}
}
END_TEST

START_TEST(a_lot_held_or_recalled_ships_nowhere)
{
	static const struct {
		const char *status, *code;
	} rows[] = { { "ON_HOLD", "lot_held" }, { "RECALLED", "lot_recalled" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct made_lot lot = make_shared_lot();
		const struct {
			const struct actor *who;
			const char *kind, *more;
			bool ships;
		} events[] = {
			{ &producer, "HARVEST", "", false },
			{ &packer, "PROCESSING", "", false },
			{ &certifier, "QUALITY_INSPECTION", "", false },
			{ &packer, "PACKAGING", "", false },
			{ &producer, "TRANSPORT_START", "", true },
			{ &exporter, "TRANSPORT_ARRIVAL", "", true },
			{ &exporter, "CUSTOMS_CLEARANCE", "", true },
			{ &buyer, "DELIVERY", ",'result':'accepted'", true },
		};
		sql("UPDATE lot SET status = '%s' WHERE id = '%s'", rows[i].status, lot.id);
		for (size_t k = 0; k < ARRAY_SIZE(events); k++) {
			const struct reply *r = tell(events[k].who, lot.id,
				TEXT("'kind':'%s','at':'2026-05-01T10:00:00Z'%s", events[k].kind,
					events[k].more));
			expect(events[k].ships ? is_problem(r, 409, rows[i].code) : answered(r, 201));
		}
		expect(has_status(&lot, rows[i].status));
		expect(has_number(get(&producer, "/v1/lots/%s/verify", lot.id), "/events", 4));
	}
}
END_TEST

START_TEST(a_history_ends_before_it_is_too_long_to_be_read)
{
	static const char *const one_more[] = { "event_count = 9999", "event_bytes = 8388608 - 300" };

	for (size_t i = 0; i < ARRAY_SIZE(one_more); i++) {
		const struct made_lot lot = make_lot(&producer);
		sql("UPDATE lot SET %s WHERE id = '%s'", one_more[i], lot.id);
		expect(answered(harvest(&lot, ""), 201));
		expect(is_problem(harvest(&lot, ""), 409, "lot_full"));
		expect(has_count(get(&producer, "/v1/lots/%s/events", lot.id), "/items", 1));
	}
}
END_TEST

START_TEST(a_lot_knows_how_long_its_history_is)
{
	const struct made_lot lot = make_lot(&producer);

	expect(answered(harvest(&lot, ""), 201));
	expect(answered(harvest(&lot, ",'notes':'Línea 1'"), 201));
	ck_assert_int_eq(sql_number("SELECT event_bytes FROM lot WHERE id = '%s'", lot.id),
		sql_number("SELECT sum(octet_length(content)) FROM event WHERE lot_id = '%s'", lot.id));
}
END_TEST

/* --- what it may hold --- */

START_TEST(an_event_comes_back_as_it_was_told)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *r = harvest(&lot,
		TEXT(",'location_id':'%s','temperature_c':'18.50','humidity_pct':65.5,'notes':'Línea 1'",
			lot.origin_id));

	expect(answered(r, 201));
	expect(has_members(r, "",
		"id lot_id kind at location_id temperature_c humidity_pct result notes organization_id "
		"recorded_at "
		"hash position"));
	expect(has_text(r, "/lot_id", lot.id));
	expect(has_text(r, "/kind", "HARVEST"));
	expect(has_text(r, "/at", "2026-05-01T10:00:00Z"));
	expect(has_text(r, "/location_id", lot.origin_id));
	expect(has_text(r, "/temperature_c", "18.50"));
	expect(has_text(r, "/humidity_pct", "65.5"));
	expect(has_null(r, "/result"));
	expect(has_text(r, "/notes", "Línea 1"));
	expect(has_number(r, "/position", 1));
	const struct reply *list = get(&producer, "%s", reply_header(r, "Location"));
	expect(answered(list, 200));
	ck_assert(cJSON_Compare(reply_at(list, "/items/0"), r->json, true));
}
END_TEST

START_TEST(a_time_is_kept_to_the_microsecond_in_utc)
{
	static const struct {
		const char *given, *kept;
	} rows[] = {
		{ "2026-05-01T10:00:00-06:00", "2026-05-01T16:00:00Z" },
		{ "2026-05-01t10:00:00.5z", "2026-05-01T10:00:00.500000Z" },
		{ "2026-05-01T10:00:00.123456789Z", "2026-05-01T10:00:00.123456Z" },
		{ "2026-05-02T01:30:00+05:30", "2026-05-01T20:00:00Z" },
		{ "2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z" },
	};
	static const char *const wrong[] = { "2026-05-01", "2026-05-01T10:00:00", "2026-05-01 10:00",
		"2025-02-29T10:00:00Z", "2026-05-01T24:00:00Z", "2026-05-01T10:00:60Z",
		"2026-05-01T10:00:00+0600", "now", "", "1777629600" };
	const struct made_lot lot = make_lot(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_text(tell(&producer, lot.id, TEXT("'kind':'HARVEST','at':'%s'", rows[i].given)),
			"/at", rows[i].kept));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(tell(&producer, lot.id, TEXT("'kind':'HARVEST','at':'%s'", wrong[i])),
			"/at", "bad_format"));
}
END_TEST

START_TEST(nothing_happened_in_the_future)
{
	const struct made_lot lot = make_lot(&producer);
	char soon[TIME_TEXT_SIZE], later[TIME_TEXT_SIZE];

	time_to_text(clock_wall() + 4 * 60 * US_PER_SECOND, soon); /* a field clock that is fast */
	time_to_text(clock_wall() + 6 * 60 * US_PER_SECOND, later);
	expect(answered(tell(&producer, lot.id, TEXT("'kind':'HARVEST','at':'%s'", soon)), 201));
	expect(has_only_fault(
		tell(&producer, lot.id, TEXT("'kind':'HARVEST','at':'%s'", later)), "/at", "in_the_future"));
}
END_TEST

START_TEST(temperature_and_humidity_have_their_bounds)
{
	static const char *const fine[] = { "'temperature_c':-100", "'temperature_c':'200.00'",
		"'temperature_c':-0.5", "'humidity_pct':0", "'humidity_pct':'100'", "'humidity_pct':55.25",
		"'humidity_pct':null" };
	static const struct {
		const char *member, *pointer, *code;
	} wrong[] = {
		{ "'temperature_c':-100.01", "/temperature_c", "out_of_range" },
		{ "'temperature_c':200.01", "/temperature_c", "out_of_range" },
		{ "'temperature_c':1e3", "/temperature_c", "out_of_range" },
		{ "'temperature_c':18.555", "/temperature_c", "too_precise" },
		{ "'temperature_c':'18 C'", "/temperature_c", "bad_format" },
		{ "'temperature_c':false", "/temperature_c", "wrong_type" },
		{ "'humidity_pct':-0.01", "/humidity_pct", "out_of_range" },
		{ "'humidity_pct':100.01", "/humidity_pct", "out_of_range" },
		{ "'humidity_pct':'65%'", "/humidity_pct", "bad_format" },
	};
	const struct made_lot lot = make_lot(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(fine); i++)
		expect(answered(harvest(&lot, TEXT(",%s", fine[i])), 201));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		expect(has_only_fault(
			harvest(&lot, TEXT(",%s", wrong[i].member)), wrong[i].pointer, wrong[i].code));
	expect(has_bool(get(&producer, "/v1/lots/%s/verify", lot.id), "/valid", true));
}
END_TEST

START_TEST(a_result_goes_with_the_kinds_that_have_one)
{
	static const char *const verdicts[] = { "accepted", "rejected", "conformant", "non_conformant" };
	const struct made_lot lot = make_shared_lot();

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		record(&certifier, &lot, "QUALITY_INSPECTION", "2026-05-01T10:00:00Z",
			TEXT(",'result':'%s'", verdicts[i]));
	record(&certifier, &lot, "QUALITY_INSPECTION", "2026-05-01T10:00:00Z", "");
	expect(has_only_fault(harvest(&lot, ",'result':'accepted'"), "/result", "not_allowed_here"));
	expect(has_only_fault(harvest(&lot, ",'result':'good'"), "/result", "not_in_list"));
	const char *delivery = "'kind':'DELIVERY','at':'2026-05-01T10:00:00Z'";
	expect(has_only_fault(tell(&buyer, lot.id, delivery), "/result", "required"));
	expect(has_only_fault(
		tell(&buyer, lot.id, TEXT("%s,'result':null", delivery)), "/result", "required"));
	expect(has_only_fault(tell(&buyer, lot.id, TEXT("%s,'result':'conformant'", delivery)), "/result",
		"not_allowed_here"));
	expect(has_status(&lot, "REGISTERED"));
}
END_TEST

START_TEST(the_place_is_one_of_ones_own)
{
	const struct made_lot lot = make_shared_lot();
	const char *event = "'kind':'PACKAGING','at':'2026-05-01T10:00:00Z','location_id'";
	const struct reply *missing =
		tell(&packer, lot.id, TEXT("%s:'018f0000-0000-7000-8000-00000000ffff'", event));
	const struct reply *foreign = tell(&packer, lot.id, TEXT("%s:'%s'", event, lot.origin_id));

	expect(has_only_fault(missing, "/location_id", "unknown_location"));
	expect(has_only_fault(foreign, "/location_id", "unknown_location"));
	expect(same_problem(foreign, missing));
	expect(answered(tell(&packer, lot.id, TEXT("%s:'%s'", event, make_location(&packer))), 201));
	expect(has_number(get(&producer, "/v1/lots/%s/verify", lot.id), "/events", 1));
}
END_TEST

START_TEST(an_event_names_every_fault)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *r = tell(
		&producer, lot.id, "'kind':'EATEN','location_id':'x','position':7,'hash':'00','user':'me'");

	expect(has_fault(r, "/kind", "not_in_list"));
	expect(has_fault(r, "/at", "required"));
	expect(has_fault(r, "/location_id", "bad_format"));
	expect(has_fault(r, "/position", "unknown_field"));
	expect(has_fault(r, "/hash", "unknown_field"));
	expect(has_fault(r, "/user", "unknown_field"));
	expect(has_count(r, "/errors", 6));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_role_records_its_kinds_on_its_lots_and_no_other,
		an_administrator_records_nothing,
		a_producer_records_only_once_approved,
		the_right_to_record_is_judged_before_the_place,
		a_lot_that_is_not_there_takes_no_event,
		the_whole_way_of_a_lot,
		a_refused_delivery_rejects_the_lot,
		the_status_follows_what_happened_last_not_what_was_told_last,
		a_lot_delivered_or_rejected_takes_no_later_shipping_event,
		a_lot_held_or_recalled_ships_nowhere,
		a_history_ends_before_it_is_too_long_to_be_read,
		a_lot_knows_how_long_its_history_is,
		an_event_comes_back_as_it_was_told,
		a_time_is_kept_to_the_microsecond_in_utc,
		nothing_happened_in_the_future,
		temperature_and_humidity_have_their_bounds,
		a_result_goes_with_the_kinds_that_have_one,
		the_place_is_one_of_ones_own,
		an_event_names_every_fault,
	};

	return world_run("events", tests, ARRAY_SIZE(tests));
}
