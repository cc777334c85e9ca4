/* Time: reading the two clocks, deadlines, and RFC 3339 text. Civil dates by days_from_civil arithmetic
 * (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"): no time zone, no libc state. */
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

enum { DAYS_TO_1970 = 719468, DAYS_PER_ERA = 146097, SECONDS_PER_DAY = 86400 };
/* 9999-12-31T23:59:59.999999Z, the last time with a year of four digits. */
#define WALL_LAST (INT64_C(253402300800) * US_PER_SECOND - 1)

static int64_t clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
}

int64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

struct deadline deadline_in(int64_t us)
{
	return (struct deadline){ clock_now() + us };
}

struct deadline deadline_earlier(struct deadline a, struct deadline b)
{
	return a.at < b.at ? a : b;
}

int64_t deadline_left(struct deadline d)
{
	int64_t left = d.at - clock_now();

	return MAX(left, 0);
}

int deadline_left_ms(struct deadline d)
{
	int64_t ms = (deadline_left(d) + US_PER_MS - 1) / US_PER_MS;

	return (int)MIN(ms, 3600 * 1000);
}

int deadline_poll(int fd, short events, struct deadline d)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int n = poll(&p, 1, deadline_left_ms(d));
		if (n >= 0)
			return n ? p.revents : 0;
		if (errno != EINTR)
			return -errno;
	}
}

static int64_t days_from_civil(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = y / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * DAYS_PER_ERA + yoe * 365 + yoe / 4 - yoe / 100 + doy - DAYS_TO_1970;
}

struct civil {
	int y, m, d;
};

static struct civil civil_from_days(int64_t days)
{
	int64_t z = days + DAYS_TO_1970;
	int64_t era = z / DAYS_PER_ERA;
	int64_t doe = z - era * DAYS_PER_ERA;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t m = mp + (mp < 10 ? 3 : -9);

	return (struct civil){ (int)(yoe + era * 400 + (m <= 2)), (int)m,
		(int)(doy - (153 * mp + 2) / 5 + 1) };
}

/* `value` in decimal, `width` digits with leading zeros. */
static void put_digits(char *at, int width, int64_t value)
{
	while (width--) {
		at[width] = (char)('0' + value % 10);
		value /= 10;
	}
}

void date_to_text(int32_t days, char text[DATE_TEXT_SIZE])
{
	struct civil c = civil_from_days(days);

	put_digits(text, 4, c.y);
	put_digits(text + 5, 2, c.m);
	put_digits(text + 8, 2, c.d);
	text[4] = text[7] = '-';
	text[10] = '\0';
}

int32_t date_of(int64_t wall)
{
	return (int32_t)(wall / (SECONDS_PER_DAY * US_PER_SECOND));
}

void time_to_text(int64_t wall, char text[TIME_TEXT_SIZE])
{
	int64_t seconds = wall / US_PER_SECOND;
	int64_t fraction = wall % US_PER_SECOND;
	int64_t of_day = seconds % SECONDS_PER_DAY;
	char *at = text + 19;

	date_to_text((int32_t)(seconds / SECONDS_PER_DAY), text);
	text[10] = 'T';
	put_digits(text + 11, 2, of_day / 3600);
	put_digits(text + 14, 2, of_day / 60 % 60);
	put_digits(text + 17, 2, of_day % 60);
	text[13] = text[16] = ':';
	if (fraction) {
		*at++ = '.';
		put_digits(at, 6, fraction);
		at += 6;
	}
	*at++ = 'Z';
	*at = '\0';
}

/* A cursor over text: each take_ returns false and stays false once something did not fit. */
struct cursor {
	const char *at, *end;
};

static bool take_number(struct cursor *c, int width, int low, int high, int *ret)
{
	int value = 0;

	if (c->end - c->at < width)
		return false;
	for (; width; width--, c->at++) {
		if (*c->at < '0' || *c->at > '9')
			return false;
		value = value * 10 + (*c->at - '0');
	}
	*ret = value;
	return value >= low && value <= high;
}

static bool take_char(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool take_letter(struct cursor *c, char upper)
{
	return take_char(c, upper) || take_char(c, (char)(upper + ('a' - 'A')));
}

static bool take_date(struct cursor *c, int32_t *ret_days)
{
	static const signed char month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y, m, d;

	if (!take_number(c, 4, 1970, 9999, &y) || !take_char(c, '-') || !take_number(c, 2, 1, 12, &m) ||
		!take_char(c, '-') || !take_number(c, 2, 1, 31, &d))
		return false;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (d > month_days[m - 1] + (m == 2 && leap))
		return false;
	*ret_days = (int32_t)days_from_civil(y, m, d);
	return true;
}

static bool take_fraction(struct cursor *c, int64_t *ret_us)
{
	int64_t us = 0, unit = US_PER_SECOND;
	int digits = 0;

	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, digits++) {
		unit /= 10;
		us += (*c->at - '0') * unit;
	}
	*ret_us = us;
	return digits >= 1 && digits <= 9;
}

static bool take_offset(struct cursor *c, int64_t *ret_seconds)
{
	int h, m;

	*ret_seconds = 0;
	if (take_letter(c, 'Z'))
		return true;
	if (c->at == c->end || (*c->at != '+' && *c->at != '-'))
		return false;
	int sign = *c->at++ == '-' ? -1 : 1;
	if (!take_number(c, 2, 0, 23, &h) || !take_char(c, ':') || !take_number(c, 2, 0, 59, &m))
		return false;
	*ret_seconds = sign * (h * 3600 + m * 60);
	return true;
}

int date_parse(const char *text, size_t n, int32_t *ret_days)
{
	struct cursor c = { text, text + n };
	int32_t days;

	if (!take_date(&c, &days) || c.at != c.end)
		return -1;
	*ret_days = days;
	return 0;
}

int time_parse(const char *text, size_t n, int64_t *ret_wall)
{
	struct cursor c = { text, text + n };
	int32_t days;
	int h, m, s;
	int64_t us = 0, offset;

	if (!take_date(&c, &days) || !take_letter(&c, 'T') || !take_number(&c, 2, 0, 23, &h) ||
		!take_char(&c, ':') || !take_number(&c, 2, 0, 59, &m) || !take_char(&c, ':') ||
		!take_number(&c, 2, 0, 59, &s))
		return -1;
	if (c.at < c.end && *c.at == '.') {
		c.at++;
		if (!take_fraction(&c, &us))
			return -1;
	}
	if (!take_offset(&c, &offset) || c.at != c.end)
		return -1;
	int64_t wall =
		(days * (int64_t)SECONDS_PER_DAY + h * 3600 + m * 60 + s - offset) * US_PER_SECOND + us;
	if (wall < 0 || wall > WALL_LAST) /* its offset leads out of the years */
		return -1;
	*ret_wall = wall;
	return 0;
}
