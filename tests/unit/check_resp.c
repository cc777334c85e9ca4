/* RESP: commands to bytes, bytes in any portions to values, and what is refused as none. */
#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "session/resp.h"
#include "suite.h"

static struct arena arena;
static struct resp_reader *reader;
static struct redis_value value;

static void setup(void)
{
	ck_assert_int_eq(arena_init(&arena, ARENA_SIZE), 0);
	reader = resp_reader_new();
	ck_assert_ptr_nonnull(reader);
}

static void teardown(void)
{
	resp_reader_free(reader);
	arena_release(&arena);
}

static void feed(const char *bytes)
{
	ck_assert_int_eq(resp_feed(reader, bytes, strlen(bytes)), 0);
}

static void append(struct resp_commands *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	resp_append(c, fmt, args);
	va_end(args);
}

START_TEST(commands_are_framed_one_after_another)
{
	struct resp_commands c = { 0 };
	static const char bytes[] =
		"*2\r\n$3\r\nGET\r\n$5\r\ns:a b\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\0\r\n\r\n";

	append(&c, "GET s:%s", "a b");
	append(&c, "SET k %b", "\0\r\n", (size_t)3);
	ck_assert_int_eq(c.count, 2);
	ck_assert_uint_eq(c.length, sizeof bytes - 1);
	ck_assert_mem_eq(c.bytes, bytes, c.length);
	ck_assert(!c.broken);
	resp_release(&c);
}
END_TEST

START_TEST(a_command_past_the_limit_spoils_the_send_until_cleared)
{
	struct resp_commands c = { 0 };
	char *huge = calloc(1, RESP_COMMANDS_MAX);

	append(&c, "SET k %b", huge, (size_t)RESP_COMMANDS_MAX);
	ck_assert(c.broken);
	resp_clear(&c);
	append(&c, "SET k %b", huge, (size_t)RESP_COMMANDS_MAX - 100);
	ck_assert(!c.broken);
	ck_assert_int_eq(c.count, 1);
	resp_release(&c);
	free(huge);
}
END_TEST

static const char every_kind[] =
	"*7\r\n+OK\r\n:-42\r\n$3\r\na\0b\r\n$-1\r\n-ERR no\r\n*2\r\n$0\r\n\r\n:7\r\n*0\r\n";

static void check_every_kind(void)
{
	const struct redis_value *e = value.elements;

	ck_assert_int_eq(value.type, REDIS_ARRAY);
	ck_assert_uint_eq(value.count, 7);
	ck_assert_int_eq(e[0].type, REDIS_STRING);
	ck_assert_str_eq(e[0].text, "OK");
	ck_assert_int_eq(e[1].type, REDIS_INTEGER);
	ck_assert_int_eq(e[1].integer, -42);
	ck_assert_int_eq(e[2].type, REDIS_STRING);
	ck_assert_uint_eq(e[2].length, 3);
	ck_assert_mem_eq(e[2].text, "a\0b", 4);
	ck_assert_int_eq(e[3].type, REDIS_NIL);
	ck_assert_int_eq(e[4].type, REDIS_ERROR);
	ck_assert_str_eq(e[4].text, "ERR no");
	ck_assert_int_eq(e[5].type, REDIS_ARRAY);
	ck_assert_uint_eq(e[5].count, 2);
	ck_assert_str_eq(e[5].elements[0].text, "");
	ck_assert_int_eq(e[5].elements[1].integer, 7);
	ck_assert_int_eq(e[6].type, REDIS_ARRAY);
	ck_assert_uint_eq(e[6].count, 0);
}

START_TEST(a_reply_is_read_whole_however_it_is_cut)
{
	size_t n = sizeof every_kind - 1;

	for (size_t cut = 0; cut <= n; cut++) {
		ck_assert_int_eq(resp_feed(reader, every_kind, cut), 0);
		if (cut < n)
			ck_assert_int_eq(resp_take(reader, &arena, &value), -ERR_TRY_AGAIN);
		ck_assert_int_eq(resp_feed(reader, every_kind + cut, n - cut), 0);
		ck_assert_int_eq(resp_take(reader, &arena, &value), 0);
		check_every_kind();
		ck_assert(resp_is_empty(reader));
	}
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(resp_take(reader, &arena, &value), -ERR_TRY_AGAIN);
		ck_assert_int_eq(resp_feed(reader, every_kind + i, 1), 0);
	}
	ck_assert_int_eq(resp_take(reader, &arena, &value), 0);
	check_every_kind();
}
END_TEST

START_TEST(a_reply_read_over_leaves_the_next_in_its_place)
{
	ck_assert_int_eq(resp_feed(reader, every_kind, sizeof every_kind - 1), 0);
	feed("-LOADING wait\r\n:5\r\n");
	ck_assert_int_eq(resp_take(reader, NULL, &value), 0);
	ck_assert_int_eq(value.type, REDIS_ARRAY);
	ck_assert(!resp_is_empty(reader));
	ck_assert_int_eq(resp_take(reader, NULL, &value), 0);
	ck_assert_int_eq(value.type, REDIS_ERROR);
	ck_assert_str_eq(value.text, "LOADING wait");
	ck_assert_int_eq(resp_take(reader, &arena, &value), 0);
	ck_assert_int_eq(value.integer, 5);
	ck_assert_int_eq(resp_take(reader, &arena, &value), -ERR_TRY_AGAIN);
}
END_TEST

START_TEST(an_error_read_over_is_told_in_part)
{
	char line[1000];

	memset(line, 'E', sizeof line);
	line[0] = '-';
	line[sizeof line - 3] = '\r';
	line[sizeof line - 2] = '\n';
	line[sizeof line - 1] = '\0';
	feed(line);
	ck_assert_int_eq(resp_take(reader, NULL, &value), 0);
	ck_assert_uint_eq(strlen(value.text), RESP_ERROR_SIZE - 1);
}
END_TEST

static const char *const garbage[] = {
	"HTTP/1.1 400 Bad Request\r\n",
	"\r\n",
	"x",
	":\r\n",
	":1x\r\n",
	":99999999999999999999\r\n",
	"$x\r\n",
	"$-2\r\n",
	"*x\r\n",
	"*-2\r\n",
	"*65537\r\n",
	"*2147483647\r\n",
	"*4294967296\r\n",
	"*1152921504606846976\r\n",
	"*9223372036854775807\r\n",
	"*32768\r\n*32769\r\n", /* each allowed, both together not */
	",1.5\r\n",
	"#t\r\n",
};

START_TEST(what_is_not_resp_or_claims_too_much_is_refused)
{
	for (size_t i = 0; i < 2 * ARRAY_SIZE(garbage); i++) {
		feed(garbage[i / 2]);
		int err = resp_take(reader, i % 2 ? &arena : NULL, &value);
		ck_assert_msg(err == -ERR_UNAVAILABLE, "taken: %s", garbage[i / 2]);
		resp_reader_free(reader);
		reader = resp_reader_new();
	}
	ck_assert_uint_lt(arena.used, (size_t)8 << 20);
}
END_TEST

START_TEST(seven_levels_of_arrays_are_followed_and_no_more)
{
	feed("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
	ck_assert_int_eq(resp_take(reader, &arena, &value), 0);
	feed("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
	ck_assert_int_eq(resp_take(reader, &arena, &value), -ERR_UNAVAILABLE);
}
END_TEST

START_TEST(the_most_values_fit_and_come_back)
{
	for (int round = 0; round < 2; round++) { /* counted anew for each */
		feed("*65536\r\n");
		for (int i = 0; i < 65536; i++)
			feed(":1\r\n");
		ck_assert_int_eq(resp_take(reader, &arena, &value), 0);
		ck_assert_uint_eq(value.count, 65536);
		ck_assert_int_eq(value.elements[65535].integer, 1);
	}
}
END_TEST

/* `size` bytes in all: "$" + 7 digits + CRLF, the text, CRLF. */
static int take_reply_of(size_t size)
{
	char *bytes = calloc(1, size + 1);
	size_t head = (size_t)snprintf(bytes, size, "$%07zu\r\n", size - 12);
	size_t length = size - head - 2;
	int err = -ERR_TRY_AGAIN;

	ck_assert_uint_ge(size, 1000012); /* a length has no leading zeros: these have seven digits without */
	memset(bytes + head, 'a', length);
	memcpy(bytes + size - 2, "\r\n", 2);
	for (size_t at = 0; err == -ERR_TRY_AGAIN && at < size; at += 1024) {
		ck_assert_int_eq(resp_feed(reader, bytes + at, MIN((size_t)1024, size - at)), 0);
		err = resp_take(reader, &arena, &value);
	}
	free(bytes);
	return err;
}

START_TEST(a_reply_of_one_mebibyte_fits_and_a_larger_one_does_not)
{
	ck_assert_int_eq(take_reply_of(RESP_REPLY_MAX), 0);
	ck_assert_uint_eq(value.length, RESP_REPLY_MAX - 12);
	ck_assert_int_eq(take_reply_of(RESP_REPLY_MAX), 0); /* counted anew for each */
	ck_assert_int_eq(take_reply_of(RESP_REPLY_MAX + 4096), -ERR_UNAVAILABLE);
}
END_TEST

START_TEST(an_exhausted_arena_leaves_a_reader_that_can_be_freed)
{
	jmp_buf exhausted;
	struct arena small;

	ck_assert_int_eq(arena_init(&small, 4096), 0);
	small.exhausted = &exhausted;
	feed("*100\r\n");
	if (!setjmp(exhausted)) {
		(void)!resp_take(reader, &small, &value);
		ck_abort_msg("4800 bytes came out of 4096");
	}
	arena_release(&small);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		commands_are_framed_one_after_another,
		a_command_past_the_limit_spoils_the_send_until_cleared,
		a_reply_is_read_whole_however_it_is_cut,
		a_reply_read_over_leaves_the_next_in_its_place,
		an_error_read_over_is_told_in_part,
		what_is_not_resp_or_claims_too_much_is_refused,
		seven_levels_of_arrays_are_followed_and_no_more,
		the_most_values_fit_and_come_back,
		a_reply_of_one_mebibyte_fits_and_a_larger_one_does_not,
		an_exhausted_arena_leaves_a_reader_that_can_be_freed,
	};

	return suite_run_with("resp", tests, ARRAY_SIZE(tests), setup, teardown);
}
