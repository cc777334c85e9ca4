/*
 * Promises of base/resolve.h. A look-up that does not end is made here: this program's own getaddrinfo_a() and its
 * companions stand before the C library's and, while `held`, keep the request as a silent name server would.
 */
#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/resolve.h"
#include "suite.h"

static bool held, answered, cancellable, exists;
static struct gaicb *kept; /* the request the name server is silent about */
static int lookups;
static int later_seconds; /* the clocks have gone on by this much */

#define REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
	int err = REAL(clock_gettime)(id, ret_time);

	ret_time->tv_sec += later_seconds;
	return err;
}

int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
	lookups++;
	kept = held ? list[0] : NULL;
	answered = false;
	return held ? 0 : REAL(getaddrinfo_a)(mode, list, n, event);
}

int gai_error(struct gaicb *request)
{
	if (request != kept)
		return REAL(gai_error)(request);
	if (!answered)
		return EAI_INPROGRESS;
	return exists ? 0 : EAI_NONAME;
}

int gai_suspend(const struct gaicb *const list[], int n, const struct timespec *timeout)
{
	if (list[0] != kept)
		return REAL(gai_suspend)(list, n, timeout);
	nanosleep(timeout, NULL);
	return EAI_AGAIN;
}

int gai_cancel(struct gaicb *request)
{
	if (request != kept)
		return REAL(gai_cancel)(request);
	return cancellable ? EAI_CANCELED : EAI_NOTCANCELED;
}

/* One address before `next`, as freeaddrinfo() takes it: the C library makes each in one piece. */
static struct addrinfo *address_before(const char *text, struct addrinfo *next)
{
	struct piece {
		struct addrinfo info;
		struct sockaddr_in6 six;
		struct sockaddr_in four;
	} *piece = calloc(1, sizeof *piece);

	piece->info.ai_next = next;
	if (inet_pton(AF_INET6, text, &piece->six.sin6_addr) == 1) {
		piece->info.ai_family = AF_INET6;
		piece->info.ai_addr = (struct sockaddr *)(void *)&piece->six;
	} else {
		ck_assert_int_eq(inet_pton(AF_INET, text, &piece->four.sin_addr), 1);
		piece->info.ai_family = AF_INET;
		piece->info.ai_addr = (struct sockaddr *)(void *)&piece->four;
	}
	return &piece->info;
}

/* The name server answers at last, into the request as it was given: memory that must still be there. */
static void answer_late(void)
{
	if (exists)
		kept->ar_result = address_before("fd00::7", address_before("10.0.0.7", NULL));
	answered = true;
	held = false;
}

static struct resolver resolver;
static char address[ADDRESS_TEXT_SIZE];

static void setup(void)
{
	held = answered = cancellable = false;
	exists = true;
	kept = NULL;
	lookups = later_seconds = 0;
	resolver = (struct resolver){ 0 };
}

static void teardown(void)
{
	resolver_release(&resolver);
}

static int resolve_within_ms(const char *host, int ms)
{
	return resolve(&resolver, host, deadline_in(ms * US_PER_MS), address);
}

static bool is_loopback(const char *text)
{
	return strcmp(text, "127.0.0.1") == 0 || strcmp(text, "::1") == 0;
}

START_TEST(an_address_is_returned_as_it_is_and_asks_nobody)
{
	static const char *const addresses[] = { "127.0.0.1", "10.0.0.7", "::1", "2001:db8::5",
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" };

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		ck_assert_int_eq(resolve_within_ms(addresses[i], 0), 0);
		ck_assert_str_eq(address, addresses[i]);
	}
	ck_assert_int_eq(lookups, 0);
}
END_TEST

START_TEST(a_name_of_the_hosts_file_is_found)
{
	ck_assert_int_eq(resolve_within_ms("localhost", 3000), 0);
	ck_assert(is_loopback(address));
	ck_assert_int_eq(lookups, 1);
	ck_assert_ptr_null(resolver.job);
}
END_TEST

START_TEST(every_address_has_its_turn_and_then_the_first_again)
{
	static const char *const expected[] = { "fd00::7", "10.0.0.7", "fd00::7" };

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		held = true;
		ck_assert_int_eq(resolve_within_ms("two.test", 0), -ERR_UNAVAILABLE);
		answer_late();
		ck_assert_int_eq(resolve_within_ms("two.test", 0), 0);
		ck_assert_str_eq(address, expected[i]);
		bool more = resolver_next(&resolver);
		ck_assert_int_eq(more, i % 2 == 0);
	}
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_unavailable)
{
	held = true;
	exists = false;
	ck_assert_int_eq(resolve_within_ms("none.test", 0), -ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(resolver.job);
	answer_late();
	ck_assert_int_eq(resolve_within_ms("none.test", 0), -ERR_UNAVAILABLE);
	ck_assert_ptr_null(resolver.job);
}
END_TEST

START_TEST(a_name_longer_than_dns_allows_is_refused_unasked)
{
	char host[300];

	memset(host, 'a', sizeof host);
	host[sizeof host - 1] = '\0';
	ck_assert_int_eq(resolve_within_ms(host, 3000), -ERR_UNAVAILABLE);
	host[254] = '\0';
	ck_assert_int_eq(resolve_within_ms(host, 3000), -ERR_UNAVAILABLE);
	ck_assert_int_eq(lookups, 0);
}
END_TEST

START_TEST(a_silent_name_server_costs_no_more_than_the_deadline)
{
	held = true;
	int64_t start = clock_now();
	ck_assert_int_eq(resolve_within_ms("localhost", 50), -ERR_UNAVAILABLE);
	int64_t took = clock_now() - start;
	ck_assert_int_ge(took, 50 * US_PER_MS);
	ck_assert_int_lt(took, US_PER_SECOND);
	ck_assert_ptr_nonnull(resolver.job);
	cancellable = true;
}
END_TEST

START_TEST(a_look_up_left_behind_serves_the_next_call)
{
	held = true;
	ck_assert_int_eq(resolve_within_ms("localhost", 1), -ERR_UNAVAILABLE);
	ck_assert_int_eq(resolve_within_ms("localhost", 1), -ERR_UNAVAILABLE);
	answer_late();
	ck_assert_int_eq(resolve_within_ms("localhost", 0), 0);
	ck_assert_str_eq(address, "fd00::7");
	ck_assert_int_eq(lookups, 1);
	ck_assert_ptr_null(resolver.job);
}
END_TEST

START_TEST(an_old_look_up_left_behind_is_made_anew)
{
	static const struct {
		int age, lookups;
	} rows[] = { { 29, 1 }, { 31, 2 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		held = true;
		lookups = later_seconds = 0;
		ck_assert_int_eq(resolve_within_ms("localhost", 1), -ERR_UNAVAILABLE);
		answer_late();
		later_seconds = rows[i].age;
		ck_assert_int_eq(resolve_within_ms("localhost", 3000), 0);
		ck_assert_int_eq(is_loopback(address), rows[i].lookups == 2);
		ck_assert_int_eq(lookups, rows[i].lookups);
	}
}
END_TEST

START_TEST(a_look_up_left_behind_never_serves_another_name)
{
	held = true;
	ck_assert_int_eq(resolve_within_ms("two.test", 1), -ERR_UNAVAILABLE);
	answer_late();
	ck_assert_int_eq(resolve_within_ms("localhost", 3000), 0);
	ck_assert(is_loopback(address));
	ck_assert_int_eq(lookups, 2);
}
END_TEST

START_TEST(release_leaves_a_running_look_up_its_memory)
{
	held = true;
	ck_assert_int_eq(resolve_within_ms("localhost", 1), -ERR_UNAVAILABLE);
	struct gaicb *request = kept;
	resolver_release(&resolver);
	ck_assert_ptr_null(resolver.job);
	answer_late(); /* writes into it: a sanitizer or valgrind sees it if it was freed */
	freeaddrinfo(request->ar_result);
	free(request); /* the first member of what resolve.c allocated */
}
END_TEST

START_TEST(release_frees_a_look_up_that_had_not_begun)
{
	held = cancellable = true;
	ck_assert_int_eq(resolve_within_ms("localhost", 1), -ERR_UNAVAILABLE);
	resolver_release(&resolver);
	ck_assert_ptr_null(resolver.job);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_address_is_returned_as_it_is_and_asks_nobody,
		a_name_of_the_hosts_file_is_found,
		every_address_has_its_turn_and_then_the_first_again,
		a_name_that_does_not_exist_is_unavailable,
		a_name_longer_than_dns_allows_is_refused_unasked,
		a_silent_name_server_costs_no_more_than_the_deadline,
		a_look_up_left_behind_serves_the_next_call,
		an_old_look_up_left_behind_is_made_anew,
		a_look_up_left_behind_never_serves_another_name,
		release_leaves_a_running_look_up_its_memory,
		release_frees_a_look_up_that_had_not_begun,
	};

	return suite_run_with("resolve", tests, ARRAY_SIZE(tests), setup, teardown);
}
