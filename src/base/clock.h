/*
 * Time. Two clocks, never mixed: the monotonic one measures (deadlines, durations), the wall clock dates.
 * All values are microseconds in int64_t; wall time counts from 1970-01-01T00:00:00Z.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define US_PER_MS     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)

enum { TIME_TEXT_SIZE = sizeof "2026-01-31T23:59:59.123456Z", DATE_TEXT_SIZE = sizeof "2026-01-31" };

int64_t clock_now(void);  /* monotonic, us */
int64_t clock_wall(void); /* wall, us since 1970 */

/* A point on the monotonic clock. A wait ends when it is reached. */
struct deadline {
	int64_t at;
};

struct deadline deadline_in(int64_t us);
struct deadline deadline_earlier(struct deadline a, struct deadline b);
int64_t deadline_left(struct deadline d); /* us, never below 0 */
int deadline_left_ms(struct deadline d);  /* for poll(): rounded up, so that 0 means it has passed */

/* poll() one descriptor until `events` or the deadline. Returns the revents, 0 at the deadline, -errno. EINTR
 * cannot happen to a worker (its signals are blocked); elsewhere the wait goes on. */
int deadline_poll(int fd, short events, struct deadline d);

/* RFC 3339 in UTC: "2026-05-01T10:00:00Z", with six digits of fraction only where they are not all zero. */
void time_to_text(int64_t wall, char text[TIME_TEXT_SIZE]);
/* RFC 3339 section 5.6 with any offset and at most nine digits of fraction (cut to microseconds); the date must
 * exist, the year lie in 1970-9999, second 60 is refused. Returns 0 or -1. */
MUST_CHECK int time_parse(const char *text, size_t n, int64_t *ret_wall);

/* Days since 1970-01-01, written "2026-05-01". Same limits. */
void date_to_text(int32_t days, char text[DATE_TEXT_SIZE]);
MUST_CHECK int date_parse(const char *text, size_t n, int32_t *ret_days);
int32_t date_of(int64_t wall);

#endif
