/* Time: RFC 3339 in and out, dates that exist, deadlines. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "suite.h"

/* 2026-05-01T10:00:00Z */
static const int64_t MAY_DAY = INT64_C(1777629600) * US_PER_SECOND;

static int64_t parsed(const char *text)
{
	int64_t wall;

	ck_assert_msg(time_parse(text, strlen(text), &wall) == 0, "refused: %s", text);
	return wall;
}

static void ck_refused(const char *text)
{
	int64_t wall = 7;

	ck_assert_msg(time_parse(text, strlen(text), &wall) == -1, "accepted: %s", text);
	ck_assert_msg(wall == 7, "written although refused: %s", text);
}

static int32_t day(const char *text)
{
	int32_t days;

	ck_assert_msg(date_parse(text, strlen(text), &days) == 0, "refused: %s", text);
	return days;
}

START_TEST(a_time_is_microseconds_since_1970)
{
	ck_assert_int_eq(parsed("1970-01-01T00:00:00Z"), 0);
	ck_assert_int_eq(parsed("2026-05-01T10:00:00Z"), MAY_DAY);
	ck_assert_int_eq(parsed("9999-12-31T23:59:59.999999Z"), INT64_C(253402300799999999));
}
END_TEST

START_TEST(an_offset_is_taken_off)
{
	ck_assert_int_eq(parsed("2026-05-01T05:00:00-05:00"), MAY_DAY);
	ck_assert_int_eq(parsed("2026-05-01T15:30:00+05:30"), MAY_DAY);
	ck_assert_int_eq(parsed("2026-05-01T10:00:00-00:00"), MAY_DAY);
	ck_assert_int_eq(parsed("2026-05-02T09:59:00+23:59"), MAY_DAY);
	ck_assert_int_eq(parsed("2026-05-01t10:00:00z"), MAY_DAY);
}
END_TEST

START_TEST(a_fraction_is_cut_to_microseconds)
{
	ck_assert_int_eq(parsed("2026-05-01T10:00:00.5Z"), MAY_DAY + 500000);
	ck_assert_int_eq(parsed("2026-05-01T10:00:00.000001Z"), MAY_DAY + 1);
	ck_assert_int_eq(parsed("2026-05-01T10:00:00.123456999Z"), MAY_DAY + 123456);
	ck_refused("2026-05-01T10:00:00.1234567890Z");
	ck_refused("2026-05-01T10:00:00.Z");
	ck_refused("2026-05-01T10:00:00,5Z");
}
END_TEST

START_TEST(what_is_not_rfc_3339_is_refused)
{
	static const char *const wrong[] = {
		"",
		"2026-05-01",
		"2026-05-01T10:00:00",
		"2026-05-01 10:00:00Z",
		"2026-05-01T10:00Z",
		"2026-05-01T24:00:00Z",
		"2026-05-01T10:60:00Z",
		"2026-05-01T10:00:60Z",
		"2026-05-01T10:00:00+24:00",
		"2026-05-01T10:00:00+05:60",
		"2026-05-01T10:00:00+0530",
		"2026-05-01T10:00:00+05",
		"2026-05-01T10:00:00ZZ",
		"2026-05-01T10:00:00Z ",
		" 2026-05-01T10:00:00Z",
		"2026-5-01T10:00:00Z",
		"2026-05-01T1:00:00Z",
		"+2026-05-01T10:00:00Z",
		"1969-12-31T23:59:59Z",
		"10000-01-01T00:00:00Z",
		"2026-05-01T-1:00:00Z",
		/* ':' and '-' have no other case, whatever 0x20 added to them is. */
		"2026-05-01T10Z00:00Z",
		"2026-05-01T10:00z00Z",
		"2026-05M01T10:00:00Z",
		"2026-05-01T10:00:00+05Z00",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_refused(wrong[i]);
}
END_TEST

START_TEST(an_offset_cannot_lead_out_of_the_years)
{
	ck_refused("1970-01-01T00:00:00+00:01");
	ck_assert_int_eq(parsed("1970-01-01T00:00:00-00:01"), 60 * US_PER_SECOND);
	ck_refused("9999-12-31T23:59:59-00:01");
}
END_TEST

START_TEST(the_length_given_is_the_end)
{
	int64_t wall;

	ck_assert_int_eq(time_parse("2026-05-01T10:00:00Zjunk", 20, &wall), 0);
	for (size_t n = 0; n < 20; n++)
		ck_assert_int_eq(time_parse("2026-05-01T10:00:00Z", n, &wall), -1);
}
END_TEST

START_TEST(a_time_is_written_as_it_was_read)
{
	static const char *const times[] = {
		"1970-01-01T00:00:00Z",
		"2024-02-29T23:59:59.000001Z",
		"2026-05-01T10:00:00.500000Z",
		"9999-12-31T23:59:59.999999Z",
	};
	char text[TIME_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		time_to_text(parsed(times[i]), text);
		ck_assert_str_eq(text, times[i]);
	}
}
END_TEST

START_TEST(only_dates_that_exist_are_taken)
{
	static const char *const wrong[] = { "2023-02-29", "1900-02-29", "2100-02-29", "2026-04-31",
		"2026-00-10", "2026-13-01", "2026-01-00", "2026-01-32", "1969-12-31", "2026-1-1",
		"2026-01-01T", "2026/01/01", "2026M01-01", "2026-01M01", "" };
	int32_t days;

	ck_assert_int_eq(day("1970-01-01"), 0);
	ck_assert_int_eq(day("2000-02-29"), 11016);
	ck_assert_int_eq(day("2024-02-29") + 1, day("2024-03-01"));
	ck_assert_int_eq(day("2100-02-28") + 1, day("2100-03-01"));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_msg(date_parse(wrong[i], strlen(wrong[i]), &days) == -1, "accepted: %s", wrong[i]);
}
END_TEST

START_TEST(every_day_of_eight_thousand_years_survives_the_way_there_and_back)
{
	char text[DATE_TEXT_SIZE], before[DATE_TEXT_SIZE] = "1969-12-31";
	const int32_t last = day("9999-12-31");

	for (int32_t d = 0; d <= last; d++) {
		int32_t back = -1;
		date_to_text(d, text);
		/* Asserted only where it fails: libcheck notes every assertion in a file, and these are three million. */
		if (date_parse(text, DATE_TEXT_SIZE - 1, &back) != 0 || back != d ||
			strcmp(text, before) <= 0)
			ck_abort_msg("day %d became %s and came back as %d", d, text, back);
		memcpy(before, text, sizeof text);
	}
}
END_TEST

START_TEST(the_date_of_a_time_is_its_utc_day)
{
	ck_assert_int_eq(date_of(parsed("2026-05-01T23:59:59.999999Z")), day("2026-05-01"));
	ck_assert_int_eq(date_of(parsed("2026-05-01T23:59:59-05:00")), day("2026-05-02"));
}
END_TEST

START_TEST(the_wall_clock_is_todays_and_the_other_only_grows)
{
	int64_t first = clock_now();

	ck_assert_int_gt(clock_wall(), parsed("2024-01-01T00:00:00Z"));
	ck_assert_int_ge(clock_now(), first);
}
END_TEST

START_TEST(a_deadline_ends_at_zero_and_rounds_up)
{
	struct deadline past = deadline_in(-US_PER_SECOND), soon = deadline_in(10 * US_PER_SECOND);

	ck_assert_int_eq(deadline_left(past), 0);
	ck_assert_int_eq(deadline_left_ms(past), 0);
	ck_assert_int_gt(deadline_left(soon), 9 * US_PER_SECOND);
	ck_assert_int_le(deadline_left_ms(soon), 10000);
	ck_assert_int_eq(deadline_earlier(soon, past).at, past.at);
	ck_assert_int_eq(deadline_earlier(past, soon).at, past.at);
	/* A year does not fit into poll()'s int of milliseconds. */
	ck_assert_int_eq(deadline_left_ms(deadline_in(INT64_C(31536000) * US_PER_SECOND)), 3600 * 1000);
	/* Less than a millisecond is still some time. */
	struct deadline d = deadline_in(900);
	int ms = deadline_left_ms(d);
	ck_assert(ms == 1 || deadline_left(d) == 0);
}
END_TEST

START_TEST(a_poll_ends_with_its_deadline_or_its_event)
{
	int pipe_fds[2];

	ck_assert_int_eq(pipe(pipe_fds), 0);
	int64_t before = clock_now();
	ck_assert_int_eq(deadline_poll(pipe_fds[0], POLLIN, deadline_in(20 * US_PER_MS)), 0);
	ck_assert_int_ge(clock_now() - before, 20 * US_PER_MS);
	ck_assert_int_eq(write(pipe_fds[1], "x", 1), 1);
	ck_assert_int_eq(deadline_poll(pipe_fds[0], POLLIN, deadline_in(-1)), POLLIN);
	close(pipe_fds[1]);
	close(pipe_fds[0]);
	ck_assert_int_eq(deadline_poll(pipe_fds[0], POLLIN, deadline_in(US_PER_SECOND)), POLLNVAL);
}
END_TEST

static void ignore(int signal)
{
	(void)signal;
}

START_TEST(a_signal_does_not_end_a_poll)
{
	int pipe_fds[2];
	struct sigaction action = { .sa_handler = ignore }; /* without SA_RESTART */
	struct itimerval every_ms = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };

	ck_assert_int_eq(pipe(pipe_fds), 0);
	sigaction(SIGALRM, &action, NULL);
	int64_t before = clock_now();
	setitimer(ITIMER_REAL, &every_ms, NULL);
	int revents = deadline_poll(pipe_fds[0], POLLIN, deadline_in(20 * US_PER_MS));
	setitimer(ITIMER_REAL, &off, NULL);
	ck_assert_int_eq(revents, 0);
	ck_assert_int_ge(clock_now() - before, 20 * US_PER_MS);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_time_is_microseconds_since_1970,
		an_offset_is_taken_off,
		a_fraction_is_cut_to_microseconds,
		what_is_not_rfc_3339_is_refused,
		an_offset_cannot_lead_out_of_the_years,
		the_length_given_is_the_end,
		a_time_is_written_as_it_was_read,
		only_dates_that_exist_are_taken,
		every_day_of_eight_thousand_years_survives_the_way_there_and_back,
		the_date_of_a_time_is_its_utc_day,
		the_wall_clock_is_todays_and_the_other_only_grows,
		a_deadline_ends_at_zero_and_rounds_up,
		a_poll_ends_with_its_deadline_or_its_event,
		a_signal_does_not_end_a_poll,
	};

	return suite_run("clock", tests, ARRAY_SIZE(tests));
}
