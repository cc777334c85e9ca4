/* Organizations, as administrators keep them: what one may hold, what approving it changes at once, and who else sees any. */
#include <string.h>

#include "expect.h"
#include "world.h"

static const char nobody[] = "01a20a2f-533e-736c-8768-4e07731ce619";

/* A GLN nobody has: thirteen digits behind a 0 have the check digit of the fourteen. */
static const char *new_gln(void)
{
	const char *digits = new_gtin();

	while (*digits != '0')
		digits = new_gtin();
	return digits + 1;
}

static const struct reply *found_with(const char *members)
{
	return post(&admin, "/v1/organizations", "{'name':'Huerta Nueva','kind':'PRODUCER'%s}", members);
}

/* Its path. */
static const char *found(void)
{
	const struct reply *r = found_with("");

	expect(answered(r, 201));
	return reply_header(r, "Location");
}

START_TEST(an_organization_comes_back_as_it_was_given)
{
	const char *tax_id = new_code("HNU-"), *gln = new_gln();
	const struct reply *r =
		post(&admin, "/v1/organizations", "{'name':'%s','kind':'PACKER','tax_id':'%s','gln':'%s'}",
			"Empaque \u00d1and\u00fa, S.A.", tax_id, gln);

	expect(answered(r, 201));
	expect(has_members(r, "", "id name kind tax_id gln approved version created_at"));
	expect(has_text(r, "/name", "Empaque \u00d1and\u00fa, S.A."));
	expect(has_text(r, "/kind", "PACKER"));
	expect(has_text(r, "/tax_id", tax_id));
	expect(has_text(r, "/gln", gln));
	expect(has_bool(r, "/approved", false)); /* that is a step of its own */
	expect(has_number(r, "/version", 1));
	expect(has_header(r, "Location", TEXT("/v1/organizations/%s", reply_text(r, "/id"))));
	const struct reply *again = get(&admin, "/v1/organizations/%s", reply_text(r, "/id"));
	expect(same_body(again, r));
	expect(has_header(again, "ETag", "\"1\""));
	const struct reply *list = get(&admin, "/v1/organizations?limit=1");
	ck_assert(cJSON_Compare(reply_at(list, "/items/0"), r->json, true));
}
END_TEST

START_TEST(what_is_not_given_is_null)
{
	const struct reply *r = found_with(",'tax_id':null");

	expect(answered(r, 201));
	expect(has_null(r, "/tax_id"));
	expect(has_null(r, "/gln"));
}
END_TEST

START_TEST(each_kind_of_the_chain_can_be_registered)
{
	static const char *const kinds[] = { "PRODUCER", "PACKER", "EXPORTER", "CERTIFIER", "BUYER" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		expect(has_text(post(&admin, "/v1/organizations", "{'name':'x','kind':'%s'}", kinds[i]),
			"/kind", kinds[i]));
}
END_TEST

START_TEST(every_fault_is_named)
{
	static const struct {
		const char *body, *pointer, *code;
	} rows[] = {
		{ "{'kind':'BUYER'}", "/name", "required" },
		{ "{'name':'  ','kind':'BUYER'}", "/name", "too_short" },
		{ "{'name':'x'}", "/kind", "required" },
		{ "{'name':'x','kind':'ADMIN'}", "/kind", "not_in_list" },
		{ "{'name':'x','kind':'producer'}", "/kind", "not_in_list" },
		{ "{'name':'x','kind':''}", "/kind", "not_in_list" },
		{ "{'name':'x','kind':'BUYER','gln':'7504000000005'}", "/gln", "bad_check_digit" },
		{ "{'name':'x','kind':'BUYER','gln':'750400000000'}", "/gln", "bad_format" },
		{ "{'name':'x','kind':'BUYER','tax_id':7}", "/tax_id", "wrong_type" },
		{ "{'name':'x','kind':'BUYER','tax_id':''}", "/tax_id", "too_short" },
		{ "{'name':'x','kind':'BUYER','approved':true}", "/approved", "unknown_field" },
		{ "{'name':'x','kind':'BUYER','id':'x'}", "/id", "unknown_field" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(has_only_fault(post(&admin, "/v1/organizations", "%s", rows[i].body), rows[i].pointer,
			rows[i].code));
}
END_TEST

START_TEST(a_tax_id_and_a_gln_belong_to_one_organization)
{
	const char *tax_id = new_code("T-"), *gln = new_gln();

	expect(answered(found_with(TEXT(",'tax_id':'%s','gln':'%s'", tax_id, gln)), 201));
	expect(is_problem(found_with(TEXT(",'tax_id':'%s'", tax_id)), 409, "tax_id_taken"));
	expect(is_problem(found_with(TEXT(",'gln':'%s'", gln)), 409, "gln_taken"));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM organization WHERE tax_id = '%s' OR gln = '%s'",
				 tax_id, gln),
		1);
}
END_TEST

START_TEST(one_key_registers_one)
{
	const char *key = new_code("key-"), *name = new_code("Once ");
	const struct reply *first =
		post_with_key(&admin, key, "/v1/organizations", "{'name':'%s','kind':'BUYER'}", name);
	const struct reply *again =
		post_with_key(&admin, key, "/v1/organizations", "{'name':'%s','kind':'BUYER'}", name);

	expect(answered(first, 201));
	expect(same_body(again, first));
	expect(has_header(again, "Idempotency-Replayed", "true"));
	ck_assert_int_eq(sql_number("SELECT count(*) FROM organization WHERE name = '%s'", name), 1);
}
END_TEST

START_TEST(a_change_is_of_one_version)
{
	const char *path = found();

	expect(is_problem(patch(&admin, path, 0, "{'name':'x'}"), 428, "precondition_required"));
	expect(is_problem(patch(&admin, path, 2, "{'name':'x'}"), 412, "precondition_failed"));
	const struct reply *r = patch(&admin, path, 1, "{'name':'Huerta Vieja'}");
	expect(answered(r, 200));
	expect(has_header(r, "ETag", "\"2\""));
	expect(has_number(r, "/version", 2));
	expect(has_text(r, "/name", "Huerta Vieja"));
	expect(has_bool(r, "/approved", false));
	r = patch(&admin, path, 2, "{'approved':true}");
	expect(has_bool(r, "/approved", true));
	expect(has_text(r, "/name", "Huerta Vieja"));
	expect(same_body(get(&admin, "%s", path), r));
	expect(has_only_fault(patch(&admin, path, 3, "{'kind':'BUYER'}"), "/kind", "unknown_field"));
	expect(has_only_fault(patch(&admin, path, 3, "{'tax_id':'x'}"), "/tax_id", "unknown_field"));
	expect(has_only_fault(patch(&admin, path, 3, "{'approved':'yes'}"), "/approved", "wrong_type"));
}
END_TEST

/* Its users have copies of their sessions in Redis that say otherwise, and will for half a minute. */
START_TEST(approval_is_in_force_at_once_and_so_is_its_end)
{
	const char *path = found(), *id = path + strlen("/v1/organizations/");
	struct actor who = make_user("PRODUCER", id);

	log_in(&who);
	expect(has_bool(get(&who, "/v1/me"), "/organization/approved", false));
	expect(is_problem(
		post(&who, "/v1/locations", "{'name':'x','kind':'FARM'}"), 403, "organization_not_approved"));
	expect(answered(patch(&admin, path, 1, "{'approved':true}"), 200));
	expect(answered(post(&who, "/v1/locations", "{'name':'x','kind':'FARM'}"), 201));
	expect(has_bool(get(&who, "/v1/me"), "/organization/approved", true));
	expect(answered(patch(&admin, path, 2, "{'approved':false}"), 200));
	expect(is_problem(
		post(&who, "/v1/locations", "{'name':'x','kind':'FARM'}"), 403, "organization_not_approved"));
	expect(has_bool(get(&who, "/v1/me"), "/organization/approved", false));
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
	static const char *const ids[] = { nobody, "7", "00000000-0000-0000-0000-000000000000" };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		expect(is_problem(get(&admin, "/v1/organizations/%s", ids[i]), 404, "not_found"));
		expect(is_problem(patch(&admin, TEXT("/v1/organizations/%s", ids[i]), 1, "{'name':'x'}"), 404,
			"not_found"));
	}
}
END_TEST

/* Not even the organization one belongs to: GET /v1/me says of it what its members need. */
START_TEST(nobody_but_an_administrator_sees_or_keeps_any)
{
	const struct actor *const others[] = { &producer, &newcomer, &packer, &exporter, &certifier, &buyer };
	const char *body = json("{'name':'x','kind':'BUYER'}");

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		const struct actor *who = others[i];
		const char *own = TEXT("/v1/organizations/%s", who->organization);
		expect(is_problem(get(who, "/v1/organizations"), 403, "forbidden"));
		expect(is_problem(get(who, "%s", own), 403, "forbidden"));
		expect(is_problem(post(who, "/v1/organizations", "%s", body), 403, "forbidden"));
		expect(is_problem(patch(who, own, 1, "{'approved':true}"), 403, "forbidden"));
	}
	expect(is_problem(get(NULL, "/v1/organizations"), 401, "unauthenticated"));
	expect(is_problem(post(NULL, "/v1/organizations", "%s", body), 401, "unauthenticated"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_organization_comes_back_as_it_was_given,
		what_is_not_given_is_null,
		each_kind_of_the_chain_can_be_registered,
		every_fault_is_named,
		a_tax_id_and_a_gln_belong_to_one_organization,
		one_key_registers_one,
		a_change_is_of_one_version,
		approval_is_in_force_at_once_and_so_is_its_end,
		what_is_not_there_is_not_found,
		nobody_but_an_administrator_sees_or_keeps_any,
	};

	return world_run("organizations", tests, ARRAY_SIZE(tests));
}
