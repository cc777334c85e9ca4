/* A sliding window. */
#include "session/rate.h"

#include "base/base.h"
#include "base/clock.h"

struct rate_count rate_later(struct rate rate, struct rate_count count, int64_t us)
{
	count.age += us;
	if (count.age >= 2 * rate.window)
		return (struct rate_count){ 0 };
	if (count.age >= rate.window)
		return (struct rate_count){ .age = count.age - rate.window, .previous = count.current };
	return count;
}

static int64_t weighed(struct rate rate, struct rate_count count)
{
	return count.previous * (rate.window - count.age) / rate.window;
}

int64_t rate_used(struct rate rate, struct rate_count count)
{
	return weighed(rate, count) + count.current;
}

/* Until less of the previous window counts; where nothing of it does, until the current one begins to be the previous. */
static int64_t until_less(struct rate rate, struct rate_count count)
{
	int64_t previous = weighed(rate, count);
	int64_t at = previous ? rate.window - previous * rate.window / count.previous : rate.window;

	return at - count.age;
}

struct quota quota_of(struct rate rate, struct rate_count count, bool let)
{
	return (struct quota){
		.limit = rate.limit,
		.remaining = let ? MAX(rate.limit - rate_used(rate, count), 0) : 0,
		.wait_us = until_less(rate, count),
		.refused = !let,
	};
}

int quota_seconds(int64_t wait_us)
{
	int64_t seconds = (wait_us + US_PER_SECOND - 1) / US_PER_SECOND;

	return (int)MAX(seconds, 1);
}
