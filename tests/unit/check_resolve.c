/*
 * Promises of base/resolve.h. The name server is this program: its own getaddrinfo_a() and companions stand before the C
 * library's, and keep a request as a silent server would while `held`. (Real names: tests/store/check_redis.c.)
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

static bool held, answered, cancellable;
static const char *const two_addresses[] = { "fd00::7", "10.0.0.7", NULL };
static const char *const no_address[] = { NULL };
static const char *const other_address[] = { "10.0.0.9", NULL };
static const char *const *known; /* what the name server says of any name */
static struct gaicb *request;    /* what it was asked last */
static int lookups;
static int later_seconds; /* the clocks have gone on by this much */

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
	__typeof__(&clock_gettime) real = (__typeof__(real))dlsym(RTLD_NEXT, "clock_gettime");
	int err = real(id, ret_time);

	ret_time->tv_sec += later_seconds;
	return err;
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

/* The name server answers, into the request as it was given: memory that must still be there. */
static void answer(void)
{
	size_t n = 0;

	while (known[n])
		n++;
	while (n--)
		request->ar_result = address_before(known[n], request->ar_result);
	answered = true;
	held = false;
}

int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
	ck_assert_int_eq(mode, GAI_NOWAIT);
	ck_assert_int_eq(n, 1);
	ck_assert_ptr_null(event);
	lookups++;
	request = list[0];
	answered = false;
	if (!held)
		answer();
	return 0;
}

int gai_error(struct gaicb *asked)
{
	ck_assert_ptr_eq(asked, request);
	if (!answered)
		return EAI_INPROGRESS;
	return known[0] ? 0 : EAI_NONAME;
}

int gai_suspend(const struct gaicb *const list[], int n, const struct timespec *timeout)
{
	ck_assert_ptr_eq(list[0], request);
	ck_assert_int_eq(n, 1);
	nanosleep(timeout, NULL);
	return EAI_AGAIN;
}

int gai_cancel(struct gaicb *asked)
{
	ck_assert_ptr_eq(asked, request);
	return cancellable ? EAI_CANCELED : EAI_NOTCANCELED;
}

static struct resolver resolver;
static char address[ADDRESS_TEXT_SIZE];

static void setup(void)
{
	held = answered = cancellable = false;
	known = two_addresses;
	request = NULL;
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

START_TEST(a_name_is_looked_up_once)
{
	ck_assert_int_eq(resolve_within_ms("two.test", 3000), 0);
	ck_assert_str_eq(address, "fd00::7");
	ck_assert_int_eq(lookups, 1);
	ck_assert_ptr_null(resolver.job);
}
END_TEST

START_TEST(every_address_has_its_turn_and_then_the_first_again)
{
	static const char *const expected[] = { "fd00::7", "10.0.0.7", "fd00::7" };

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		ck_assert_int_eq(resolve_within_ms("two.test", 0), 0);
		ck_assert_str_eq(address, expected[i]);
		bool more = resolver_next(&resolver);
		ck_assert_int_eq(more, i % 2 == 0);
	}
}
END_TEST

START_TEST(a_name_that_does_not_exist_is_unavailable)
{
	known = no_address;
	ck_assert_int_eq(resolve_within_ms("none.test", 3000), -ERR_UNAVAILABLE);
	ck_assert_ptr_null(resolver.job);
	ck_assert(!resolver_next(&resolver));
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
	ck_assert_int_eq(resolve_within_ms("two.test", 50), -ERR_UNAVAILABLE);
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
	ck_assert_int_eq(resolve_within_ms("two.test", 1), -ERR_UNAVAILABLE);
	ck_assert_int_eq(resolve_within_ms("two.test", 1), -ERR_UNAVAILABLE);
	answer();
	ck_assert_int_eq(resolve_within_ms("two.test", 0), 0);
	ck_assert_str_eq(address, "fd00::7");
	ck_assert_int_eq(lookups, 1);
	ck_assert_ptr_null(resolver.job);
}
END_TEST

START_TEST(an_old_look_up_left_behind_is_made_anew)
{
	static const struct {
		int age;
		const char *address;
	} rows[] = { { 29, "fd00::7" }, { 31, "10.0.0.9" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		held = true;
		known = two_addresses;
		later_seconds = 0;
		ck_assert_int_eq(resolve_within_ms("moved.test", 1), -ERR_UNAVAILABLE);
		answer();
		known = other_address;
		later_seconds = rows[i].age;
		ck_assert_int_eq(resolve_within_ms("moved.test", 3000), 0);
		ck_assert_str_eq(address, rows[i].address);
	}
}
END_TEST

START_TEST(a_look_up_left_behind_never_serves_another_name)
{
	held = true;
	ck_assert_int_eq(resolve_within_ms("two.test", 1), -ERR_UNAVAILABLE);
	answer();
	known = other_address;
	ck_assert_int_eq(resolve_within_ms("other.test", 3000), 0);
	ck_assert_str_eq(address, "10.0.0.9");
	ck_assert_int_eq(lookups, 2);
}
END_TEST

START_TEST(release_leaves_a_running_look_up_its_memory)
{
	held = true;
	ck_assert_int_eq(resolve_within_ms("two.test", 1), -ERR_UNAVAILABLE);
	resolver_release(&resolver);
	ck_assert_ptr_null(resolver.job);
	answer(); /* writes into it: a sanitizer or valgrind sees it if it was freed */
	freeaddrinfo(request->ar_result);
	free(request); /* the first member of what resolve.c allocated */
}
END_TEST

START_TEST(release_frees_a_look_up_that_had_not_begun)
{
	held = cancellable = true;
	ck_assert_int_eq(resolve_within_ms("two.test", 1), -ERR_UNAVAILABLE);
	resolver_release(&resolver);
	ck_assert_ptr_null(resolver.job);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		an_address_is_returned_as_it_is_and_asks_nobody,
		a_name_is_looked_up_once,
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
