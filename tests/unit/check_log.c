/* The operators' log: one JSON object a line, whatever the message holds. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"
#include "suite.h"

static int saved, ends[2];

/* Standard error goes into a pipe until logged() has read it. */
static void capture(void)
{
	saved = dup(STDERR_FILENO);
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
}

static size_t logged(char *to, size_t size)
{
	ssize_t n = read(ends[0], to, size - 1);

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
	to[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static char line[2 * LOG_LINE_MAX], text[2 * LOG_LINE_MAX];

START_TEST(a_line_is_one_object_with_time_level_pid_and_message)
{
	char tail[100];

	capture();
	log_error("could not reach %s: %d", "postgres", 7);
	size_t n = logged(line, sizeof line);
	ck_assert_int_eq(memcmp(line, "{\"time\":\"20", 11), 0);
	snprintf(tail, sizeof tail,
		"Z\",\"level\":\"error\",\"pid\":%d,\"message\":\"could not reach postgres: 7\"}\n",
		(int)getpid());
	ck_assert_str_eq(line + n - strlen(tail), tail);
}
END_TEST

START_TEST(a_message_cannot_end_its_line_or_its_string)
{
	capture();
	log_error("%s", "a\"}\n{\"time\":\"forged\\");
	logged(line, sizeof line);
	ck_assert_ptr_nonnull(strstr(line, "\"message\":\"a\\\"}\\u000a{\\\"time\\\":\\\"forged\\\\\"}\n"));
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

START_TEST(a_long_message_is_cut_and_the_line_still_whole)
{
	static const char *const fillers[] = { "x", "\x01", "\"", "ñ", "🍌", "\xff" };

	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++) {
		text[0] = '\0';
		for (size_t n = 0; n + strlen(fillers[i]) < sizeof text; n += strlen(fillers[i]))
			strcpy(text + n, fillers[i]);
		capture();
		log_error("%s", text);
		size_t n = logged(line, sizeof line);
		ck_assert_uint_le(n, LOG_LINE_MAX);
		ck_assert_str_eq(line + n - 3, "\"}\n");
		ck_assert_int_ne(line[n - 4], '\\');
		ck_assert(utf8_valid(line, n));
	}
}
END_TEST

START_TEST(the_level_is_a_threshold)
{
	capture();
	log_debug("unsaid");
	log_set_level(LOG_ERROR);
	log_warning("unsaid");
	log_error("first");
	log_set_level(LOG_DEBUG);
	log_debug("second");
	log_set_level(LOG_INFO);
	logged(line, sizeof line);
	ck_assert_ptr_null(strstr(line, "unsaid"));
	ck_assert_ptr_nonnull(strstr(line, "first"));
	ck_assert_ptr_nonnull(strstr(line, "second"));
}
END_TEST

START_TEST(a_log_that_is_gone_does_no_harm)
{
	int null = open("/dev/full", O_WRONLY);

	saved = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	log_error("nobody reads this");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
}
END_TEST

static const struct {
	const char *plain, *escaped;
} rows[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a\"b\\c", "a\\\"b\\\\c" },
	{ "\x01\t\n\x1f\x7f", "\\u0001\\u0009\\u000a\\u001f\\u007f" },
	{ "piña 🍌", "piña 🍌" },
	{ "\xff\xc3(", "\\u00ff\\u00c3(" },
	{ "\xc0\xaf", "\\u00c0\\u00af" },
	{ "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080" },
};

START_TEST(what_json_forbids_is_escaped_and_nothing_else)
{
	char to[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_uint_eq(log_escape(to, sizeof to, rows[i].plain), strlen(rows[i].escaped));
		ck_assert_str_eq(to, rows[i].escaped);
	}
}
END_TEST

START_TEST(an_escape_that_does_not_fit_is_left_out_whole)
{
	char to[16] = "untouched";

	ck_assert_uint_eq(log_escape(to, 0, "x"), 0);
	ck_assert_str_eq(to, "untouched");
	ck_assert_uint_eq(log_escape(to, 1, "x"), 0);
	ck_assert_str_eq(to, "");
	ck_assert_uint_eq(log_escape(to, 7, "\x01"), 6);
	ck_assert_uint_eq(log_escape(to, 6, "\x01"), 0);
	ck_assert_uint_eq(log_escape(to, 4, "ab🍌"), 2);
	ck_assert_str_eq(to, "ab");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_line_is_one_object_with_time_level_pid_and_message,
		a_message_cannot_end_its_line_or_its_string,
		a_long_message_is_cut_and_the_line_still_whole,
		the_level_is_a_threshold,
		a_log_that_is_gone_does_no_harm,
		what_json_forbids_is_escaped_and_nothing_else,
		an_escape_that_does_not_fit_is_left_out_whole,
	};

	return suite_run("log", tests, ARRAY_SIZE(tests));
}
