/* Grants: whom a producer lets see a lot and whom record on it, and how that is taken back. */
#include <string.h>

#include "expect.h"
#include "world.h"

static const char *path_of(const struct made_lot *lot, const struct actor *to)
{
	return TEXT("/v1/lots/%s/grants/%s", lot->id, to->organization);
}

static const struct reply *let(const struct made_lot *lot, const struct actor *to, const char *access)
{
	return put(&producer, path_of(lot, to), "{'access':'%s'}", access);
}

static const struct reply *package(const struct made_lot *lot)
{
	return post(&packer, TEXT("/v1/lots/%s/events", lot->id),
		"{'kind':'PACKAGING','at':'2026-05-01T10:00:00Z'}");
}

START_TEST(a_grant_opens_the_lot_as_far_as_it_goes)
{
	const struct made_lot lot = make_lot(&producer);

	expect(is_problem(get(&packer, "/v1/lots/%s", lot.id), 404, "not_found"));
	const struct reply *r = let(&lot, &packer, "read");
	expect(answered(r, 200));
	expect(has_members(r, "", "organization_id access created_at"));
	expect(has_text(r, "/organization_id", packer.organization));
	expect(has_text(r, "/access", "read"));
	expect(answered(get(&packer, "/v1/lots/%s", lot.id), 200));
	expect(is_problem(package(&lot), 403, "kind_forbidden"));
	expect(has_text(let(&lot, &packer, "record"), "/access", "record"));
	expect(answered(package(&lot), 201));
	expect(answered(take_away(&producer, "%s", path_of(&lot, &packer)), 204));
	expect(is_problem(package(&lot), 404, "not_found"));
	expect(is_problem(get(&packer, "/v1/lots/%s", lot.id), 404, "not_found"));
	expect(has_count(get(&packer, "/v1/lots?code=%s", lot.code), "/items", 0));
	expect(has_bool(get(&producer, "/v1/lots/%s/verify", lot.id), "/valid", true));
}
END_TEST

START_TEST(the_same_grant_again_is_the_same_grant)
{
	const struct made_lot lot = make_lot(&producer);
	const struct reply *first = let(&lot, &buyer, "read");

	expect(same_body(let(&lot, &buyer, "read"), first));
	const struct reply *more = let(&lot, &buyer, "record");
	expect(has_text(more, "/created_at", reply_text(first, "/created_at")));
	const struct reply *list = get(&producer, "/v1/lots/%s/grants", lot.id);
	expect(has_count(list, "/items", 1));
	ck_assert(cJSON_Compare(reply_at(list, "/items/0"), more->json, true));
	/* A grant is no version of the lot. */
	expect(has_number(get(&producer, "/v1/lots/%s", lot.id), "/version", 1));
}
END_TEST

START_TEST(what_was_never_granted_cannot_be_taken_back)
{
	const struct made_lot lot = make_lot(&producer);

	expect(is_problem(take_away(&producer, "%s", path_of(&lot, &packer)), 404, "not_found"));
	expect(is_problem(take_away(&producer, "%s", path_of(&lot, &producer)), 404, "not_found"));
	expect(answered(let(&lot, &packer, "read"), 200));
	const struct reply *r = take_away(&producer, "%s", path_of(&lot, &packer));
	expect(answered(r, 204));
	ck_assert_uint_eq(r->length, 0);
	expect(is_problem(take_away(&producer, "%s", path_of(&lot, &packer)), 404, "not_found"));
}
END_TEST

START_TEST(it_goes_to_another_organization_that_exists)
{
	static const char *const nobody[] = { "018f0000-0000-7000-8000-00000000ffff",
		"00000000-0000-0000-0000-000000000000", "7" };
	const struct made_lot lot = make_lot(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++)
		expect(is_problem(
			put(&producer, TEXT("/v1/lots/%s/grants/%s", lot.id, nobody[i]), "{'access':'read'}"),
			404, "not_found"));
	expect(has_only_fault(let(&lot, &producer, "read"), "", "not_allowed_here"));
	expect(has_count(get(&producer, "/v1/lots/%s/grants", lot.id), "/items", 0));
}
END_TEST

START_TEST(what_it_takes)
{
	static const struct {
		const char *body, *pointer, *code;
	} rows[] = {
		{ "{}", "/access", "required" },
		{ "{'access':null}", "/access", "required" },
		{ "{'access':'write'}", "/access", "not_in_list" },
		{ "{'access':'READ'}", "/access", "not_in_list" },
		{ "{'access':true}", "/access", "wrong_type" },
		{ "{'access':'read','organization_id':'x'}", "/organization_id", "unknown_field" },
	};
	const struct made_lot lot = make_lot(&producer);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_only_fault(put(&producer, path_of(&lot, &packer), "%s", rows[i].body),
			rows[i].pointer, rows[i].code));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM lot_grant WHERE lot_id = '%s'", lot.id), 0);
}
END_TEST

/* Who asks: the answer to a PUT, a DELETE and a GET. */
START_TEST(grants_are_the_owners_to_give_and_the_administrators_to_see)
{
	const struct made_lot lot = make_lot(&producer);
	struct actor colleague = make_user("PRODUCER", producer.organization);
	const struct {
		const struct actor *who;
		int put, delete, get;
	} rows[] = {
		{ &colleague, 200, 204, 200 },
		{ &rival, 404, 404, 404 }, /* a producer to whom nothing was granted */
		{ &newcomer, 403, 403, 404 },
		{ &packer, 403, 403, 404 }, /* the lot is granted to these three, this list is not */
		{ &exporter, 403, 403, 404 },
		{ &buyer, 403, 403, 404 },
		{ &certifier, 403, 403, 404 },
		{ &admin, 403, 403, 200 },
		{ NULL, 401, 401, 401 },
	};

	log_in(&colleague);
	expect(answered(let(&lot, &packer, "record"), 200));
	expect(answered(let(&lot, &exporter, "read"), 200));
	expect(answered(let(&lot, &buyer, "read"), 200));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *path = path_of(&lot, &certifier);
		expect(answered(put(rows[i].who, path, "{'access':'read'}"), rows[i].put));
		expect(answered(take_away(rows[i].who, "%s", path), rows[i].delete));
		expect(answered(get(rows[i].who, "/v1/lots/%s/grants", lot.id), rows[i].get));
	}
	ck_assert_int_eq(sql_number("SELECT count(*) FROM lot_grant WHERE lot_id = '%s'", lot.id), 3);
	/* Nor may a producer who was let in let others in, or see who else is. */
	expect(answered(let(&lot, &rival, "record"), 200));
	expect(is_problem(put(&rival, path_of(&lot, &certifier), "{'access':'read'}"), 404, "not_found"));
	expect(is_problem(take_away(&rival, "%s", path_of(&lot, &rival)), 404, "not_found"));
	expect(is_problem(get(&rival, "/v1/lots/%s/grants", lot.id), 404, "not_found"));
}
END_TEST

START_TEST(a_lot_that_is_not_there_looks_like_another_organizations)
{
	const struct made_lot lot = make_lot(&producer);
	const char *const lots[] = { lot.id, "018f0000-0000-7000-8000-00000000ffff", "7" };
	const struct reply *replies[3];

	for (size_t i = 0; i < ARRAY_SIZE(lots); i++) {
		const char *path = TEXT("/v1/lots/%s/grants/%s", lots[i], rival.organization);
		/* Not even one's own organization, or none, is named before the lot is one's own. */
		replies[i] = put(&rival, path, "{'access':'read'}");
		expect(same_problem(replies[i], replies[0]));
		expect(same_problem(take_away(&rival, "%s", path), replies[0]));
		expect(same_problem(get(&rival, "/v1/lots/%s/grants", lots[i]), replies[0]));
	}
	expect(is_problem(replies[0], 404, "not_found"));
}
END_TEST

START_TEST(the_list_comes_in_pages_by_organization)
{
	enum { COUNT = 7 };
	const struct made_lot lot = make_lot(&producer);
	char organizations[COUNT][UUID_TEXT_SIZE];

	const struct reply *r = get(&producer, "/v1/lots/%s/grants", lot.id);
	expect(has_members(r, "", "items next_cursor"));
	expect(has_count(r, "/items", 0));
	expect(has_null(r, "/next_cursor"));
	for (int i = 0; i < COUNT; i++) {
		make_organization(new_code("Org "), "BUYER", true, organizations[i]);
		expect(answered(put(&producer, TEXT("/v1/lots/%s/grants/%s", lot.id, organizations[i]),
					"{'access':'read'}"),
			200));
	}
	for (int limit = 1; limit <= COUNT; limit++) {
		const char *query = TEXT("limit=%d", limit);
		for (int shown = 0; shown < COUNT;) {
			r = get(&admin, "/v1/lots/%s/grants?%s", lot.id, query);
			expect(has_count(r, "/items", MIN(limit, COUNT - shown)));
			for (int i = 0; i < limit && shown < COUNT; i++, shown++)
				expect(has_text(r, TEXT("/items/%d/organization_id", i),
					organizations[COUNT - 1 - shown]));
			query = TEXT("limit=%d&cursor=%s", limit, reply_text(r, "/next_cursor"));
		}
		expect(has_null(r, "/next_cursor"));
	}
	expect(is_problem(get(&producer, "/v1/lots/%s/grants?cursor=x", lot.id), 400, "bad_cursor"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_grant_opens_the_lot_as_far_as_it_goes,
		the_same_grant_again_is_the_same_grant,
		what_was_never_granted_cannot_be_taken_back,
		it_goes_to_another_organization_that_exists,
		what_it_takes,
		grants_are_the_owners_to_give_and_the_administrators_to_see,
		a_lot_that_is_not_there_looks_like_another_organizations,
		the_list_comes_in_pages_by_organization,
	};

	return world_run("lot grants", tests, ARRAY_SIZE(tests));
}
