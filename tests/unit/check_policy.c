/* Who may use a route: the policy column by role, and that no row of the real table forgets it. */
#include <string.h>

#include "api/policy.h"
#include "api/routes.h"
#include "base/err.h"
#include "suite.h"

static int admits(unsigned policy, enum role role, bool approved)
{
	const struct route route = { .policy = policy };
	const struct session session = { .role = role, .approved = approved };

	return policy_admits(&route, &session);
}

START_TEST(each_word_admits_its_role_alone)
{
	static const unsigned words[ROLE_COUNT] = { [ROLE_ADMIN] = ADMIN,
		[ROLE_PRODUCER] = PRODUCER,
		[ROLE_PACKER] = PACKER,
		[ROLE_EXPORTER] = EXPORTER,
		[ROLE_CERTIFIER] = CERTIFIER,
		[ROLE_BUYER] = BUYER };

	for (int word = 0; word < ROLE_COUNT; word++)
		for (int role = 0; role < ROLE_COUNT; role++)
			ck_assert_int_eq(admits(words[word], (enum role)role, true),
				role == word ? 0 : -ERR_FORBIDDEN);
}
END_TEST

START_TEST(the_chain_is_everybody_but_the_administrator)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		ck_assert_int_eq(
			admits(CHAIN, (enum role)role, true), role == ROLE_ADMIN ? -ERR_FORBIDDEN : 0);
		ck_assert_int_eq(admits(MEMBER, (enum role)role, true), 0);
	}
}
END_TEST

START_TEST(a_producer_must_be_approved_where_that_is_asked)
{
	ck_assert_int_eq(admits(CHAIN | APPROVED, ROLE_PRODUCER, false), -ERR_NOT_APPROVED);
	ck_assert_int_eq(admits(CHAIN | APPROVED, ROLE_PRODUCER, true), 0);
	ck_assert_int_eq(admits(CHAIN, ROLE_PRODUCER, false), 0);
	ck_assert_int_eq(admits(CHAIN | APPROVED, ROLE_EXPORTER, false), 0);
	/* Who may never do it is told so, approved or not. */
	ck_assert_int_eq(admits(EXPORTER | APPROVED, ROLE_PRODUCER, false), -ERR_FORBIDDEN);
}
END_TEST

START_TEST(an_unknown_role_may_do_nothing)
{
	ck_assert_int_eq(admits(MEMBER | APPROVED, ROLE_COUNT, true), -ERR_FORBIDDEN);
	ck_assert_int_eq(admits(~0u, ROLE_COUNT, true), -ERR_FORBIDDEN);
	ck_assert_int_eq(admits(~0u, (enum role)(ROLE_COUNT + 1), true), -ERR_FORBIDDEN);
	ck_assert_int_eq(admits(0, ROLE_ADMIN, true), -ERR_FORBIDDEN);
}
END_TEST

START_TEST(only_an_administrator_sees_what_is_not_the_organizations)
{
	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct session session = { .role = (enum role)role, .organization_id = { { 7 } } };
		struct viewer viewer = policy_viewer(&session);
		ck_assert(uuid_equal(viewer.organization_id, session.organization_id));
		ck_assert(viewer.sees_all == (role == ROLE_ADMIN));
	}
}
END_TEST

START_TEST(every_route_says_who_may_use_it)
{
	for (const struct route *r = routes; r < routes + route_count; r++) {
		ck_assert_msg(r->policy & (MEMBER | ANYONE), "%s", r->path);
		ck_assert_msg(!(r->policy & ANYONE) || (r->policy & ~COUNTED_LATER) == ANYONE, "%s", r->path);
		ck_assert_msg(!(r->policy & COUNTED_LATER) || r->policy & ANYONE, "%s", r->path);
		ck_assert_msg(r->output.status, "%s", r->path);
		ck_assert_msg(!(r->policy & APPROVED) || r->policy & PRODUCER, "%s", r->path);
		/* Whoever changes something of the chain's is a member of it; the doors are the exception. */
		bool door = strncmp(r->path, "/v1/auth/", 9) == 0;
		ck_assert_msg(r->class != CLASS_WRITE || door || !(r->policy & ANYONE), "%s", r->path);
		/* What a producer writes, an approved one writes. */
		ck_assert_msg(r->class != CLASS_WRITE || door || !(r->policy & PRODUCER) ||
				      r->policy & APPROVED || strncmp(r->path, "/v1/me", 6) == 0,
			"%s", r->path);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_word_admits_its_role_alone,
		the_chain_is_everybody_but_the_administrator,
		a_producer_must_be_approved_where_that_is_asked,
		an_unknown_role_may_do_nothing,
		only_an_administrator_sees_what_is_not_the_organizations,
		every_route_says_who_may_use_it,
	};

	return suite_run("policy", tests, ARRAY_SIZE(tests));
}
